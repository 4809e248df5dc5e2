//! What the listeners prove the gateway's name with, and what they ask of clients.

mod renewal;

use std::sync::Arc;

use anyhow::Context;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, Ticketer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ProducesTickets, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::config::{ClientAuth, ClientCertificates, MinVersion, Tls};

pub(crate) use renewal::{Renewal, Renewals};

/// The keys of session tickets, one set for as long as the process lives: a session that was begun at one listener and
/// one worker is resumed at any other, and after the certificate was renewed.
///
/// # Errors
/// When the operating system has no randomness.
pub fn ticketer() -> anyhow::Result<Arc<dyn ProducesTickets>> {
    Ticketer::new().context("there is no randomness for TLS session tickets")
}

/// TLS for HTTP/2 and HTTP/1.1, without early data: a replayed request would be served twice. One value serves all listeners.
///
/// The provider's own order of key exchanges is kept: X25519MLKEM768 comes first, so that what is recorded today stays
/// unreadable to tomorrow's quantum computers. Of cipher suites, those of AES-128 come first.
///
/// # Errors
/// When a client authority cannot be used.
pub fn tls(tls: &Tls, ticketer: &Arc<dyn ProducesTickets>) -> anyhow::Result<Arc<ServerConfig>> {
    let provider = Arc::new(offered(aws_lc_rs::default_provider()));
    let clients = match &tls.clients {
        Some(clients) => verifier(clients, &provider)?,
        None => WebPkiClientVerifier::no_client_auth(),
    };
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions(tls.min_version))?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&tls.pair))));
    // Otherwise OpenSSL's clients, which name AES-256 first and mean nothing by it, would have it.
    server.ignore_client_order = true;
    // Tickets need no memory that workers would share.
    server.session_storage = Arc::new(NoServerSessionStorage {});
    if tls.clients.is_some() {
        // A resumed session would go by a certificate that was judged once, however long ago and by whatever authority.
        server.send_tls13_tickets = 0;
    } else {
        server.ticketer = Arc::clone(ticketer);
        // As in Go: a client uses a ticket for one connection, which brings it the next. Two, which is usual, are for browsers, that
        // open several at once; each is a fiftieth of a handshake.
        server.send_tls13_tickets = 1;
    }
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(server))
}

/// The same suites, those of AES-128 before all others, as `BoringSSL` and Go have it (`defaultCipherSuitesTLS13` in Go's
/// crypto/tls): their hash is SHA-256, for which most processors have instructions. SHA-384 without them was a sixth of a
/// handshake. Who wants AES-256 names nothing else, and has it.
fn offered(mut provider: CryptoProvider) -> CryptoProvider {
    provider
        .cipher_suites
        .sort_by_key(|suite| !is_aes_128(suite.suite()));
    provider
}

fn is_aes_128(suite: CipherSuite) -> bool {
    matches!(
        suite,
        CipherSuite::TLS13_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    )
}

fn versions(oldest: MinVersion) -> &'static [&'static SupportedProtocolVersion] {
    static ALL: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
    match oldest {
        MinVersion::Tls12 => &ALL,
        MinVersion::Tls13 => &ALL[..1],
    }
}

fn verifier(
    clients: &ClientCertificates,
    provider: &Arc<CryptoProvider>,
) -> anyhow::Result<Arc<dyn ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    for root in &clients.ca.roots {
        roots.add(root.clone())?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = match clients.auth {
        ClientAuth::Required => builder,
        ClientAuth::Optional => builder.allow_unauthenticated(),
    };
    builder.build().context("the client authorities cannot be used")
}
