"""What may be done to a body: doses, devices, days, limits."""
