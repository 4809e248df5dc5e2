//! How much memory the gateway holds, read from outside while bodies stream through it or stand still.

use std::net::{SocketAddr, TcpStream};
use std::{fs, thread};

use super::bodies::{Framing, MIB, Workspace, flood};
use super::harness::{Process, World, head, say};

/// The gateway in front of a workspace that makes bodies and swallows them, of whatever size.
struct Bench {
    world: World,
    process: Process,
    gateway: SocketAddr,
    workspace: Workspace,
}

/// A body's way through the gateway.
#[derive(Clone, Copy, Debug)]
enum Way {
    Up(Framing),
    Down(Framing),
    /// On two connections at once.
    Both,
}

/// What a body cost that has passed through.
struct Passage {
    /// The most that was held beyond what was held before.
    grown: u64,
    cpu_seconds: f64,
}

const WAYS: [Way; 5] = [
    Way::Up(Framing::Length),
    Way::Up(Framing::Chunked),
    Way::Down(Framing::Length),
    Way::Down(Framing::Chunked),
    Way::Both,
];

// === impl Bench ===

impl Bench {
    /// After some bodies have passed: what is allocated once is allocated.
    fn new() -> Self {
        let world = World::new();
        let workspace = Workspace::start();
        let process = Process::start(&["run", "--config", &world.config_for(&workspace.url(), "")]);
        let gateway = process.is_ready();
        let bench = Self {
            world,
            process,
            gateway,
            workspace,
        };
        for way in WAYS {
            bench.pass(way, 8 * MIB);
        }
        bench
    }

    /// What the process holds now, in bytes.
    fn resident(&self) -> u64 {
        self.process.resident()
    }

    /// What it has used of the processors: the fields `utime` and `stime` of proc(5), in hundredths of a second.
    fn cpu_seconds(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.child.id())).expect("Linux");
        let (_, fields) = stat.rsplit_once(") ").expect("a name in parentheses");
        let ticks = fields.split(' ').skip(11).take(2);
        ticks
            .map(|ticks| ticks.parse::<u32>().expect("a number"))
            .map(f64::from)
            .sum::<f64>()
            / 100.0
    }

    /// A request of which the head was sent.
    fn open(&self, method: &str, target: &str, fields: &str) -> TcpStream {
        let token = self.world.idp.mint("alice@example.com");
        let head =
            format!("{method} {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{fields}\r\n");
        say(self.gateway, &head)
    }

    /// One body of this size passes.
    fn pass(&self, way: Way, size: u64) -> Passage {
        let (before, cpu_before) = (self.resident(), self.cpu_seconds());
        let most = match way {
            Way::Up(framing) => self.upload(framing, size),
            Way::Down(framing) => self.download(framing, size),
            Way::Both => {
                let mut client = self.open_upload(Framing::Length, size);
                let up = thread::spawn(move || upload(&mut client, Framing::Length, size, || ()));
                let most = self.download(Framing::Length, size);
                up.join().expect("an upload");
                most
            }
        };
        Passage {
            grown: most.saturating_sub(before),
            cpu_seconds: self.cpu_seconds() - cpu_before,
        }
    }

    /// The most that the process held meanwhile.
    fn upload(&self, framing: Framing, size: u64) -> u64 {
        let mut most = 0;
        let mut client = self.open_upload(framing, size);
        upload(&mut client, framing, size, || most = most.max(self.resident()));
        most
    }

    fn open_upload(&self, framing: Framing, size: u64) -> TcpStream {
        self.open("PUT", &format!("/up/{size}"), &framing.field(size))
    }

    /// The same.
    fn download(&self, framing: Framing, size: u64) -> u64 {
        let mut most = 0;
        let mut client = self.open("GET", &format!("/down/{size}/{framing:?}"), "");
        assert!(head(&mut client).starts_with("HTTP/1.1 200 "));
        framing.receive(&mut client, size, || most = most.max(self.resident()));
        most
    }

    /// What each of some answers holds that clients do not read.
    fn unread_answers(&self) -> u64 {
        let before = self.resident();
        let unread: Vec<_> = (0..SOME).map(|_| self.open("GET", "/flood", "")).collect();
        for _ in &unread {
            self.workspace.stands_still();
        }
        self.resident().saturating_sub(before) / SOME
    }

    /// What each of some requests holds that workspaces do not read.
    fn unread_requests(&self) -> u64 {
        let before = self.resident();
        let unread: Vec<_> = (0..SOME)
            .map(|_| self.open("PUT", "/ignored", "Content-Length: 1000000000000\r\n"))
            .map(|client| thread::spawn(move || flood(client)))
            .collect();
        let _clients: Vec<_> = unread
            .into_iter()
            .map(|client| client.join().expect("it stands still"))
            .collect();
        self.resident().saturating_sub(before) / SOME
    }
}

fn upload(client: &mut TcpStream, framing: Framing, size: u64, each: impl FnMut()) {
    framing.send(client, size, each);
    assert!(head(client).starts_with("HTTP/1.1 204 "));
}

const SOME: u64 = 32;

#[test]
fn a_body_of_any_size_passes_through_a_few_mebibytes() {
    let bench = Bench::new();
    for way in WAYS {
        let Passage { grown, .. } = bench.pass(way, 64 * MIB);
        assert!(grown < 16 * MIB, "{way:?}: {grown} bytes");
    }
}

#[test]
fn bodies_that_stand_still_hold_little_memory_each() {
    let bench = Bench::new();
    for (body, held) in [
        ("an answer", bench.unread_answers()),
        ("a request", bench.unread_requests()),
    ] {
        assert!(held <= 512 * 1024, "{body}: {held} bytes");
    }
}

/// `cargo test --release -p lakegate --test process -- --ignored --nocapture five`
#[test]
#[ignore = "moves 30 GiB; for the figures, not for every run"]
fn five_gibibytes_pass_through_a_few_mebibytes() {
    let bench = Bench::new();
    println!("at rest: {} KiB", bench.resident() / 1024);
    println!("| 5 GiB | grows by, KiB | CPU s/GiB |");
    for way in WAYS {
        let Passage { grown, cpu_seconds } = bench.pass(way, 5 * 1024 * MIB);
        println!("| {way:?} | {} | {:.2} |", grown / 1024, cpu_seconds / 5.0);
        assert!(grown < 16 * MIB, "{way:?}: {grown} bytes");
    }
    println!(
        "an answer that is not read: {} KiB",
        bench.unread_answers() / 1024
    );
    println!(
        "a request that is not read: {} KiB",
        bench.unread_requests() / 1024
    );
}
