//! What happens when a workspace's name comes to mean another address.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};

use super::harness::{Process, World, get, head, rest, say};

/// What shows a program a hosts file of its own, where the system lets anybody do that.
const UNDER_ITS_OWN_NAMES: &str = "exec unshare --user --map-root-user --mount sh -c";

fn can_have_its_own_names() -> bool {
    let mut asked = Command::new("sh");
    asked.args([
        "-c",
        &format!("{UNDER_ITS_OWN_NAMES} 'mount --bind /dev/null /etc/hosts'"),
    ]);
    asked
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Answers the next request for `/x` and stays; the control plane's own question is left alone.
fn answer(workspace: &TcpListener, with: &str) -> TcpStream {
    loop {
        let (mut connection, _) = workspace.accept().expect("a connection");
        if head(&mut connection).starts_with("GET /x ") {
            let length = with.len();
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{with}");
            connection.write_all(answer.as_bytes()).expect("it reads");
            return connection;
        }
    }
}

/// Two addresses of this machine, and one port.
fn two_places() -> (TcpListener, TcpListener, u16) {
    loop {
        let old = TcpListener::bind("127.0.0.2:0").expect("a free port");
        let port = old.local_addr().expect("a bound socket").port();
        if let Ok(new) = TcpListener::bind(("127.0.0.3", port)) {
            return (old, new, port);
        }
    }
}

fn ask(address: SocketAddr, token: &str) -> TcpStream {
    say(address, &get("/x", &format!("Bearer {token}")))
}

#[test]
fn a_workspace_whose_name_comes_to_mean_another_address_is_found_there() {
    if !can_have_its_own_names() {
        eprintln!("left out: this system lets nobody have a hosts file of their own");
        return;
    }
    let world = World::new();
    let (old, new, port) = two_places();
    let hosts = world.folder.path().join("hosts");
    fs::write(&hosts, "127.0.0.2 workspace.test\n").expect("a file");
    let config = world.config_for(&format!("http://workspace.test:{port}"), "workers = 1");
    let mut text = fs::read_to_string(&config).expect("a file");
    text.push_str("insecure_http = true\n");
    fs::write(&config, text).expect("a file");
    let lakegate = env!("CARGO_BIN_EXE_lakegate");
    let run = format!(
        "{UNDER_ITS_OWN_NAMES} \"mount --bind '{}' /etc/hosts && exec '{lakegate}' run --config '{config}'\"",
        hosts.display()
    );
    let process = Process::spawn(Command::new("sh").args(["-c", &run]));
    let address = process.is_ready();
    let token = world.idp.mint("alice");

    let client = ask(address, &token);
    let mut kept = answer(&old, "the old place");
    assert!(rest(client).ends_with("the old place"));

    fs::write(&hosts, "127.0.0.3 workspace.test\n").expect("a file");
    // A connection that is good serves on, whatever its name means by now.
    let client = ask(address, &token);
    head(&mut kept);
    kept.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nstill")
        .expect("it reads");
    assert!(rest(client).ends_with("still"));
    // It is closed by whoever has read that.
    let _ = kept.read(&mut [0]);

    let client = ask(address, &token);
    answer(&new, "the new place");
    assert!(rest(client).ends_with("the new place"));
}
