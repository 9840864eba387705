"""What ours does for every request too: a request id, a JSON line in the access log, metrics, security headers.

A plain ASGI middleware: Starlette's `BaseHTTPMiddleware` would cost a task and two queues for each request.
"""

import logging
import os
import sys
import time
from uuid import UUID

import orjson
from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
LABELS = ["method", "route", "status"]
REQUESTS = Counter("http_requests_total", "Requests answered", LABELS)
SECONDS = Histogram("http_request_duration_seconds", "From first byte to answer", LABELS)

access = logging.getLogger("access")
access.addHandler(logging.StreamHandler(sys.stdout))
access.setLevel(logging.INFO)
access.propagate = False


def uuid7() -> UUID:
    """RFC 9562, section 5.7; the standard library has it from Python 3.14 on."""
    random = int.from_bytes(os.urandom(10))
    value = (time.time_ns() // 1_000_000) << 80 | random
    return UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)


async def metrics() -> Response:
    """Of all workers together; they share files in `PROMETHEUS_MULTIPROC_DIR`."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class Duties:
    """Around the whole application."""

    def __init__(self, app) -> None:
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        given = dict(scope["headers"]).get(b"x-request-id")
        request_id = given or str(uuid7()).encode()
        status = size = 0

        async def sent(message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *SECURITY, (b"x-request-id", request_id)]
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, sent)
        finally:
            self.note(scope, status, size, time.perf_counter() - start, request_id)

    def note(self, scope, status: int, size: int, seconds: float, request_id: bytes) -> None:
        """One request has been answered."""
        route = getattr(scope.get("route"), "path", "")
        labels = (scope["method"], route, str(status))
        REQUESTS.labels(*labels).inc()
        SECONDS.labels(*labels).observe(seconds)
        if route != "/mon/ping":
            line = {
                "level": "INFO",
                "message": "request",
                "request_id": request_id.decode("latin-1"),
                "method": scope["method"],
                "path": scope["path"],
                "route": route,
                "status": status,
                "duration_us": int(seconds * 1e6),
                "bytes": size,
                "peer": scope["client"][0] if scope["client"] else None,
            }
            access.info(orjson.dumps(line).decode())
