//! From a listening socket to requests: accept, hand over to the least busy worker, PROXY protocol, TLS, HTTP/1.1 or HTTP/2
//! under limits.

mod acceptor;
mod connection;
mod crowd;
mod guard;
mod interim;
mod paced;
mod proxy_protocol;
mod sequel;
mod tls;
mod worker;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use rustls::ServerConfig;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::OwnedSemaphorePermit;

pub(crate) use acceptor::accept_all;
pub(crate) use connection::{Peer, Serve};
pub(crate) use crowd::Crowd;
pub(crate) use interim::Interim;
pub use tls::ServerTls;
pub(crate) use worker::{Desk, Worker};

/// A bound socket. Bound before anything is served, so that a port that is taken is a fault at the start, and port 0
/// has its number.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    tls: Option<ServerTls>,
}

/// An accepted connection on its way to a worker.
#[derive(Debug)]
pub(crate) struct Arrival {
    socket: TcpStream,
    peer: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    /// Its place among `max_connections`, given back when it ends.
    permit: OwnedSemaphorePermit,
}

impl Listener {
    /// Binds `address`; `tls` makes it `https`.
    ///
    /// # Errors
    /// When the address is taken, not ours, or not allowed.
    pub fn bind(address: SocketAddr, tls: Option<ServerTls>) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // A gateway that restarts must not wait for its predecessor's connections to be forgotten.
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            // `[::]` means what most operators expect of it: IPv4 as well.
            socket.set_only_v6(false)?;
        }
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket: socket.into(),
            tls,
        })
    }

    /// Where it listens, with the port that was given for port 0.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Whether clients speak TLS to it.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }
}

/// Connections that the kernel completes before they are accepted: a burst of clients after a restart.
const BACKLOG: i32 = 1024;
