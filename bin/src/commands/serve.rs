//! `plinth` and `plinth api`: from the configuration to the last answered request.

mod reload;

use super::Failure;
use crate::{
    config::{Config, Environment, Loaded, Sources},
    print,
    shutdown::{Signals, Wish},
    wire::{BUILD, Wired, prepare_database},
};
use adapter_http::Server;
use adapter_system::SystemClock;
use adapter_telemetry::{Format, Logs, Metrics, Sentry, Style};
use application::Clock;
use std::{
    io::{self, IsTerminal},
    net::SocketAddr,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// How often histograms are condensed; see [`Metrics::upkeep`].
const UPKEEP: Duration = Duration::from_secs(1);

pub(super) fn run(sources: Sources) -> ExitCode {
    let loaded = match super::load(&sources) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let config = &loaded.config;
    let logs = match Logs::start(&config.log, style(config), Arc::new(SystemClock)) {
        Ok(logs) => logs,
        Err(error) => return super::done(Err(error.into())),
    };
    let release = format!("{}@{}+{}", BUILD.name, BUILD.version, BUILD.revision);
    let sentry = Sentry::start(&config.sentry, &release, config.env.as_str());
    for warning in &loaded.warnings {
        slog::warn!(logs.root, "{warning}");
    }
    let result = start(sources, loaded, &logs);
    if let Err(error) = &result {
        slog::crit!(logs.root, "cannot go on"; "error" => super::chain(error.as_ref()));
    }
    drop(sentry);
    if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn style(config: &Config) -> Style {
    let human = match config.log.format {
        Format::Human => true,
        Format::Json => false,
        Format::Auto => config.env == Environment::Dev,
    };
    if human { Style::Human { colours: io::stdout().is_terminal() } } else { Style::Json }
}

fn start(sources: Sources, loaded: Loaded, logs: &Logs) -> Result<(), Failure> {
    let metrics = Metrics::install(BUILD.version, BUILD.revision, SystemClock.now())?;
    let runtime = super::runtime(&loaded)?;
    let ended = runtime.block_on(async {
        let mut signals = Signals::receive()?;
        let started = tokio::select! {
            running = Running::start(&loaded.config, metrics, logs) => running?,
            () = signals.stop() => return Ok(()),
        };
        started.serve(signals, reload::Reloader::new(sources, loaded), logs).await
    });
    // What still runs has had its time; a blocking call that hangs may not hold up the end.
    runtime.shutdown_background();
    ended
}

/// A process that listens.
struct Running {
    public: Server,
    monitor: Server,
    wired: Wired,
    metrics: Metrics,
}

impl Running {
    async fn start(config: &Config, metrics: Metrics, logs: &Logs) -> Result<Self, Failure> {
        prepare_database(config, &logs.root).await?;
        let wired = Wired::open(config, metrics.clone(), &logs.root).await?;
        let public = bind(config.http.address(), wired.public.clone(), config).await?;
        let monitor = bind(config.monitor.address(), wired.monitor.clone(), config).await?;
        let url = format!("http://{}", public.local_addr()?);
        let monitor_url = format!("http://{}", monitor.local_addr()?);
        if config.env == Environment::Dev {
            // Whoever cannot read it can still be served.
            let _ = print::line(banner(&url, &config.http.root_path, &monitor_url));
        } else {
            slog::info!(logs.root, "listening"; "url" => url, "monitor_url" => monitor_url,
                "env" => config.env.as_str(), "version" => BUILD.version, "revision" => BUILD.revision);
        }
        Ok(Self { public, monitor, wired, metrics })
    }

    /// Serves until a signal asks for the end, and ends in order.
    async fn serve(
        self,
        mut signals: Signals,
        mut reloader: reload::Reloader,
        logs: &Logs,
    ) -> Result<(), Failure> {
        let Self { public, monitor, wired, metrics } = self;
        let (stop, stop_monitor) = (CancellationToken::new(), CancellationToken::new());
        let mut public = tokio::spawn(public.run(stop.clone()));
        let mut monitor = tokio::spawn(monitor.run(stop_monitor.clone()));
        let upkeep = tokio::spawn(upkeep(metrics));
        loop {
            tokio::select! {
                wish = signals.next() => match wish {
                    Wish::Reload => reloader.reload(logs),
                    Wish::Stop => break,
                },
                // Neither ends by itself. If one does, whoever supervises the process had better start it again.
                ended = &mut public => return Err(format!("the public listener has ended: {ended:?}").into()),
                ended = &mut monitor => return Err(format!("the internal listener has ended: {ended:?}").into()),
            }
        }
        slog::info!(logs.root, "stopping");
        wired.health.stop();
        stop.cancel();
        let end = async {
            // Health can be asked for until the last request is answered.
            let _ = public.await;
            stop_monitor.cancel();
            let _ = monitor.await;
            wired.database.close().await;
        };
        finish(end, signals, logs).await;
        upkeep.abort();
        Ok(())
    }
}

/// Waits for the end in order, unless somebody cannot wait for it.
async fn finish(end: impl Future<Output = ()>, mut signals: Signals, logs: &Logs) {
    tokio::select! {
        () = end => slog::info!(logs.root, "stopped"),
        () = signals.stop() => {
            slog::warn!(logs.root, "asked twice to stop, so ending at once");
            logs.flush();
            std::process::exit(1);
        }
    }
}

async fn bind(address: SocketAddr, app: adapter_http::App, config: &Config) -> Result<Server, Failure> {
    Server::bind(address, app, &config.http).await.map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::AddrInUse => "the address is in use by another process".to_owned(),
            _ => error.to_string(),
        };
        format!("cannot listen on {address}: {reason}").into()
    })
}

async fn upkeep(metrics: Metrics) {
    let mut interval = tokio::time::interval(UPKEEP);
    loop {
        interval.tick().await;
        metrics.upkeep();
    }
}

fn banner(url: &str, root_path: &str, monitor_url: &str) -> String {
    let name = format!("{} {} ({})", BUILD.name, BUILD.version, BUILD.revision);
    let base = format!("{url}{root_path}");
    format!(
        "\n  {name}\n  API            {base}/v1/persons\n  documentation  {base}/doc/\n  health         {base}/health\n  monitoring     {monitor_url}/metrics\n"
    )
}
