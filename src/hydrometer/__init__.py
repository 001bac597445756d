"""Hydrometer: measures what went into a language model, with an error rate beside every answer.

Public names load when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hydrometer.version import __version__

__all__ = [
    "INSTRUMENTS",
    "Attribution",
    "Audit",
    "Case",
    "Dossier",
    "Evidence",
    "HydrometerError",
    "IdentityAnswers",
    "InputError",
    "OutputError",
    "PanelAnswers",
    "ServingRequest",
    "SimilarityOptions",
    "StatedGain",
    "TrainingPlan",
    "Verdict",
    "__version__",
    "check_cost",
    "compare_answers",
    "estimate_cost",
    "estimate_serving",
    "judge_gain",
    "judge_identity_file",
    "network_from_file",
    "network_from_headline",
    "open_attributor",
    "open_panel",
    "read_audit",
    "read_dossier",
    "read_responses",
    "render_html",
    "run_audit",
    "voice",
]

# By public name: its module, and its own name there where that is another.
_HOMES = {
    "Attribution": "hydrometer.records.attribution",
    "Audit": "hydrometer.records.audit",
    "Case": "hydrometer.instruments.instrument",
    "Dossier": "hydrometer.records.dossier",
    "Evidence": "hydrometer.records.evidence",
    "HydrometerError": "hydrometer.errors",
    "INSTRUMENTS": "hydrometer.instruments.all",
    "IdentityAnswers": "hydrometer.instruments.identity.evidence",
    "InputError": "hydrometer.errors",
    "OutputError": "hydrometer.errors",
    "PanelAnswers": "hydrometer.instruments.attribution.evidence",
    "ServingRequest": "hydrometer.instruments.serving.request",
    "SimilarityOptions": "hydrometer.instruments.similarity.run",
    "StatedGain": "hydrometer.instruments.demand.evidence",
    "TrainingPlan": "hydrometer.instruments.training_cost.estimating.request",
    "Verdict": "hydrometer.records.evidence",
    "check_cost": "hydrometer.instruments.training_cost.evidence",
    "compare_answers": "hydrometer.instruments.similarity.run",
    "estimate_cost": "hydrometer.instruments.training_cost.estimating.estimate:estimate",
    "estimate_serving": "hydrometer.instruments.serving.estimate:estimate",
    "judge_gain": "hydrometer.instruments.demand.verdict",
    "judge_identity_file": "hydrometer.instruments.identity.run",
    "network_from_file": "hydrometer.instruments.training_cost.estimating.request",
    "network_from_headline": "hydrometer.instruments.training_cost.estimating.request",
    "open_attributor": "hydrometer.instruments.attribution.open",
    "open_panel": "hydrometer.panel",
    "read_audit": "hydrometer.audit",
    "read_dossier": "hydrometer.store.dossiers",
    "read_responses": "hydrometer.store.responses",
    "render_html": "hydrometer.report.page",
    "run_audit": "hydrometer.audit",
    "voice": "hydrometer.instruments.similarity.run",
}

if TYPE_CHECKING:
    from hydrometer.audit import read_audit, run_audit
    from hydrometer.errors import HydrometerError, InputError, OutputError
    from hydrometer.instruments.all import INSTRUMENTS
    from hydrometer.instruments.attribution.evidence import PanelAnswers
    from hydrometer.instruments.attribution.open import open_attributor
    from hydrometer.instruments.demand.evidence import StatedGain
    from hydrometer.instruments.demand.verdict import judge_gain
    from hydrometer.instruments.identity.evidence import IdentityAnswers
    from hydrometer.instruments.identity.run import judge_identity_file
    from hydrometer.instruments.instrument import Case
    from hydrometer.instruments.serving.estimate import estimate as estimate_serving
    from hydrometer.instruments.serving.request import ServingRequest
    from hydrometer.instruments.similarity.run import SimilarityOptions, compare_answers, voice
    from hydrometer.instruments.training_cost.estimating.estimate import estimate as estimate_cost
    from hydrometer.instruments.training_cost.estimating.request import (
        TrainingPlan,
        network_from_file,
        network_from_headline,
    )
    from hydrometer.instruments.training_cost.evidence import check_cost
    from hydrometer.panel import open_panel
    from hydrometer.records.attribution import Attribution
    from hydrometer.records.audit import Audit
    from hydrometer.records.dossier import Dossier
    from hydrometer.records.evidence import Evidence, Verdict
    from hydrometer.report.page import render_html
    from hydrometer.store.dossiers import read_dossier
    from hydrometer.store.responses import read_responses


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hydrometer' has no attribute '{name}'")
    module, _, own = _HOMES[name].partition(":")
    return getattr(import_module(module), own or name)
