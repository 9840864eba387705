//! A throw-away PostgreSQL.

use super::free_port;
use crate::{Folder, Process, installed};
use rustix::process::{Signal, geteuid};
use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Whether a commit is on disk when it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// No, and everything is faster.
    None,
    /// Yes, as in production.
    Full,
}

/// A server with a data folder of its own. The role `plinth` may do everything and needs no password, the role
/// `guarded` has the password `correct`.
pub struct Postgres {
    programs: PathBuf,
    process: Option<Process>,
    folder: Folder,
    port: u16,
    durability: Durability,
}

impl Postgres {
    /// A new, empty server.
    pub async fn start(durability: Durability) -> Self {
        let programs = installed::postgres().unwrap_or_else(|| panic!("PostgreSQL is not installed"));
        let folder = Folder::new();
        let mut server = Self { programs, process: None, folder, port: free_port(), durability };
        server.initialise();
        server.resume().await;
        server
    }

    /// The address of one of its databases.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://plinth@127.0.0.1:{}/{database}", self.port)
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// An immediate shutdown: connections are cut, nothing is written any more. It is a crash, as far as data goes.
    pub async fn crash(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.signal(Signal::QUIT);
            process.ended().await;
        }
    }

    /// Starts it again, on the same port, and waits until it accepts connections.
    pub async fn resume(&mut self) {
        let process = Process::start(&mut self.server(), "QUIT");
        let ready = |line: &str| line.contains("ready to accept connections").then_some(());
        process.output.wait_for("PostgreSQL to be ready", ready).await;
        self.process = Some(process);
    }

    fn initialise(&self) {
        let folder = self.folder.path();
        if let Some((user, group)) = unprivileged() {
            chown(folder, Some(user), Some(group)).expect("root may give a folder away");
        }
        let mut initdb = self.unprivileged("initdb");
        initdb.args(["--username=plinth", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        let done =
            initdb.arg("--pgdata").arg(self.data()).stdin(Stdio::null()).output().expect("initdb runs");
        assert!(done.status.success(), "initdb: {}", String::from_utf8_lossy(&done.stderr));
        let access = "host all guarded 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n";
        fs::write(self.data().join("pg_hba.conf"), access).expect("pg_hba.conf can be written");
    }

    fn server(&self) -> Command {
        let mut server = self.unprivileged("postgres");
        server.arg("-D").arg(self.data()).arg("-p").arg(self.port.to_string());
        let mut settings = vec![
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=200",
            "shared_buffers=32MB",
            "lc_messages=C",
        ];
        if self.durability == Durability::None {
            settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"]);
        }
        settings.iter().for_each(|setting| {
            server.args(["-c", setting]);
        });
        server
    }

    /// `program`, as a user that PostgreSQL is willing to run as.
    fn unprivileged(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.env_clear().env("PATH", &self.programs).current_dir(self.folder.path());
        if let Some((user, group)) = unprivileged() {
            command.uid(user).gid(group);
        }
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A kill would leave its children behind for a while.
        if let Some(process) = &self.process {
            process.signal(Signal::QUIT);
            process.output.closed_blocking();
        }
    }
}

/// Somebody to be instead of root; `None` if we are not root.
fn unprivileged() -> Option<(u32, u32)> {
    if !geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string(Path::new("/etc/passwd")).expect("there is a list of users");
    let find = |name: &str| {
        let fields: Vec<&str> = users
            .lines()
            .map(|line| line.split(':'))
            .find_map(|mut fields| (fields.next() == Some(name)).then(|| fields.collect()))?;
        Some((fields.get(1)?.parse().ok()?, fields.get(2)?.parse().ok()?))
    };
    Some(find("postgres").or_else(|| find("nobody")).expect("a user that is not root"))
}
