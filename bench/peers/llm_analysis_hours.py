"""Hours that llm-analysis 0.2.2 gives, at an efficiency of 1; run by bench/training_cost.py in that package's own venv.

PYTHON bench/llm_analysis_hours.py < CASES.json

It needs transformers 4.31, so that it cannot share an environment. Each case holds `config`, `accelerator`, `tokens`,
`sequence_length` and `gated`; what it rejects comes back as its error.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path


def hours(case: dict) -> float | str:
    """Returns accelerator-hours, or why there are none."""
    from llm_analysis.analysis import train

    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "network.json"
            file.write_text(json.dumps(case["config"]), encoding="utf-8")
            found = train(
                str(file),
                case["accelerator"],
                "w16a16e16",
                log_level="CRITICAL",
                batch_size_per_gpu=1,
                global_batch_size=1024,
                total_num_gpus=1024,
                ds_zero=3,
                seq_len=case["sequence_length"],
                total_num_tokens=case["tokens"],
                mlp_gated_linear_units=case["gated"],
                flops_efficiency=1.0,
            )
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"[:200]
    return float((found[0] if isinstance(found, list) else found)["gpu_hours"])


if __name__ == "__main__":
    answers = [hours(case) for case in json.load(sys.stdin)]
    sys.stdout.write("\n" + json.dumps(answers) + "\n")
