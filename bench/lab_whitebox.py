"""What weights tell and answers do not: how well each model of the zoo predicts text that a teacher or its twin wrote.

Every teacher and every sibling of another seed
writes continuations of windows of the held-out text that are no probes; every member's mean negative log-likelihood of
them, in nats per token, goes to bench/lab_whitebox.csv, which bench/lab.py reads.
"""

from __future__ import annotations

import json
import sys

from frame import Inputs, Page

OUT = "bench/lab_whitebox.csv"
N = 100
ANSWER = 64
SEED = 20251126


def measure(inputs: Inputs) -> Page:
    """Makes the table."""
    import torch

    from hydrometer.lab.corpus import pack, read_text, token_stream
    from hydrometer.lab.files import load_model
    from hydrometer.lab.sample import sample_many

    zoo, texts = inputs["zoo"], inputs["texts"]
    torch.set_num_threads(1)
    folders = {p.name: p for p in sorted((zoo / "members").iterdir()) if (p / "run.json").exists()}
    probes = json.loads((zoo / "probes.json").read_text("utf-8"))
    _, tokenizer = load_model(folders["t1"])
    length = len(probes[0]["tokens"])
    known = {tuple(row["tokens"]) for row in probes}
    windows = pack(token_stream(tokenizer, [read_text(texts / "probes.txt")]), length=length, where="probes.txt")
    prompts = torch.tensor([w for w in windows[:, :-1].tolist() if tuple(w) not in known][:N])
    written = {}
    for name in folders:
        if name in {"t1", "t2", "t3", "t4"} or name.endswith("-other-seed"):
            model, _ = load_model(folders[name])
            written[name] = sample_many(model, prompts, n_new=ANSWER, temperature=1.0, seed=SEED)
    rows = [("model", "text_of", "n", "nats_per_token", "standard_error")]
    for done, (name, folder) in enumerate(folders.items(), start=1):
        model, _ = load_model(folder)
        model.eval()
        for author, tokens in written.items():
            with torch.no_grad():
                logs = model.logits(tokens[:, :-1]).float().log_softmax(-1)
            each = -logs.gather(-1, tokens[:, 1:, None])[:, length - 1 :, 0].mean(1)
            error = float(each.std()) / len(each) ** 0.5
            rows.append((name, author, str(len(each)), f"{float(each.mean()):.4f}", f"{error:.4f}"))
        print(f"{done} of {len(folders)}", end="\r", file=sys.stderr)
    lines = "\n".join(",".join(row) for row in rows)
    return Page(f"{len(rows) - 1} values", ships={OUT: f"{lines}\n".encode()})
