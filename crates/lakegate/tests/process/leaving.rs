//! What is said of clients that leave before there is a request: nothing that an operator would see.

use std::fs;
use std::net::SocketAddr;

use super::harness::{Process, World, pair, say};

/// Every event until one says that the connection ended is for those who look for it.
fn leaves_quietly(process: &Process, gateway: SocketAddr, beginning: &str) {
    drop(say(gateway, beginning));
    loop {
        let event = process.next("the end of its connection");
        let level = event["level"].as_str().expect("a level");
        assert!(["DEBUG", "TRACE"].contains(&level), "{event}");
        if event["message"] == "a client's connection ended early" {
            return;
        }
    }
}

#[test]
fn a_client_that_leaves_before_its_request_is_no_news() {
    let world = World::new();
    let (process, gateway) = world.run();
    leaves_quietly(&process, gateway, "GET /x HTTP/1.1\r\nHost: x\r\nAuthor");

    for (name, pem) in ["tls.crt", "tls.key"].iter().zip(pair()) {
        fs::write(world.folder.path().join(name), pem).expect("a file");
    }
    let (process, gateway) = world.run_with("tls = { cert = \"tls.crt\", key = \"tls.key\" }");
    // The beginning of a record that holds a handshake (RFC 8446 section 5.1).
    leaves_quietly(&process, gateway, "\u{16}\u{3}\u{1}");
}
