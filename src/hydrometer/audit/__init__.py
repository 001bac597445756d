"""Runs the instruments that a dossier allows and gathers their evidence into one audit."""

from hydrometer.audit.run import run_audit

__all__ = ["run_audit"]
