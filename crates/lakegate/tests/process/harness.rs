//! The fakes, the program that is tried, and the least of HTTP.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use testbed::{Authority, Databricks, Idp};
use tokio::runtime::Runtime;

pub(super) const ME: &str = "/api/2.0/preview/scim/v2/Me";

/// A guard against hanging, not a measure.
pub(super) const SOON: Duration = Duration::from_secs(20);

/// The fakes, on a runtime of their own.
pub(super) struct World {
    _runtime: Runtime,
    pub(super) idp: Idp,
    pub(super) databricks: Databricks,
    pub(super) folder: TempDir,
}

/// A running lakegate. Killed when it is dropped.
pub(super) struct Process {
    pub(super) child: Child,
    pub(super) lines: Receiver<String>,
}

// === impl World ===

impl World {
    pub(super) fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let (idp, databricks) = runtime.block_on(async {
            let idp = Idp::start().await;
            let databricks = Databricks::start(&idp).await;
            (idp, databricks)
        });
        Self {
            _runtime: runtime,
            idp,
            databricks,
            folder: TempDir::new().expect("a folder"),
        }
    }

    /// `lakegate run`, once it has keys, and where it listens.
    pub(super) fn run(&self) -> (Process, SocketAddr) {
        self.run_with("")
    }

    /// With another line in `[server]`.
    pub(super) fn run_with(&self, line: &str) -> (Process, SocketAddr) {
        let config = self.config(&format!("{line}\n[log]\nlevel = \"trace\""));
        let process = Process::start(&["run", "--config", &config]);
        let address = process.is_ready();
        (process, address)
    }

    /// A configuration file with these lines after `[server]`.
    pub(super) fn config(&self, lines: &str) -> String {
        self.config_for(self.databricks.url(), lines)
    }

    /// The same for a workspace whose tokens come from the fake one.
    pub(super) fn config_for(&self, workspace: &str, lines: &str) -> String {
        let config = self.folder.path().join("lakegate.toml");
        // There is no load balancer, and nobody waits for one.
        let delay = if lines.contains("drain_delay") {
            ""
        } else {
            "drain_delay = \"0s\""
        };
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n{delay}\n{lines}\n\
             [[issuer]]\nurl = \"{}\"\naudiences = [\"databricks-gateway\"]\n[[workspace]]\nurl = \"{workspace}\"\n\
             token_url = \"{}/oidc/v1/token\"\n",
            self.idp.issuer(),
            self.databricks.url()
        );
        fs::write(&config, text).expect("a file");
        config.to_str().expect("a path").to_owned()
    }

    /// A client in the middle of a stream.
    pub(super) fn stream(&self, address: SocketAddr) -> TcpStream {
        let mut client = say(
            address,
            &get("/testbed/stream", &format!("Bearer {}", self.idp.mint("alice"))),
        );
        let mut beginning = [0; 15];
        client.read_exact(&mut beginning).expect("an answer");
        assert_eq!(&beginning, b"HTTP/1.1 200 OK");
        client
    }
}

// === impl Process ===

impl Process {
    pub(super) fn start(arguments: &[&str]) -> Self {
        Self::spawn(Command::new(env!("CARGO_BIN_EXE_lakegate")).args(arguments))
    }

    /// One that may have so many files open.
    pub(super) fn start_with_files(most: u32, config: &str) -> Self {
        let lakegate = env!("CARGO_BIN_EXE_lakegate");
        let run = format!("ulimit -n {most}; exec '{lakegate}' run --config '{config}'");
        Self::spawn(Command::new("sh").args(["-c", &run]))
    }

    pub(super) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .env_clear()
            .stdout(Stdio::piped())
            .spawn()
            .expect("lakegate runs");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    /// Where it listens, once it says so and that it has keys; which of the two comes first, nobody knows.
    pub(super) fn is_ready(&self) -> SocketAddr {
        let (mut address, mut keys) = (None, false);
        while address.is_none() || !keys {
            let event = self.next("listening, with keys");
            keys |= event["message"] == "keys fetched";
            if event["message"] == "listening" {
                address = event["address"].as_str().and_then(|text| text.parse().ok());
            }
        }
        address.expect("an address")
    }

    /// The same, and where its admin listener is.
    pub(super) fn is_watched(&self) -> (SocketAddr, SocketAddr) {
        let (mut gateway, mut admin, mut keys) = (None, None, false);
        loop {
            let event = self.next("listening, with keys");
            let address = || event["address"].as_str().and_then(|text| text.parse().ok());
            match event["message"].as_str() {
                Some("listening") => gateway = address(),
                Some("admin listener") => admin = address(),
                Some("keys fetched") => keys = true,
                _ => {}
            }
            if let (Some(gateway), Some(admin), true) = (gateway, admin, keys) {
                return (gateway, admin);
            }
        }
    }

    /// What it holds in memory now, in bytes.
    #[cfg(target_os = "linux")]
    pub(super) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let size = line.and_then(|line| line.split_whitespace().nth(1));
        size.and_then(|size| size.parse::<u64>().ok()).expect("a size") * 1024
    }

    /// The next event with this message; others before it are skipped.
    pub(super) fn event(&self, message: &str) -> Value {
        loop {
            let event = self.next(message);
            if event["message"] == message {
                return event;
            }
        }
    }

    pub(super) fn next(&self, awaited: &str) -> Value {
        let line = self.lines.recv_timeout(SOON).expect(awaited);
        serde_json::from_str(&line).expect("every line is JSON")
    }

    pub(super) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status();
        assert!(sent.expect("a shell").success());
    }

    /// How it ends by itself, and what it writes until then.
    pub(super) fn end(mut self) -> (ExitStatus, Vec<String>) {
        let mut lines = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(SOON) {
            lines.push(line);
        }
        // Its standard output is closed, or it is late: then it is killed, and the status says so.
        let _ = self.child.kill();
        (self.child.wait().expect("a child"), lines)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for what can only be asked for.
pub(super) fn in_time(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = tokio::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed() < SOON, "{what}");
        thread::yield_now();
    }
}

pub(super) fn get(target: &str, credential: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: {credential}\r\nConnection: close\r\n\r\n")
}

pub(super) fn say(address: SocketAddr, text: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).expect("it listens");
    client.set_read_timeout(Some(SOON)).expect("a socket");
    client.write_all(text.as_bytes()).expect("it reads");
    client
}

/// The head of what comes, byte by byte: what follows it stays.
pub(super) fn head(from: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && from.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// What comes until the other end closes.
pub(super) fn rest(mut client: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end as well.
    let _ = client.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A certificate and its key, in PEM.
pub(super) fn pair() -> [String; 2] {
    Authority::new().server_pem(&[]).into()
}
