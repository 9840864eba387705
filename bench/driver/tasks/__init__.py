"""Background tasks, Plinth's beside its peers': `bench/run tasks`.

Each system has one program with one command for each figure. A program that keeps to this takes part once it is in
`peers.py`; the clock, the counts and the rules are the same for everybody:

`enqueue --callers C --count N`
    From C callers at a time, each task on its own, in a transaction or command of its own that has been answered before the
    next. The first tenth of N is warm-up and not timed. Prints `{"count": timed, "seconds": s}`.
`bulk --batch B --count N`
    From one caller, B tasks a call. Warm-up as above, in whole batches. Prints the same.
`execute --count N`
    N tasks that do nothing wait already, put there by `bulk` or, where there is none, `enqueue`; the driver has tidied the
    store since. Starts the workers, and ends when a look at the store, one every 20 ms, finds no task unfinished and every result
    stored. The time is from the start of the first handler to that look. Prints `{"count": N, "seconds": s}`.
`latency --rate R --seconds S`
    Starts the workers, lets them come to rest for two seconds, and then enqueues one task every 1/R s; those of the first
    second are warm-up. Each is timed from just before the call that enqueues it to the start of its handler, in another process
    (but on SQLite, which one process owns) and on the same clock, CLOCK_MONOTONIC. Prints `{"ms": [each, ...]}`.

The one line of JSON is the last on standard output; anything else goes to standard error. `DATABASE_URL` (a database that is
empty before `enqueue`, `bulk` and `latency`; on SQLite `sqlite:///path/to/file`) and `REDIS_URL` (without the number of a database)
say where the store is; a command makes the tables that it does not find. The handler takes a number, and the number is its
result. Workers are set as they would be for throughput, and the same for `execute` and `latency`: the settings are words behind
the command, in `peers.py`. A failure ends with a code other than 0. The driver counts the tasks in the store itself after each
command (`Peer.tally`): nobody is faster by dropping some.
"""

import tempfile
from pathlib import Path

from .. import report as readme
from ..lineup import rust
from ..postgres import Postgres
from ..redis import Redis
from . import measure, peers, report


def run(quick: bool) -> None:
    """All of it; writes its part of README.md unless `quick`."""
    peers.build()
    everyone, pace, results = peers.lineup(), measure.Pace.of(quick), measure.Results()
    with Postgres() as postgres, Redis() as redis, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        stores = peers.Stores(postgres, redis, Path(folder))
        versions = {"PostgreSQL": postgres.version(), "Redis": redis.version(), "Rust": rust()} | peers.versions()
        measure.rounds(everyone, stores, pace, results)
        for ours in (peer for peer in everyone if peer.name == "ours"):
            measure.kept(ours, stores, pace, results)
    text = report.markdown(everyone, results, versions, pace)
    print(text)
    if not quick:
        readme.write(text, report.BEGIN)
