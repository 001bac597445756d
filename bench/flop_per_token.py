"""FLOP per token, counted from the shape, beside what NVIDIA's throughput tables imply, and beside 6·N.

python bench/flop_per_token.py
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from hydrometer.costs.architecture import Architecture
from hydrometer.costs.flop import training_flop_per_token
from hydrometer.instruments.training_cost.compute import build_architecture
from hydrometer.records.dossier import ArchitectureSpec


@dataclass(frozen=True)
class Row:
    """One network: counted and published GFLOP per token, and billions of parameters."""

    name: str
    architecture: Architecture
    counted_gflop: float
    nvidia_gflop: float
    counted_billion: float
    published_billion: float

    @property
    def short_form_gflop(self) -> float:
        """6·N_active, the short form that leaves out the attention core."""
        return 6 * self.architecture.active_parameters()["with_both_embeddings"] / 1e9


def rows() -> list[Row]:
    """Returns every network of bench/architectures.toml."""
    table = tomllib.loads(Path(__file__).with_name("architectures.toml").read_text(encoding="utf-8"))
    found = []
    for name, entry in table.items():
        spec = ArchitectureSpec.model_validate({"source": "bench", "place": "table", **entry["architecture"]})
        architecture = build_architecture(spec)
        flop = training_flop_per_token(architecture, sequence_length=entry["sequence_length"])
        total = architecture.total_parameters() / 1e9
        found.append(Row(name, architecture, flop / 1e9, entry["nvidia_gflop"], total, entry["total_billion"]))
    return found


def main() -> None:
    """Prints the table."""
    print("| network | parameters (billion) | counted GFLOP/token | NVIDIA | gap | gap of 6·N |")
    print("|---|---|---|---|---|---|")
    for row in rows():
        gap, short = (x / row.nvidia_gflop - 1 for x in (row.counted_gflop, row.short_form_gflop))
        print(
            f"| {row.name} | {row.counted_billion:.2f} | {row.counted_gflop:.1f} | {row.nvidia_gflop} | "
            f"{100 * gap:+.2f} % | {100 * short:+.1f} % |"
        )


if __name__ == "__main__":
    main()
