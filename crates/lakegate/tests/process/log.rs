//! What is lost of the log when nobody reads it, and that this is said.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::channel;

use serde_json::Value;

use super::harness::{ME, Process, SOON, World, get, in_time, rest, say};

/// The address that the next event with this message tells.
fn address(lines: &mut Lines<BufReader<ChildStdout>>, message: &str) -> SocketAddr {
    loop {
        let line = lines.next().expect("an event").expect("a line");
        let event: Value = serde_json::from_str(&line).expect("every line is JSON");
        if event["message"] == message {
            let address = event["address"].as_str().expect("an address");
            return address.parse().expect("an address");
        }
    }
}

#[test]
fn lines_that_nobody_reads_are_dropped_and_counted_and_stall_no_request() {
    let world = World::new();
    let config = world.config("[admin]\nlisten = \"127.0.0.1:0\"\n[log]\nlevel = \"trace\"");
    let mut child = Command::new(env!("CARGO_BIN_EXE_lakegate"))
        .args(["run", "--config", &config])
        .env_clear()
        .stdout(Stdio::piped())
        .spawn()
        .expect("lakegate runs");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let (_, none) = channel();
    // Ended with the test.
    let _process = Process { child, lines: none };
    let gateway = address(&mut lines, "listening");
    let admin = address(&mut lines, "admin listener");

    // From here on, nobody reads.
    let began = tokio::time::Instant::now();
    while !has_lost_lines(admin) {
        for _ in 0..20 {
            assert!(rest(say(gateway, &get("/x", "none"))).starts_with("HTTP/1.1 401 "));
        }
        assert!(began.elapsed() < 3 * SOON, "nothing was lost");
    }
}

/// Every write to `/dev/full` fails as on a disk without room (full(4)).
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_for_the_log_costs_its_lines_and_no_request() {
    let world = World::new();
    let [gateway, admin] = [free(), free()];
    let config = world.config(&format!("[admin]\nlisten = \"{admin}\""));
    let text = fs::read_to_string(&config).expect("a file");
    fs::write(&config, text.replace("127.0.0.1:0", &gateway.to_string())).expect("a file");
    let disk = fs::File::options().write(true).open("/dev/full");
    let child = Command::new(env!("CARGO_BIN_EXE_lakegate"))
        .args(["run", "--config", &config])
        .env_clear()
        .stdout(disk.expect("full(4)"))
        .spawn()
        .expect("lakegate runs");
    let (_, lines) = channel();
    let mut process = Process { child, lines };
    in_time("it is ready", || is_ready(admin));

    let request = get(ME, &format!("Bearer {}", world.idp.mint("alice")));
    for _ in 0..20 {
        let answer = rest(say(gateway, &request));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    in_time("lines are lost", || has_lost_lines(admin));
    process.signal("TERM");
    let mut end = None;
    in_time("it ends", || {
        end = process.child.try_wait().expect("a child");
        end.is_some()
    });
    assert_eq!(end.and_then(|status| status.code()), Some(0));
}

/// An address that nobody listens on, for one that cannot say which it was given.
#[cfg(target_os = "linux")]
fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound socket")
}

#[cfg(target_os = "linux")]
fn is_ready(admin: SocketAddr) -> bool {
    TcpStream::connect(admin).is_ok()
        && rest(say(admin, &get("/readyz", "none"))).starts_with("HTTP/1.1 200 ")
}

fn has_lost_lines(admin: SocketAddr) -> bool {
    let page = rest(say(admin, &get("/metrics", "none")));
    page.lines()
        .any(|line| is_positive(line, "lakegate_log_lines_lost_total "))
}

fn is_positive(line: &str, metric: &str) -> bool {
    line.strip_prefix(metric)
        .is_some_and(|value| value.parse::<f64>().is_ok_and(|value| value > 0.0))
}
