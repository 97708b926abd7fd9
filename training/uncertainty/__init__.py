"""Uncertainty: conformal sets, selective prediction, MC dropout against ensembles."""
