-- Prints what the driver needs as one line of JSON. Loaded by the other scripts; alone it drives one fixed URL.
function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'SUMMARY {"requests": %d, "seconds": %.6f, "failed": {"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}, "p50_ms": %.3f, "p99_ms": %.3f}\n',
    summary.requests, summary.duration / 1e6, e.connect, e.read, e.write, e.status, e.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
