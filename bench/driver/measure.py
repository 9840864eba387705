"""What is measured, in which order, for how long."""

import json
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .lineup import POOL, Lineup
from .load import Run, Workload
from .services import Service, clean_env, stop

DEEP_ROW = 1_000_000
# Bare hyper knows nothing else; for the others the ping is a by-product.
PINGED = ("ours", "axum", "hyper")


@dataclass
class Pace:
    """How long everything takes."""

    rounds: int
    seconds: int
    warmup: int
    starts: int
    until: float

    @staticmethod
    def of(quick: bool) -> "Pace":
        """The whole run stays below 25 minutes, the quick one below 6: `until` ends the rounds early if need be."""
        now = time.monotonic()
        if quick:
            return Pace(rounds=2, seconds=4, warmup=1, starts=5, until=now + 4.5 * 60)
        return Pace(rounds=5, seconds=7, warmup=2, starts=15, until=now + 21 * 60)


@dataclass
class Results:
    """Runs by workload and service; the rest as it was measured."""

    runs: dict[str, dict[str, list[Run]]] = field(default_factory=dict)
    ceilings: dict[str, float] = field(default_factory=dict)
    memory_get: float = 0
    memory_most: float = 0
    start_ms: list[float] = field(default_factory=list)

    def add(self, workload: str, service: str, run: Run) -> None:
        """One more."""
        self.runs.setdefault(workload, {}).setdefault(service, []).append(run)
        print(
            f"{workload:10} {service:13} {run.rate:>9,.0f}/s  p50 {run.p50_ms:6.2f} ms  p99 {run.p99_ms:8.2f} ms  "
            f"CPU {run.cpu_us:6.1f} us",
            file=sys.stderr, flush=True,
        )


def throughput(lineup: Lineup, services: list[Service], pace: Pace, results: Results) -> None:
    """Every workload on every service in turn, in rounds; each round begins with another service."""
    ids = lineup.scratch / "ids"
    ids.write_text(lineup.postgres.ask("ours", "SELECT id FROM persons"))
    persons = [
        Workload("get", "/v1/persons", "get.lua", str(ids)),
        Workload("list", "/v1/persons?limit=20"),
        Workload("post", "/v1/persons", "post.lua"),
    ]
    ping = Workload("ping", "/mon/ping")
    for number in range(pace.rounds):
        if time.monotonic() > pace.until:
            break
        turn = number % len(services)
        for workload in [*persons, ping]:
            for service in services[turn:] + services[:turn]:
                if (service.name in PINGED) if workload is ping else (service.name != "hyper"):
                    measure(lineup, service, workload, pace, results)


def measure(lineup: Lineup, service: Service, workload: Workload, pace: Pace, results: Results) -> None:
    """One service once. No checkpoint that an earlier one has caused falls into its time."""
    lineup.postgres.ask("postgres", "CHECKPOINT")
    results.add(workload.name, service.name, workload.run(service, pace.seconds, pace.warmup))
    if service.name == "ours":
        results.memory_most = max(results.memory_most, service.memory("VmHWM"))
        if workload.name == "get":
            results.memory_get = max(results.memory_get, service.memory("VmRSS"))


def ceiling(lineup: Lineup, pace: Pace, results: Results) -> None:
    """PostgreSQL alone on the statements behind the workloads, as many clients as a service has connections."""
    lineup.plain("pgbench")
    columns = "id, name, email, email_key, age, version, created_at, updated_at"
    some = "(SELECT id FROM persons OFFSET 50000 LIMIT 1)"
    statements = {
        "get": f"SELECT {columns} FROM persons WHERE id = '{lineup.postgres.ask('pgbench', f'SELECT {some}').strip()}';",
        "list": f"SELECT {columns} FROM persons ORDER BY id LIMIT 21;",
        "post": f"INSERT INTO persons ({columns}) VALUES (gen_random_uuid(), 'Grace Hopper', 'grace@example.com', "
        "gen_random_uuid()::text, 50, 1, now(), now());",
    }
    for workload, statement in statements.items():
        lineup.postgres.ask("postgres", "CHECKPOINT")
        rate = lineup.postgres.transactions_per_second("pgbench", statement, POOL, pace.seconds)
        results.ceilings[workload] = rate
        print(f"{workload:10} pgbench       {rate:>9,.0f}/s", file=sys.stderr, flush=True)


def deep_page(service: Service, pace: Pace, results: Results) -> None:
    """The first page against the page at row 1,000,000, with 64 clients and with one."""
    deep = page_at(service, DEEP_ROW)
    for _ in range(pace.rounds):
        for clients in (64, 1):
            for name, path in (("first", "/v1/persons?limit=20"), ("deep", deep)):
                run = Workload(name, path).run(service, max(2, pace.seconds // 2), 1, clients)
                results.add(f"page-{clients}", name, run)


def page_at(service: Service, row: int) -> str:
    """The path of the page of 20 behind so many rows, found as a client finds it: by following `next`."""
    path, seen = "/v1/persons?limit=100", 0
    while seen < row:
        page = json.loads(service.get(path))
        seen += len(page["objects"])
        if page["next"] is None:
            raise SystemExit(f"the list ends at row {seen}")
        target = urlsplit(page["next"])
        path = f"{target.path}?{target.query}"
    return path.replace("limit=100", "limit=20")


def start_up(lineup: Lineup, pace: Pace, results: Results) -> None:
    """From exec to the first 200 of `GET /v1/persons`, on the embedded database; the start that migrates is not counted."""
    service = lineup.embedded()
    for number in range(pace.starts + 1):
        took = time_to_first_200(service)
        if number > 0:
            results.start_ms.append(took)
    print(f"start      ours          {statistics.median(results.start_ms):.1f} ms", file=sys.stderr, flush=True)


def time_to_first_200(service: Service) -> float:
    """In milliseconds. Asks again as soon as it has been refused."""
    with open(service.log, "ab") as log:
        begin = time.perf_counter()
        process = subprocess.Popen(
            service.command, env=clean_env() | service.env, cwd=service.cwd, stdin=subprocess.DEVNULL,
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )
    try:
        while time.perf_counter() - begin < 20:
            if process.poll() is not None:
                break
            if _first_line(service.port) == b"HTTP/1.1 200 OK":
                return (time.perf_counter() - begin) * 1000
            time.sleep(0.0005)
    finally:
        stop(process)
    raise SystemExit(f"ours does not start:\n{service.log.read_text(errors='replace')[-3000:]}")


def _first_line(port: int) -> bytes:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET /v1/persons HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return connection.recv(4096).partition(b"\r\n")[0]
    except OSError:
        return b""
