"""A throw-away Redis as it comes: no file of configuration, snapshots at times, no append-only file."""

import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .services import free_port, stop


class Redis:
    """A server in a folder of its own; `with` starts and ends it."""

    def __enter__(self) -> "Redis":
        self.folder, self.port = Path(tempfile.mkdtemp(prefix="bench-redis-")), free_port()
        command = [_program("redis-server"), "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, start_new_session=True)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            if self._cli("PING").stdout == "PONG\n":
                return self
            time.sleep(0.05)
        told = (self.folder / "log").read_text()
        self.__exit__()
        raise SystemExit(f"Redis does not start:\n{told}")

    def __exit__(self, *_) -> None:
        stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def version(self) -> str:
        """Such as `7.0.15`."""
        return re.search(r"redis_version:(\S+)", self.ask("INFO", "server")).group(1)

    def url(self, database: int = 0) -> str:
        """How a program finds it."""
        return f"redis://127.0.0.1:{self.port}/{database}"

    def empty(self) -> None:
        """All databases."""
        self.ask("FLUSHALL")

    def ask(self, *words: str, database: int = 0) -> str:
        """The answer to a command as text."""
        told = self._cli(*words, database=database)
        if told.returncode or told.stdout.startswith("ERR"):
            raise SystemExit(f"Redis, {' '.join(words)}: {told.stdout}{told.stderr}")
        return told.stdout.strip()

    def _cli(self, *words: str, database: int = 0) -> subprocess.CompletedProcess:
        command = [_program("redis-cli"), "-p", str(self.port), "-n", str(database), *words]
        return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"`{name}` is not installed (Debian: apt-get install redis-server)")
    return found
