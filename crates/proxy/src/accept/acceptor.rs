use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;

use super::{Accepted, Arrival, Desk, Listener, Listening, ServerTls, THIS_MACHINE};
use crate::drain::Drain;

/// Where clients come in.
enum Door {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Accepts on one listener until the drain starts, and hands each connection to the worker that has the fewest.
///
/// At the limit of connections, the one that was accepted last waits for its place, and nothing more is accepted: the
/// kernel's queue fills, and the clients wait there.
pub(crate) async fn accept_all(
    listener: Listener,
    desks: Arc<[Desk]>,
    places: Arc<Semaphore>,
    drain: Drain,
) -> io::Result<()> {
    let Listener { socket, tls } = listener;
    let door = Door::open(socket)?;
    let mut shortage = Shortage::default();
    loop {
        let accept = async {
            let accepted = door.accept().await;
            if let Err(error) = &accepted {
                shortage.lasts(error).await;
            }
            let (socket, peer) = accepted?;
            shortage.ends();
            seated(socket, peer, tls.as_ref(), &places).await
        };
        let arrival = tokio::select! {
            () = drain.started() => return Ok(()),
            arrival = accept => arrival,
        };
        if let Ok(arrival) = arrival {
            hand_over(arrival, &desks);
        }
    }
}

/// Its place comes after the connection, never before: a listener that waited with a place in its hand would keep it
/// from the others.
async fn seated(
    socket: Accepted,
    peer: SocketAddr,
    tls: Option<&ServerTls>,
    places: &Arc<Semaphore>,
) -> io::Result<Arrival> {
    let permit = Arc::clone(places)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    Ok(Arrival {
        socket,
        peer,
        tls: tls.map(ServerTls::current),
        permit,
    })
}

// === impl Door ===

impl Door {
    fn open(socket: Listening) -> io::Result<Self> {
        match socket {
            Listening::Tcp(socket) => TcpListener::from_std(socket).map(Self::Tcp),
            Listening::Unix(socket) => UnixListener::from_std(socket).map(Self::Unix),
        }
    }

    async fn accept(&self) -> io::Result<(Accepted, SocketAddr)> {
        match self {
            Self::Tcp(socket) => {
                let (stream, peer) = socket.accept().await?;
                // An IPv4 client is one on a socket for both, too.
                let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                Ok((Accepted::Tcp(stream.into_std()?), peer))
            }
            Self::Unix(socket) => {
                let (stream, _) = socket.accept().await?;
                Ok((Accepted::Unix(stream.into_std()?), THIS_MACHINE))
            }
        }
    }
}

fn hand_over(arrival: Arrival, desks: &[Desk]) {
    if let Some(desk) = desks.iter().min_by_key(|desk| desk.connections()) {
        desk.receive(arrival);
    }
}

/// A time in which the operating system gives no connection: no file descriptors, no memory.
#[derive(Debug, Default)]
struct Shortage {
    attempts: u64,
}

// === impl Shortage ===

impl Shortage {
    /// One more attempt that failed. A client that has left again is nothing; everything else lasts, and asking at once
    /// would be a busy loop. Said once, however long it lasts.
    async fn lasts(&mut self, error: &io::Error) {
        if matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
        ) {
            return;
        }
        if self.attempts == 0 {
            tracing::warn!(%error, "cannot accept connections at present");
        }
        self.attempts += 1;
        tokio::time::sleep(PAUSE).await;
    }

    fn ends(&mut self) {
        if self.attempts > 0 {
            tracing::info!(attempts = self.attempts, "accepting connections again");
            self.attempts = 0;
        }
    }
}

/// Short enough that no client notices, long enough that waiting costs nothing.
const PAUSE: Duration = Duration::from_millis(50);
