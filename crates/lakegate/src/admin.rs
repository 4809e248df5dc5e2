//! The admin listener: `/livez`, `/readyz` and `/metrics`, on an address of its own, on the control plane. Whoever can
//! reach it can read it; there is nothing to change and no secret in it.

mod metrics;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use crate::serving::{Health, Readiness};

/// Binds at once, and serves on the runtime that it is called in, for as long as that lives.
///
/// # Errors
/// When the address cannot be bound.
pub(crate) fn start(address: SocketAddr, health: Health) -> anyhow::Result<SocketAddr> {
    let listen = || -> io::Result<TcpListener> {
        let socket = std::net::TcpListener::bind(address)?;
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket)
    };
    let listener = listen().with_context(|| format!("cannot listen on {address} for [admin]"))?;
    let bound = listener.local_addr()?;
    tokio::spawn(accept(listener, health));
    Ok(bound)
}

async fn accept(listener: TcpListener, health: Health) {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                tokio::spawn(serve(socket, health.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept on the admin listener at present");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn serve(socket: TcpStream, health: Health) {
    let service = service_fn(|request| {
        let health = health.clone();
        async move { Ok::<_, Infallible>(answer(&request, &health).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(socket), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to the admin listener ended early");
    }
}

async fn answer<B>(request: &Request<B>, health: &Health) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "use GET\n");
    }
    match request.uri().path() {
        "/livez" => text(StatusCode::OK, "alive\n"),
        "/readyz" => readiness(&health.checked().await, health.faulty_configuration()),
        "/metrics" => metrics(health),
        _ => text(StatusCode::NOT_FOUND, "try /livez, /readyz or /metrics\n"),
    }
}

/// 200, or 503 with the reason, for a person as much as for a probe. A new configuration that cannot be used is no reason: it is
/// the same for all replicas, and the one before serves.
fn readiness(readiness: &Readiness, fault: Option<String>) -> Response<Full<Bytes>> {
    let (status, mut page) = state(readiness);
    if let Some(fault) = fault {
        page.push_str("the new configuration cannot be used, the one before stays: ");
        page.push_str(&fault);
        page.push('\n');
    }
    text(status, page)
}

fn state(readiness: &Readiness) -> (StatusCode, String) {
    match readiness {
        Readiness::Ready => (StatusCode::OK, "ready\n".to_owned()),
        Readiness::CachedOnly(endpoints) => {
            let endpoints = endpoints.join(", ");
            let reason = format!(
                "ready, but no answer from {endpoints}: only callers with a cached token are served\n"
            );
            (StatusCode::OK, reason)
        }
        Readiness::Draining => {
            let reason = "not ready: shutting down\n".to_owned();
            (StatusCode::SERVICE_UNAVAILABLE, reason)
        }
        Readiness::NoToken(why) => {
            let reason = format!("not ready: no usable JWT: {why}\n");
            (StatusCode::SERVICE_UNAVAILABLE, reason)
        }
        Readiness::NoKeys(issuers) => {
            let reason = format!("not ready: no keys of issuer {}\n", issuers.join(", "));
            (StatusCode::SERVICE_UNAVAILABLE, reason)
        }
    }
}

fn metrics(health: &Health) -> Response<Full<Bytes>> {
    match metrics::render(health) {
        Ok(page) => {
            let mut response = text(StatusCode::OK, page);
            response.headers_mut().insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static(metrics::CONTENT_TYPE),
            );
            response
        }
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

const PAUSE: Duration = Duration::from_millis(50);
const IDLE: Duration = Duration::from_secs(60);
