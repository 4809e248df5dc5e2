//! The backend of the comparison: an origin server (RFC 9110 section 3.6) that is cheaper than any proxy in front of it.
//!
//! One thread, HTTP/1.1 with keep-alive, plain and over TLS. It answers 1 KB of JSON, `/bytes/N`, sinks uploads, swaps
//! every token at `/oidc/v1/token`, and counts under which `Authorization` requests came: `/-/seen`.

#![expect(
    clippy::expect_used,
    reason = "a backend that cannot be set up must stop the comparison"
)]

mod answer;
mod connection;
mod request;
mod seen;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use answer::Answers;

/// The backend of the comparison.
#[derive(Parser)]
struct Arguments {
    /// Where plain HTTP is served.
    #[arg(long)]
    plain: SocketAddr,
    /// Where HTTP over TLS is served.
    #[arg(long, requires = "cert", requires = "key")]
    tls: Option<SocketAddr>,
    /// Its certificate chain, PEM.
    #[arg(long)]
    cert: Option<PathBuf>,
    /// Its private key, PEM.
    #[arg(long)]
    key: Option<PathBuf>,
    /// How many seconds the tokens of the token endpoint live.
    #[arg(long, default_value_t = 3600)]
    expires_in: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments = Arguments::parse();
    let answers = Arc::new(Answers::new(arguments.expires_in));
    if let (Some(address), Some(cert), Some(key)) = (arguments.tls, &arguments.cert, &arguments.key) {
        tokio::spawn(accept(address, Some(acceptor(cert, key)), Arc::clone(&answers)));
    }
    accept(arguments.plain, None, answers).await;
}

async fn accept(address: SocketAddr, tls: Option<TlsAcceptor>, answers: Arc<Answers>) {
    let listener = TcpListener::bind(address).await.expect("the port is free");
    loop {
        // Out of file descriptors, for one; the load generator will say what it misses.
        let Ok((socket, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        tokio::spawn(greet(socket, tls.clone(), Arc::clone(&answers)));
    }
}

/// Whatever goes wrong with a connection ends it; who measures sees it in the answers that are missing.
async fn greet(socket: TcpStream, tls: Option<TlsAcceptor>, answers: Arc<Answers>) {
    // Without, a head and a body that are written apart wait for each other's acknowledgement.
    let _ = socket.set_nodelay(true);
    let _ = match tls {
        None => connection::serve(socket, &answers).await,
        Some(tls) => match tls.accept(socket).await {
            Ok(stream) => connection::serve(stream, &answers).await,
            Err(error) => Err(error),
        },
    };
}

fn acceptor(cert: &Path, key: &Path) -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .expect("a certificate chain");
    let key = PrivateKeyDer::from_pem_file(key).expect("a private key");
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate with its key");
    TlsAcceptor::from(Arc::new(config))
}
