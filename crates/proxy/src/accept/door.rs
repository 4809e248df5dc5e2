use std::io;
use std::net::SocketAddr;

#[cfg(target_os = "linux")]
use socket2::{SockFilter, SockRef};
use tokio::net::{TcpListener, UnixListener};

use super::{Accepted, BACKLOG, Listening, THIS_MACHINE};

/// Where clients come in.
#[derive(Debug)]
pub(super) enum Door {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Door {
    pub(super) fn open(socket: Listening) -> io::Result<Self> {
        match socket {
            Listening::Tcp(socket) => TcpListener::from_std(socket).map(Self::Tcp),
            Listening::Unix(socket) => UnixListener::from_std(socket).map(Self::Unix),
        }
    }

    pub(super) async fn accept(&self) -> io::Result<(Accepted, SocketAddr)> {
        match self {
            Self::Tcp(socket) => {
                let (stream, peer) = socket.accept().await?;
                Ok((Accepted::Tcp(stream.into_std()?), canonical(peer)))
            }
            Self::Unix(socket) => {
                let (stream, _) = socket.accept().await?;
                Ok((Accepted::Unix(stream.into_std()?), THIS_MACHINE))
            }
        }
    }

    /// Whoever has not begun to connect finds nobody from now on; who has is still let in.
    ///
    /// Without this, which only Linux can, a client that connects between the last accepting and the socket's end would be
    /// reset, and could not know what became of its request. One whose first packet is ignored sends it again in a second,
    /// to a socket that is gone.
    pub(super) fn shut(&self) {
        #[cfg(target_os = "linux")]
        if let Self::Tcp(socket) = self {
            // A system that lacks it resets a few clients that it need not.
            let _ = SockRef::from(socket).attach_filter(&no_first_packets());
        }
    }

    /// Those who stand before it, after which it is no more. The system is asked itself: what tokio knows of them may be
    /// older than they are.
    pub(super) fn clear(self) -> io::Result<Vec<(Accepted, SocketAddr)>> {
        let mut left = Vec::new();
        match self {
            Self::Tcp(socket) => {
                let socket = socket.into_std()?;
                while left.len() <= QUEUE
                    && let Ok((stream, peer)) = socket.accept()
                {
                    stream.set_nonblocking(true)?;
                    left.push((Accepted::Tcp(stream), canonical(peer)));
                }
            }
            Self::Unix(socket) => {
                let socket = socket.into_std()?;
                while left.len() <= QUEUE
                    && let Ok((stream, _)) = socket.accept()
                {
                    stream.set_nonblocking(true)?;
                    left.push((Accepted::Unix(stream), THIS_MACHINE));
                }
            }
        }
        Ok(left)
    }
}

/// An IPv4 client is one on a socket for both, too.
fn canonical(peer: SocketAddr) -> SocketAddr {
    SocketAddr::new(peer.ip().to_canonical(), peer.port())
}

/// A program for the kernel (bpf(4)), which is shown each segment from its TCP header on: byte 13 holds the flags, and one
/// with SYN (2) and without ACK (16) begins a connection (RFC 9293 section 3.1).
#[cfg(target_os = "linux")]
fn no_first_packets() -> [SockFilter; 5] {
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const SKIP_UNLESS_EQUAL: u16 = 0x15;
    const PASS_SO_MANY_BYTES: u16 = 0x06;
    [
        SockFilter::new(LOAD_BYTE, 0, 0, 13),
        SockFilter::new(AND, 0, 0, 2 | 16),
        SockFilter::new(SKIP_UNLESS_EQUAL, 0, 1, 2),
        SockFilter::new(PASS_SO_MANY_BYTES, 0, 0, 0),
        SockFilter::new(PASS_SO_MANY_BYTES, 0, 0, u32::MAX),
    ]
}

/// As many as the kernel holds: where it cannot be told to ignore more, whoever comes later must not keep the end away.
const QUEUE: usize = BACKLOG as usize;
