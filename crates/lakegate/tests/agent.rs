//! `lakegate agent` as a process: what it refuses to be, what it writes, and what it leaves behind.

#![expect(clippy::expect_used, reason = "a test that cannot go on must say so and stop")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use testbed::{Databricks, Idp};
use tokio::runtime::Runtime;

fn agent(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lakegate"));
    command.arg("agent").args(arguments).env_clear();
    command
}

fn refused(arguments: &[&str]) -> String {
    let Output { status, stderr, .. } = agent(arguments).output().expect("lakegate runs");
    assert_eq!(status.code(), Some(64), "{arguments:?}");
    String::from_utf8(stderr).expect("text")
}

#[test]
fn an_address_beyond_loopback_ends_it_before_anything_is_bound() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let arguments = ["--gateway=https://a", "--token-file=b", "--listen", address];
        let told = refused(&arguments);
        assert!(
            told.contains("loopback addresses only") && told.contains("help: use 127.0.0.1"),
            "{told}"
        );
    }
}

#[test]
fn without_a_way_out_or_a_source_it_does_not_start() {
    assert!(refused(&["--token-file=b"]).contains("--workspace"));
    assert!(refused(&["--gateway=https://a"]).contains("--token-file"));
}

#[test]
fn flags_may_come_from_the_environment() {
    let output = agent(&["--listen=0.0.0.0:0"])
        .env("LAKEGATE_GATEWAY", "https://a")
        .env("LAKEGATE_TOKEN_FILE", "b")
        .output()
        .expect("lakegate runs");
    let told = String::from_utf8(output.stderr).expect("text");
    assert!(told.contains("loopback addresses only"), "{told}");
}

#[test]
fn it_serves_and_leaves_neither_its_socket_nor_a_jwt_in_the_log_behind() {
    let runtime = Runtime::new().expect("a runtime");
    let (idp, databricks) = runtime.block_on(async {
        let idp = Idp::start().await;
        let databricks = Databricks::start(&idp).await;
        (idp, databricks)
    });
    let folder = TempDir::new().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("jwt"), idp.mint("alice")).expect("a file");
    let mut child = agent(&[
        &format!("--workspace={}", databricks.url()),
        &format!("--issuer={}", idp.issuer()),
        "--audience=databricks-gateway",
        &format!("--token-file={}", path("jwt")),
        &format!("--socket={}", path("agent.sock")),
        "--log-level=trace",
    ])
    .stdout(Stdio::piped())
    .spawn()
    .expect("lakegate runs");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut log = String::new();
    for line in output.by_ref().map_while(Result::ok) {
        let listens = line.contains("\"listening\"");
        log += &line;
        if listens {
            break;
        }
    }
    let answer = ask(&path("agent.sock"));
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("alice"),
        "{answer}"
    );

    let stopped = Command::new("kill").arg(child.id().to_string()).status();
    assert!(stopped.expect("kill").success());
    output.map_while(Result::ok).for_each(|line| log += &line);
    assert!(child.wait().expect("a child").success(), "{log}");
    assert!(!fs::exists(path("agent.sock")).expect("a folder"));
    assert!(!log.contains("eyJ"), "{log}");
    assert!(
        log.contains("every user of this machine can read the JWT"),
        "{log}"
    );
    assert_eq!(databricks.leaked_jwts(), 0);
}

fn ask(path: &str) -> String {
    let mut client = UnixStream::connect(path).expect("it listens");
    let patience = Some(Duration::from_secs(20));
    client.set_read_timeout(patience).expect("a socket");
    let request = "GET /api/2.0/preview/scim/v2/Me HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: Bearer anything\r\nConnection: close\r\n\r\n";
    client.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("an answer");
    answer
}
