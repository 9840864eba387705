//! Figures of the process, under the names that Prometheus' own client libraries use. Read from `/proc`, so Linux only;
//! elsewhere they are missing.

use metrics::{Unit, describe_gauge, gauge};
use std::fs;

pub(crate) fn describe() {
    describe_gauge!("process_resident_memory_bytes", Unit::Bytes, "Memory in use, as the kernel counts it");
    describe_gauge!("process_open_fds", "Open file descriptors");
    describe_gauge!("process_threads", "Threads");
}

pub(crate) fn measure() {
    if let Ok(status) = fs::read_to_string("/proc/self/status") {
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<f64>().ok()
        };
        if let Some(kibibytes) = field("VmRSS:") {
            gauge!("process_resident_memory_bytes").set(kibibytes * 1024.0);
        }
        if let Some(threads) = field("Threads:") {
            gauge!("process_threads").set(threads);
        }
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        gauge!("process_open_fds").set(open.count().saturating_sub(1) as f64); // the listing itself is one
    }
}
