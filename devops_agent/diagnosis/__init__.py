"""Diagnosis in code: why something does not work, from API objects and logs, without a model."""
