//! Processes that belong to this test run and end with it, however it ends.
//!
//! A small shell, the reaper, holds the other end of a pipe. When this process is gone, killed included, the pipe
//! closes, and the reaper ends what is left by the ids that it was told, and removes the folders.

use crate::Lines;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// A running program with its output, killed when dropped.
pub struct Process {
    child: Child,
    /// It has been waited for: its id may be another's by now, that of a thread of ours included.
    gone: bool,
    /// What it has written so far, both streams.
    pub output: Lines,
}

impl Process {
    /// Starts `command`. `last` is how the reaper ends it should this process die first.
    pub fn start(command: &mut Command, last: &str) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        tell_reaper(&format!("end {last}:{}", child.id()));
        let output = Lines::default();
        output.follow(child.stdout.take().expect("piped"));
        output.follow(child.stderr.take().expect("piped"));
        Self { child, gone: false, output }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends `signal`; nothing happens if the process has ended.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        if !self.gone {
            kill_process(pid, signal).ok();
        }
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        let running = matches!(self.child.try_wait(), Ok(None));
        self.gone |= !running;
        running
    }

    /// Waits for its end, at most half a minute.
    pub async fn ended(&mut self) -> ExitStatus {
        self.output.closed().await;
        self.wait()
    }

    fn wait(&mut self) -> ExitStatus {
        tell_reaper(&format!("spare {}", self.child.id()));
        let status = self.child.wait().expect("a child can be waited for");
        self.gone = true;
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.is_running() {
            self.signal(Signal::KILL);
        }
        self.wait();
    }
}

/// A folder that is removed when dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Empty, below the system's folder for temporary files.
    #[expect(clippy::new_without_default, reason = "makes something outside the process")]
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("{}-{}-{count}", prefix(), std::process::id()));
        fs::remove_dir_all(&path).ok(); // of an earlier process with our id
        fs::create_dir(&path).unwrap_or_else(|error| panic!("cannot make {}: {error}", path.display()));
        tell_reaper(&format!("remove {}", path.display()));
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Of our folders. Process ids mean something within one namespace alone, and containers may share a file system.
fn prefix() -> String {
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let digits: String = namespace.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    format!("plinth-test-{digits}")
}

const REAPER: &str = r#"
trap '' INT TERM HUP
ids= folders=
while read -r verb what; do
    case $verb in
        end) ids="$ids $what" ;;
        spare) ids=$(for id in $ids; do [ "${id#*:}" = "$what" ] || printf ' %s' "$id"; done) ;;
        remove) folders="$folders$what
" ;;
    esac
done
for id in $ids; do kill -s "${id%%:*}" "${id#*:}"; done
for id in $ids; do
    tries=100
    while [ $tries -gt 0 ] && kill -0 "${id#*:}"; do sleep 0.1; tries=$((tries - 1)); done
done
printf %s "$folders" | while read -r folder; do rm -rf -- "$folder"; done
"#;

fn tell_reaper(line: &str) {
    static REAPER: OnceLock<Mutex<ChildStdin>> = OnceLock::new();
    let pipe = REAPER.get_or_init(|| {
        remove_stale();
        Mutex::new(start_reaper())
    });
    let mut pipe = pipe.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    writeln!(pipe, "{line}").expect("the reaper reads");
}

fn start_reaper() -> ChildStdin {
    // A group of its own: what ends the test run from the keyboard must not end the reaper.
    let mut reaper = Command::new("sh");
    reaper.args(["-c", REAPER]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    reaper.process_group(0).spawn().expect("there is a shell").stdin.take().expect("piped")
}

/// What a run has left whose reaper was killed as well. Only where `/proc` tells which processes there are.
fn remove_stale() {
    let prefix = format!("{}-", prefix());
    if !Path::new("/proc/self").exists() {
        return;
    }
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(&prefix).and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        if owner.is_some_and(|owner| !Path::new(&format!("/proc/{owner}")).exists()) {
            end_postgres_of(&entry.path());
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

fn end_postgres_of(folder: &Path) {
    let recorded = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
    // While a cluster is made it is a negative number.
    let id = recorded.lines().next().and_then(|id| id.parse::<i32>().ok()).filter(|id| *id > 0);
    let Some(id) = id else { return };
    // The id may belong to somebody else by now.
    let command = fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
    if let Some(pid) = Pid::from_raw(id).filter(|_| command.contains(&*folder.to_string_lossy())) {
        kill_process(pid, Signal::QUIT).ok();
    }
}
