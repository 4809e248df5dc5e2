use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::response::Head;

/// Where requests go.
#[derive(Args)]
pub(crate) struct Target {
    /// The proxy.
    #[arg(long)]
    pub(crate) address: SocketAddr,
    /// The path that is asked for.
    #[arg(long, default_value = "/api/2.0/sql/statements/1")]
    path: String,
    /// Speak TLS, and trust this authority (PEM).
    #[arg(long)]
    ca: Option<PathBuf>,
}

/// One connection to the proxy.
pub(crate) struct Client {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

// === impl Target ===

impl Target {
    pub(crate) async fn connect(&self) -> io::Result<Client> {
        let socket = TcpStream::connect(self.address).await?;
        socket.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match &self.ca {
            None => Box::new(socket),
            Some(ca) => {
                let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
                Box::new(connector(ca)?.connect(name, socket).await?)
            }
        };
        Ok(Client {
            stream,
            buffer: Vec::with_capacity(8 * 1024),
        })
    }

    /// Replaces what is in `request`, so that its memory is used again.
    pub(crate) fn write_request(&self, request: &mut Vec<u8>, token: &[u8]) {
        request.clear();
        for part in [
            b"GET ",
            self.path.as_bytes(),
            b" HTTP/1.1\r\nhost: localhost\r\nuser-agent: load\r\naccept: */*\r\nauthorization: Bearer ",
            token,
            b"\r\n\r\n",
        ] {
            request.extend_from_slice(part);
        }
    }
}

// === impl Client ===

impl Client {
    /// Sends a request and reads the whole answer.
    pub(crate) async fn call(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.buffer.clear();
        let mut total = None;
        while total.is_none_or(|total| self.buffer.len() < total) {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            total = total.or(Head::read(&self.buffer)?.map(|head| head.total()));
        }
        Ok(())
    }
}

/// Sessions are not resumed: there is a configuration for each connection.
fn connector(ca: &PathBuf) -> io::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).map_err(io::Error::other)? {
        let certificate = certificate.map_err(io::Error::other)?;
        roots.add(certificate).map_err(io::Error::other)?;
    }
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
