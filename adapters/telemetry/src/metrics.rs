//! Metrics: counted anywhere through the `metrics` facade, rendered here in Prometheus' text format.

use crate::process;
use chrono::{DateTime, Utc};
use metrics::{describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of all histograms, in seconds: from a read out of memory to a request that is given up.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The figures of this process.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

/// The facade has a recorder already.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be installed")]
pub struct MetricsError(#[from] BuildError);

impl Metrics {
    /// From now on what is counted is kept. Once per process; every histogram measures seconds.
    pub fn install(version: &str, revision: &str, started: DateTime<Utc>) -> Result<Self, MetricsError> {
        let handle = PrometheusBuilder::new().set_buckets(&SECONDS)?.install_recorder()?;
        describe_gauge!("plinth_build_info", "Which build this is; always 1");
        gauge!("plinth_build_info", "version" => version.to_owned(), "revision" => revision.to_owned())
            .set(1.0);
        describe_gauge!("process_start_time_seconds", "When the process started, in seconds since 1970");
        gauge!("process_start_time_seconds").set(started.timestamp_micros() as f64 / 1e6);
        describe_counter!(
            "plinth_log_lines_dropped_total",
            "Log lines dropped because standard output was too slow"
        );
        metrics::counter!("plinth_log_lines_dropped_total").absolute(0);
        process::describe();
        Ok(Self { handle })
    }

    /// The page that Prometheus reads.
    pub fn render(&self) -> String {
        process::measure();
        self.handle.render()
    }

    /// To be called every few seconds: until then every value of a histogram is kept on its own.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_what_was_counted_and_the_process_itself() {
        let metrics = Metrics::install("1.2.3", "abc", DateTime::UNIX_EPOCH).unwrap();
        metrics::histogram!("plinth_test_seconds").record(0.003);
        metrics.upkeep();
        let page = metrics.render();
        for line in [
            r#"plinth_build_info{version="1.2.3",revision="abc"} 1"#,
            "process_start_time_seconds 0",
            "plinth_log_lines_dropped_total 0",
            r#"plinth_test_seconds_bucket{le="0.0025"} 0"#,
            r#"plinth_test_seconds_bucket{le="0.005"} 1"#,
        ] {
            assert!(page.contains(line), "{line} in {page}");
        }
        assert!(!cfg!(target_os = "linux") || page.contains("process_resident_memory_bytes "), "{page}");
        assert!(Metrics::install("", "", DateTime::UNIX_EPOCH).is_err());
    }
}
