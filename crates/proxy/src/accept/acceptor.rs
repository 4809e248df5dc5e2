use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::door::Door;
use super::{Accepted, Arrival, Desk, Listener, ServerTls};
use crate::drain::Drain;

/// Shows clients to the worker that has the fewest. It owns the desks together with those at the other doors: when the last
/// is gone, the workers know that nobody comes any more.
#[derive(Clone)]
pub(crate) struct Usher {
    pub(crate) desks: Arc<[Desk]>,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) drain: Drain,
}

/// Accepts on one listener until the drain starts, and hands each connection to a worker; then those as well that the kernel
/// has begun or completed by then, as their clients know no better than that they are connected.
///
/// At the limit of connections, the one that was accepted last waits for its place, and nothing more is accepted: the
/// kernel's queue fills, and the clients wait there.
pub(crate) async fn accept_all(listener: Listener, usher: Usher) -> io::Result<()> {
    let Listener { socket, tls } = listener;
    let door = Door::open(socket)?;
    accept_until(usher.drain.started(), &door, tls.as_ref(), &usher).await;
    door.shut();
    accept_until(usher.drain.started_for(HANDSHAKE), &door, tls.as_ref(), &usher).await;
    for (socket, peer) in door.clear() {
        usher.seat(socket, peer, tls.as_ref()).await;
    }
    Ok(())
}

async fn accept_until(end: impl Future<Output = ()>, door: &Door, tls: Option<&ServerTls>, usher: &Usher) {
    let mut end = pin!(end);
    let mut shortage = Shortage::default();
    loop {
        let accepted = tokio::select! {
            () = &mut end => return,
            accepted = door.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                shortage.ends();
                usher.seat(socket, peer, tls).await;
            }
            Err(error) => shortage.lasts(&error).await,
        }
    }
}

// === impl Usher ===

impl Usher {
    /// Its place comes after the connection, never before: a listener that waited with a place in its hand would keep it
    /// from the others. Who waits for one in a drain does so until its end: every connection is about to give its own back.
    async fn seat(&self, socket: Accepted, peer: SocketAddr, tls: Option<&ServerTls>) {
        let permit = tokio::select! {
            permit = Arc::clone(&self.places).acquire_owned() => permit,
            () = self.drain.over() => return,
        };
        let desk = self.desks.iter().min_by_key(|desk| desk.connections());
        if let (Ok(permit), Some(desk)) = (permit, desk) {
            desk.receive(Arrival {
                socket,
                peer,
                tls: tls.map(ServerTls::current),
                permit,
            });
        }
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

/// For the third packet of a connection that has begun: most ways back and forth are shorter.
const HANDSHAKE: Duration = Duration::from_millis(100);

/// Short enough that no client notices, long enough that waiting costs nothing.
const PAUSE: Duration = Duration::from_millis(50);
