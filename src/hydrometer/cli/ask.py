"""`hydrometer ask`: put questions to a model, and keep every answer."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typer


def ask(
    target: str | None = typer.Argument(
        None,
        help="http(s)://HOST/v1, smollm2, FILE.gguf, hf:NAME, inspect:PROVIDER/MODEL, replay:FILE.",
        metavar="TARGET",
    ),
    model: str | None = typer.Option(None, "--model", help="The model to ask for.", metavar="NAME"),
    probes: str | None = typer.Option(None, "--probes", help="A file of probes, or a set that ships.", metavar="FILE"),
    store: Path | None = typer.Option(
        None, "--store", help="Where everything is kept; made if new.", metavar="FILE.db"
    ),
    plan: Path | None = typer.Option(None, "--plan", help="Many targets in one TOML file.", metavar="FILE.toml"),
    concurrency: int = typer.Option(8, "--concurrency", min=1, max=1024, help="Most requests under way at once."),
    samples: int = typer.Option(1, "--samples", min=1, max=1000, help="Answers wanted for every probe."),
    canaries: int | None = typer.Option(
        None, "--canaries", min=0, help="Probes asked four times over the run. Without it: 8 to 100, by their number."
    ),
    system: str | None = typer.Option(None, "--system", help="System prompt for every probe.", metavar="TEXT"),
    max_tokens: int = typer.Option(1024, "--max-tokens", min=1, max=1_000_000, help="Longest answer to pay for."),
    temperature: float = typer.Option(0.0, "--temperature", min=0.0, max=2.0, help="Of sampling; 0 is greedy."),
    top_p: float | None = typer.Option(None, "--top-p", min=0.0, max=1.0, help="Nucleus of sampling."),
    seed: int | None = typer.Option(None, "--seed", min=0, help="Seed of the provider's sampling."),
    logprobs: int = typer.Option(0, "--logprobs", min=0, max=20, help="Alternatives to return at each token."),
    completions: bool = typer.Option(False, "--completions", help="Ask /completions instead of /chat/completions."),
    key_env: str | None = typer.Option(
        None, "--key-env", help="Environment variable with the key. Without it: OPENAI_API_KEY.", metavar="NAME"
    ),
    keyring: str | None = typer.Option(
        None, "--keyring", help="Entry of the system's keyring with the key.", metavar="SERVICE/USER"
    ),
    header: list[str] = typer.Option(
        [], "--header", help="Extra header; the value may be env:VARIABLE; repeatable.", metavar="'NAME: VALUE'"
    ),
    timeout: float = typer.Option(120.0, "--timeout", min=0.1, max=86_400, help="Seconds for one whole request."),
    attempts: int = typer.Option(8, "--attempts", min=1, max=100, help="Most requests for one question."),
    max_requests: int | None = typer.Option(None, "--max-requests", min=0, help="Most requests, faulty ones included."),
    max_tokens_total: int | None = typer.Option(None, "--max-tokens-total", min=0, help="Most tokens, in and out."),
    max_usd: float | None = typer.Option(None, "--max-usd", min=0, help="Most US dollars; needs both prices."),
    usd_in: float | None = typer.Option(None, "--usd-per-million-in", min=0, help="Price of a million prompt tokens."),
    usd_out: float | None = typer.Option(
        None, "--usd-per-million-out", min=0, help="Price of a million tokens of answers."
    ),
    retry_failed: bool = typer.Option(False, "--retry-failed", help="Ask again what an earlier run gave up."),
    ray: int | None = typer.Option(None, "--ray", min=1, max=1024, help="Ask through N workers of Ray.", metavar="N"),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask before the first paid request."),
    as_json: bool = typer.Option(False, "--json", help="Print one line of JSON per target at the end."),
) -> None:
    """Put probes to a model and keep every answer; never pay for one twice.

    Run the same command again to go on where it stopped, whatever stopped it. Ctrl-C keeps what is under way. Caps
    count everything that was sent to the target through the store, in earlier runs too.

    \b
    Examples:
      hydrometer ask http://localhost:8000/v1 --model my-model --probes probes.jsonl --store answers.db
      hydrometer ask https://api.openai.com/v1 --model gpt-4o-mini --probes probes.jsonl --store answers.db \\
        --usd-per-million-in 0.15 --usd-per-million-out 0.60 --max-usd 5
      hydrometer ask --plan plan.toml --yes --json
      hydrometer ask --plan plan.toml --ray 4 --yes
    """
    from hydrometer.collect.orders import Order, orders_from

    order = Order(
        target=target, model=model, probes=probes, concurrency=concurrency, samples=samples, canaries=canaries,
        system=system, max_tokens=max_tokens, temperature=temperature, top_p=top_p, seed=seed, logprobs=logprobs,
        completions=completions, key_env=key_env, keyring=keyring, header=tuple(header), timeout=timeout,
        attempts=attempts, max_requests=max_requests, max_tokens_total=max_tokens_total, max_usd=max_usd,
        usd_per_million_in=usd_in, usd_per_million_out=usd_out, retry_failed=retry_failed,
        ray=ray,
    )  # fmt: skip
    status = 0
    for one, path in orders_from(order, store=store, plan=plan):
        status = max(status, _carry_out(one, path, yes=yes, as_json=as_json), key=_worst)
        if status == 130:
            break
    if status:
        raise typer.Exit(status)


def _worst(status: int) -> int:
    return (0, 1, 2, 130).index(status)


def _carry_out(order: object, store: Path, *, yes: bool, as_json: bool) -> int:
    from rich.console import Console

    from hydrometer.cli.asker import ask_before
    from hydrometer.cli.progress import asked
    from hydrometer.collect.engine import Stop
    from hydrometer.collect.money import Estimate
    from hydrometer.collect.orders import Order
    from hydrometer.collect.run import collect, summary
    from hydrometer.errors import printable
    from hydrometer.report.collection import estimate_line, print_collected

    assert isinstance(order, Order)
    target, plan = order.open()
    with asked(target.model) as bar:

        def confirm(estimate: Estimate) -> None:
            if yes or not target.capabilities.billed:
                typer.echo(estimate_line(target.model, estimate), err=True)
            else:
                ask_before(target.model, estimate, where="ask")
            bar.start()

        result = collect(target, plan, store, settings=order.settings(), confirm=confirm, on_change=bar.update)
    if as_json:
        typer.echo(json.dumps(summary(result)))
    else:
        print_collected(result, console=Console(file=sys.stdout, highlight=False))
    if result.refusal is not None:
        print(f"hydrometer: {printable(result.refusal, limit=600)}", file=sys.stderr)
        return 2
    if result.run_summary.stop is Stop.INTERRUPTED:
        return 130
    return 0 if result.complete else 1
