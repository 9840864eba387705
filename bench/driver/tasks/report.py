"""The tables of background tasks."""

import statistics

from ..report import machine
from .measure import BATCH, CALLERS, RATE, Pace, Results, percentile
from .peers import Peer

BEGIN = "<!-- results of tasks: written by bench/run tasks -->"
FIGURES = {
    "enqueue": f"enqueue one by one, {CALLERS} callers",
    "bulk": f"enqueue in bulk, {BATCH:,} a call",
    "execute": "execute",
}


def markdown(peers: list[Peer], results: Results, versions: dict[str, str], pace: Pace) -> str:
    """The whole report."""
    software = ", ".join(f"{name} {version}" for name, version in versions.items())
    rounds = f"{pace.rounds} round{'s' * (pace.rounds > 1)}"
    circumstances = (
        f"{machine()} shared by callers, workers and stores; {software}; {rounds} of {pace.enqueued:,} tasks enqueued one by "
        f"one and {pace.executed:,} in bulk and executed (Celery {pace.slow:,})."
    )
    parts = [[circumstances], _rates(peers, results), _latencies(peers, results)]
    if results.kept:
        parts.append(_kept(results))
    return "\n\n".join("\n".join(part) for part in parts)


def _kept(results: Results) -> list[str]:
    lines = ["| Plinth on PostgreSQL executes | tasks/s, median | min to max | / empty |", "| --- | ---: | ---: | ---: |"]
    for finished, rates in sorted(results.kept.items()):
        title = f"beside {finished:,} finished tasks" if finished else "in an empty ledger"
        each = [a / b for a, b in zip(rates, results.kept[0])]
        ratio = f"{statistics.median(rates) / statistics.median(results.kept[0]):.2f} ({min(each):.2f} to {max(each):.2f})" if finished else ""
        lines.append(f"| {title} | {statistics.median(rates):,.0f} | {min(rates):,.0f} to {max(rates):,.0f} | {ratio} |")
    return lines


def _rates(peers: list[Peer], results: Results) -> list[str]:
    lines = ["| | system | tasks/s, median | min to max | Plinth / it |", "| --- | --- | ---: | ---: | ---: |"]
    for figure, title in FIGURES.items():
        measured = results.rates[figure]
        for peer in peers:
            if rates := measured.get(peer.name):
                middle, spread = statistics.median(rates), f"{min(rates):,.0f} to {max(rates):,.0f}"
                ratio = _ratio(peer, measured.get("ours"), rates)
            else:
                middle, spread, ratio = None, "has none", ""
            lines.append(f"| {title} | {peer.title} | {'' if middle is None else f'{middle:,.0f}'} | {spread} | {ratio} |")
            title = ""
        if figure == "enqueue":
            lines.append(f"| | PostgreSQL alone, one `INSERT` each | {results.ceiling:,.0f} | | |")
    return lines


def _ratio(peer: Peer, ours: list[float] | None, theirs: list[float]) -> str:
    """Of the medians; in brackets the least and the greatest of any round. Only against others."""
    if ours is None or peer.name.startswith("ours"):
        return ""
    each = [a / b for a, b in zip(ours, theirs)]
    return f"{statistics.median(ours) / statistics.median(theirs):.2f} ({min(each):.2f} to {max(each):.2f})"


def _latencies(peers: list[Peer], results: Results) -> list[str]:
    lines = [
        f"| latency of dispatch, {RATE} tasks/s | p50 ms | p99 ms | most ms | its p50 / Plinth's | its p99 / Plinth's |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    ours = results.ms.get("ours")
    for peer in peers:
        ms = results.ms[peer.name]
        middle, tail = percentile(ms, 50), percentile(ms, 99)
        ratios = ("", "")
        if ours and not peer.name.startswith("ours"):
            ratios = (f"{middle / percentile(ours, 50):.2f}", f"{tail / percentile(ours, 99):.2f}")
        lines.append(f"| {peer.title} | {middle:.2f} | {tail:.2f} | {max(ms):.2f} | {ratios[0]} | {ratios[1]} |")
    return lines
