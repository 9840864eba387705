"""Who takes part, how each is built, and with which settings it runs."""

import json
import platform
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..lineup import BENCH, PEERS, run
from ..postgres import Postgres
from ..redis import Redis

CELERY, NODE = PEERS / "celery", PEERS / "tasks-node"
APALIS = PEERS / "apalis/target/release/apalis-tasks"
PLINTH = BENCH / "tasks/target/release/plinth-bench-tasks"


@dataclass
class Stores:
    """The servers of this run, and a folder on disk for what is a file."""

    postgres: Postgres
    redis: Redis
    folder: Path

    def fresh(self, name: str) -> dict[str, str]:
        """Everything empty; the environment in which a program finds it."""
        self.redis.empty()
        self.postgres.drop(name)
        self.postgres.create(name)
        for file in self.folder.glob(f"{name}.db*"):
            file.unlink()
        return {"DATABASE_URL": self.postgres.url(name), "REDIS_URL": self.redis.url().removesuffix("/0")}

    def tidy(self, name: str) -> None:
        """No statistics out of date, and no checkpoint that falls into somebody's time."""
        self.postgres.ask(name, "VACUUM ANALYZE")
        self.postgres.ask(name, "CHECKPOINT")

    def sqlite(self, name: str) -> Path:
        """On the same disk as PostgreSQL."""
        return self.folder / f"{name}.db"


# How many tasks are unfinished, and how many have succeeded (None: the system forgets them).
Tally = Callable[[Stores], tuple[int, int | None]]


@dataclass
class Peer:
    """A system. `settings` are words behind a command; those under `work` go to both commands that start workers."""

    name: str
    title: str
    program: list[str]
    tally: Tally
    settings: dict[str, list[str]] = field(default_factory=dict)
    bulk: bool = True
    # Where 50,000 tasks would take a minute.
    slow: bool = False
    on_sqlite: bool = False

    def words(self, figure: str) -> list[str]:
        """Program and settings."""
        shared = self.settings.get("work", []) if figure in ("execute", "latency") else []
        return [*self.program, figure, *shared, *self.settings.get(figure, [])]


def lineup() -> list[Peer]:
    """Plinth's program is in `bench/tasks`; without it the peers run alone."""
    ours = [
        Peer("ours", "**Plinth**, PostgreSQL + Redis", [str(PLINTH)], _sql("ours", *_LEDGER)),
        Peer("ours-sqlite", "**Plinth**, SQLite", [str(PLINTH)], _sqlite("ours-sqlite", *_LEDGER), on_sqlite=True),
    ]
    node = [str(_node()), str(NODE / "bench.js")]
    peers = [
        Peer(
            "graphile", "graphile-worker (PostgreSQL)", [*node, "graphile"],
            _sql("graphile", "SELECT count(*) FROM graphile_worker._private_jobs"),
            # Those of its page on performance, in as many processes as there are cores.
            {"work": ["--processes", "2", "--concurrency", "24", "--fetch", "500"]},
        ),
        Peer(
            "apalis", "apalis (PostgreSQL)", [str(APALIS)],
            _sql("apalis", *(f"SELECT count(*) FROM apalis.jobs WHERE (status = 'Done') = {done}" for done in (False, True))),
            # By default a worker fetches 10 at a time.
            {"work": ["--workers", "2", "--concurrency", "64", "--fetch", "500"]},
        ),
        Peer("bullmq", "BullMQ (Redis)", [*node, "bullmq"], _bullmq, {"work": ["--concurrency", "100"]}),
        Peer(
            "celery", "Celery (Redis)", [str(CELERY / ".venv/bin/python"), str(CELERY / "bench.py")], _celery,
            # A larger multiplier than the default of 4 changes nothing here.
            {"enqueue": ["--processes", "2"], "work": ["--processes", "2", "--prefetch", "4"]}, bulk=False, slow=True,
        ),
    ]
    return [*(ours if (BENCH / "tasks/Cargo.toml").exists() else []), *peers]


def build() -> None:
    """Everything, in release; seconds if nothing has changed."""
    for folder in (BENCH / "tasks", PEERS / "apalis"):
        if (folder / "Cargo.toml").exists():
            run(["cargo", "build", "--release", "--locked"], folder)
    installed, wanted = NODE / "node_modules/.package-lock.json", NODE / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
        run(["npm", "ci", "--no-audit", "--no-fund"], NODE)
    python = CELERY / ".venv/bin/python"
    if not python.exists():
        run([sys.executable, "-m", "venv", ".venv"], CELERY)
    run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"], CELERY)


def versions() -> dict[str, str]:
    """Of the peers and what they run on, as pinned."""
    node = json.loads((NODE / "package.json").read_text())["dependencies"]
    celery = re.search(r"^celery==(.*)$", (CELERY / "requirements.txt").read_text(), re.MULTILINE).group(1)
    apalis = re.search(r'^apalis = .*"=([^"]*)"', (PEERS / "apalis/Cargo.toml").read_text(), re.MULTILINE).group(1)
    told = subprocess.run([_node(), "--version"], text=True, stdout=subprocess.PIPE).stdout.strip().removeprefix("v")
    return {
        "Node.js": told, "Python": platform.python_version(), "graphile-worker": node["graphile-worker"], "apalis": apalis,
        "BullMQ": node["bullmq"], "Celery": celery,
    }


def _node() -> Path:
    """The one that npm has installed; that of the machine where there is none for it."""
    return next(iter(NODE.glob("node_modules/node-linux-*/bin/node")), Path("node"))


_LEDGER = (
    "SELECT count(*) FROM tasks WHERE finished_at IS NULL",
    "SELECT count(*) FROM tasks WHERE state = 'succeeded'",
)


def _sql(database: str, unfinished: str, succeeded: str | None = None) -> Tally:
    def tally(stores: Stores) -> tuple[int, int | None]:
        counts = [int(stores.postgres.ask(database, sql)) if sql else None for sql in (unfinished, succeeded)]
        return counts[0], counts[1]

    return tally


def _sqlite(name: str, *queries: str) -> Tally:
    def tally(stores: Stores) -> tuple[int, int]:
        database = sqlite3.connect(f"file:{stores.sqlite(name)}?mode=ro", uri=True)
        try:
            return tuple(database.execute(sql).fetchone()[0] for sql in queries)
        finally:
            database.close()

    return tally


def _bullmq(stores: Stores) -> tuple[int, int]:
    waiting, active = (int(stores.redis.ask("LLEN", f"bull:tasks:{state}")) for state in ("wait", "active"))
    return waiting + active, int(stores.redis.ask("ZCARD", "bull:tasks:completed"))


def _celery(stores: Stores) -> tuple[int, int]:
    waiting, taken = int(stores.redis.ask("LLEN", "celery")), int(stores.redis.ask("HLEN", "unacked"))
    return waiting + taken, int(stores.redis.ask("DBSIZE", database=1))
