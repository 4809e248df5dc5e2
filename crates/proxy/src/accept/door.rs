use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

#[cfg(target_os = "linux")]
use socket2::SockFilter;
#[cfg(any(test, target_os = "linux"))]
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::{Accepted, BACKLOG, Listening, THIS_MACHINE};

/// Where clients come in.
#[derive(Debug)]
pub(super) struct Door {
    socket: Listening,
    bell: Bell,
}

/// Rings when somebody stands before a listening socket.
///
/// To tokio it is a stream, of which nothing but its readiness is ever asked. tokio's own listeners put each connection under
/// the watch of this thread's epoll, from which it is only taken again: it is a worker that will wait for it. What tokio has for
/// sockets of others, `AsyncFd`, needs unsafe code.
#[derive(Debug)]
struct Bell(TcpStream);

// === impl Door ===

impl Door {
    pub(super) fn open(socket: Listening) -> io::Result<Self> {
        let bell = Bell::of(&socket)?;
        Ok(Self { socket, bell })
    }

    pub(super) async fn accept(&self) -> io::Result<(Accepted, SocketAddr)> {
        self.bell.answer(|| self.socket.accept()).await
    }

    /// Whoever has not begun to connect finds nobody from now on; who has is still let in.
    ///
    /// Without this, which only Linux can, a client that connects between the last accepting and the socket's end would be
    /// reset, and could not know what became of its request. One whose first packet is ignored sends it again in a second,
    /// to a socket that is gone.
    pub(super) fn shut(&self) {
        #[cfg(target_os = "linux")]
        if let Listening::Tcp(socket) = &self.socket {
            // A system that lacks it resets a few clients that it need not.
            let _ = SockRef::from(socket).attach_filter(&no_first_packets());
        }
    }

    /// Those who stand before it, after which it is no more. The system is asked itself: what tokio knows of them may be
    /// older than they are.
    pub(super) fn clear(self) -> Vec<(Accepted, SocketAddr)> {
        let mut left = Vec::new();
        while left.len() <= QUEUE
            && let Ok(arrived) = self.socket.accept()
        {
            left.push(arrived);
        }
        left
    }
}

// === impl Bell ===

impl Bell {
    fn of(socket: &Listening) -> io::Result<Self> {
        let same = match socket {
            Listening::Tcp(socket) => OwnedFd::from(socket.try_clone()?),
            Listening::Unix(socket) => OwnedFd::from(socket.try_clone()?),
        };
        TcpStream::from_std(same.into()).map(Self)
    }

    /// Waits for what `accept` does not find at once.
    async fn answer<T>(&self, accept: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        self.0.async_io(Interest::READABLE, accept).await
    }
}

// === impl Listening ===

impl Listening {
    /// Whoever has stood before it for longest; it does not wait.
    fn accept(&self) -> io::Result<(Accepted, SocketAddr)> {
        match self {
            Self::Tcp(socket) => {
                let (stream, peer) = socket.accept()?;
                stream.set_nonblocking(true)?;
                Ok((Accepted::Tcp(stream), canonical(peer)))
            }
            Self::Unix(socket) => {
                let (stream, _) = socket.accept()?;
                stream.set_nonblocking(true)?;
                Ok((Accepted::Unix(stream), THIS_MACHINE))
            }
        }
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

#[cfg(test)]
mod tests {
    use std::net::TcpStream as Client;
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;
    use crate::Listener;

    fn a_tcp_door() -> (Door, SocketAddr) {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None).expect("a free port");
        let address = listener.local_addr().unwrap().expect("an address");
        (
            Door::open(listener.socket).expect("it can be waited for"),
            address,
        )
    }

    #[tokio::test]
    async fn clients_are_let_in_in_the_order_in_which_they_came_and_are_waited_for() {
        let (door, address) = a_tcp_door();
        let first = Client::connect(address).unwrap();
        let second = Client::connect(address).unwrap();
        for client in [&first, &second] {
            let (_, peer) = door.accept().await.unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
        }
        let third = tokio::task::spawn_blocking(move || Client::connect(address).unwrap());
        let (_accepted, peer) = door.accept().await.unwrap();
        assert_eq!(peer, third.await.unwrap().local_addr().unwrap());
    }

    #[tokio::test]
    async fn a_client_is_never_waited_for_and_neither_is_its_acknowledgement() {
        let (door, address) = a_tcp_door();
        let _client = Client::connect(address).unwrap();
        let (Accepted::Tcp(accepted), _) = door.accept().await.unwrap() else {
            panic!("it came by TCP");
        };
        assert!(accepted.nodelay().unwrap());
        assert!(SockRef::from(&accepted).nonblocking().unwrap());
    }

    #[tokio::test]
    async fn who_comes_by_a_unix_socket_is_of_this_machine_and_never_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("door");
        let listener = Listener::unix(UnixListener::bind(&path).unwrap()).unwrap();
        let door = Door::open(listener.socket).unwrap();
        let _client = UnixStream::connect(&path).unwrap();
        let (Accepted::Unix(accepted), peer) = door.accept().await.unwrap() else {
            panic!("it came by a Unix socket");
        };
        assert_eq!(peer, THIS_MACHINE);
        assert!(SockRef::from(&accepted).nonblocking().unwrap());
    }

    #[tokio::test]
    async fn those_who_stand_before_it_at_the_end_are_let_in_as_well() {
        let (door, address) = a_tcp_door();
        let clients = [(); 3].map(|()| Client::connect(address).unwrap());
        let left = door.clear();
        let peers: Vec<_> = left.iter().map(|(_, peer)| *peer).collect();
        assert_eq!(peers, clients.map(|client| client.local_addr().unwrap()));
        assert!(Client::connect(address).is_err(), "it is no more");
    }
}
