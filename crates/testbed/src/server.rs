//! The sockets beneath both fakes: accepting, TLS, what a request looked like on the wire, and faults.

mod body;
mod connection;
mod framing;
mod h2;
mod head;
mod recorder;
#[cfg(test)]
mod tests;
mod websocket;

use std::net::Ipv4Addr;
use std::sync::Arc;

use http::Response;
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::locked::Locked;
use crate::{Authority, Faults};

pub(crate) use body::{Body, BodyFrames, empty, full, zeros};
pub(crate) use head::Head;

/// What a fake does with a request, in two steps with the faults between them: what is counted and recorded on arrival
/// is counted even if the answer then goes wrong.
pub(crate) trait Handler: Send + Sync + 'static {
    /// What is known once the request has arrived.
    type Arrival: Send;

    /// Counts, records, and reads as much of the body as that takes.
    fn arrive(self: &Arc<Self>, head: Head, body: Incoming) -> impl Future<Output = Self::Arrival> + Send;

    /// The proper answer.
    fn answer(self: &Arc<Self>, arrival: Self::Arrival) -> impl Future<Output = Response<Body>> + Send;

    /// A head that came in and was never answered: hyper refused it, or the connection broke off before its turn.
    fn unanswered(&self, _head: &Head) {}

    /// How many streams a connection of HTTP/2 may have open.
    fn max_streams(&self) -> u32 {
        100
    }

    /// Whether there shall be a proper answer.
    fn faults(&self) -> &Faults;
}

/// A bound socket: the address is known, nothing is served yet.
pub(crate) struct Bound {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    /// Whether HTTP/2 is spoken without TLS too, to clients with prior knowledge.
    h2c: bool,
    url: String,
}

/// The tasks of a server. Dropping it ends them all.
pub(crate) struct Running {
    tasks: TaskTracker,
    stop: CancellationToken,
    /// What the connections of now end with; those that come have another.
    line: Arc<Locked<CancellationToken>>,
}

// === impl Bound ===

impl Bound {
    /// On loopback; port 0 is a free one.
    pub(crate) async fn new(port: u16, authority: Option<&Authority>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .expect("the port is free");
        let port = listener
            .local_addr()
            .expect("a bound socket has an address")
            .port();
        let url = match authority {
            None => format!("http://127.0.0.1:{port}"),
            Some(_) => format!("https://localhost:{port}"),
        };
        let tls = authority
            .map(|authority| TlsAcceptor::from(Arc::new(authority.server_config(&[b"h2", b"http/1.1"]))));
        Self {
            listener,
            tls,
            h2c: false,
            url,
        }
    }

    pub(crate) fn h2c(mut self, h2c: bool) -> Self {
        self.h2c = h2c;
        self
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn serve<H: Handler>(self, handler: Arc<H>) -> Running {
        let running = Running {
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            line: Arc::default(),
        };
        running.hang_up();
        let accepting = self.accept(handler, running.tasks.clone(), Arc::clone(&running.line));
        running
            .tasks
            .spawn(running.stop.clone().run_until_cancelled_owned(accepting));
        running
    }

    async fn accept<H: Handler>(
        self,
        handler: Arc<H>,
        tasks: TaskTracker,
        line: Arc<Locked<CancellationToken>>,
    ) {
        loop {
            match self.listener.accept().await {
                Ok((socket, _)) => {
                    let serving = connection::serve(socket, self.tls.clone(), self.h2c, Arc::clone(&handler));
                    let end = line.lock().clone();
                    tasks.spawn(end.run_until_cancelled_owned(serving));
                }
                // Out of file descriptors, for one; others may finish meanwhile.
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }
}

// === impl Running ===

impl Running {
    /// Ends every connection as it stands.
    pub(crate) fn hang_up(&self) {
        let next = self.stop.child_token();
        let present = std::mem::replace(&mut *self.line.lock(), next);
        present.cancel();
    }

    /// Closes the listener and every connection, and resolves when that is done.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
