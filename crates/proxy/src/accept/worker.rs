use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::task::AbortOnDropHandle;

use super::Arrival;
use super::connection::{Serve, Shift, serve};
use crate::drain::{Drain, Drained, Tasks};
use crate::socket::Postman;

/// One thread with a runtime of its own: a connection that comes here stays here, with its upstream connections and
/// its counters, and meets no lock that another thread holds.
#[derive(Debug)]
pub(crate) struct Worker {
    arrivals: UnboundedReceiver<Arrival>,
    live: Arc<AtomicUsize>,
}

/// Where a worker's connections are handed in. Whoever accepts owns it: a worker stays for as long as there may be more.
#[derive(Debug)]
pub(crate) struct Desk {
    arrivals: UnboundedSender<Arrival>,
    live: Arc<AtomicUsize>,
}

// === impl Desk ===

impl Desk {
    pub(crate) fn connections(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// Counted here, not when it is first served: a burst would otherwise go to one worker.
    pub(super) fn receive(&self, arrival: Arrival) {
        self.live.fetch_add(1, Ordering::Relaxed);
        // An error means that the worker is gone, by a panic; the connection goes with the others that it had.
        let _ = self.arrivals.send(arrival);
    }
}

// === impl Worker ===

impl Worker {
    pub(crate) fn new() -> (Self, Desk) {
        let (sender, arrivals) = unbounded_channel();
        let live = Arc::new(AtomicUsize::new(0));
        (
            Self {
                arrivals,
                live: Arc::clone(&live),
            },
            Desk {
                arrivals: sender,
                live,
            },
        )
    }

    /// Serves until its desk is gone, which the drain takes away once nothing more is accepted, and what is in flight has
    /// ended, or the drain's time has.
    pub(crate) async fn run<J: Serve>(mut self, journey: J, tasks: Tasks, drain: Drain) -> Drained {
        // Sends what is left when it ends, with the worker.
        let _postman = AbortOnDropHandle::new(tokio::spawn(Postman));
        let mut sweep = tokio::time::interval(SWEEP);
        loop {
            tokio::select! {
                _ = sweep.tick() => journey.sweep(),
                arrival = self.arrivals.recv() => match arrival {
                    Some(arrival) => self.serve(arrival, &journey, &tasks, &drain),
                    None => break,
                },
            }
        }
        // The pools hold connections open that nobody will use again.
        drop(journey);
        tasks.ended(&drain).await
    }

    fn serve<J: Serve>(&self, arrival: Arrival, journey: &J, tasks: &Tasks, drain: &Drain) {
        let shift = Shift {
            journey: journey.clone(),
            settings: journey.settings(),
            tasks: tasks.clone(),
            drain: drain.clone(),
        };
        let served = Served(Arc::clone(&self.live));
        tasks.spawn(async move {
            let peer = arrival.peer;
            if let Err(error) = serve(arrival, shift).await {
                log(peer, &error);
            }
            drop(served);
        });
    }
}

/// A connection that counts as its worker's until it ends, by a panic as well.
struct Served(Arc<AtomicUsize>);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What clients do to their connections is theirs; it is worth a line only to somebody who looks for it.
fn log(peer: std::net::SocketAddr, error: &io::Error) {
    tracing::debug!(%peer, %error, "a client's connection ended early");
}

/// How often idle upstream connections, and subjects that rest, are looked through.
const SWEEP: Duration = Duration::from_secs(5);
