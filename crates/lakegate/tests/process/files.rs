//! What happens when the operating system gives no more file descriptors.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use tokio::time::Instant;

use super::harness::{ME, Process, SOON, World, get, head, rest, say};

/// One request on a connection that stays open, and that it is answered well.
fn ask(client: &mut TcpStream, token: &str) {
    let request = get(ME, &format!("Bearer {token}")).replace("Connection: close\r\n", "");
    client.write_all(request.as_bytes()).expect("it reads");
    let head = head(client).to_lowercase();
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    let (_, length) = head.split_once("content-length: ").expect("a length");
    let (length, _) = length.split_once('\r').expect("a line");
    let mut body = vec![0; length.parse().expect("a length")];
    client.read_exact(&mut body).expect("a body");
}

/// Connections until the gateway has no file descriptor left for the next one.
fn crowd(process: &Process, address: SocketAddr) -> Vec<TcpStream> {
    let crowd = (0..100).map(|_| TcpStream::connect(address).expect("the kernel's queue"));
    let crowd = crowd.collect();
    process.event("cannot accept connections at present");
    crowd
}

#[test]
fn without_file_descriptors_it_serves_on_waits_quietly_and_recovers() {
    let world = World::new();
    let process = Process::start_with_files(64, &world.config(""));
    let address = process.is_ready();
    let token = world.idp.mint("alice");
    let mut client = TcpStream::connect(address).expect("it listens");
    client.set_read_timeout(Some(SOON)).expect("a socket");
    ask(&mut client, &token);

    let began = Instant::now();
    let crowd = crowd(&process, address);
    for _ in 0..20 {
        ask(&mut client, &token);
    }
    drop(crowd);
    let event = process.event("accepting connections again");
    let most = began.elapsed().as_millis() / 50 + 1;
    let attempts = u128::from(event["attempts"].as_u64().expect("a number"));
    assert!(
        (1..=most).contains(&attempts),
        "{attempts} attempts are a busy loop; there was time for {most}"
    );
    let answer = rest(say(address, &get(ME, &format!("Bearer {token}"))));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
