"""The lab: networks, training that survives a kill, distillation, the ledger. Skipped without torch."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the lab needs torch: make lab-ready")
pytest.importorskip("transformers", reason="the lab needs transformers: make lab-ready")

from hydrometer.errors import InputError, OutputError  # noqa: E402
from hydrometer.lab import files, network, quick, sample  # noqa: E402
from hydrometer.lab.distill import distill, divergence_of  # noqa: E402
from hydrometer.lab.recipes import DeepSeekShape, DistillRecipe, LlamaShape, TrainRecipe, read_recipe  # noqa: E402
from hydrometer.lab.train import train  # noqa: E402

DEEP = """
[model]
kind = "deepseek"
hidden_size = 32
layers = 2
heads = 2
kv_rank = 8
nope_dim = 8
rope_dim = 4
value_dim = 12
dense_size = 48
expert_size = 16
experts = 4
experts_per_token = 2
"""
DENSE = """
[model]
kind = "llama"
hidden_size = 32
layers = 1
heads = 2
kv_heads = 1
intermediate_size = 48
"""
TRAINING = """
[training]
tokens = {tokens}
batch = 4
sequence_length = 16
precision = "fp32"
checkpoint_every = 3
"""
BILL = """
[bill]
peak_flop_per_second = 1e9
usd_per_device_hour = 2.0
date = 2026-11-25
source = "a test"
watts_per_device = 10.0
"""


def words(seed: int, n: int = 3000) -> str:
    rng = random.Random(seed)
    vocabulary = ["".join(rng.choice("abcdefgh") for _ in range(rng.randint(2, 6))) for _ in range(60)]
    return " ".join(rng.choice(vocabulary) for _ in range(n))


def recipe(folder: Path, *parts: str, name: str = "m", tokens: int = 640, text: str = "text.txt") -> Path:
    (folder / "text.txt").write_text(words(0))
    path = folder / f"{name}.toml"
    head = f'name = "{name}"\nseed = 5\ntext = ["{text}"]\nvocab_size = 300\n'
    path.write_text(head + "".join(parts) + TRAINING.format(tokens=tokens) + BILL)
    return path


def run(path: Path, out: Path, **options: Any) -> Any:
    return train(read_recipe(path, TrainRecipe)[0], path, out, **options)


class Stopped(BaseException):
    pass


def stop_at(step: int) -> Any:
    def progress(done: int, total: int, loss: float) -> None:
        if done == step:
            raise Stopped

    return progress


@pytest.mark.parametrize("shape", [DEEP, DENSE], ids=["deepseek", "llama"])
def test_a_stopped_training_goes_on_to_the_same_losses(shape: str, tmp_path: Path) -> None:
    path = recipe(tmp_path, shape)
    whole = run(path, tmp_path / "whole")
    with pytest.raises(Stopped):
        run(path, tmp_path / "stopped", progress=stop_at(8))
    assert sorted(p.name for p in (tmp_path / "stopped/checkpoints").iterdir()) == ["step-00000003", "step-00000006"]
    again = run(path, tmp_path / "stopped")
    curves = [json.loads((tmp_path / x / "curve.json").read_text()) for x in ("whole", "stopped")]
    assert curves[0] == curves[1]
    assert again.weights_sha256 == whole.weights_sha256
    assert again.ledger.tokens == whole.ledger.tokens == 640
    assert whole.last_loss < whole.first_loss
    assert not (tmp_path / "stopped/checkpoints").exists()


def test_a_killed_training_goes_on_to_the_same_losses(tmp_path: Path) -> None:
    path = recipe(tmp_path, DENSE)
    whole = run(path, tmp_path / "whole")
    code = (
        "import os, signal, sys; from pathlib import Path; from hydrometer.lab.train import train;"
        "from hydrometer.lab.recipes import TrainRecipe, read_recipe; p = Path(sys.argv[1]);"
        "train(read_recipe(p, TrainRecipe)[0], p, Path(sys.argv[2]),"
        " progress=lambda d, n, l: d == 7 and os.kill(os.getpid(), signal.SIGKILL))"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(path), str(tmp_path / "killed")], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert run(path, tmp_path / "killed").weights_sha256 == whole.weights_sha256


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = recipe(tmp_path, DENSE)
    whole = run(path, tmp_path / "whole")
    real, written = files.write_tensors, []

    def full(place: Path, tensors: Any) -> str:
        written.append(place)
        if len(written) == 4:  # the second file of the second checkpoint
            place.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        return real(place, tensors)

    monkeypatch.setattr(files, "write_tensors", full)
    with pytest.raises(OutputError, match=r"No space left on device.*free some space"):
        run(path, tmp_path / "full")
    assert [p.name for p in (tmp_path / "full/checkpoints").iterdir()] == ["step-00000003"]
    monkeypatch.undo()
    assert run(path, tmp_path / "full").weights_sha256 == whole.weights_sha256


def test_checkpoints_of_another_recipe_are_refused(tmp_path: Path) -> None:
    path = recipe(tmp_path, DENSE)
    with pytest.raises(Stopped):
        run(path, tmp_path / "out", progress=stop_at(4))
    path.write_text(path.read_text().replace("seed = 5", "seed = 6"))
    with pytest.raises(InputError, match="another recipe or other data"):
        run(path, tmp_path / "out")
    path.write_text(path.read_text().replace("hidden_size = 32", "hidden_size = 64"))
    with pytest.raises(InputError, match=r"another shape: 'lm_head|another shape: 'model"):
        run(path, tmp_path / "out")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("vocab_size = 300", "vocab_sise = 300", "unknown key 'vocab_sise'"),
        ("layers = 1", "layer = 1", "unknown key 'model.layer'"),
        ("batch = 4", 'batch = "4"', "training.batch"),
        ("seed = 5\n", "", "'seed' is missing"),
        ("heads = 2", "heads = 3", "heads do not divide"),
        ('source = "a test"\n', "", "a price without a date or a source"),
        ('kind = "llama"', 'kind = "mamba"', "mamba"),
        ("seed = 5", "seed = ", "not TOML"),
    ],
)
def test_a_bad_recipe_gets_one_line(old: str, new: str, line: str, tmp_path: Path) -> None:
    path = recipe(tmp_path, DENSE)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError) as error:
        read_recipe(path, TrainRecipe)
    assert line in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_bad_texts_and_weights_get_one_line(tmp_path: Path) -> None:
    path = recipe(tmp_path, DENSE)
    (tmp_path / "text.txt").write_bytes(b"")
    with pytest.raises(InputError, match="a corpus of 0 bytes"):
        run(path, tmp_path / "out")
    (tmp_path / "text.txt").write_text("too short")
    with pytest.raises(InputError, match="tokens of text, but a block needs"):
        run(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="a pickle"):
        files.read_tensors(tmp_path / "weights.bin")
    for name, content in (("a.safetensors", b"PK\x03\x04" + b"0" * 99), ("b.safetensors", b"\x80\x02}q\x00X\x05\x00.")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match="a pickle"):
            files.read_tensors(tmp_path / name)
    (tmp_path / "c.safetensors").write_bytes(b"\x00" * 40)
    with pytest.raises(InputError, match="no safetensors file"):
        files.read_tensors(tmp_path / "c.safetensors")


def deep(**changes: Any) -> Any:
    values = {
        "kind": "deepseek", "hidden_size": 32, "layers": 2, "heads": 2, "kv_rank": 8, "nope_dim": 8, "rope_dim": 4,
        "value_dim": 12, "dense_size": 48, "expert_size": 16, "experts": 4, "experts_per_token": 2,
    }  # fmt: skip
    torch.manual_seed(0)
    shape = DeepSeekShape.model_validate(values | changes)
    return network.Network(network.config_of(shape, vocab_size=300, longest=64))


def test_the_cost_engine_counts_the_parameters_of_the_networks() -> None:
    llama = LlamaShape(kind="llama", hidden_size=32, layers=2, heads=4, kv_heads=2, intermediate_size=48)
    dense = network.Network(network.config_of(llama, vocab_size=300, longest=64))
    model = deep()
    for one in (dense, model):
        stored = sum(p.numel() for p in one.lm.parameters())
        assert network.architecture(one.config).total_parameters() == stored
    engine = network.architecture(model.config)
    weights = sum(p.numel() for n, p in model.mtp.named_parameters() if "norm" not in n)
    assert engine.mtp_parameters() == weights


@pytest.mark.parametrize(("autocast", "tolerance"), [(False, 1e-5), (True, 2e-2)])
def test_the_loss_in_pieces_is_the_loss_with_its_gradients(autocast: bool, tolerance: float) -> None:
    draws = torch.Generator().manual_seed(0)
    targets = torch.randint(0, 40, (600,), generator=draws)
    targets[::7] = quick.NOT_LEARNT
    found = []
    for whole in (True, False):
        draws.manual_seed(1)
        hidden, weight = (torch.randn(n, 16, generator=draws, requires_grad=True) for n in (600, 40))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            if whole:
                logits = torch.nn.functional.linear(hidden, weight).float()
                loss = torch.nn.functional.cross_entropy(logits, targets, ignore_index=quick.NOT_LEARNT)
            else:
                loss = quick.head_loss(hidden, weight, targets)
        (3 * loss).backward()
        found.append((loss.detach(), hidden.grad, weight.grad))
    for a, b in zip(*found, strict=True):
        assert float((a - b).norm() / a.norm()) < tolerance


def test_balance_loss_is_one_where_all_is_even_and_more_where_not() -> None:
    even = torch.zeros(8, 4)
    chosen = torch.tensor([[0, 1], [2, 3]] * 4)
    assert float(network.balance_loss(even, chosen, n_sequences=2)) == pytest.approx(1.0)
    lopsided = torch.tensor([[9.0, 9.0, -9.0, -9.0]] * 8)
    crowd = torch.tensor([[0, 1]] * 8)
    assert float(network.balance_loss(lopsided, crowd, n_sequences=2)) == pytest.approx(2.0, abs=1e-3)


def test_biases_move_towards_even_load() -> None:
    model = deep(experts_per_token=1)
    seen = network.Routing(chosen=[torch.tensor([[0], [0], [0], [1]])] * len(model.routers()))
    ratios = network.update_biases(model.routers(), seen, step=0.01)
    assert ratios == [3.0, 3.0]
    assert model.routers()[0].e_score_correction_bias.tolist() == pytest.approx([-0.01, 0.0, 0.01, 0.01])


def test_the_second_head_sees_no_token_that_it_predicts() -> None:
    model = deep().eval()
    tokens = torch.arange(1, 13)[None]
    changed = tokens.clone()
    changed[0, 8] = 99
    with torch.no_grad():
        before = model.two_ahead(model.hidden(tokens), tokens)
        after = model.two_ahead(model.hidden(changed), changed)
    # Position i reads tokens up to i + 1 and predicts i + 2. Other tokens make other groups for the experts, and
    # sums in another order: what is not seen may still move in its last digits.
    moved = (before - after).abs().amax(dim=(0, 2))
    assert moved[7] > 0.1 * before.abs().max()
    assert moved[:7].max() < 1e-4 * moved[7]


@pytest.mark.parametrize("n_prompts", [3, 40], ids=["all experts read", "chosen experts read"])
def test_latent_and_expanded_caches_write_the_same_and_take_what_the_formula_says(n_prompts: int) -> None:
    model = deep()
    prompts = torch.randint(1, 300, (n_prompts, 6), generator=torch.Generator().manual_seed(1))
    long, wide = sample.sample(model, prompts, n_new=10, temperature=0, cache_kind="expanded")
    short, narrow = sample.sample(model, prompts, n_new=10, temperature=0, cache_kind="latent")
    assert torch.equal(long, short)
    held = 15  # the last token drawn is not read any more
    engine = network.architecture(model.config)
    assert narrow == n_prompts * engine.cache_bytes(held, bytes_per_value=4.0)
    assert wide == n_prompts * held * 2 * 2 * (8 + 4 + 12) * 4


def test_divergences_match_their_definition() -> None:
    teacher, student = torch.tensor([[[0.0, math.log(3)]]]), torch.tensor([[[0.0, 0.0]]])
    forward = 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)
    reverse = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)
    assert float(divergence_of(teacher, student, method="forward_kl", temperature=1.0)) == pytest.approx(forward)
    assert float(divergence_of(teacher, student, method="reverse_kl", temperature=1.0)) == pytest.approx(reverse)


@pytest.mark.parametrize("method", ["sequence", "forward_kl", "reverse_kl", "on_policy"])
def test_a_student_learns_its_teacher_at_the_dose(method: str, tmp_path: Path) -> None:
    teacher = recipe(tmp_path, DEEP, name="teacher")
    made = run(teacher, tmp_path / "teacher")
    base = recipe(tmp_path, 'tokenizer = "teacher/tokenizer.json"\n', DENSE, name="base")
    run(base, tmp_path / "base")
    path = tmp_path / "student.toml"
    path.write_text(
        f'name = "student"\nseed = 3\nstudent = "base"\nmethod = "{method}"\ntext = ["text.txt"]\nprompt_tokens = 4\n'
        'teachers = [{ model = "teacher", share = 0.5 }]\n' + TRAINING.format(tokens=640) + BILL
    )
    result = distill(read_recipe(path, DistillRecipe)[0], path, tmp_path / "student")
    assert [(p.name, p.relation, p.dose) for p in result.parents] == [("base", "start", 0.0), ("teacher", method, 0.5)]
    assert result.parents[1].sha256 == made.weights_sha256
    ledger = result.ledger
    assert ledger.sampled_tokens == {"sequence": 20 * 13, "on_policy": 320}.get(method, 0)
    assert ledger.other_flop > 0
    assert ledger.usd == pytest.approx(ledger.device_seconds / 3600 * 2.0)
    assert ledger.kwh == pytest.approx(ledger.device_seconds * 10.0 / 3.6e6)
    flop = ledger.training_flop + ledger.other_flop
    assert ledger.mfu == pytest.approx(flop / ledger.device_seconds / 1e9)
    assert math.isfinite(result.last_loss)


def test_transformers_reads_the_models(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    run(recipe(tmp_path, DEEP), tmp_path / "out")
    mine, _ = files.load_model(tmp_path / "out")
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "out", local_files_only=True)
    tokens = torch.arange(1, 9)[None]
    with torch.no_grad():
        assert torch.allclose(mine.eval().logits(tokens), theirs.eval()(tokens).logits, atol=1e-5)


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    def write() -> None:
        with files.whole_folder(tmp_path / "x") as fresh:
            (fresh / "a").write_text("a")
            raise OSError(28, os.strerror(28))

    with pytest.raises(OutputError):
        write()
    assert list(tmp_path.iterdir()) == []


def torchrun(path: Path, out: Path, *, stop: int = 0) -> subprocess.CompletedProcess[str]:
    code = (
        "import os, sys; from pathlib import Path; from hydrometer.lab.train import train;"
        "from hydrometer.lab.recipes import TrainRecipe, read_recipe; p = Path(sys.argv[1]);"
        "train(read_recipe(p, TrainRecipe)[0], p, Path(sys.argv[2]),"
        f" progress=lambda d, n, l: d == {stop} and os._exit(9))"
    )
    script = path.with_suffix(".py")
    script.write_text(code)
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(script), str(path), str(out)],
        check=False, capture_output=True, text=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def test_two_processes_with_shards_learn_what_one_learns_and_go_on(tmp_path: Path) -> None:
    path = recipe(tmp_path, DEEP)
    whole = run(path, tmp_path / "whole")
    assert torchrun(path, tmp_path / "two", stop=8).returncode != 0
    assert sorted(p.name for p in (tmp_path / "two/checkpoints").iterdir()) == ["step-00000003", "step-00000006"]
    again = torchrun(path, tmp_path / "two")
    assert again.returncode == 0, again.stderr
    told = json.loads((tmp_path / "two/run.json").read_text())
    assert told["ledger"]["n_devices"] == 2
    assert told["ledger"]["tokens"] == whole.ledger.tokens
    one, two = [json.loads((tmp_path / x / "curve.json").read_text()) for x in ("whole", "two")]
    for a, b in zip(one, two, strict=True):
        assert b == pytest.approx(a, rel=2e-4)
    ours, _ = files.load_model(tmp_path / "whole")
    theirs, _ = files.load_model(tmp_path / "two")
    for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(a, b, atol=2e-4), name


def test_a_draft_changes_no_token() -> None:
    from hydrometer.lab.speculate import draft_and_check

    for query_rank in (0, 16):
        model = deep(query_rank=query_rank)
        with torch.no_grad():
            # So that drafts are right here and wrong there.
            model.mtp.projection.weight.zero_()
            model.mtp.projection.weight[:, 32:].copy_(torch.eye(32))
        prompts = torch.randint(1, 300, (3, 6))
        plain, _ = sample.sample(model, prompts, n_new=15, temperature=0)
        for prompt, wanted in zip(prompts, plain, strict=True):
            found = draft_and_check(model, prompt, n_new=15)
            assert torch.equal(found.tokens_T, wanted)
            assert 0 <= found.accepted <= found.proposed == found.passes - 1
    with pytest.raises(InputError, match="no multi-token module"):
        draft_and_check(deep(mtp=False), prompts[0], n_new=2)


def test_the_draft_with_a_cache_is_the_draft_without() -> None:
    from hydrometer.lab.speculate import _Drafter

    model = deep().eval()
    tokens = torch.randint(1, 300, (14,))
    with torch.no_grad():
        hidden = model.hidden(tokens[None])
        whole = model.lm.lm_head(model.two_ahead(hidden, tokens[None]))[0].argmax(-1).tolist()
        drafter, place = _Drafter(model), 0
        for n in (6, 1, 2, 1, 3):
            proposed = drafter.propose(hidden[:, place : place + n], tokens[place + 1 : place + n + 1].tolist())
            place += n
            assert proposed == whole[place - 1]
