"""Hydrometer: measures what went into a language model, with an error rate beside every answer.

Public names load when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Attribution",
    "Audit",
    "Dossier",
    "HydrometerError",
    "InputError",
    "OutputError",
    "Verdict",
    "__version__",
    "open_attributor",
    "open_panel",
    "read_audit",
    "read_dossier",
    "read_responses",
    "render_html",
    "run_audit",
]

_HOMES = {
    "Attribution": "hydrometer.records.attribution",
    "Audit": "hydrometer.records.audit",
    "Dossier": "hydrometer.records.dossier",
    "HydrometerError": "hydrometer.errors",
    "InputError": "hydrometer.errors",
    "OutputError": "hydrometer.errors",
    "Verdict": "hydrometer.records.evidence_base",
    "open_attributor": "hydrometer.instruments.attribution",
    "open_panel": "hydrometer.panel",
    "read_audit": "hydrometer.store.audits",
    "read_dossier": "hydrometer.store.dossiers",
    "read_responses": "hydrometer.store.responses",
    "render_html": "hydrometer.report",
    "run_audit": "hydrometer.audit",
}

if TYPE_CHECKING:
    from hydrometer.audit import run_audit
    from hydrometer.errors import HydrometerError, InputError, OutputError
    from hydrometer.instruments.attribution import open_attributor
    from hydrometer.panel import open_panel
    from hydrometer.records.attribution import Attribution
    from hydrometer.records.audit import Audit
    from hydrometer.records.dossier import Dossier
    from hydrometer.records.evidence_base import Verdict
    from hydrometer.report import render_html
    from hydrometer.store.audits import read_audit
    from hydrometer.store.dossiers import read_dossier
    from hydrometer.store.responses import read_responses


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hydrometer' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
