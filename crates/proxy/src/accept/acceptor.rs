use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::{Arrival, Desk, Listener, ServerTls};
use crate::drain::Drain;

/// Accepts on one listener until the drain starts, and hands each connection to the worker that has the fewest.
///
/// At the limit of connections nothing is accepted: the kernel's queue fills, and the clients wait there.
pub(crate) async fn accept_all(
    listener: Listener,
    desks: Arc<[Desk]>,
    places: Arc<Semaphore>,
    drain: Drain,
) -> io::Result<()> {
    let Listener { socket, tls } = listener;
    let socket = TcpListener::from_std(socket)?;
    loop {
        let accept = async {
            let permit = Arc::clone(&places)
                .acquire_owned()
                .await
                .map_err(io::Error::other)?;
            let (stream, peer) = socket.accept().await?;
            Ok::<_, io::Error>(Arrival {
                socket: stream.into_std()?,
                // An IPv4 client is one on a socket for both, too.
                peer: SocketAddr::new(peer.ip().to_canonical(), peer.port()),
                tls: tls.as_ref().map(ServerTls::current),
                permit,
            })
        };
        let accepted = tokio::select! {
            () = drain.started() => return Ok(()),
            accepted = accept => accepted,
        };
        match accepted {
            Ok(arrival) => hand_over(arrival, &desks),
            Err(error) => rest(&error).await,
        }
    }
}

fn hand_over(arrival: Arrival, desks: &[Desk]) {
    if let Some(desk) = desks.iter().min_by_key(|desk| desk.connections()) {
        desk.receive(arrival);
    }
}

/// A client that left again is nothing; everything else (no file descriptors, no memory) lasts, and asking at once
/// would be a busy loop.
async fn rest(error: &io::Error) {
    if matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    ) {
        return;
    }
    tracing::warn!(%error, "cannot accept connections at present");
    tokio::time::sleep(PAUSE).await;
}

const PAUSE: Duration = Duration::from_millis(50);
