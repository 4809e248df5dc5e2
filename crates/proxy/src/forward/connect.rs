use std::io;
use std::time::Duration;

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::body::RequestBody;
use crate::drain::Tasks;
use crate::route::WorkspaceUrl;

/// Why there is no connection to a workspace. Nothing of the request was sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// No address, refused, unreachable.
    #[error("no TCP connection")]
    Tcp(#[source] io::Error),
    /// Not the server that it should be, or no TLS at all.
    #[error("no TLS session")]
    Tls(#[source] io::Error),
    /// Not HTTP/1.1.
    #[error("no HTTP connection")]
    Http(#[source] hyper::Error),
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

/// TCP, TLS where the workspace has it, HTTP/1.1. The connection is driven by one of `tasks`, and ends with its `SendRequest`.
pub(super) async fn connect(
    to: &WorkspaceUrl,
    tasks: &Tasks,
) -> Result<SendRequest<RequestBody>, ConnectError> {
    let tcp = TcpStream::connect((to.host.as_str(), to.port))
        .await
        .map_err(ConnectError::Tcp)?;
    prepare(&tcp).map_err(ConnectError::Tcp)?;
    match &to.tls {
        None => handshake(tcp, tasks).await,
        Some((name, config)) => {
            let connector = TlsConnector::from(config.clone());
            let tls = connector
                .connect(name.clone(), tcp)
                .await
                .map_err(ConnectError::Tls)?;
            handshake(tls, tasks).await
        }
    }
}

async fn handshake<IO>(io: IO, tasks: &Tasks) -> Result<SendRequest<RequestBody>, ConnectError>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(io))
        .await
        .map_err(ConnectError::Http)?;
    tasks.spawn(async move {
        // Whoever waits for an answer on this connection hears of its end there.
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "a workspace's connection ended");
        }
    });
    Ok(sender)
}

/// Small requests leave at once; a peer that vanished without a word is noticed while a stream is silent.
fn prepare(tcp: &TcpStream) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    SockRef::from(tcp).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE))
}

const KEEPALIVE: Duration = Duration::from_secs(60);
