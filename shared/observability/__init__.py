"""Logs, metrics and health that never show a patient."""
