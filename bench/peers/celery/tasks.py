"""The application: Celery on Redis for broker and results, late acknowledgement, everything else as it comes."""

import os
import time

from celery import Celery

BROKER, RESULTS = f"{os.environ['REDIS_URL']}/0", f"{os.environ['REDIS_URL']}/1"

app = Celery("tasks", broker=BROKER, backend=RESULTS)
app.conf.update(
    task_acks_late=True,
    worker_prefetch_multiplier=int(os.environ.get("PREFETCH", "4")),
    # One connection for each of the callers.
    broker_pool_limit=16,
)
_started = False


@app.task
def noop(n: int, sent: int = 0) -> int:
    """Does nothing. Notes how long it took to get here, or when the process had its first one."""
    global _started
    if sent or not _started:
        note(time.monotonic_ns() - sent)
    _started = True
    return n


def note(number: int) -> None:
    """A line in the file that the caller reads."""
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(f"{number}\n")
