//! What becomes of requests while the gateway is told to stop.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

use super::harness::{ME, Process, SOON, World, get, rest, say};

/// Clients that ask and ask until nobody listens any more, and what became of their requests.
struct Load {
    gateway: SocketAddr,
    admin: SocketAddr,
    request: String,
    /// How long each client waits from one request to the next.
    pace: Duration,
    served: AtomicU64,
    /// Of them, those whose answer told the client to leave its connection.
    led_away: AtomicU64,
    /// Requests on a kept connection that ended in order, before a byte of the answer: clients send them again.
    crossed: AtomicU64,
    failures: Mutex<Vec<String>>,
}

/// What a whole answer says of its connection.
#[derive(Debug, PartialEq, Eq)]
enum Connection {
    Kept,
    Ends,
}

// === impl Load ===

impl Load {
    fn on(process: &Process, world: &World, pace: Duration) -> Self {
        let (gateway, admin) = process.is_watched();
        Self {
            gateway,
            admin,
            request: get(ME, &format!("Bearer {}", world.idp.mint("alice")))
                .replace("Connection: close\r\n", ""),
            pace,
            served: AtomicU64::new(0),
            led_away: AtomicU64::new(0),
            crossed: AtomicU64::new(0),
            failures: Mutex::default(),
        }
    }

    /// Half of the clients keep their connections, the others make one for each request. `stop` is called once this many
    /// requests were served.
    fn run(&self, clients: usize, before: u64, stop: impl FnOnce()) {
        thread::scope(|scope| {
            for number in 0..clients {
                scope.spawn(move || self.client(number % 2 == 0));
            }
            while self.served.load(Relaxed) < before {
                assert!(self.failures().is_empty(), "{:#?}", self.failures());
                thread::sleep(Duration::from_millis(1));
            }
            stop();
        });
    }

    fn client(&self, keeps: bool) {
        let mut due = Instant::now();
        // Refused, and so another replica's.
        while let Ok(mut socket) = TcpStream::connect(self.gateway) {
            socket.set_read_timeout(Some(SOON)).expect("a socket");
            socket.set_nodelay(true).expect("a socket");
            let (mut is_fresh, mut goes_on) = (true, true);
            while goes_on {
                goes_on = self.asks(&mut socket, is_fresh) && keeps;
                is_fresh = false;
                due += self.pace;
                thread::sleep(due.saturating_duration_since(Instant::now()));
            }
        }
        // Gone altogether by now, or not ready: a load balancer knows.
        if let Ok(mut admin) = TcpStream::connect(self.admin) {
            let _ = admin.write_all(get("/readyz", "none").as_bytes());
            if rest(admin).starts_with("HTTP/1.1 200 ") {
                self.fails("nobody listens, and it is ready".to_owned());
            }
        }
    }

    /// One request, and whether its connection may have another.
    fn asks(&self, socket: &mut TcpStream, is_fresh: bool) -> bool {
        match self.ask(socket) {
            Ok(Some(connection)) => {
                self.served.fetch_add(1, Relaxed);
                if connection == Connection::Ends {
                    self.led_away.fetch_add(1, Relaxed);
                }
                return connection == Connection::Kept;
            }
            Ok(None) if !is_fresh => _ = self.crossed.fetch_add(1, Relaxed),
            other => self.fails(format!("on a connection that is fresh ({is_fresh}): {other:?}")),
        }
        false
    }

    /// `None`: the connection ended in order, before a byte of the answer.
    fn ask(&self, socket: &mut TcpStream) -> io::Result<Option<Connection>> {
        socket.write_all(self.request.as_bytes())?;
        let (mut text, mut bytes) = (String::new(), [0; 4096]);
        while !is_whole(&text) {
            match socket.read(&mut bytes)? {
                0 if text.is_empty() => return Ok(None),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                some => text += &String::from_utf8_lossy(&bytes[..some]),
            }
        }
        if !text.starts_with("HTTP/1.1 200 ") {
            return Err(io::Error::other(text));
        }
        Ok(Some(if text.contains("connection: close\r\n") {
            Connection::Ends
        } else {
            Connection::Kept
        }))
    }

    fn fails(&self, how: String) {
        self.failures.lock().expect("failures").push(how);
    }

    fn failures(&self) -> Vec<String> {
        self.failures.lock().expect("failures").clone()
    }
}

fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.lines().next());
    let length: usize = length.and_then(|length| length.parse().ok()).expect("a length");
    body.len() >= length
}

fn start(world: &World, delay: &str) -> Process {
    let config = world.config(&format!(
        "drain_delay = \"{delay}\"\n[admin]\nlisten = \"127.0.0.1:0\"\n[log]\nlevel = \"info,access=off\""
    ));
    Process::start(&["run", "--config", &config])
}

#[test]
fn a_stop_in_the_middle_of_requests_loses_none() {
    let world = World::new();
    let process = start(&world, "300ms");
    let load = Load::on(&process, &world, Duration::ZERO);
    load.run(16, 500, || process.signal("TERM"));

    assert_eq!(load.failures(), [""; 0]);
    assert!(
        load.led_away.into_inner() > 0,
        "clients that keep connections are led away"
    );
    let (status, lines) = process.end();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    let finished = |line: &String| line.contains("stopped; everything in flight was finished");
    assert!(lines.iter().any(finished), "{lines:#?}");
}

#[test]
fn after_sigterm_it_is_not_ready_and_serves_on_and_a_second_one_ends_that() {
    let world = World::new();
    let process = start(&world, "1h");
    let load = Load::on(&process, &world, Duration::ZERO);
    process.signal("TERM");
    process.event("stopping: not ready any more, serving on while load balancers look elsewhere");
    let readiness = rest(say(load.admin, &get("/readyz", "none")));
    assert!(readiness.starts_with("HTTP/1.1 503 "), "{readiness}");
    let mut client = TcpStream::connect(load.gateway).expect("it listens");
    assert_eq!(load.ask(&mut client).expect("an answer"), Some(Connection::Kept));

    process.signal("TERM");
    process.event("stopped at once; what was in flight is cut");
    assert_eq!(process.end().0.code(), Some(0));
}

/// `cargo test --release -p lakegate --test process -- --ignored --nocapture five_thousand`
#[test]
#[ignore = "takes twenty seconds and two cores; for the figures, not for every run"]
fn five_thousand_requests_a_second_survive_a_stop() {
    println!("| delay | requests/s | served | led away | connection ended in order | failed |");
    for delay in ["5s", "0s"] {
        let world = World::new();
        let process = start(&world, delay);
        let load = Load::on(&process, &world, Duration::from_millis(20));
        let began = Instant::now();
        let mut rate = 0;
        load.run(100, 25_000, || {
            rate = u128::from(load.served.load(Relaxed)) * 1000 / began.elapsed().as_millis();
            process.signal("TERM");
        });
        let [served, led_away, crossed] =
            [&load.served, &load.led_away, &load.crossed].map(|count| count.load(Relaxed));
        let failures = load.failures();
        println!(
            "| {delay} | {rate} | {served} | {led_away} | {crossed} | {} |",
            failures.len()
        );
        assert_eq!(failures, [""; 0]);
        assert_eq!(process.end().0.code(), Some(0));
    }
}
