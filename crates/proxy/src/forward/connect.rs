use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::h1::{Link, Wire};
use super::h2::{MOST_STREAMS, StreamLimit};
use crate::body::RequestBody;
use crate::drain::Tasks;
use crate::route::{WorkspaceTls, WorkspaceUrl};
use crate::socket::Socket;

/// Why there is no connection to a workspace. Nothing of the request was sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// No address, refused, unreachable.
    #[error("no TCP connection")]
    Tcp(#[source] io::Error),
    /// Not the server that it should be, or no TLS at all.
    #[error("no TLS session")]
    Tls(#[source] io::Error),
    /// Not HTTP.
    #[error("no HTTP connection")]
    Http(#[source] hyper::Error),
    /// gRPC needs it.
    #[error("the workspace does not agree on HTTP/2")]
    NoHttp2,
    /// TCP and TLS together took too long.
    #[error("no connection within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The server closed a fresh connection before it read anything.
    #[error("the connection was closed at once")]
    ClosedAtOnce,
    /// The configuration has changed under the request.
    #[error("the workspace is not configured any more")]
    UnknownWorkspace,
}

/// TCP, and TLS where the workspace has it: HTTP/1.1 begins with the first request.
pub(super) async fn connect_h1(to: &WorkspaceUrl) -> Result<Link, ConnectError> {
    let tcp = tcp(to).await?;
    Ok(Link::new(match &to.tls {
        None => Wire::Left(tcp),
        Some(WorkspaceTls { name, config, .. }) => Wire::Right(Box::new(tls(tcp, name, config).await?)),
    }))
}

/// The same for HTTP/2, where one of `tasks` drives the connection for all who share it: by ALPN under TLS, otherwise by prior knowledge (RFC 9113 section 3).
pub(super) async fn connect_h2(
    to: &WorkspaceUrl,
    tasks: &Tasks,
) -> Result<(http2::SendRequest<RequestBody>, StreamLimit), ConnectError> {
    let tcp = tcp(to).await?;
    match &to.tls {
        None => handshake_h2(tcp, tasks).await,
        Some(WorkspaceTls { name, h2, .. }) => {
            let tls = tls(tcp, name, h2).await?;
            match tls.get_ref().1.alpn_protocol() {
                Some(b"h2") => handshake_h2(tls, tasks).await,
                _ => Err(ConnectError::NoHttp2),
            }
        }
    }
}

async fn tcp(to: &WorkspaceUrl) -> Result<Socket, ConnectError> {
    let tcp = TcpStream::connect((to.host.as_str(), to.port))
        .await
        .map_err(ConnectError::Tcp)?;
    prepare(&tcp).map_err(ConnectError::Tcp)?;
    Ok(Socket::to_workspace(tcp))
}

async fn tls(
    tcp: Socket,
    name: &ServerName<'static>,
    config: &Arc<ClientConfig>,
) -> Result<TlsStream<Socket>, ConnectError> {
    let connecting = TlsConnector::from(Arc::clone(config)).connect(name.clone(), tcp);
    connecting.await.map_err(ConnectError::Tls)
}

async fn handshake_h2<IO>(
    io: IO,
    tasks: &Tasks,
) -> Result<(http2::SendRequest<RequestBody>, StreamLimit), ConnectError>
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let handshake = builder_h2(tasks.clone()).handshake(TokioIo::new(io));
    let (sender, mut connection) = handshake.await.map_err(ConnectError::Http)?;
    let limit = StreamLimit::new();
    let told = limit.clone();
    tasks.spawn(async move {
        let ended = poll_fn(|cx| {
            let polled = Pin::new(&mut connection).poll(cx);
            told.set(connection.current_max_send_streams());
            polled
        });
        if let Err(error) = ended.await {
            tracing::debug!(%error, "a workspace's connection ended");
        }
    });
    Ok((sender, limit))
}

fn builder_h2(tasks: Tasks) -> http2::Builder<Tasks> {
    let mut builder = http2::Builder::new(tasks);
    builder
        .timer(TokioTimer::new())
        .initial_max_send_streams(usize::from(MOST_STREAMS))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(MAX_HEADER_LIST)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

/// What a workspace may send before a caller reads: 25 MB/s over a line of 10 ms.
const STREAM_WINDOW: u32 = 256 * 1024;
/// Holds every stream's window: callers share the connection, and one that does not read must not stop the others.
const CONNECTION_WINDOW: u32 = STREAM_WINDOW * MOST_STREAMS as u32;
const MAX_HEADER_LIST: u32 = 64 * 1024;
/// While a call waits, a connection that has died without a word is noticed within half a minute.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Small requests leave at once; a peer that vanished without a word is noticed while a stream is silent.
fn prepare(tcp: &TcpStream) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    SockRef::from(tcp).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE))
}

const KEEPALIVE: Duration = Duration::from_secs(60);
