//! The built program as a process: signals, what it writes, what it holds, and how it ends.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must say so and stop"
)]

#[cfg(target_os = "linux")]
mod bodies;
mod drain;
mod files;
#[cfg(target_os = "linux")]
mod idle;
mod leaving;
mod log;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod names;
mod reload;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;
use testbed::{Authority, Databricks, Fault, Idp};
use tokio::runtime::Runtime;

const ME: &str = "/api/2.0/preview/scim/v2/Me";

/// A guard against hanging, not a measure.
const SOON: Duration = Duration::from_secs(20);

/// The fakes, on a runtime of their own.
struct World {
    _runtime: Runtime,
    idp: Idp,
    databricks: Databricks,
    folder: TempDir,
}

/// A running lakegate. Killed when it is dropped.
struct Process {
    child: Child,
    lines: Receiver<String>,
}

// === impl World ===

impl World {
    fn new() -> Self {
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
    fn run(&self) -> (Process, SocketAddr) {
        self.run_with("")
    }

    /// With another line in `[server]`.
    fn run_with(&self, line: &str) -> (Process, SocketAddr) {
        let config = self.config(&format!("{line}\n[log]\nlevel = \"trace\""));
        let process = Process::start(&["run", "--config", &config]);
        let address = process.is_ready();
        (process, address)
    }

    /// A configuration file with these lines after `[server]`.
    fn config(&self, lines: &str) -> String {
        self.config_for(self.databricks.url(), lines)
    }

    /// The same for a workspace whose tokens come from the fake one.
    fn config_for(&self, workspace: &str, lines: &str) -> String {
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
    fn stream(&self, address: SocketAddr) -> TcpStream {
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
    fn start(arguments: &[&str]) -> Self {
        Self::spawn(Command::new(env!("CARGO_BIN_EXE_lakegate")).args(arguments))
    }

    /// One that may have so many files open.
    fn start_with_files(most: u32, config: &str) -> Self {
        let lakegate = env!("CARGO_BIN_EXE_lakegate");
        let run = format!("ulimit -n {most}; exec '{lakegate}' run --config '{config}'");
        Self::spawn(Command::new("sh").args(["-c", &run]))
    }

    fn spawn(command: &mut Command) -> Self {
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
    fn is_ready(&self) -> SocketAddr {
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
    fn is_watched(&self) -> (SocketAddr, SocketAddr) {
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
    fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let size = line.and_then(|line| line.split_whitespace().nth(1));
        size.and_then(|size| size.parse::<u64>().ok()).expect("a size") * 1024
    }

    /// The next event with this message; others before it are skipped.
    fn event(&self, message: &str) -> Value {
        loop {
            let event = self.next(message);
            if event["message"] == message {
                return event;
            }
        }
    }

    fn next(&self, awaited: &str) -> Value {
        let line = self.lines.recv_timeout(SOON).expect(awaited);
        serde_json::from_str(&line).expect("every line is JSON")
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status();
        assert!(sent.expect("a shell").success());
    }

    /// How it ends by itself, and what it writes until then.
    fn end(mut self) -> (ExitStatus, Vec<String>) {
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
fn in_time(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = tokio::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed() < SOON, "{what}");
        thread::yield_now();
    }
}

fn get(target: &str, credential: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: {credential}\r\nConnection: close\r\n\r\n")
}

fn say(address: SocketAddr, text: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).expect("it listens");
    client.set_read_timeout(Some(SOON)).expect("a socket");
    client.write_all(text.as_bytes()).expect("it reads");
    client
}

/// The head of what comes, byte by byte: what follows it stays.
fn head(from: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && from.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// What comes until the other end closes.
fn rest(mut client: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end as well.
    let _ = client.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A certificate and its key, in PEM.
fn pair() -> [String; 2] {
    Authority::new().server_pem(&[]).into()
}

#[test]
fn sigterm_and_ctrl_c_finish_what_is_in_flight() {
    for signal in ["TERM", "INT"] {
        let world = World::new();
        let (process, address) = world.run();
        let client = world.stream(address);
        process.signal(signal);
        process.event("stopping: no new connections, finishing what is in flight");
        while TcpStream::connect(address).is_ok() {
            thread::yield_now();
        }
        world.databricks.send_event("the last words");
        world.databricks.end_streams();
        let answer = rest(client);
        assert!(answer.contains("data: the last words\n\n"), "{answer}");
        assert!(answer.ends_with("0\r\n\r\n"), "{answer}");

        let (status, lines) = process.end();
        assert_eq!(status.code(), Some(0), "{lines:#?}");
        let finished = |line: &String| line.contains("stopped; everything in flight was finished");
        assert!(lines.iter().any(finished), "{lines:#?}");
    }
}

#[test]
fn whoever_asks_twice_does_not_wait() {
    let world = World::new();
    let (process, address) = world.run();
    let client = world.stream(address);
    process.signal("TERM");
    process.event("stopping: no new connections, finishing what is in flight");
    process.signal("TERM");
    process.event("stopped at once; what was in flight is cut");
    let (status, lines) = process.end();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    assert!(!rest(client).ends_with("0\r\n\r\n"), "a cut is no end");
}

#[test]
fn every_line_is_json_and_none_holds_a_credential_at_any_level() {
    let world = World::new();
    let (process, address) = world.run();
    let good = world.idp.mint("alice@example.com");
    let basic = STANDARD.encode(format!("token:{good}"));
    let forged = world.idp.token("alice@example.com").forge();
    world.databricks.set_users(&["alice@example.com"]);
    let denied = world.idp.mint("mallory");
    let credentials = [
        format!("Bearer {good}"),
        format!("Basic {basic}"),
        format!("Bearer {forged}"),
        format!("Bearer {denied}"),
        "Bearer dapi0123456789".to_owned(),
        "Basic dXNlcjpzZWNyZXQ=".to_owned(),
    ];
    for credential in &credentials {
        rest(say(
            address,
            &get(&format!("{ME}?signature=presigned"), credential),
        ));
    }
    // On the connection that was kept, and on the new one that it is sent on again.
    world.databricks.faults().inject("/api/", Fault::Reset, 2);
    let failed = rest(say(address, &get(ME, &credentials[0])));
    world.databricks.faults().inject("/oidc/", Fault::Reset, 10);
    world.databricks.set_users(&["bob"]);
    rest(say(
        address,
        &get(ME, &format!("Bearer {}", world.idp.mint("bob"))),
    ));
    process.signal("TERM");
    let (_, lines) = process.end();

    let swapped = world.databricks.seen().into_iter().filter_map(|seen| {
        let token = seen
            .values("authorization")
            .first()?
            .strip_prefix("Bearer ")?
            .to_owned();
        Some(token)
    });
    let secrets: Vec<String> = swapped
        .chain([good, basic, forged, denied])
        // Any part of a token is as bad as the whole.
        .flat_map(|token| token.split('.').map(str::to_owned).collect::<Vec<_>>())
        .chain(["dapi0123456789", "dXNlcjpzZWNyZXQ", "signature=presigned"].map(str::to_owned))
        .collect();
    let mut access = Vec::new();
    for line in &lines {
        assert!(!secrets.iter().any(|secret| line.contains(secret)), "{line}");
        let event: Value = serde_json::from_str(line).expect("every line is JSON");
        if event["target"] == "access" {
            access.push(event);
        }
    }
    let statuses: Vec<_> = access.iter().map(|line| line["status"].as_u64()).collect();
    assert_eq!(statuses, [200, 200, 401, 401, 401, 401, 502, 503].map(Some));
    assert!(
        lines.iter().any(|line| line.contains("\"level\":\"TRACE\"")),
        "it was told to talk"
    );
    assert!(
        !lines.iter().any(|line| line.contains("alice@example.com")),
        "subjects are hashed"
    );
    assert_eq!(access[0]["path"], ME);
    assert_eq!(access[0]["subject"], access[1]["subject"]);
    assert_ne!(access[0]["subject"], access[3]["subject"]);
    let id = access[6]["request_id"].as_str().expect("an id");
    assert!(failed.contains(&format!("x-request-id: {id}")), "{failed}");
}

#[test]
fn a_port_that_is_taken_is_said_and_ends_it() {
    let world = World::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("a bound socket").to_string();
    let arguments = ["run", "--listen", &address, "--audience", "a"];
    let urls = [
        "--workspace",
        world.databricks.url(),
        "--issuer",
        world.idp.issuer(),
    ];
    let output = Command::new(env!("CARGO_BIN_EXE_lakegate"))
        .args(arguments)
        .args(urls)
        .env_clear()
        .output()
        .expect("lakegate runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.starts_with(&format!("error: cannot listen on {address}: ")),
        "{said}"
    );
}

#[cfg(feature = "demo")]
#[test]
fn the_demo_makes_one_real_call_and_tells_what_happened() {
    let (status, lines) = Process::start(&["demo", "--once"]).end();
    let story = lines.join("\n");
    assert_eq!(status.code(), Some(0), "{story}");
    for sentence in [
        "alice@example.com has a JWT of her own identity provider",
        "answers 200 OK {\"userName\": \"alice@example.com\", …}",
        "The same call again: 200 OK",
        "Exchanges at the workspace so far: 1.",
        "JWTs of the identity provider that reached the workspace's API: 0.",
        "curl -H \"Authorization: Bearer $JWT\" http://127.0.0.1:",
        "DATABRICKS_HOST=http://127.0.0.1:",
    ] {
        assert!(story.contains(sentence), "{sentence}: {story}");
    }
}

#[cfg(feature = "demo")]
#[test]
fn the_demo_stays_until_ctrl_c() {
    let process = Process::start(&["demo"]);
    while !process
        .lines
        .recv_timeout(SOON)
        .expect("a story")
        .starts_with("Ctrl-C")
    {}
    process.signal("INT");
    assert_eq!(process.end().0.code(), Some(0));
}
