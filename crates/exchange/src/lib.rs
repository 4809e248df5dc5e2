//! A verified [`identity::Identity`] in, a Databricks OAuth [`AccessToken`] out: RFC 8693 token exchange,
//! cached by subject and expiry, one exchange at a time per key.

mod access_token;
mod error;
mod front;
mod grant;
mod host_metadata;
mod token_exchange;

pub use access_token::AccessToken;
pub use error::{Denial, ExchangeError, Outage};
pub use front::{Exchange, ExchangeBuilder, ExchangeStats};
pub use grant::{AccountId, ClientId, FederationPolicy, Grant, InvalidName, Scope, TokenEndpoint};
pub use host_metadata::{HostMetadata, MetadataError};
pub use token_exchange::{ExchangeRequest, TokenExchange};
