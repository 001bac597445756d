"""What Python users rely on: names, and how they are called. A change of either shows here."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

import hydrometer

ROOT = Path(__file__).parent.parent
# Parameters in order; after `*` by keyword only, `*x` takes any number, `?` has a default.
SIGNATURES = {
    "Case": "dossier, siblings?, compared?, given?, seed?, cache?, progress?",
    "IdentityAnswers": "identity",
    "PanelAnswers": "responses, panel, candidate?, alpha?, model?",
    "ServingRequest": "accelerator, precision?, tp?, dp?, ep?, pp?, disaggregated?, engine?, concurrency?, "
    "input_tokens?, output_tokens?, cache_hit?, drafted?, accepted?, cache_precision?, price?, date?, contract?, "
    "utilisation?",
    "SimilarityOptions": "alpha?, most_probes?, most_null?, seed?",
    "StatedGain": "gain",
    "TrainingPlan": "*, tokens, accelerator, n_accelerators?, precision?, sequence_length?, document_length?, phase?, "
    "steady_mfu?, teacher_parameters?, contract?, tier?, date?, own_quotes?",
    "check_cost": "dossier, siblings?",
    "compare_answers": "subject, reference, *, again?, panel?, options?, progress?",
    "estimate_cost": "network, plan, *, rng",
    "estimate_serving": "model, request, *, target_tpot_ms?, target_ttft_ms?",
    "judge_gain": "gain, beliefs?, *, draws?, seed?",
    "judge_identity_file": "path, *, model?, makers?",
    "network_from_file": "path",
    "network_from_headline": "*, total_parameters, active_parameters?, architecture?, name?",
    "open_attributor": "folder, *, candidates?, alpha?, cache?, progress?",
    "open_panel": "folder",
    "read_audit": "folder",
    "read_dossier": "path",
    "read_responses": "path, *, probes?, model?",
    "render_html": "audit",
    "run_audit": "dossier, *given, seed?, command?, cache?, progress?",
    "voice": "responses, name, *, option",
}
# Records are described in docs/json.md, errors in their docstrings.
OTHERS = {
    "Attribution", "Audit", "Dossier", "Evidence", "HydrometerError", "INSTRUMENTS", "InputError", "OutputError",
    "Verdict", "__version__",
}  # fmt: skip


def spelled(signature: inspect.Signature) -> str:
    parts = []
    for one in signature.parameters.values():
        if one.kind is one.VAR_POSITIONAL:
            parts.append(f"*{one.name}")
            continue
        if one.kind is one.KEYWORD_ONLY and not any(part.startswith("*") for part in parts):
            parts.append("*")
        parts.append(one.name + ("" if one.default is one.empty else "?"))
    return ", ".join(parts)


def test_the_public_names_are_these() -> None:
    assert set(hydrometer.__all__) == set(SIGNATURES) | OTHERS
    assert len(set(hydrometer.__all__)) == len(hydrometer.__all__)


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_public_name_is_called_as_ever(name: str) -> None:
    assert spelled(inspect.signature(getattr(hydrometer, name))) == SIGNATURES[name]


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_the_other_public_names_are_there(name: str) -> None:
    assert getattr(hydrometer, name)


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'guess'"):
        _ = hydrometer.guess


def test_the_wheel_is_typed_and_holds_all_that_the_code_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = pytest.importorskip("hatchling.build")
    monkeypatch.chdir(ROOT)
    with ZipFile(tmp_path / build.build_wheel(str(tmp_path))) as wheel:
        held = {name.removeprefix("hydrometer/") for name in wheel.namelist() if name.startswith("hydrometer/")}
        about = next(name for name in wheel.namelist() if name.endswith("METADATA"))
        metadata = wheel.read(about).decode()
    assert "py.typed" in held
    source = ROOT / "src/hydrometer"
    wanted = {
        str(path.relative_to(source))
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == wanted
    assert f"Version: {hydrometer.__version__}\n" in metadata


def test_importing_the_package_costs_nothing() -> None:
    import subprocess

    code = "import sys, hydrometer; print([m for m in ('numpy', 'polars', 'pydantic', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
