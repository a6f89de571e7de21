"""Trained residuals, with their cards."""
