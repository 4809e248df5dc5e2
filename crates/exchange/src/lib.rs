//! A verified [`identity::Identity`] in, a Databricks OAuth [`AccessToken`] out: RFC 8693 token exchange,
//! cached by subject, one exchange at a time per key.
//!
//! [`Exchange`] is the front door. Behind it stands [`TokenExchange`], the client without a cache.
//!
//! ```
//! use exchange::{Exchange, FederationPolicy, Grant, Scope, TokenEndpoint};
//! # use identity::{Audience, BearerToken, FixedKeys, Issuer, KeySource, Verifier};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let tls = rustls::ClientConfig::builder()
//! #     .with_root_certificates(rustls::RootCertStore::empty())
//! #     .with_no_client_auth();
//! # let http = reqwest::Client::builder()
//! #     .tls_backend_preconfigured(tls)
//! #     .redirect(reqwest::redirect::Policy::none())
//! #     .build()?;
//! # let idp = testbed::Idp::start().await;
//! # let databricks = testbed::Databricks::start(&idp).await;
//! # let workspace = databricks.url().parse()?;
//! # let issuer = Issuer {
//! #     url: idp.issuer().to_owned(),
//! #     audiences: vec![Audience("databricks-gateway".to_owned())],
//! #     keys: KeySource::Fixed(FixedKeys::parse(idp.jwks().as_bytes())?),
//! #     identity_claims: None,
//! # };
//! # let (verifier, _) = Verifier::builder(vec![issuer], http.clone()).build();
//! # let jwt = idp.mint("alice@example.com");
//! let exchange = Exchange::builder(http).build();
//! let grant = Grant::new(TokenEndpoint::workspace(&workspace), FederationPolicy::AccountWide, Scope::default());
//!
//! let identity = verifier.verify(BearerToken::new(jwt)).await?;
//! let token = exchange.access_token(&identity, &grant).await?;
//!
//! assert!(token.header().is_sensitive());
//! assert!(token.expiry() <= identity.expiry());
//! # assert_eq!(databricks.exchanges("alice@example.com"), 1);
//! # Ok(())
//! # }
//! ```

mod access_token;
mod body;
mod cache;
mod error;
mod flights;
mod front;
mod future;
mod grant;
mod host_metadata;
mod key;
mod name;
mod near;
mod renewals;
mod slot;
mod stats;
#[cfg(test)]
mod testing;
mod token_exchange;
mod words;

pub use access_token::AccessToken;
pub use error::{Denial, ExchangeError, Outage};
pub use front::{Exchange, ExchangeBuilder, ExchangeService};
pub use future::ExchangeFuture;
pub use grant::{FederationPolicy, Grant, TokenEndpoint};
pub use host_metadata::{HostMetadata, MetadataError};
pub use name::{AccountId, ClientId, InvalidName, Scope};
pub use stats::{EndpointHealth, ExchangeStats};
pub use token_exchange::{ExchangeRequest, TokenExchange};

/// Compiles the README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
