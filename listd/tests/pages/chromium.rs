//! A headless Chromium, spoken to in its DevTools protocol over two pipes: no port, no driver, no other crate.
//!
//! One window at a time. It resolves no name: what is not on this machine cannot be reached.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Debian's browser itself; the script in `/usr/bin` only adds flags of the desktop.
const PROGRAM: &str = "/usr/lib/chromium/chromium";

/// A running browser with one window; it ends with this value.
pub struct Chromium {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    last: u64,
    session: String,
    /// Every address that it asked for.
    pub asked: Vec<String>,
    _profile: TempDir,
}

impl Chromium {
    /// `None`, said aloud, where there is no Chromium; in CI that is a failure.
    pub fn start() -> Option<Chromium> {
        if !Path::new(PROGRAM).exists() {
            assert!(std::env::var_os("CI").is_none(), "there is no {PROGRAM}");
            eprintln!("SKIPPED: there is no {PROGRAM}; install the package chromium");
            return None;
        }
        let profile = TempDir::new().expect("a folder");
        // The pipes of the protocol are the descriptors 3 (in) and 4 (out).
        let run = r#"exec "$0" "$@" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null"#;
        let mut child = Command::new("sh")
            .args(["-c", run, PROGRAM, "--headless=new", "--remote-debugging-pipe"])
            // The tests may run as root; only our own pages are shown.
            .args(["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"])
            .args([
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
            ])
            .args(["--disable-sync", "--disable-extensions", "--disable-default-apps"])
            .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let to = child.stdin.take().expect("a pipe");
        let from = BufReader::new(child.stdout.take().expect("a pipe"));
        let session = String::new();
        let (last, asked) = (0, Vec::new());
        let mut browser = Chromium { child, to, from, last, session, asked, _profile: profile };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page", "Network", "Runtime"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// One command and its result.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params);
        loop {
            let said = self.hear();
            if said["id"] == id {
                assert!(said["error"].is_null(), "{method}: {said}");
                return said["result"].clone();
            }
        }
    }

    fn send(&mut self, method: &str, params: Value) -> u64 {
        self.last += 1;
        let mut command = json!({ "id": self.last, "method": method, "params": params });
        if !self.session.is_empty() {
            command["sessionId"] = json!(self.session);
        }
        write!(self.to, "{command}\0").and_then(|()| self.to.flush()).expect("the browser runs");
        self.last
    }

    fn hear(&mut self) -> Value {
        let mut octets = Vec::new();
        self.from.read_until(0, &mut octets).expect("the browser runs");
        octets.pop();
        let said: Value = serde_json::from_slice(&octets).expect("the browser ended early");
        if said["method"] == "Network.requestWillBeSent" {
            let url = said["params"]["request"]["url"].as_str().expect("an address");
            self.asked.push(url.to_owned());
        }
        said
    }

    /// Does something that loads a page, and waits until it is there.
    fn load(&mut self, method: &str, params: Value) {
        let id = self.send(method, params);
        let (mut answered, mut loaded) = (false, false);
        while !(answered && loaded) {
            let said = self.hear();
            answered |= said["id"] == id;
            loaded |= said["method"] == "Page.loadEventFired";
            assert!(said["id"] != id || said["error"].is_null(), "{method}: {said}");
        }
    }

    /// Opens a page.
    pub fn open(&mut self, url: &str) {
        self.load("Page.navigate", json!({ "url": url }));
    }

    /// Presses the button of this value, and waits for the page that follows.
    pub fn press(&mut self, value: &str) {
        let script = format!("document.querySelector('button[value={value}]').click()");
        self.load("Runtime.evaluate", json!({ "expression": script }));
    }

    /// The value of a JavaScript expression; a promise is waited for.
    pub fn eval(&mut self, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let result = self.call("Runtime.evaluate", params);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// A window of this size (CSS pixels).
    pub fn size(&mut self, width: u32, height: u32) {
        let params =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", params);
    }

    /// `light` or `dark`.
    pub fn scheme(&mut self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// One key, down and up.
    pub fn key(&mut self, key: &str) {
        for params in key_events(key) {
            self.call("Input.dispatchKeyEvent", params);
        }
    }

    /// The same where it loads a page.
    pub fn key_loads(&mut self, key: &str) {
        let [down, up] = key_events(key);
        self.load("Input.dispatchKeyEvent", down);
        self.call("Input.dispatchKeyEvent", up);
    }

    /// The whole page as a PNG.
    pub fn shot(&mut self) -> Vec<u8> {
        let params = json!({ "format": "png", "captureBeyondViewport": true });
        let result = self.call("Page.captureScreenshot", params);
        let data = result["data"].as_str().expect("a picture");
        data_encoding::BASE64.decode(data.as_bytes()).expect("base64")
    }
}

fn key_events(key: &str) -> [Value; 2] {
    let (code, text) = match key {
        "Tab" => (9, ""),
        "Enter" => (13, "\r"),
        _ => (32, " "),
    };
    ["keyDown", "keyUp"].map(|kind| {
        let text = if kind == "keyDown" { text } else { "" };
        json!({ "type": kind, "key": key, "code": key, "text": text, "windowsVirtualKeyCode": code })
    })
}

impl Drop for Chromium {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
