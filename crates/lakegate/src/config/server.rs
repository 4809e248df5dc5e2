use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::thread;
use std::time::Duration;

use super::fault::{Fault, Faults};
use super::folder::Folder;
use super::given::Given;
use super::tls::Tls;
use super::{grammar, raw};

/// `[server]`: where callers connect, and how long and how much they may take.
#[derive(Clone, Debug)]
pub struct Server {
    /// The addresses to listen on; at least one, none twice.
    pub listen: Vec<SocketAddr>,
    /// TLS on all of them; `None`: plain HTTP.
    pub tls: Option<Tls>,
    /// How many worker threads serve requests.
    pub workers: NonZeroUsize,
    /// How long a request's head may take to arrive.
    pub header_timeout: Duration,
    /// How long a connection may rest between two requests.
    pub idle_timeout: Duration,
    /// How long a TLS handshake may take.
    pub tls_handshake_timeout: Duration,
    /// How long a WebSocket may be silent; `None`: for ever.
    pub tunnel_idle_timeout: Option<Duration>,
    /// How long requests that are running at shutdown may take to finish.
    pub drain_timeout: Duration,
    /// How many bytes a request's head may have.
    pub max_header_size: usize,
    /// How many connections each listener holds at most.
    pub max_connections: NonZeroUsize,
    /// Whether workspaces are told callers' addresses, and the scheme and host that they used.
    pub forwarded: bool,
    /// How many streams one connection of HTTP/2 has open at most.
    pub max_concurrent_streams: NonZeroUsize,
    /// Whether HTTP/2 is spoken without TLS, to clients with prior knowledge of it.
    pub h2c: bool,
}

impl Default for Server {
    /// - `listen`: 127.0.0.1:8080. Without TLS, callers' tokens must not leave the machine.
    /// - `tls`: none. There is no certificate that could be a default.
    /// - `workers`: as many as this process has cores (cgroup limits count). Each is one thread with its own runtime.
    /// - `header_timeout`: 10 s. A head fits into one packet or a few; slower senders hold connections on purpose.
    /// - `idle_timeout`: 75 s. Longer than the 60 s of common load balancers, so that they close first.
    /// - `tls_handshake_timeout`: 10 s. Two round trips, even on a bad line.
    /// - `tunnel_idle_timeout`: 1 h. Whoever types into one thinks for minutes; who is gone for good gives its place back.
    /// - `drain_timeout`: 25 s. Within the 30 s that Kubernetes grants before it kills.
    /// - `max_header_size`: 65,536 bytes. JWTs with many groups, and cookies, are large; more is an attack.
    /// - `max_connections`: 10,000. About 160 MiB of idle connections, and below common limits on open files.
    /// - `forwarded`: no. Databricks needs no address to authorize, and addresses are personal data.
    /// - `max_concurrent_streams`: 100. The least that RFC 9113 section 6.5.2 recommends; each may hold a head and a window.
    /// - `h2c`: no. Who speaks HTTP/2 does so over TLS; behind a proxy that ends TLS, it is a choice.
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))],
            tls: None,
            workers: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            tls_handshake_timeout: Duration::from_secs(10),
            tunnel_idle_timeout: Some(Duration::from_secs(3600)),
            drain_timeout: Duration::from_secs(25),
            max_header_size: 64 * 1024,
            max_connections: const { NonZeroUsize::new(10_000).unwrap() },
            forwarded: false,
            max_concurrent_streams: const { NonZeroUsize::new(100).unwrap() },
            h2c: false,
        }
    }
}

impl Server {
    pub(super) fn from_raw(raw: raw::Server, folder: &Folder, faults: &mut Faults) -> Self {
        let mut server = Self::default();
        for (field, given) in [
            (&mut server.header_timeout, raw.header_timeout),
            (&mut server.idle_timeout, raw.idle_timeout),
            (&mut server.tls_handshake_timeout, raw.tls_handshake_timeout),
            (&mut server.drain_timeout, raw.drain_timeout),
        ] {
            given.set(field, faults, grammar::duration);
        }
        raw.tunnel_idle_timeout
            .set(&mut server.tunnel_idle_timeout, faults, grammar::duration_or_off);
        let count = |most| move |given: &_| grammar::count(given, most);
        raw.workers.set(&mut server.workers, faults, count(MOST_WORKERS));
        raw.max_connections
            .set(&mut server.max_connections, faults, count(MOST_CONNECTIONS));
        raw.max_concurrent_streams
            .set(&mut server.max_concurrent_streams, faults, count(MOST_STREAMS));
        server.h2c = raw.h2c.is_on();
        let head = |given: &_| grammar::bytes(given, &HEADER_SIZES);
        raw.max_header_size.set(&mut server.max_header_size, faults, head);
        if let Some(given) = raw.listen.given() {
            server.listen = listeners(&given, faults);
        }
        server.forwarded = raw.forwarded.is_on();
        server.tls = raw
            .tls
            .given()
            .and_then(|given| Tls::from_raw(given, folder, faults));
        server
    }
}

fn listeners(given: &Given<Vec<Given<String>>>, faults: &mut Faults) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    for one in &given.value {
        match grammar::socket_address(one) {
            Ok(address) if address.port() != 0 && addresses.contains(&address) => {
                faults.record(one.fault(format!("{address} is listed twice")));
            }
            Ok(address) => addresses.push(address),
            Err(fault) => faults.record(fault),
        }
    }
    if given.value.is_empty() {
        faults.record(Fault::new(&given.place, "there must be an address to listen on"));
    }
    addresses
}

/// Below 8 KiB a browser's request may not fit; above 1 MiB the limit would protect nobody.
const HEADER_SIZES: RangeInclusive<usize> = 8 * 1024..=1024 * 1024;

/// More threads than any machine has cores.
const MOST_WORKERS: usize = 1_024;

/// More would let one connection hold what many may.
const MOST_STREAMS: usize = 10_000;

/// More sockets than a process can open.
const MOST_CONNECTIONS: usize = 1_000_000;
