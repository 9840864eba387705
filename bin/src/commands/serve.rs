//! `plinth`, `plinth api`, `plinth worker` and `plinth beat`: from the configuration to the last answered request and the
//! last finished task.

mod reload;

use super::Failure;
use crate::{
    config::{Config, Environment, Loaded, Sources},
    print,
    shutdown::{Signals, Wish},
    wire::{BUILD, Role, Service, prepare_database},
};
use adapter_http::Server;
use adapter_system::SystemClock;
use adapter_telemetry::{Format, Logs, Metrics, Sentry, Style};
use application::{Clock, Worker};
use std::{
    io::{self, IsTerminal},
    net::SocketAddr,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often histograms are condensed; see [`Metrics::upkeep`].
const UPKEEP: Duration = Duration::from_secs(1);

pub(super) fn run(sources: Sources, role: Role) -> ExitCode {
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
    let result = start(sources, loaded, role, &logs);
    if let Err(error) = &result {
        slog::crit!(logs.root, "cannot go on"; "error" => super::chain(error.as_ref()));
    }
    drop(sentry);
    super::code(&result)
}

fn style(config: &Config) -> Style {
    let human = match config.log.format {
        Format::Human => true,
        Format::Json => false,
        Format::Auto => config.env == Environment::Dev,
    };
    if human { Style::Human { colours: io::stdout().is_terminal() } } else { Style::Json }
}

fn start(sources: Sources, loaded: Loaded, role: Role, logs: &Logs) -> Result<(), Failure> {
    let metrics = Metrics::install(BUILD.version, BUILD.revision, SystemClock.now())?;
    let runtime = super::runtime(&loaded)?;
    let ended = runtime.block_on(async {
        let mut signals = Signals::receive()?;
        let started = tokio::select! {
            running = Running::start(&loaded, role, metrics, logs) => running?,
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
    service: Service,
    role: Role,
    public: Option<Server>,
    monitor: Server,
    metrics: Metrics,
}

impl Running {
    async fn start(loaded: &Loaded, role: Role, metrics: Metrics, logs: &Logs) -> Result<Self, Failure> {
        let config = &loaded.config;
        prepare_database(config, role, &logs.root).await?;
        let service = Service::open(config, role, metrics.clone(), &logs.root).await?;
        service.core.schedule(loaded)?;
        let public = match &service.public {
            Some(app) => Some(bind(config.http.address(), app.clone(), config).await?),
            None => None,
        };
        let monitor = bind(config.monitor.address(), service.monitor.clone(), config).await?;
        let running = Self { service, role, public, monitor, metrics };
        running.tell(config, logs)?;
        Ok(running)
    }

    /// Where it listens.
    fn tell(&self, config: &Config, logs: &Logs) -> io::Result<()> {
        let url = |server: &Server| Ok::<_, io::Error>(format!("http://{}", server.local_addr()?));
        let public = self.public.as_ref().map(url).transpose()?;
        let monitor = url(&self.monitor)?;
        if config.env == Environment::Dev {
            // Whoever cannot read it can still be served.
            let _ = print::line(banner(self.role, public.as_deref(), &config.http.root_path, &monitor));
        } else {
            let log = match public {
                Some(url) => logs.root.new(slog::o!("url" => url)),
                None => logs.root.clone(),
            };
            slog::info!(log, "listening"; "monitor_url" => monitor, "role" => self.role.as_str(),
                "env" => config.env.as_str(), "version" => BUILD.version, "revision" => BUILD.revision);
        }
        Ok(())
    }

    /// Serves until a signal asks for the end, and ends in order.
    async fn serve(
        self,
        mut signals: Signals,
        mut reloader: reload::Reloader,
        logs: &Logs,
    ) -> Result<(), Failure> {
        let mut parts = Parts::begin(self);
        loop {
            tokio::select! {
                wish = signals.next() => match wish {
                    Wish::Reload => reloader.reload(logs, &parts.service.core),
                    Wish::Stop => break,
                },
                ended = parts.any_ends() => match ended? {
                    // Nothing is left to do, which is what it was started for.
                    Some(_) if parts.role == Role::Drain => break,
                    // None of the others ends by itself. Whoever supervises the process had better start it again.
                    ended => return Err(format!("{} has ended", ended.unwrap_or("everything")).into()),
                },
            }
        }
        slog::info!(logs.root, "stopping");
        finish(parts.end(), signals, logs).await
    }
}

/// What runs side by side in a process.
struct Parts {
    service: Service,
    role: Role,
    /// What takes on work: the public listener, the worker, the beat.
    front: JoinSet<Result<&'static str, Failure>>,
    stop_front: CancellationToken,
    /// What tells how it goes: the internal listener, figures.
    back: JoinSet<Result<&'static str, Failure>>,
    stop_back: CancellationToken,
}

impl Parts {
    fn begin(running: Running) -> Self {
        let Running { service, role, public, monitor, metrics } = running;
        let (mut front, stop_front) = (JoinSet::new(), CancellationToken::new());
        let (mut back, stop_back) = (JoinSet::new(), CancellationToken::new());
        if let Some(public) = public {
            front.spawn(named("the public listener", public.run(stop_front.clone())));
        }
        if let Some(worker) = service.worker.clone() {
            match role {
                Role::Drain => front.spawn(drained(worker, stop_front.clone())),
                _ => front.spawn(named("the worker", worker.run(stop_front.clone()))),
            };
        }
        if service.beats {
            let (beat, stop) = (service.core.beat.clone(), stop_front.clone());
            front.spawn(named("the beat", async move { beat.run(stop).await }));
        }
        back.spawn(named("the internal listener", monitor.run(stop_back.clone())));
        if role.serves() || service.beats {
            let (gauge, stop) = (service.core.gauge.clone(), stop_back.clone());
            back.spawn(named("the gauge of the queues", async move { gauge.run(stop).await }));
        }
        back.spawn(named("the upkeep of figures", upkeep(metrics, stop_back.clone())));
        Self { service, role, front, stop_front, back, stop_back }
    }

    /// What has ended by itself.
    async fn any_ends(&mut self) -> Result<Option<&'static str>, Failure> {
        tokio::select! {
            Some(ended) = self.front.join_next() => Ok(Some(ended??)),
            Some(ended) = self.back.join_next() => Ok(Some(ended??)),
            else => Ok(None),
        }
    }

    /// The end in order:
    ///
    /// 1. The process is not ready any more, so that nobody sends it further requests.
    /// 2. All at once: event streams are closed and their clients go elsewhere, then the public listener; requests under way
    ///    are finished, up to `http.timeouts.shutdown`. The worker claims nothing more and finishes what it runs, up to
    ///    `tasks.drain`, gives the rest back and closes its session. The beat finishes its look.
    /// 3. The internal listener: until here it has told how far the end is.
    /// 4. The database, which all of them needed.
    ///
    /// An error is that of the part that failed first.
    async fn end(mut self) -> Result<(), Failure> {
        self.service.health.stop();
        self.stop_front.cancel();
        let mut result = Ok(());
        while let Some(ended) = self.front.join_next().await {
            result = result.and(ended.map_err(Failure::from).flatten().map(drop));
        }
        self.stop_back.cancel();
        while self.back.join_next().await.is_some() {}
        self.service.core.close().await;
        result
    }
}

async fn named(name: &'static str, part: impl Future<Output = ()>) -> Result<&'static str, Failure> {
    part.await;
    Ok(name)
}

async fn drained(worker: Arc<Worker>, stop: CancellationToken) -> Result<&'static str, Failure> {
    match worker.drain_unless(stop).await? {
        Some(_) => Ok("the worker"),
        None => Err("stopped before everything was done".into()),
    }
}

/// Waits for the end in order, unless somebody cannot wait for it.
async fn finish(
    end: impl Future<Output = Result<(), Failure>>,
    mut signals: Signals,
    logs: &Logs,
) -> Result<(), Failure> {
    tokio::select! {
        ended = end => {
            slog::info!(logs.root, "stopped");
            ended
        }
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

async fn upkeep(metrics: Metrics, stop: CancellationToken) {
    let mut interval = tokio::time::interval(UPKEEP);
    while stop.run_until_cancelled(interval.tick()).await.is_some() {
        metrics.upkeep();
    }
}

fn banner(role: Role, url: Option<&str>, root_path: &str, monitor_url: &str) -> String {
    let mut text = format!("\n  {} {} ({})", BUILD.name, BUILD.version, BUILD.revision);
    if let Some(base) = url.map(|url| format!("{url}{root_path}")) {
        text += &format!("\n  API            {base}/v1/persons");
        text += &format!("\n  documentation  {base}/doc/");
        text += &format!("\n  health         {base}/health");
    } else {
        text += &format!("\n  role           {}", role.as_str());
        text += &format!("\n  health         {monitor_url}/health");
    }
    text += &format!("\n  tasks          {monitor_url}/mon/tasks");
    text + &format!("\n  monitoring     {monitor_url}/metrics\n")
}
