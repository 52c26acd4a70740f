"""The fit, its contrasts and what can be said of it."""
