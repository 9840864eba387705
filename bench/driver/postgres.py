"""A throw-away PostgreSQL 15, durable (fsync on) and otherwise as it comes: `initdb`, no setting tuned."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .services import free_port, stop

DEBIAN = "/usr/lib/postgresql/15/bin"


class Postgres:
    """A server in a folder of its own; `with` starts and ends it."""

    def __enter__(self) -> "Postgres":
        self.folder = Path(tempfile.mkdtemp(prefix="bench-postgres-"))
        self.port = free_port()
        # The server refuses to run as root.
        self.account = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        if self.account:
            shutil.chown(self.folder, "postgres", "postgres")
        data = self.folder / "data"
        self._run("initdb", "-D", data, "-U", "bench", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
        settings = ["fsync=on", f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}"]
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [_program("postgres"), "-D", data, *(word for s in settings for word in ("-c", s))],
                stdout=log, stderr=log, cwd=self.folder, start_new_session=True, **self.account,
            )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def version(self) -> str:
        """Such as `15.8`."""
        return self.ask("postgres", "SHOW server_version").split()[0]

    def url(self, database: str, scheme: str = "postgres") -> str:
        """How a service finds the database."""
        return f"{scheme}://bench@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> None:
        """An empty database."""
        self.ask("postgres", f'CREATE DATABASE "{database}"')

    def drop(self, database: str) -> None:
        """If it is there, and whoever uses it."""
        quiet, drop = "SET client_min_messages = warning", f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)'
        self._psql("postgres", "-c", quiet, "-c", drop)

    def script(self, database: str, file: Path, **variables: object) -> None:
        """Runs a file of SQL."""
        words = [word for name, value in variables.items() for word in ("-v", f"{name}={value}")]
        self._psql(database, *words, "-f", str(file))

    def ask(self, database: str, sql: str) -> str:
        """The answer as text, a row a line."""
        return self._psql(database, "-c", sql)

    def transactions_per_second(self, database: str, sql: str, clients: int, seconds: int) -> float:
        """What the server alone can do: the statement, prepared, from that many clients of pgbench."""
        file = self.folder / "pgbench.sql"
        file.write_text(sql)
        command = [_program("pgbench"), "-n", "-M", "prepared", "-j", "2", "-c", str(clients), "-T", str(seconds)]
        command += ["-f", str(file), self.url(database)]
        told = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, timeout=seconds + 60).stdout
        return float(re.search(r"^tps = ([0-9.]+)", told, re.MULTILINE).group(1))

    def _psql(self, database: str, *words: str) -> str:
        command = [_program("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), *words]
        return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, timeout=300).stdout

    def _run(self, program: str, *words: object) -> None:
        command = [_program(program), *map(str, words)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder, timeout=120, **self.account)

    def _wait(self) -> None:
        for _ in range(300):
            ready = subprocess.run([_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)], timeout=10)
            if ready.returncode == 0:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise SystemExit(f"PostgreSQL does not start:\n{(self.folder / 'log').read_text()}")


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{DEBIAN}:{os.environ.get('PATH', '')}")
    if found is None:
        raise SystemExit(f"`{name}` of PostgreSQL 15 is not installed")
    return found
