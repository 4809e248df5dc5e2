use std::io;
use std::sync::Arc;

use http::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::head::MAX_HEADERS;
use super::recorder::{Recorder, Wire};
use super::{Body, Handler, full, h2, websocket, zeros};
use crate::Fault;

/// Serves one connection to its end, good or bad.
pub(super) async fn serve<H: Handler>(
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    h2c: bool,
    handler: Arc<H>,
) {
    // A socket that was reset meanwhile has no options; reading from it will tell.
    let _ = socket.set_nodelay(true);
    match tls {
        None if h2c && h2::is_known_to(&socket).await => h2::converse(socket, handler).await,
        None => converse(socket, handler).await,
        Some(acceptor) => match acceptor.accept(socket).await {
            Ok(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                h2::converse(stream, handler).await;
            }
            Ok(stream) => converse(stream, handler).await,
            Err(_) => {}
        },
    }
}

/// A stream whose socket can be closed with a TCP reset.
trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    fn socket(&self) -> &TcpStream;
}

/// The request is not answered by hyper: its connection is surrendered to a fault.
#[derive(Debug)]
pub(super) struct Surrendered;

async fn converse<T: Transport, H: Handler>(transport: T, handler: Arc<H>) {
    let wire = Wire::default();
    let io = TokioIo::new(Recorder::new(transport, wire.clone()));
    let service = service_fn(|request| respond(Arc::clone(&handler), wire.clone(), request));
    let mut connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD)
        .serve_connection(io, service)
        .with_upgrades();
    // How the connection ended is the client's affair; it sees it.
    let _ = (&mut connection).await;
    while let Some(head) = wire.next_head() {
        handler.unanswered(&head);
    }
    // The client may go away first, which is as good an end.
    if let Some(upgrade) = wire.switched() {
        let _ = websocket::echo(upgrade).await;
    } else if let Some(fault) = wire.surrendered()
        && let Some(parts) = connection.into_parts()
    {
        let _ = misbehave(parts.io.into_inner().into_transport(), fault).await;
    }
}

async fn respond<H: Handler>(
    handler: Arc<H>,
    wire: Wire,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Surrendered> {
    let head = wire
        .next_head()
        .expect("what hyper parsed has passed through the recorder");
    let fault = handler.faults().take(head.path());
    let upgrade = hyper::upgrade::on(&mut request);
    let arrival = handler.arrive(head, request.into_body()).await;
    match fault {
        None => {}
        Some(Fault::Delay(delay)) => tokio::time::sleep(delay).await,
        Some(Fault::Drip(interval)) => wire.drip(interval),
        Some(Fault::Answer(status, headers, body)) => return Ok(canned(status, headers, body)),
        Some(Fault::Flood(bytes)) => return Ok(Response::new(zeros(bytes))),
        Some(fault) => {
            wire.surrender(fault);
            return Err(Surrendered);
        }
    }
    let answer = handler.answer(arrival).await;
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        wire.switch(upgrade);
    }
    Ok(answer)
}

pub(super) fn canned(status: u16, headers: Vec<(String, String)>, body: String) -> Response<Body> {
    let mut response =
        Response::builder().status(StatusCode::from_u16(status).expect("a status has three digits"));
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(full(body)).expect("a fault's headers can be sent")
}

async fn misbehave<T: Transport>(mut transport: T, fault: Fault) -> io::Result<()> {
    match fault {
        Fault::Reset => transport.socket().set_zero_linger(),
        Fault::HalfHead => say_and_close(&mut transport, HALF_A_HEAD).await,
        Fault::HalfBody => say_and_close(&mut transport, HALF_A_BODY).await,
        // The others are answers.
        _ => drain(&mut transport).await,
    }
}

/// Closes gently: a socket that is closed with unread bytes in it sends a reset, which may overtake what was said.
async fn say_and_close<T: Transport>(transport: &mut T, text: &str) -> io::Result<()> {
    transport.write_all(text.as_bytes()).await?;
    transport.shutdown().await?;
    drain(transport).await
}

/// Reads until the client goes away, and says nothing.
async fn drain<T: Transport>(transport: &mut T) -> io::Result<()> {
    let mut void = vec![0; 16 * 1024];
    while transport.read(&mut void).await? > 0 {}
    Ok(())
}

impl Transport for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Transport for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

impl std::fmt::Display for Surrendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is surrendered to a fault")
    }
}

impl std::error::Error for Surrendered {}

const HALF_A_HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Ty";
const HALF_A_BODY: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 32\r\n\r\n{\"half\": \"a body";
/// Fat JWTs and cookies fit (facts: at least 32 KiB), and a runaway client does not.
const MAX_HEAD: usize = 256 * 1024;
