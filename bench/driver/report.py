"""The table: what was measured, the ratios, and whether the targets were met."""

import os
import platform
import re
import statistics
import subprocess
import time
from pathlib import Path

from .lineup import BENCH, POOL, ROOT
from .load import CLIENTS, Run
from .measure import Results

BEGIN, END = "<!-- results: written by bench/run -->", "<!-- end of results -->"
TITLES = {
    "get": "`GET /v1/persons/{id}`",
    "list": "`GET /v1/persons?limit=20`",
    "post": "`POST /v1/persons`",
    "ping": "`GET /mon/ping`",
    "page-64": "page of 20, 64 clients",
    "page-1": "page of 20, 1 client",
}
SERVICES = {
    "ours": "**Plinth**",
    "axum": "axum + sqlx",
    "axum-bare": "axum + sqlx, bare",
    "fastapi": "FastAPI",
    "fastapi-bare": "FastAPI, bare",
    "hyper": "bare hyper",
    "first": "first page",
    "deep": "page at row 1,000,000",
}


def markdown(results: Results, versions: dict[str, str], rounds: int, seconds: int) -> str:
    """The whole report."""
    parts = [[_circumstances(versions, rounds, seconds)], _targets(results), _table(results), [_rest(results)]]
    return "\n\n".join("\n".join(part) for part in parts)


def write(report: str, begin: str = BEGIN) -> None:
    """Into README.md, between the markers."""
    readme = BENCH / "README.md"
    before, _, rest = readme.read_text().partition(begin)
    readme.write_text(f"{before}{begin}\n\n{report}\n\n{END}{rest.partition(END)[2]}")


def machine() -> str:
    """When, what and where."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    revision = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, text=True, stdout=subprocess.PIPE
    ).stdout.strip()
    day, model = time.strftime("%Y-%m-%d", time.gmtime()), cpu.group(1) if cpu else platform.machine()
    return f"Measured on {day} at revision {revision}: {os.cpu_count()} cores ({model})"


def _circumstances(versions: dict[str, str], rounds: int, seconds: int) -> str:
    software = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"{machine()} shared by service, PostgreSQL and wrk; {software}; {CLIENTS} clients, {POOL} connections to "
        f"PostgreSQL each, {rounds} rounds of {seconds} s."
    )


def _targets(results: Results) -> list[str]:
    """One line for each promise."""
    lines = ["| target | wanted | measured | |", "| --- | --- | --- | --- |"]

    def line(title: str, wanted: float, measured: float, unit: str, least: bool) -> None:
        met = measured >= wanted if least else measured <= wanted
        gap = abs(measured - wanted) / wanted
        sign = ">=" if least else "<="
        verdict = "met" if met else f"**missed by {gap:.0%}**"
        lines.append(f"| {title} | {sign} {wanted:g}{unit} | {measured:.3g}{unit} | {verdict} |")

    for workload, against, wanted in [
        ("get", "axum", 1.25), ("list", "axum", 1.1), ("post", "axum", 1.0),
        ("get", "fastapi", 12), ("list", "fastapi", 12), ("post", "fastapi", 12), ("ping", "hyper", 0.7),
    ]:
        ratio = _rate(results, workload, "ours") / _rate(results, workload, against)
        line(f"{TITLES[workload]} against {SERVICES[against]}", wanted, ratio, " x", least=True)
    for workload in ("page-64", "page-1"):
        cost = _rate(results, workload, "first") / _rate(results, workload, "deep")
        line(f"{SERVICES['deep']} against the first, {TITLES[workload].partition(', ')[2]}", 1.2, cost, " x", least=False)
    line("resident memory under `GET` load", 48, results.memory_get, " MiB", least=False)
    line("from exec to the first 200", 100, statistics.median(results.start_ms), " ms", least=False)
    return lines


def _table(results: Results) -> list[str]:
    lines = [
        "| workload | service | requests/s, median | min to max | p50 ms | p99 ms | CPU us/request | Plinth / it |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for workload, services in results.runs.items():
        title = TITLES[workload]
        for service in filter(services.__contains__, SERVICES):
            runs = services[service]
            rates = [run.rate for run in runs]
            lines.append(
                f"| {title} | {SERVICES[service]} "
                f"| {statistics.median(rates):,.0f} | {min(rates):,.0f} to {max(rates):,.0f} "
                f"| {_median(runs, 'p50_ms'):.2f} | {_median(runs, 'p99_ms'):.1f} | {_median(runs, 'cpu_us'):.0f} "
                f"| {_ratio(services, service)} |"
            )
            title = ""
        if workload in results.ceilings:
            lines.append(f"|  | PostgreSQL alone | {results.ceilings[workload]:,.0f} | | | | | |")
    return lines


def _ratio(services: dict[str, list[Run]], service: str) -> str:
    """Of the medians; in brackets the least and the greatest of any round."""
    base = services.get("ours") or services.get("first") or []
    other = services[service]
    if base is other:
        return ""
    each = [a.rate / b.rate for a, b in zip(base, other)]
    middle = statistics.median(run.rate for run in base) / statistics.median(run.rate for run in other)
    return f"{middle:.2f} ({min(each):.2f} to {max(each):.2f})"


def _rest(results: Results) -> str:
    shares = {
        name: min(run.logged for workload in ("get", "list", "post") for run in results.runs[workload][name])
        for name in ("ours", "axum", "fastapi")
    }
    told = ", ".join(f"{SERVICES[name].strip('*')} {share:.1%}" for name, share in shares.items())
    return (
        f"Memory of Plinth: {results.memory_get:.1f} MiB resident after the `GET` rounds, {results.memory_most:.1f} MiB the "
        f"most ever in the whole run. Start: {min(results.start_ms):.1f} to {max(results.start_ms):.1f} ms. Lines in the "
        f"access log for each request of the round that had the fewest: {told}."
    )


def _rate(results: Results, workload: str, service: str) -> float:
    return _median(results.runs[workload][service], "rate")


def _median(runs: list[Run], what: str) -> float:
    return statistics.median(getattr(run, what) for run in runs)
