use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::ops::RangeInclusive;
use std::thread;
use std::time::Duration;

use ipnet::IpNet;
use proxy::Share;

use super::fault::{Fault, Faults};
use super::folder::Folder;
use super::given::{Given, Setting};
use super::tls::Tls;
use super::{grammar, raw};

/// `[server]`: where callers connect, and how long and how much they may take.
#[derive(Clone, Debug, PartialEq)]
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
    /// How long everything is served as before once it is known that the gateway will stop; zero: not at all.
    pub drain_delay: Duration,
    /// How long requests that are running when accepting stops may take to finish.
    pub drain_timeout: Duration,
    /// How long a body may stand still on the client's side.
    pub body_idle_timeout: Duration,
    /// How many bytes a request's head may have.
    pub max_header_size: usize,
    /// How many fields a request's head may have.
    pub max_headers: NonZeroUsize,
    /// How many bytes a request's path and query may have.
    pub max_target_size: usize,
    /// How many bytes a request's body may have; `None`: any number.
    pub max_body_size: Option<u64>,
    /// How many connections all listeners together hold at most.
    pub max_connections: NonZeroUsize,
    /// Whether workspaces are told callers' addresses, and the scheme and host that they used.
    pub forwarded: bool,
    /// How many streams one connection of HTTP/2 has open at most.
    pub max_concurrent_streams: NonZeroUsize,
    /// Whether HTTP/2 is spoken without TLS, to clients with prior knowledge of it.
    pub h2c: bool,
    /// How many of them may be one client's; `None`: all.
    pub max_connections_per_client: Option<NonZeroUsize>,
    /// How many requests may be in flight.
    pub max_requests_in_flight: NonZeroUsize,
    /// How many requests each subject may send to each workspace; `None`: any number.
    pub share: Option<Share>,
    /// Whose connections begin with a PROXY protocol header; no others may.
    pub proxy_protocol: Vec<IpNet>,
}

