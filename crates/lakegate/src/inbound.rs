//! What the listeners prove the gateway's name with.

use std::sync::Arc;

use anyhow::Context;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{self, Ticketer};
use rustls::sign::SingleCertAndKey;

use crate::config::Tls;

/// TLS 1.2 and 1.3 for HTTP/2 and HTTP/1.1, without early data: a replayed request would be served twice. One value serves all
/// listeners, so that a session begun at one is resumed at another.
///
/// # Errors
/// When the operating system has no randomness for session tickets.
pub fn tls(tls: &Tls) -> anyhow::Result<Arc<ServerConfig>> {
    let mut server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&tls.pair))));
    server.ticketer = Ticketer::new().context("there is no randomness for TLS session tickets")?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(server))
}
