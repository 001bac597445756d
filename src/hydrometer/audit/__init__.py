"""Runs the instruments that a dossier and its files allow and gathers their evidence into one audit."""

from hydrometer.audit.files import TeacherFiles
from hydrometer.audit.run import run_audit

__all__ = ["TeacherFiles", "run_audit"]
