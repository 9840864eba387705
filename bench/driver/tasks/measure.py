"""What is measured, in which order, how often; `__init__.py` says how."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from ..lineup import POOL
from ..services import clean_env
from .peers import Peer, Stores

CALLERS, BATCH, RATE = 16, 1000, 50
FINISHED = Path(__file__).with_name("finished.sql")
# Tasks that have ended and are kept.
KEPT = 1_000_000


@dataclass
class Pace:
    """How many tasks, and how often."""

    rounds: int
    enqueued: int
    executed: int
    # For the slow ones, both.
    slow: int
    seconds: int

    @staticmethod
    def of(quick: bool) -> "Pace":
        """The whole run takes about a quarter of an hour, the quick one two minutes."""
        if quick:
            return Pace(rounds=1, enqueued=10_000, executed=50_000, slow=5_000, seconds=5)
        return Pace(rounds=5, enqueued=20_000, executed=50_000, slow=10_000, seconds=10)


@dataclass
class Results:
    """Tasks per second by figure and system, one for each round; every latency in milliseconds."""

    rates: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    ms: dict[str, list[float]] = field(default_factory=dict)
    ceiling: float = 0
    # Executed per second with and without finished tasks in the ledger, of the same rounds.
    kept: dict[int, list[float]] = field(default_factory=dict)


def rounds(peers: list[Peer], stores: Stores, pace: Pace, results: Results) -> None:
    """System after system, each with all figures; each round begins with another."""
    results.ceiling = _ceiling(stores, pace)
    for number in range(pace.rounds):
        turn = number % len(peers)
        for peer in peers[turn:] + peers[:turn]:
            _all_figures(peer, stores, pace, results)


def _all_figures(peer: Peer, stores: Stores, pace: Pace, results: Results) -> None:
    enqueued, executed = (pace.slow, pace.slow) if peer.slow else (pace.enqueued, pace.executed)
    call = _Caller(peer, stores)

    def rate(figure: str, count: int, *words: object) -> None:
        told = call(figure, "--count", count, *words)
        results.rates.setdefault(figure, {}).setdefault(peer.name, []).append(told["count"] / told["seconds"])
        print(f"{figure:8} {peer.name:12} {told['count'] / told['seconds']:>9,.0f}/s", file=sys.stderr, flush=True)

    call.fresh()
    rate("enqueue", enqueued, "--callers", CALLERS)
    call.expect(enqueued, 0)
    if peer.bulk:
        call.fresh()
        rate("bulk", executed, "--batch", BATCH)
        call.expect(executed, 0)
    rate("execute", executed)
    call.expect(0, executed)
    call.fresh()
    ms = call("latency", "--rate", RATE, "--seconds", pace.seconds)["ms"]
    results.ms.setdefault(peer.name, []).extend(ms)
    told = ", ".join(f"p{share} {percentile(ms, share):.2f} ms" for share in (50, 99))
    print(f"latency  {peer.name:12} {told}", file=sys.stderr, flush=True)


def kept(peer: Peer, stores: Stores, pace: Pace, results: Results) -> None:
    """What finished tasks in the ledger cost those that run: with and without, in turn."""
    call = _Caller(peer, stores)
    for _ in range(pace.rounds):
        for finished in (0, KEPT):
            call.fresh()
            call("bulk", "--count", BATCH, "--batch", BATCH)
            call("execute", "--count", BATCH)
            stores.postgres.script(peer.name, FINISHED, count=finished)
            call("bulk", "--count", pace.executed, "--batch", BATCH)
            told = call("execute", "--count", pace.executed)
            call.expect(0, BATCH + finished + pace.executed)
            results.kept.setdefault(finished, []).append(told["count"] / told["seconds"])
            print(f"execute  beside {finished:>9,} {told['count'] / told['seconds']:>9,.0f}/s", file=sys.stderr, flush=True)


class _Caller:
    """Runs a system's commands on its store."""

    def __init__(self, peer: Peer, stores: Stores) -> None:
        self.peer, self.stores = peer, stores

    def fresh(self) -> None:
        self.env = clean_env() | self.stores.fresh(self.peer.name) | {"PYTHONDONTWRITEBYTECODE": "1"}
        if self.peer.on_sqlite:
            self.env["DATABASE_URL"] = f"sqlite://{self.stores.sqlite(self.peer.name)}"

    def __call__(self, figure: str, *words: object) -> dict:
        self.stores.tidy(self.peer.name)
        command = [*self.peer.words(figure), *map(str, words)]
        process = subprocess.Popen(
            command, env=self.env, cwd=self.stores.folder, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )
        try:
            told, trouble = process.communicate(timeout=300)
            if process.returncode or not told:
                raise SystemExit(f"{' '.join(command)} ends with {process.returncode}:\n{told[-1000:]}\n{trouble[-3000:]}")
            return json.loads(told.splitlines()[-1])
        finally:
            _end(process)

    def expect(self, unfinished: int, succeeded: int) -> None:
        """Nothing is lost, and nothing is there twice."""
        found = self.peer.tally(self.stores)
        if found[0] != unfinished or found[1] not in (succeeded, None):
            raise SystemExit(f"{self.peer.name}: {found} tasks unfinished and succeeded, not {unfinished} and {succeeded}")


def _ceiling(stores: Stores, pace: Pace) -> float:
    """PostgreSQL alone: a row a transaction, from as many clients."""
    stores.fresh("alone")
    stores.postgres.ask("alone", "CREATE TABLE tasks (id uuid PRIMARY KEY, payload json, at timestamptz)")
    stores.tidy("alone")
    insert = """INSERT INTO tasks VALUES (gen_random_uuid(), '{"n": 1, "sent": 0}', now());"""
    return stores.postgres.transactions_per_second("alone", insert, POOL, pace.seconds)


def _end(process: subprocess.Popen) -> None:
    """With all of its children: they are one group."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            break
        process.poll()
        time.sleep(0.02)


def percentile(numbers: list[float], share: int) -> float:
    """The least number that so many percent do not exceed."""
    return sorted(numbers)[max(0, -(-len(numbers) * share // 100) - 1)]
