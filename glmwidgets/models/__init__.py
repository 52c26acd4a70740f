"""The conventional estimator API."""
