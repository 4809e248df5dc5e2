use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use testbed::Authority;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::sync::mpsc::Receiver;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Where the gateway is, and how to get in.
#[derive(Clone)]
pub(crate) struct Door {
    address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
}

/// A connection that bytes go over, in the clear or not.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// A client's connection. Dropped, it is gone at once, whatever goes on on it.
pub(crate) struct Line {
    sender: Sender,
    driver: AbortHandle,
}

enum Sender {
    /// One request after the other.
    One(Mutex<http1::SendRequest<Upload>>),
    Two(http2::SendRequest<Upload>),
}

pub(crate) type Upload = UnsyncBoxBody<Bytes, Infallible>;

/// A body of a stated length that comes in pieces, or breaks off with its sender.
pub(crate) struct Fed {
    pub(crate) pieces: Receiver<Bytes>,
    pub(crate) left: u64,
}

/// A request to be made.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) host: &'static str,
    pub(crate) target: String,
    pub(crate) credential: Option<String>,
    pub(crate) body: Upload,
    /// A call of gRPC: its content type, and the word that trailers are read.
    pub(crate) grpc: bool,
}

// === impl Door ===

impl Door {
    pub(crate) fn new(address: SocketAddr, authority: Option<&Authority>) -> anyhow::Result<Self> {
        let tls = authority.map(trusting).transpose()?;
        Ok(Self { address, tls })
    }

    /// A connection on which nothing was said; under TLS for this protocol alone.
    pub(crate) async fn enter(&self, protocol: &[u8]) -> io::Result<Box<dyn Wire>> {
        let socket = TcpStream::connect(self.address).await?;
        socket.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            return Ok(Box::new(socket));
        };
        let mut tls = ClientConfig::clone(tls);
        tls.alpn_protocols = vec![protocol.to_vec()];
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let stream = TlsConnector::from(Arc::new(tls)).connect(name, socket).await?;
        Ok(Box::new(stream))
    }

    /// HTTP/1.1.
    pub(crate) async fn line(&self) -> anyhow::Result<Line> {
        let io = TokioIo::new(self.enter(b"http/1.1").await?);
        let (sender, connection) = http1::handshake(io).await?;
        // Its errors are those of the requests on it.
        let driver = tokio::spawn(connection).abort_handle();
        let sender = Sender::One(Mutex::new(sender));
        Ok(Line { sender, driver })
    }

    /// HTTP/2.
    pub(crate) async fn shared_line(&self) -> anyhow::Result<Line> {
        let io = TokioIo::new(self.enter(b"h2").await?);
        let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
        let driver = tokio::spawn(connection).abort_handle();
        let sender = Sender::Two(sender);
        Ok(Line { sender, driver })
    }
}

// === impl Line ===

impl Line {
    /// The head of the answer; its body is still to come.
    pub(crate) async fn open(&self, call: Call) -> hyper::Result<Response<Incoming>> {
        match &self.sender {
            Sender::One(sender) => {
                let mut sender = sender.lock().await;
                sender.ready().await?;
                sender.send_request(call.request(false)).await
            }
            Sender::Two(sender) => {
                let mut sender = sender.clone();
                sender.ready().await?;
                sender.send_request(call.request(true)).await
            }
        }
    }

    /// Whether the gateway has closed it, as it may between two requests.
    pub(crate) async fn is_over(&self) -> bool {
        let ready = async {
            match &self.sender {
                Sender::One(sender) => sender.lock().await.ready().await,
                Sender::Two(sender) => sender.clone().ready().await,
            }
        };
        // Where an upload goes on after its answer, it is not ready either.
        !matches!(timeout(Duration::from_secs(1), ready).await, Ok(Ok(())))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

// === impl Call ===

impl Call {
    pub(crate) fn get(host: &'static str, target: String, credential: &str) -> Self {
        Self {
            method: Method::GET,
            host,
            target,
            credential: Some(credential.to_owned()),
            body: full(Bytes::new()),
            grpc: false,
        }
    }

    pub(crate) fn post(host: &'static str, target: String, credential: &str, body: Upload) -> Self {
        Self {
            method: Method::POST,
            body,
            ..Self::get(host, target, credential)
        }
    }

    fn request(self, h2: bool) -> Request<Upload> {
        let target = if h2 {
            format!("https://{}{}", self.host, self.target)
        } else {
            self.target
        };
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        // Both are of our own making, and fit.
        *request.uri_mut() = target.parse().unwrap_or_default();
        let fields = request.headers_mut();
        if !h2 {
            fields.insert("host", HeaderValue::from_static(self.host));
        }
        if let Some(credential) = self.credential.and_then(|text| text.parse().ok()) {
            fields.insert("authorization", credential);
        }
        if self.grpc {
            fields.insert("content-type", HeaderValue::from_static("application/grpc"));
            fields.insert("te", HeaderValue::from_static("trailers"));
        }
        request
    }
}

pub(crate) fn full(body: Bytes) -> Upload {
    Full::new(body).boxed_unsync()
}

impl Body for Fed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.pieces.poll_recv(cx).map(|piece| {
            let piece = piece?;
            self.left = self.left.saturating_sub(piece.len() as u64);
            Some(Ok(Frame::data(piece)))
        })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

fn trusting(authority: &Authority) -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.ca_pem().as_bytes())?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .context("the provider knows TLS 1.2 and 1.3")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
