//! What ten thousand clients cost that have nothing to ask.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::time::Instant;

use super::harness::{ME, Process, SOON, World, get, in_time, rest, say};

/// A client of its own address, as none may have so many connections.
fn connect(number: u16, gateway: SocketAddr) -> TcpStream {
    let [high, low] = (number / 1_000 + 2).to_be_bytes();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a file descriptor: see `ulimit -n`");
    let address = SocketAddr::from((Ipv4Addr::new(127, 0, high, low), 0));
    socket.bind(&address.into()).expect("a free port");
    socket.connect(&gateway.into()).expect("it listens");
    let client = TcpStream::from(socket);
    client.set_read_timeout(Some(SOON)).expect("a socket");
    client
}

/// One request on a connection that is kept, and how long it took.
fn ask(client: &mut TcpStream, request: &str) -> Duration {
    let began = Instant::now();
    client.write_all(request.as_bytes()).expect("it reads");
    let mut answer = [0; 4096];
    let length = client.read(&mut answer).expect("an answer");
    assert!(answer[..length].starts_with(b"HTTP/1.1 200 "));
    began.elapsed()
}

/// The gauge of the admin listener.
fn connections(admin: SocketAddr) -> usize {
    let page = rest(say(admin, &get("/metrics", "none")));
    let gauge = page
        .lines()
        .find_map(|line| line.strip_prefix("lakegate_client_connections "));
    gauge.and_then(|value| value.parse().ok()).expect("a gauge")
}

/// `ulimit -n 12000; cargo test --release -p lakegate --test process -- --ignored --nocapture ten_thousand`
#[test]
#[ignore = "needs twelve thousand file descriptors; for the figures, not for every run"]
fn ten_thousand_idle_connections_hold_up_nobody_and_leave_nothing_behind() {
    let world = World::new();
    let config = world.config(
        "max_connections = 10100\n[admin]\nlisten = \"127.0.0.1:0\"\n[log]\nlevel = \"info,access=off\"",
    );
    let process = Process::start_with_files(12_000, &config);
    let (gateway, admin) = process.is_watched();
    let request =
        get(ME, &format!("Bearer {}", world.idp.mint("alice"))).replace("Connection: close\r\n", "");
    let mut other = connect(CROWD, gateway);
    ask(&mut other, &request);
    println!("before: {} KiB", process.resident() / 1024);

    let mut held = Vec::new();
    for _ in 0..3 {
        let idle = crowd(gateway, &request);
        assert_eq!(connections(admin), idle.len() + 1);
        let awake = process.resident();
        println!("with {CROWD} connections: {} KiB", awake / 1024);
        in_time("most of it is given back", || {
            // An allocator gives back what is free when it has something to do.
            ask(&mut connect(CROWD, gateway), &request);
            ask(&mut other, &request);
            process.resident() < awake / 2
        });
        held.push(process.resident());
        println!("once they have rested: {} KiB", process.resident() / 1024);
        let mut times: Vec<_> = (0..1_000).map(|_| ask(&mut other, &request)).collect();
        times.sort();
        println!(
            "1,000 requests beside them, median and slowest: {:?}, {:?}",
            times[500], times[999]
        );
        drop(idle);
        in_time("all have left", || connections(admin) == 1);
    }
    assert!(held[2] < held[0] + held[0] / 10, "{held:?}");
}

/// Clients that have asked once.
fn crowd(gateway: SocketAddr, request: &str) -> Vec<TcpStream> {
    let clients = (0..CROWD).map(|number| {
        let mut client = connect(number, gateway);
        ask(&mut client, request);
        client
    });
    clients.collect()
}

const CROWD: u16 = 10_000;
