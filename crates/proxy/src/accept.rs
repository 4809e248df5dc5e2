//! From a listening socket to requests: accept, hand over to the least busy worker, PROXY protocol, TLS, HTTP/1.1 or HTTP/2
//! under limits.

mod acceptor;
mod attentive;
mod connection;
mod crowd;
mod door;
mod guard;
mod interim;
mod paced;
mod parting;
mod proxy_protocol;
mod sequel;
mod tls;
mod worker;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;

use rustls::ServerConfig;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::OwnedSemaphorePermit;

pub(crate) use acceptor::{Usher, accept_all};
pub(crate) use connection::{Peer, Serve};
pub(crate) use crowd::Crowd;
pub use guard::guarded;
pub(crate) use interim::Interim;
pub(crate) use sequel::AfterHttp;
pub use tls::ServerTls;
pub(crate) use worker::{Desk, Worker};

/// A bound socket. Bound before anything is served, so that a port that is taken is a fault at the start, and port 0
/// has its number.
#[derive(Debug)]
pub struct Listener {
    socket: Listening,
    tls: Option<ServerTls>,
}

#[derive(Debug)]
enum Listening {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// An accepted connection on its way to a worker.
#[derive(Debug)]
pub(crate) struct Arrival {
    socket: Accepted,
    peer: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    /// Its place among `max_connections`, given back when it ends.
    permit: OwnedSemaphorePermit,
}

/// What a client came by.
#[derive(Debug)]
enum Accepted {
    Tcp(TcpStream),
    Unix(UnixStream),
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
        // A response's last part must not wait for the client's acknowledgement of the one before. Said to the listener, whose
        // connections begin with what it has, instead of to each of them.
        socket.set_tcp_nodelay(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket: Listening::Tcp(socket.into()),
            tls,
        })
    }

    /// Takes a Unix socket that listens. Who may connect to it is the file's business; whoever does is on this machine.
    ///
    /// # Errors
    /// When the operating system does not let it be waited for.
    pub fn unix(socket: UnixListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket: Listening::Unix(socket),
            tls: None,
        })
    }

    /// Where it listens, with the port that was given for port 0; `None` on a Unix socket.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn local_addr(&self) -> io::Result<Option<SocketAddr>> {
        match &self.socket {
            Listening::Tcp(socket) => socket.local_addr().map(Some),
            Listening::Unix(_) => Ok(None),
        }
    }

    /// Whether clients speak TLS to it.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }
}

/// Connections that the kernel completes before they are accepted: a burst of clients after a restart.
const BACKLOG: i32 = 1024;

/// What stands for a client on a Unix socket, which has no address: this machine, and no port.
const THIS_MACHINE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
