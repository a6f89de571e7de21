"""Whether to trust a policy: metrics, bounds, constraints, verdicts."""
