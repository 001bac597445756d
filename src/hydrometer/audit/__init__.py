"""Runs the instruments that a dossier and its files allow and gathers their evidence into one audit."""

from hydrometer.audit.run import inputs_from_options, run_audit
from hydrometer.audit.stored import audit_json, parse_audit, read_audit

__all__ = ["audit_json", "inputs_from_options", "parse_audit", "read_audit", "run_audit"]
