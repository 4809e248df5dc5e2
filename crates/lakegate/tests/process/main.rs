//! The built program as a process: signals, what it writes, what it holds, and how it ends.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must say so and stop"
)]

#[cfg(target_os = "linux")]
mod bodies;
#[cfg(feature = "demo")]
mod demo;
mod drain;
mod files;
mod harness;
#[cfg(target_os = "linux")]
mod idle;
mod leaving;
mod log;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod names;
mod reload;

use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use testbed::Fault;

use harness::{ME, World, get, rest, say};

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
