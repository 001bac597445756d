"""One run from the command line's point of view: ask a plan of one target, and sum up."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hydrometer.collect.engine import Collector, EndpointRefused, RunSummary, Settings, Stop
from hydrometer.collect.money import Estimate, usd
from hydrometer.collect.plan import Plan
from hydrometer.collect.watch import ALPHA, Watch, watch
from hydrometer.records.exchange import Target
from hydrometer.records.responses import STATUSES
from hydrometer.store.evidence import EvidenceStore, Spend
from hydrometer.store.evidence.counts import Counts, count_calls, identity_of
from hydrometer.store.evidence.keys import canonical, question_key


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What a run did and what the store holds after it.

    Attributes:
        model: the subject's name.
        store: the file.
        run_summary: of this run.
        counts: of the whole plan, earlier runs included.
        spend: of the target in this store, reserves for lost requests included.
        price_known: whether dollars were counted.
        lost: requests in flight when earlier runs died, noticed by this one.
        watch: what the canaries say; None where the plan is not complete.
        refusal: why the endpoint was given up; None where it was not.
    """

    model: str
    store: Path
    run_summary: RunSummary
    counts: Counts
    spend: Spend
    price_known: bool
    lost: int
    watch: Watch | None
    refusal: str | None

    @property
    def complete(self) -> bool:
        """Whether every probe has its answer or was given up."""
        return self.run_summary.settled >= self.run_summary.total and self.refusal is None


def collect(
    target: Target,
    plan: Plan,
    store: Path,
    *,
    settings: Settings,
    confirm: Callable[[Estimate], None] = lambda _: None,
    on_change: Callable[[RunSummary], None] | None = None,
) -> Collected:
    """Asks a plan of a target and closes it.

    The first Ctrl-C (or SIGTERM) waits for what is under way and keeps it; a second one ends at once.

    Args:
        target: whom to ask.
        plan: what to ask.
        store: where everything is written.
        settings: how.
        confirm: called with the estimate before the first request; raises to call the run off.
        on_change: called after every request.

    Raises:
        InputError: if the store cannot be used.
        OutputError: if it cannot be written (any more).
    """
    return asyncio.run(_collect(target, plan, store, settings, confirm, on_change))


async def _collect(
    target: Target,
    plan: Plan,
    path: Path,
    settings: Settings,
    confirm: Callable[[Estimate], None],
    on_change: Callable[[RunSummary], None] | None,
) -> Collected:
    store = EvidenceStore(path)
    refusal = None
    try:
        collector = Collector(target, store, settings=settings, on_change=on_change)
        expected = await collector.prepare(plan.questions)
        if expected.requests:
            confirm(expected)
        try:
            with _stopped_by_signals(collector):
                run_summary = await collector.run()
        except EndpointRefused as error:
            run_summary, refusal = collector.run_summary, str(error)
        spend = await collector.spend()
    finally:
        await target.close()
        store.close()
    identity = identity_of(target)
    keys = [question_key(canonical(q.request), identity, q.replicate) for q in plan.questions]
    finished = refusal is None and run_summary.settled >= run_summary.total
    return Collected(
        model=target.model,
        store=path,
        run_summary=run_summary,
        counts=count_calls(path, keys),
        spend=spend,
        price_known=settings.budget.price is not None,
        lost=store.lost,
        watch=watch(path, identity, plan.canaries) if finished and plan.canaries else None,
        refusal=refusal,
    )


@contextlib.contextmanager
def _stopped_by_signals(collector: Collector) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def stop() -> None:
        if collector.run_summary.stop is Stop.INTERRUPTED and task is not None:
            task.cancel()
        collector.stop()

    handled = []
    for number in (signal.SIGINT, signal.SIGTERM):
        # Threads other than the main one, as in tests, cannot handle signals.
        with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
            loop.add_signal_handler(number, stop)
            handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


def summary(result: Collected) -> dict[str, object]:
    """Returns what `--json` prints last."""
    counts, run_summary = result.counts, result.run_summary
    canaries = None
    if result.watch is not None:
        test = result.watch.result
        canaries = {
            "n": result.watch.n_canaries,
            "alpha": ALPHA,
            "pvalue": None if test is None else test.pvalue,
            "changed": result.watch.changed,
            "note": result.watch.note,
        }
    return {
        "model": result.model,
        "store": str(result.store),
        **{status: counts.statuses.get(status, 0) for status in STATUSES},
        "open": counts.statuses.get("open", 0),
        "n_probes": sum(counts.statuses.values()),
        "repeats": counts.repeats,
        "requests_sent": run_summary.requests_sent,
        "requests_total": result.spend.requests,
        "tokens": counts.prompt_tokens + counts.completion_tokens,
        "tokens_at_most": result.spend.tokens,
        "usd": usd(result.spend.nano_usd) if result.price_known else None,
        "stop": "endpoint_refused" if result.refusal is not None else run_summary.stop.value,
        "complete": result.complete,
        "throttled": run_summary.throttled,
        "faults": dict(run_summary.faults.most_common()),
        "lost_in_flight": counts.attempts.get("lost", 0),
        "reported_models": counts.reported_models,
        "fingerprints": counts.fingerprints,
        "canaries": canaries,
        "warnings": warnings(result),
    }


def warnings(result: Collected) -> list[str]:
    """Returns everything about a run that a reader of its answers must know, one line each."""
    counts = result.counts
    found = []
    if result.refusal is not None:
        found.append(result.refusal)
    lacking = counts.statuses.get("failed", 0) + counts.statuses.get("invalid", 0)
    if lacking:
        found.append(f"{lacking:,} probes have no answer after every attempt: --retry-failed asks them again")
    if counts.statuses.get("open"):
        found.append(f"{counts.statuses['open']:,} probes are not asked yet: run the same command again")
    if result.lost:
        found.append(f"{result.lost:,} requests were in flight when an earlier run died: they may be paid for twice")
    if len(counts.reported_models) > 1:
        names = ", ".join(f"{name} ({n:,})" for name, n in list(counts.reported_models.items())[:4])
        found.append(f"the provider names more than one model as the author of the answers: {names}")
    elif counts.reported_models and not _same_name(result.model, next(iter(counts.reported_models))):
        found.append(f"the provider says that {next(iter(counts.reported_models))} answered, not {result.model}")
    if len(counts.fingerprints) > 1:
        found.append(f"the provider's fingerprint changed: {len(counts.fingerprints):,} different ones")
    if result.watch is not None and (result.watch.changed or result.watch.result is None):
        found.append(result.watch.note)
    return found


def _same_name(asked: str, reported: str) -> bool:
    """Returns whether a provider's name for its model goes with the one asked for: `gpt-4o` and `gpt-4o-2024-08-06`."""
    one, other = asked.lower().rpartition("/")[2], reported.lower().rpartition("/")[2]
    return other.startswith(one) or one.startswith(other)
