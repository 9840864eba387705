//! A real browser: Chromium without a window, driven by its own protocol over a pipe. It ends when the pipe does, and so
//! with the test, however that ends.

use crate::{Folder, PATIENCE, installed, within};
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// One page of it. When it is dropped, the test fails if the page has complained: errors of scripts, of loading, or
/// against the policy of its content.
pub struct Browser {
    /// Killed when dropped.
    _chromium: Child,
    commands: ChildStdin,
    messages: BufReader<ChildStdout>,
    session: Option<String>,
    sent: u64,
    complaints: Vec<String>,
    forgiving: bool,
    _profile: Folder,
}

/// The protocol's file descriptors are 3 and 4, which only a shell can give.
const START: &str = "exec \"$@\" 3<&0 4>&1 1>&2";

impl Browser {
    /// Opens the page at `url`.
    pub async fn open(url: &str) -> Self {
        let profile = Folder::new();
        let program = installed::chromium().expect("Chromium is installed");
        let mut chromium = Command::new("sh");
        chromium.args(["-c", START, "sh"]).arg(program);
        // Tests may run as root, and then in containers: neither has a sandbox for Chromium.
        chromium.args(["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]);
        chromium.args(["--no-first-run", "--disable-breakpad", "--disable-background-networking"]);
        chromium.arg(format!("--user-data-dir={}", profile.path().display()));
        chromium.args(["--remote-debugging-pipe", "about:blank"]);
        chromium.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut chromium = chromium.spawn().expect("Chromium starts");
        let commands = chromium.stdin.take().expect("piped");
        let messages = BufReader::new(chromium.stdout.take().expect("piped"));
        let mut browser = Self {
            _chromium: chromium,
            commands,
            messages,
            session: None,
            sent: 0,
            complaints: Vec::new(),
            forgiving: false,
            _profile: profile,
        };
        let target = browser.command("Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.command("Target.attachToTarget", attach).await;
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log"] {
            browser.command(&format!("{domain}.enable"), json!({})).await;
        }
        browser.go(url).await;
        browser
    }

    /// Goes to the page at `url`, and waits until it is there.
    pub async fn go(&mut self, url: &str) {
        self.command("Page.navigate", json!({"url": url})).await;
        self.until(&format!("location.href == {} && document.readyState == 'complete'", json!(url))).await;
    }

    /// The value of an expression of JavaScript.
    pub async fn value(&mut self, expression: &str) -> Value {
        let evaluate = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.command("Runtime.evaluate", evaluate).await;
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression of JavaScript is true, on this page or on the one that comes after it.
    pub async fn until(&mut self, expression: &str) {
        let evaluate = json!({"expression": expression, "returnByValue": true});
        within(PATIENCE, expression, async || {
            // While a page gives way to the next there is nothing to ask.
            let answer = self.exchange("Runtime.evaluate", evaluate.clone()).await;
            answer["result"]["result"]["value"] == true
        })
        .await;
    }

    /// Waits until the page says this.
    pub async fn says(&mut self, text: &str) {
        // Durations have blanks at which no line may break.
        let said = "document.body.innerText.replaceAll('\\u00a0', ' ')";
        self.until(&format!("{said}.includes({})", json!(text))).await;
    }

    /// Clicks on the element that `selector` selects.
    pub async fn click(&mut self, selector: &str) {
        let place = format!(
            "(() => {{ const e = document.querySelector({}); e.scrollIntoView({{block: 'center', behavior: 'instant'}}); \
             const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()",
            json!(selector)
        );
        let place = self.value(&place).await;
        for kind in ["mousePressed", "mouseReleased"] {
            let event =
                json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
            self.command("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Presses a key, by its name in the standard for events of user interfaces, such as `Tab`, `Enter` or `/`.
    pub async fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            key => (0, key),
        };
        for kind in ["keyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "windowsVirtualKeyCode": code, "text": text});
            self.command("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Writes into what has the focus.
    pub async fn write(&mut self, text: &str) {
        self.command("Input.insertText", json!({"text": text})).await;
    }

    /// Is a phone from now on, so many pixels wide.
    pub async fn becomes_a_phone(&mut self, width: u32) {
        let phone = json!({"width": width, "height": 740, "deviceScaleFactor": 2, "mobile": true});
        self.command("Emulation.setDeviceMetricsOverride", phone).await;
    }

    /// The user prefers this colour scheme from now on.
    pub async fn prefers(&mut self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.command("Emulation.setEmulatedMedia", features).await;
    }

    /// Runs no script of a page from now on.
    pub async fn refuses_scripts(&mut self) {
        self.command("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    }

    /// What the page has complained of so far.
    pub fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// From now on complaints are what the test wants.
    pub fn may_complain(&mut self) {
        self.forgiving = true;
    }

    async fn command(&mut self, method: &str, parameters: Value) -> Value {
        let answer = self.exchange(method, parameters).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    async fn exchange(&mut self, method: &str, parameters: Value) -> Value {
        self.sent += 1;
        let mut command = json!({"id": self.sent, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let written = self.commands.write_all(format!("{command}\0").as_bytes()).await;
        written.expect("Chromium reads");
        loop {
            let message = timeout(PATIENCE, self.message()).await.expect("Chromium answers");
            if message["id"] == self.sent {
                return message;
            }
            self.complaints.extend(complaint(&message));
        }
    }

    async fn message(&mut self) -> Value {
        let mut message = Vec::new();
        self.messages.read_until(0, &mut message).await.expect("Chromium writes");
        assert_eq!(message.pop(), Some(0), "Chromium has ended");
        serde_json::from_slice(&message).expect("Chromium writes JSON")
    }
}

fn complaint(message: &Value) -> Option<String> {
    let parameters = &message["params"];
    let is_one = match message["method"].as_str()? {
        "Runtime.exceptionThrown" => true,
        "Runtime.consoleAPICalled" => ["error", "warning", "assert"].contains(&parameters["type"].as_str()?),
        "Log.entryAdded" => ["error", "warning"].contains(&parameters["entry"]["level"].as_str()?),
        _ => false,
    };
    is_one.then(|| parameters.to_string())
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.forgiving {
            assert!(self.complaints.is_empty(), "the page complains:\n{}", self.complaints.join("\n"));
        }
    }
}
