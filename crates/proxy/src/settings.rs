use std::num::NonZeroUsize;
use std::time::Duration;

use ipnet::IpNet;

use crate::{Credentials, Share};

/// Limits and time-outs of the data plane. There is no total time-out and, unless it is asked for, no body limit: an
/// upload may reach 5 GB and a stream may live for hours.
#[derive(Clone, Debug)]
pub struct Settings {
    /// From a request's first byte to the end of its head. Default: 10 s, against clients that trickle.
    pub header_timeout: Duration,
    /// How long a connection may wait for its next request. Default: 75 s, a little more than common load balancers' 60 s.
    pub idle_timeout: Duration,
    /// For a TLS handshake with a client. Default: 10 s.
    pub tls_handshake_timeout: Duration,
    /// How long a body may stand still on the client's side: a request's that does not come, an answer's that is not
    /// read. Default: 60 s, as a client that is alive moves something within a few round trips.
    pub body_idle_timeout: Duration,
    /// A request head's size in bytes. Default: 64 KiB, as JWTs that list groups reach 10 KB and `Basic` adds a third.
    pub max_header_size: usize,
    /// Header fields in one head, whatever the HTTP version. Default: 100.
    pub max_headers: usize,
    /// Streams that are open at a time on one connection of HTTP/2. Default: 100, the least that RFC 9113 section 6.5.2 recommends.
    pub max_concurrent_streams: usize,
    /// Whether listeners without TLS speak HTTP/2 to clients with prior knowledge of it. Default: no.
    pub h2c: bool,
    /// A request target's path and query in bytes. Default: 16 KiB, twice what common servers take.
    pub max_target_size: usize,
    /// A request body's size in bytes; `None`: unlimited, the default.
    pub max_body_size: Option<u64>,
    /// Connections from clients, all workers together. Default: 10,000.
    pub max_connections: usize,
    /// Connections from one client: an IPv4 address, or an IPv6 network of 64 bits, which is what one client has of
    /// them. `None`: unlimited. Default: 1,000, so that nobody alone takes more than a tenth.
    pub max_connections_per_client: Option<NonZeroUsize>,
    /// Requests between their head and the end of their answer, all workers together. Default: 10,000.
    pub max_requests_in_flight: usize,
    /// Requests of each verified subject to each workspace, all workers together. `None`: unlimited, the default, as only
    /// an operator knows who is one caller and who is many behind one name.
    pub share: Option<Share>,
    /// Peers that begin their connections with a PROXY protocol header. Default: none, as whoever may send it chooses
    /// the address that the log shows.
    pub proxy_protocol: Vec<IpNet>,
    /// To connect to a workspace, TLS included. Default: 5 s.
    pub connect_timeout: Duration,
    /// From the last byte of the request to the first of the response; `None`: for ever. Default: 300 s, as SQL and model
    /// calls are long.
    pub first_byte_timeout: Option<Duration>,
    /// How long the body of a workspace's answer may stand still while nothing comes from the client either; `None`: for
    /// ever. Default: 300 s, as model and event streams send something at least that often.
    pub upstream_body_idle_timeout: Option<Duration>,
    /// How long a connection to a workspace is kept without use. Default: 30 s, below common servers' 60 s.
    pub upstream_idle_timeout: Duration,
    /// How long a tunnel may be silent; `None`: for ever. Default: 1 h. Whoever types into one thinks for minutes, while
    /// a peer that is gone for good gives its connection back.
    pub tunnel_idle_timeout: Option<Duration>,
    /// `aud` values that callers' tokens may carry; told to clients that ask which audience to request.
    pub audiences: Vec<String>,
    /// Whether workspaces are told a client's address, and the scheme and host that it used: `Forwarded` (RFC 7239) and
    /// `X-Forwarded-*`. Default: no, as they are nobody's business.
    pub forwarded: bool,
    /// Whose JWT requests travel under. Default: the callers' own.
    pub credentials: Credentials,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            tls_handshake_timeout: Duration::from_secs(10),
            body_idle_timeout: Duration::from_secs(60),
            max_header_size: 64 * 1024,
            max_headers: 100,
            max_concurrent_streams: 100,
            h2c: false,
            max_target_size: 16 * 1024,
            max_body_size: None,
            max_connections: 10_000,
            max_connections_per_client: NonZeroUsize::new(1_000),
            max_requests_in_flight: 10_000,
            share: None,
            proxy_protocol: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: Some(Duration::from_secs(300)),
            upstream_body_idle_timeout: Some(Duration::from_secs(300)),
            upstream_idle_timeout: Duration::from_secs(30),
            tunnel_idle_timeout: Some(Duration::from_secs(3600)),
            audiences: Vec::new(),
            forwarded: false,
            credentials: Credentials::Callers,
        }
    }
}
