//! A verified [`identity::Identity`] in, a Databricks OAuth [`AccessToken`] out: RFC 8693 token exchange,
//! cached by subject and expiry, one exchange at a time per key.

mod access_token;
mod body;
mod cache;
mod error;
mod front;
mod future;
mod grant;
mod host_metadata;
mod key;
mod name;
mod stats;
#[cfg(test)]
mod testing;
mod token_exchange;
mod words;

pub use access_token::AccessToken;
pub use error::{Denial, ExchangeError, Outage};
pub use front::{Exchange, ExchangeBuilder};
pub use future::ExchangeFuture;
pub use grant::{FederationPolicy, Grant, TokenEndpoint};
pub use host_metadata::{HostMetadata, MetadataError};
pub use name::{AccountId, ClientId, InvalidName, Scope};
pub use stats::ExchangeStats;
pub use token_exchange::{ExchangeRequest, TokenExchange};
