//! TLS clients of every kind.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ALL_VERSIONS, ClientConfig, ConfigBuilder, RootCertStore, SupportedCipherSuite, SupportedProtocolVersion,
};
use testbed::Authority;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::soon;

/// Versions of TLS.
type Versions = [&'static SupportedProtocolVersion];

/// A client without a certificate that trusts `authority` alone.
pub(crate) fn trusting(authority: &Authority) -> Arc<ClientConfig> {
    speaking(authority, ALL_VERSIONS)
}

/// One that speaks only these versions.
pub(crate) fn speaking(authority: &Authority, versions: &Versions) -> Arc<ClientConfig> {
    Arc::new(builder(authority, default_provider(), versions).with_no_client_auth())
}

/// One that knows no other key exchange than these.
pub(crate) fn exchanging(
    authority: &Authority,
    groups: &[&'static dyn SupportedKxGroup],
) -> Arc<ClientConfig> {
    let provider = CryptoProvider {
        kx_groups: groups.to_vec(),
        ..default_provider()
    };
    Arc::new(builder(authority, provider, ALL_VERSIONS).with_no_client_auth())
}

/// One that names these cipher suites alone, in this order; and of versions only theirs, as a server would agree on a version and then
/// find no suite of it.
pub(crate) fn ciphering(authority: &Authority, suites: &[SupportedCipherSuite]) -> Arc<ClientConfig> {
    let provider = CryptoProvider {
        cipher_suites: suites.to_vec(),
        ..default_provider()
    };
    let versions: Vec<_> = ALL_VERSIONS
        .iter()
        .copied()
        .filter(|version| suites.iter().any(|suite| suite.version() == *version))
        .collect();
    Arc::new(builder(authority, provider, &versions).with_no_client_auth())
}

/// One that has a certificate, and its key.
pub(crate) fn presenting(
    authority: &Authority,
    (chain, key): &(String, String),
    versions: &Versions,
) -> Arc<ClientConfig> {
    let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let builder = builder(authority, default_provider(), versions);
    Arc::new(builder.with_client_auth_cert(chain, key).unwrap())
}

/// A session with `localhost`. A server that refuses a client's certificate may do so only after this, in TLS 1.3.
pub(crate) async fn handshake(
    config: Arc<ClientConfig>,
    address: SocketAddr,
) -> io::Result<TlsStream<TcpStream>> {
    over(soon(TcpStream::connect(address)).await?, config).await
}

/// The same on a connection that there is already.
pub(crate) async fn over(socket: TcpStream, config: Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    soon(TlsConnector::from(config).connect(name, socket)).await
}

fn builder(
    authority: &Authority,
    provider: CryptoProvider,
    versions: &Versions,
) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.ca_pem().as_bytes()).unwrap();
    roots.add(root).unwrap();
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
}
