//! What is lost of the log when nobody reads it, and that this is said.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::channel;

use serde_json::Value;

use super::{Process, SOON, World, get, rest, say};

/// The address that the next event with this message tells.
fn address(lines: &mut Lines<BufReader<ChildStdout>>, message: &str) -> std::net::SocketAddr {
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
    let lost = |page: &str| {
        page.lines()
            .any(|line| is_positive(line, "lakegate_log_lines_lost_total "))
    };
    while !lost(&rest(say(admin, &get("/metrics", "none")))) {
        for _ in 0..20 {
            assert!(rest(say(gateway, &get("/x", "none"))).starts_with("HTTP/1.1 401 "));
        }
        assert!(began.elapsed() < 3 * SOON, "nothing was lost");
    }
}

fn is_positive(line: &str, metric: &str) -> bool {
    line.strip_prefix(metric)
        .is_some_and(|value| value.parse::<f64>().is_ok_and(|value| value > 0.0))
}
