"""The face to clinicians: recommendation, report."""
