//! The one place that decides how the gateway connects to others: whom it trusts, and how long it waits.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use reqwest::{redirect, retry};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use crate::config::Outbound;

/// How the gateway connects to others. Everything that leaves it goes through one of these.
#[derive(Clone, Debug)]
pub struct Clients {
    /// For connections to workspaces, HTTP/1.1.
    pub tls: Arc<ClientConfig>,
    /// For token endpoints, key sets and discovery: follows no redirect, as a token would follow it; uses no proxy of
    /// the environment's; retries nothing by itself, as its users know what may be repeated.
    pub http: reqwest::Client,
}

/// Below the 30 s and more after which token endpoints close unused connections.
const POOL_IDLE: Duration = Duration::from_secs(20);

// === impl Clients ===

impl Clients {
    /// Those of `before`, which was built from another configuration, if nothing has changed for them: connections go on with
    /// them.
    ///
    /// # Errors
    /// As [`Clients::build`].
    pub(crate) fn following(config: &Outbound, before: (&Outbound, &Self)) -> anyhow::Result<Self> {
        let (outbound, clients) = before;
        if outbound.ca == config.ca && outbound.connect_timeout == config.connect_timeout {
            return Ok(clients.clone());
        }
        Self::build(config)
    }

    /// Trusts the machine's certificate authorities and those of the configuration.
    ///
    /// # Errors
    /// When a certificate authority of the configuration cannot be used.
    pub fn build(config: &Outbound) -> anyhow::Result<Self> {
        let tls = tls(config)?;
        let http = http(config, tls.clone())?;
        Ok(Self {
            tls: Arc::new(tls),
            http,
        })
    }
}

/// Makes aws-lc-rs the process's only cryptography. Call it first in `main`, and in every test binary
/// that connects anywhere; a second call changes nothing.
pub fn install_cryptography() {
    // The error means that a provider was installed before, and there is only one that could be.
    let _ = aws_lc_rs::default_provider().install_default();
}

fn tls(config: &Outbound) -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = verifier(config, &provider)?;
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(tls)
}

/// The machine's authorities where there are any, Mozilla's otherwise; in both cases with those of the configuration.
fn verifier(
    config: &Outbound,
    provider: &Arc<CryptoProvider>,
) -> anyhow::Result<Arc<dyn ServerCertVerifier>> {
    let extra = config.ca.iter().flat_map(|ca| ca.roots.iter().cloned());
    // With extra roots, the platform's verifier does not say that the machine has none of its own: ask without.
    match Verifier::new(Arc::clone(provider)) {
        Ok(_) => {
            let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(provider));
            Ok(Arc::new(verifier.context(
                "the certificate authorities of [outbound] cannot be used",
            )?))
        }
        Err(error) => {
            tracing::warn!(%error, "no certificate authorities on this machine; trusting the built-in ones of Mozilla");
            bundled(extra, provider)
        }
    }
}

fn bundled(
    extra: impl Iterator<Item = CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> anyhow::Result<Arc<dyn ServerCertVerifier>> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for root in extra {
        roots
            .add(root)
            .context("the certificate authorities of [outbound] cannot be used")?;
    }
    Ok(WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build()?)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that builds the HTTP client"
)]
fn http(config: &Outbound, tls: ClientConfig) -> anyhow::Result<reqwest::Client> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .connect_timeout(config.connect_timeout)
        .pool_idle_timeout(POOL_IDLE)
        .user_agent(concat!("lakegate/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("the HTTP client cannot be built")
}

#[cfg(test)]
mod tests;
