"""One measurement: wrk against one service."""

import json
import shutil
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from .services import Service

LUA = Path(__file__).resolve().parent.parent / "lua"
CLIENTS = 64


@dataclass
class Run:
    """What wrk saw, and what the service spent."""

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    logged: float


@dataclass
class Workload:
    """What is asked. `script` (of `lua/`) makes the requests; without one, `path` is the only request."""

    name: str
    path: str
    script: str | None = None
    argument: str | None = None

    def run(self, service: Service, seconds: float, warmup: float, clients: int = CLIENTS) -> Run:
        """Warms up, then measures."""
        self._wrk(service, warmup, clients)
        service.lines_logged()
        before = service.cpu_seconds()
        seen = self._wrk(service, seconds, clients)
        spent = service.cpu_seconds() - before
        if any(seen["failed"].values()) or not seen["requests"]:
            raise SystemExit(f"{service.name}, {self.name}: of {seen['requests']} requests some failed: {seen['failed']}")
        time.sleep(0.2)  # the writer of the log may lag behind
        return Run(
            rate=seen["requests"] / seen["seconds"],
            p50_ms=seen["p50_ms"],
            p99_ms=seen["p99_ms"],
            cpu_us=spent * 1e6 / seen["requests"],
            logged=service.lines_logged() / seen["requests"],
        )

    def _wrk(self, service: Service, seconds: float, clients: int) -> dict:
        url = f"http://127.0.0.1:{service.port}{self.path}"
        threads = min(2, clients)
        command = ["wrk", f"-t{threads}", f"-c{clients}", f"-d{seconds}s", "--timeout=10s"]
        command += ["-s", str(LUA / (self.script or "summary.lua")), url]
        if self.script:
            command += ["--", self.argument or f"run-{uuid.uuid4().hex}"]
        answer = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds + 60)
        for line in answer.stdout.splitlines():
            if line.startswith("SUMMARY "):
                return json.loads(line.removeprefix("SUMMARY "))
        raise SystemExit(f"{' '.join(command)}:\n{answer.stdout}")


def require_wrk() -> str:
    """Its version."""
    if shutil.which("wrk") is None:
        raise SystemExit("`wrk` is not installed (Debian: apt-get install wrk)")
    first = subprocess.run(["wrk", "--version"], text=True, stdout=subprocess.PIPE).stdout.splitlines()[0]
    return " ".join(first.split()[:2])