impl Default for Server {
    /// - `listen`: 127.0.0.1:8080. Without TLS, callers' tokens must not leave the machine.
    /// - `tls`: none. There is no certificate that could be a default.
    /// - `workers`: as many as this process has cores (cgroup limits count). Each is one thread with its own runtime.
    /// - `header_timeout`: 10 s. A head fits into one packet or a few; slower senders hold connections on purpose.
    /// - `idle_timeout`: 75 s. Longer than the 60 s of common load balancers, so that they close first.
    /// - `tls_handshake_timeout`: 10 s. Two round trips, even on a bad line.
    /// - `tunnel_idle_timeout`: 1 h. Whoever types into one thinks for minutes; who is gone for good gives its place back.
    /// - `drain_delay`: 5 s. A balancer that asks `/readyz` every two seconds, or Kubernetes' own, has looked elsewhere by then.
    /// - `drain_timeout`: 20 s. With the delay before it, within the 30 s that Kubernetes grants before it kills.
    /// - `body_idle_timeout`: 60 s. A client that is alive moves something within a few round trips.
    /// - `max_header_size`: 65,536 bytes. JWTs with many groups, and cookies, are large; more is an attack.
    /// - `max_headers`: 100. Databricks' own clients send about twenty.
    /// - `max_target_size`: 16,384 bytes. Twice what common servers take; longer filters travel in a body.
    /// - `max_body_size`: none. Files are uploaded in one request of up to 5 GB.
    /// - `max_connections`: 10,000. About 75 MiB of idle connections, and below common limits on open files.
    /// - `forwarded`: no. Databricks needs no address to authorize, and addresses are personal data.
    /// - `max_concurrent_streams`: 100. The least that RFC 9113 section 6.5.2 recommends; each may hold a head and a window.
    /// - `h2c`: no. Who speaks HTTP/2 does so over TLS; behind a proxy that ends TLS, it is a choice.
    /// - `max_connections_per_client`: 1,000. Nobody alone takes more than a tenth of them.
    /// - `max_requests_in_flight`: 10,000. Over HTTP/2, connections alone would bound nothing.
    /// - `requests_per_second_per_subject`: none. A subject may be one person or all jobs of a department.
    /// - `burst_per_subject`: as many as a second brings, so that no second sees more than twice the rate.
    /// - `proxy_protocol`: none. Whoever may send the header chooses the address that the log shows.
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))],
            tls: None,
            workers: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            tls_handshake_timeout: Duration::from_secs(10),
            tunnel_idle_timeout: Some(Duration::from_secs(3600)),
            drain_delay: Duration::from_secs(5),
            drain_timeout: Duration::from_secs(20),
            body_idle_timeout: Duration::from_secs(60),
            max_header_size: 64 * 1024,
            max_headers: const { NonZeroUsize::new(100).unwrap() },
            max_target_size: 16 * 1024,
            max_body_size: None,
            max_connections: const { NonZeroUsize::new(10_000).unwrap() },
            forwarded: false,
            max_concurrent_streams: const { NonZeroUsize::new(100).unwrap() },
            h2c: false,
            max_connections_per_client: NonZeroUsize::new(1_000),
            max_requests_in_flight: const { NonZeroUsize::new(10_000).unwrap() },
            share: None,
            proxy_protocol: Vec::new(),
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
            (&mut server.body_idle_timeout, raw.body_idle_timeout),
        ] {
            given.set(field, faults, grammar::duration);
        }
        raw.tunnel_idle_timeout
            .set(&mut server.tunnel_idle_timeout, faults, grammar::duration_or_off);
        raw.drain_delay.set(&mut server.drain_delay, faults, |given| {
            Ok(grammar::duration_or_off(given)?.unwrap_or_default())
        });
        for (field, given, most) in [
            (&mut server.workers, raw.workers, MOST_WORKERS),
            (&mut server.max_headers, raw.max_headers, MOST_HEADERS),
            (&mut server.max_connections, raw.max_connections, MOST_CONNECTIONS),
            (
                &mut server.max_requests_in_flight,
                raw.max_requests_in_flight,
                MOST_CONNECTIONS,
            ),
            (
                &mut server.max_concurrent_streams,
                raw.max_concurrent_streams,
                MOST_STREAMS,
            ),
        ] {
            given.set(field, faults, |given| grammar::count(given, most));
        }
        for (field, given, bounds) in [
            (&mut server.max_header_size, raw.max_header_size, HEADER_SIZES),
            (&mut server.max_target_size, raw.max_target_size, TARGET_SIZES),
        ] {
            given.set(field, faults, |given| grammar::bytes(given, &bounds));
        }
        raw.max_connections_per_client
            .set(&mut server.max_connections_per_client, faults, |given| {
                grammar::count_or_off(given, MOST_CONNECTIONS)
            });
        server.share = share(raw.requests_per_second_per_subject, raw.burst_per_subject, faults);
        if let Some(given) = raw.max_body_size.given() {
            server.max_body_size = Some(given.value).filter(|&most| most > 0);
        }
        if let Some(given) = raw.listen.given() {
            server.listen = listeners(&given, faults);
        }
        if let Some(given) = raw.proxy_protocol.given() {
            let networks = given
                .value
                .iter()
                .filter_map(|one| faults.keep(grammar::network(one)));
            server.proxy_protocol = networks.collect();
        }
        server.h2c = raw.h2c.is_on();
        server.forwarded = raw.forwarded.is_on();
        server.tls = raw
            .tls
            .given()
            .and_then(|given| Tls::from_raw(given, folder, faults));
        server
    }
}

fn share(rate: Setting<u64>, burst: Setting<u64>, faults: &mut Faults) -> Option<Share> {
    let (rate_is_absent, place) = (matches!(rate, Setting::Absent), burst.place().cloned());
    let burst = burst.parse(faults, requests).flatten();
    if let (true, Some(place), Some(_)) = (rate_is_absent, place, burst) {
        let fault = Fault::new(
            &place,
            "`burst_per_subject` has no effect without `requests_per_second_per_subject`",
        );
        faults.record(fault.help("the latter is what a subject may send in the long run"));
    }
    let per_second = rate.parse(faults, requests).flatten()?;
    Some(Share {
        per_second,
        burst: burst.unwrap_or(per_second),
    })
}

fn requests(given: &Given<u64>) -> Result<Option<NonZeroU32>, Fault> {
    let count = grammar::count_or_off(given, MOST_REQUESTS)?;
    Ok(count.map(|count| NonZeroU32::try_from(count).unwrap_or(NonZeroU32::MAX)))
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

/// Below 1 KiB Databricks' own paging tokens may not fit; above 64 KiB the parser itself gives up.
const TARGET_SIZES: RangeInclusive<usize> = 1024..=64 * 1024;

/// The parser's own table of fields grows with this.
const MOST_HEADERS: usize = 1_000;

/// More threads than any machine has cores.
const MOST_WORKERS: usize = 1_024;

/// More would let one connection hold what many may.
const MOST_STREAMS: usize = 10_000;

/// More sockets than a process can open, and more requests than it can hold.
const MOST_CONNECTIONS: usize = 1_000_000;

/// More requests in a second than a gateway serves.
const MOST_REQUESTS: usize = 1_000_000;
