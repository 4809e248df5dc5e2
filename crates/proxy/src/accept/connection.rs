use std::future::Future;
use std::io;
use std::net::SocketAddr;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::Arrival;
use super::paced::{Pace, Paced};
use crate::drain::Drain;
use crate::observe::Observed;
use crate::settings::Settings;

/// What a worker does with requests.
pub(crate) trait Serve: Clone + Send + Sync + 'static {
    /// The limits of its connections.
    fn settings(&self) -> &Settings;

    /// Answers one request; an answer there always is.
    fn serve(
        &self,
        request: Request<Incoming>,
        from: Peer,
    ) -> impl Future<Output = Response<Observed>> + Send;

    /// A connection was accepted; the guard lives as long as it does.
    fn admit(&self) -> impl Send + 'static;

    /// Called now and then, for housekeeping.
    fn sweep(&self);
}

/// The other end of a client's connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// Whether it speaks TLS to us.
    pub(crate) secure: bool,
    pub(super) pace: Pace,
}

/// One connection, from its first byte to its last.
pub(super) async fn serve<J: Serve>(arrival: Arrival, journey: J, drain: Drain) -> io::Result<()> {
    let Arrival {
        socket,
        peer,
        tls,
        permit: _permit,
    } = arrival;
    let _guard = journey.admit();
    let tcp = TcpStream::from_std(socket)?;
    // A response's last part must not wait for the client's acknowledgement of the one before.
    tcp.set_nodelay(true)?;
    match tls {
        None => http(tcp, peer, false, journey, drain).await,
        Some(config) => {
            let handshake = TlsAcceptor::from(config).accept(tcp);
            let tls = tokio::time::timeout(journey.settings().tls_handshake_timeout, handshake).await??;
            http(tls, peer, true, journey, drain).await
        }
    }
}

async fn http<J, IO>(io: IO, address: SocketAddr, secure: bool, journey: J, drain: Drain) -> io::Result<()>
where
    J: Serve,
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let settings = journey.settings();
    let (io, pace) = Paced::new(io, settings.header_timeout);
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // Between two requests; `Paced` watches over the head itself.
        .header_read_timeout(settings.idle_timeout)
        .max_header_size(settings.max_header_size)
        .max_headers(settings.max_headers)
        // A client that has closed its side is gone: no answer can reach it, and the workspace should not work for it.
        .half_close(false);
    let peer = Peer {
        address,
        secure,
        pace,
    };
    let service = service_fn(|request| {
        let (journey, peer) = (journey.clone(), peer.clone());
        async move {
            peer.pace.request_started();
            Ok::<_, std::convert::Infallible>(journey.serve(request, peer).await)
        }
    });
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(io), service));
    tokio::select! {
        ended = connection.as_mut() => return ended.map_err(io::Error::other),
        () = drain.started() => connection.as_mut().graceful_shutdown(),
    }
    connection.await.map_err(io::Error::other)
}

impl Peer {
    /// The whole answer has been handed over; the next byte begins another request.
    pub(crate) fn rests(&self) {
        self.pace.request_ended();
    }
}
