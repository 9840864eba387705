"""The services: how each is built, started, watched and ended."""

import http.client
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Service:
    """A program that listens on `port`, and that logs to `log` (its standard output)."""

    name: str
    command: list[str]
    env: dict[str, str]
    port: int
    log: Path
    cwd: Path
    process: subprocess.Popen | None = field(default=None, repr=False)

    def start(self) -> None:
        """Until it answers."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command, env=clean_env() | self.env, cwd=self.cwd, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            if self._answers():
                return
            time.sleep(0.05)
        raise SystemExit(f"{self.name} does not start:\n{self.log.read_text(errors='replace')[-3000:]}")

    def stop(self) -> None:
        """By its id, and waits for the end."""
        if self.process is not None:
            stop(self.process)

    def get(self, path: str) -> bytes:
        """The body of a 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise SystemExit(f"{self.name} answers {answer.status} to {path}: {body[:500]!r}")
        return body

    def cpu_seconds(self) -> float:
        """Of the process and its children, since their start."""
        return sum(ticks for session, ticks in _processes() if session == self.process.pid) / TICK

    def memory(self, what: str) -> float:
        """`VmRSS` (resident now) or `VmHWM` (the most ever) in MiB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(what + ":"):
                return int(line.split()[1]) / 1024
        raise SystemExit(f"no {what} of {self.name}")

    def lines_logged(self) -> int:
        """Counts the lines of the log and empties it."""
        with open(self.log, "rb") as log:
            count = sum(chunk.count(b"\n") for chunk in iter(lambda: log.read(1 << 20), b""))
        os.truncate(self.log, 0)
        return count

    def _answers(self) -> bool:
        try:
            self.get("/mon/ping")
            return True
        except OSError:
            return False


def stop(process: subprocess.Popen) -> None:
    """Politely, then not."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT if "postgres" in str(process.args[0]) else signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Nobody listens there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def clean_env() -> dict[str, str]:
    """Nothing that would configure a service, so that the caller's shell cannot change the result."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}


def _processes() -> list[tuple[int, int]]:
    """Session and CPU ticks of each."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in front may hold blanks and brackets.
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found.append((int(fields[3]), int(fields[11]) + int(fields[12])))
    return found
