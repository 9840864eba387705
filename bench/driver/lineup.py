"""Who takes part, how each is built, and with which settings it runs."""

import os
import subprocess
import sys
from pathlib import Path

from .postgres import Postgres
from .services import Service, clean_env, free_port

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent
PEERS = BENCH / "peers"
FASTAPI = PEERS / "fastapi"
PLINTH = ROOT / "target/release/plinth"
# Connections to PostgreSQL, alike for all: ours gets them as pool_size, FastAPI half of them for each of its workers.
POOL = 16


def build() -> None:
    """Everything, in release; seconds if nothing has changed."""
    run(["cargo", "build", "--release", "--locked", "-p", "plinth"], ROOT)
    run(["cargo", "build", "--release", "--locked"], PEERS)
    python = FASTAPI / ".venv/bin/python"
    if not python.exists():
        run([sys.executable, "-m", "venv", ".venv"], FASTAPI)
    run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"], FASTAPI)


class Lineup:
    """Makes services; their logs and working folders are in `scratch`, which is on tmpfs where there is one."""

    def __init__(self, postgres: Postgres, scratch: Path) -> None:
        self.postgres, self.scratch = postgres, scratch
        self.migrations = sorted((ROOT / "migrations/postgres").glob("*/up.sql"))

    def ours(self, database: str = "ours", rows: int = 100_000) -> Service:
        """As in production; the one limit raised is that of connections from one address."""
        url = self.postgres.url(database)
        env = {
            "APP_ENV": "prod",
            "DATABASE_URL": url,
            "HOST": "127.0.0.1",
            "APP__MONITOR__PORT": "0",
            # wrk opens 64 again before the server has seen the end of the last 64.
            "APP__HTTP__LIMITS__CONNECTIONS_PER_ADDRESS": "256",
            "APP__DATABASE__POOL_SIZE": str(POOL),
            "APP__LOG__LEVEL": "info",
            "APP__LOG__FORMAT": "json",
        }
        service = self._service(database, [str(PLINTH), "api"], env)
        self.postgres.create(database)
        run([str(PLINTH), "db", "upgrade"], service.cwd, clean_env() | service.env)
        self._fill(database, rows)
        return service

    def axum(self, bare: bool) -> Service:
        """axum and sqlx; `bare` without request id, access log, metrics and security headers."""
        name = "axum-bare" if bare else "axum"
        env = {"DATABASE_URL": self.postgres.url(name), "POOL": str(POOL), "BARE": str(int(bare))}
        self.plain(name)
        return self._service(name, [str(PEERS / "target/release/axum-sqlx")], env)

    def fastapi(self, bare: bool) -> Service:
        """FastAPI under gunicorn with two workers; `bare` as for axum, and without transactions around requests."""
        name = "fastapi-bare" if bare else "fastapi"
        self.plain(name)
        env = {
            "DATABASE_URL": self.postgres.url(name, "postgresql+asyncpg"),
            "POOL": str(POOL // 2),
            "BARE": str(int(bare)),
            "PROMETHEUS_MULTIPROC_DIR": str(self.scratch / name),
        }
        service = self._service(name, [], env)
        service.command = [str(FASTAPI / ".venv/bin/gunicorn"), "-w", "2", "-k", "uvicorn_worker.UvicornWorker"]
        service.command += ["--chdir", str(FASTAPI), "-b", f"127.0.0.1:{service.port}", "--log-level", "warning", "app:app"]
        return service

    def hyper(self) -> Service:
        """Nothing but /mon/ping."""
        return self._service("hyper", [str(PEERS / "target/release/hyper-ping")], {})

    def embedded(self) -> Service:
        """Ours without any setting but its ports: on the embedded database, in an empty folder."""
        return self._service("embedded", [str(PLINTH)], {"APP__MONITOR__PORT": "0"})

    def plain(self, database: str, rows: int = 100_000) -> None:
        """The peers' databases have the same tables and indexes, out of the same files."""
        self.postgres.create(database)
        for file in self.migrations:
            self.postgres.script(database, file)
        self._fill(database, rows)

    def _service(self, name: str, command: list[str], env: dict[str, str]) -> Service:
        folder = self.scratch / name
        folder.mkdir()
        port = free_port()
        return Service(name, command, env | {"PORT": str(port)}, port, self.scratch / f"{name}.log", folder)

    def _fill(self, database: str, rows: int) -> None:
        self.postgres.script(database, BENCH / "driver/fill.sql", rows=rows)


def scratch_parent() -> str | None:
    """tmpfs, so that no disk is measured by way of the logs."""
    return "/dev/shm" if os.path.isdir("/dev/shm") and os.access("/dev/shm", os.W_OK) else None


def rust() -> str:
    """Its version."""
    return subprocess.run(["rustc", "--version"], text=True, stdout=subprocess.PIPE, cwd=ROOT).stdout.split()[1]


def run(command: list[str], cwd: Path, env: dict[str, str] | None = None) -> None:
    """A step of the preparations."""
    print("$", " ".join(command), file=sys.stderr, flush=True)
    if subprocess.run(command, cwd=cwd, env=env, stdout=sys.stderr, timeout=1200).returncode:
        raise SystemExit(f"failed: {' '.join(command)}")
