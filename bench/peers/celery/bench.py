"""`python bench.py enqueue|execute|latency`: driver/tasks says what each does. Celery has no bulk."""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import redis

FOLDER = Path(__file__).resolve().parent


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["enqueue", "execute", "latency"])
    for name, default in {"count": 10000, "callers": 16, "rate": 50, "seconds": 5, "processes": 2, "prefetch": 4}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ |= {"NOTES": f"{scratch}/notes", "PREFETCH": str(options.prefetch)}
        Path(os.environ["NOTES"]).touch()
        print(json.dumps({"enqueue": enqueue, "execute": execute, "latency": latency}[options.command](options)))


def enqueue(options: argparse.Namespace) -> dict:
    """Threads, shared out to as many processes as workers: one process alone is held back by its lock."""
    warmed, go = multiprocessing.Barrier(options.processes + 1), multiprocessing.Barrier(options.processes + 1)
    children = [multiprocessing.Process(target=_callers, args=(options, warmed, go)) for _ in range(options.processes)]
    for child in children:
        child.start()
    warmed.wait()
    begin = time.monotonic_ns()
    go.wait()
    for child in children:
        child.join()
    took = time.monotonic_ns() - begin
    if any(child.exitcode for child in children):
        sys.exit("a caller has failed")
    return {"count": options.count - options.count // 10, "seconds": took / 1e9}


def execute(options: argparse.Namespace) -> dict:
    """What is in the broker already, until all results are stored and all tasks acknowledged."""
    broker, results = _redis(0), _redis(1)
    with _Worker(options):
        while results.dbsize() < options.count or broker.llen("celery") or broker.hlen("unacked"):
            time.sleep(0.02)
        return {"count": options.count, "seconds": (time.monotonic_ns() - min(_notes())) / 1e9}


def latency(options: argparse.Namespace) -> dict:
    """One at a time; the first second is not counted."""
    from tasks import noop

    count = options.rate * (options.seconds + 1)
    with _Worker(options) as worker:
        worker.wait()
        begin = time.monotonic()
        for n in range(count):
            time.sleep(max(0, begin + n / options.rate - time.monotonic()))
            noop.delay(n, time.monotonic_ns())
        while len(_notes()) < count:
            time.sleep(0.02)
    return {"ms": [took / 1e6 for took in _notes()[options.rate :]]}


class _Worker:
    """The worker as its command line starts it, with what chats between workers off."""

    def __init__(self, options: argparse.Namespace) -> None:
        words = ["-A", "tasks", "worker", "--concurrency", str(options.processes), "--loglevel", "WARNING"]
        words += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        self.command = [sys.executable, "-m", "celery", *words]

    def __enter__(self) -> "_Worker":
        self.process = subprocess.Popen(self.command, cwd=FOLDER, stdout=sys.stderr)
        return self

    def wait(self) -> None:
        """Until it listens."""
        from tasks import app

        while not app.control.inspect(timeout=1).ping():
            pass

    def __exit__(self, *_) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def _callers(options: argparse.Namespace, warmed, go) -> None:
    from tasks import noop

    threads = options.callers // options.processes

    def enqueue_all(count: int) -> None:
        share = count // options.processes
        each = [threading.Thread(target=_caller, args=(noop, range(t, share, threads))) for t in range(threads)]
        for thread in each:
            thread.start()
        for thread in each:
            thread.join()

    enqueue_all(options.count // 10)
    warmed.wait()
    go.wait()
    enqueue_all(options.count - options.count // 10)


def _caller(noop, numbers: range) -> None:
    for n in numbers:
        noop.delay(n)


def _notes() -> list[int]:
    return [int(line) for line in Path(os.environ["NOTES"]).read_text().splitlines()]


def _redis(database: int) -> redis.Redis:
    return redis.Redis.from_url(f"{os.environ['REDIS_URL']}/{database}")


if __name__ == "__main__":
    main()
