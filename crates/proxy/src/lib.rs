//! The journey of a request, as a library: accept, route, authenticate, swap, rewrite, forward, relay.
//!
//! [`Gateway`] is the front door: it takes the routes, a verifier and something that swaps an identity for a token, and
//! serves bound listeners until it is drained.
//!
//! ```
//! use std::num::NonZeroUsize;
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use exchange::{Exchange, FederationPolicy, Grant, Scope, TokenEndpoint};
//! use identity::{Issuer, Verifier};
//! use proxy::{
//!     AccessRecord, AccessSink, Drained, Gateway, Listener, RefusalRecord, Routes, Settings, Workspace, WorkspaceUrl,
//! };
//!
//! struct NoLog;
//!
//! impl AccessSink for NoLog {
//!     fn record(&self, _: &AccessRecord<'_>) {}
//!     fn refused(&self, _: &RefusalRecord) {}
//! }
//!
//! async fn serve_for_a_moment(
//!     http: reqwest::Client, // follows no redirects
//!     tls: Arc<rustls::ClientConfig>,
//!     issuer: Issuer,
//!     workspace: url::Url,
//! ) -> Result<Drained, Box<dyn std::error::Error>> {
//!     let (verifier, keys) = Verifier::builder(vec![issuer], http.clone()).build();
//!     tokio::spawn(keys.run());
//!     let exchange = Exchange::builder(http).build();
//!
//!     let grant = Grant::new(TokenEndpoint::workspace(&workspace), FederationPolicy::AccountWide, Scope::default());
//!     let workspace = Workspace::new("analytics", WorkspaceUrl::new(&workspace, tls)?, Vec::new(), grant);
//!     let routes = Arc::new(Routes::new(vec![workspace])?);
//!
//!     let gateway = Gateway::new(routes, verifier, exchange, Settings::default(), Arc::new(NoLog));
//!     let listener = Listener::bind("127.0.0.1:0".parse()?, None)?;
//!     let running = gateway.start(vec![listener], NonZeroUsize::MIN)?;
//!     Ok(running.drain(Duration::from_secs(20)).await)
//! }
//! ```

mod accept;
mod authenticate;
mod body;
mod bootstrap;
mod counters;
mod drain;
mod failure;
mod forward;
mod gateway;
mod grpc;
mod head;
mod journey;
mod limits;
mod linger;
mod machine;
mod moment;
mod observe;
mod patience;
mod relay;
mod replay;
mod request_id;
mod reread;
pub mod rewrite;
mod route;
mod settings;
mod share;
mod socket;
mod spare_fields;
mod swap;
mod upgrade;

pub use accept::{Listener, ServerTls, guarded};
pub use counters::{CountersSnapshot, LATENCY_BUCKETS_SECONDS};
pub use drain::Drained;
pub use failure::ERROR_DOMAIN;
pub use forward::{WholeAnswer, read_answer};
pub use gateway::{Gateway, Running, Tally};
pub use machine::{Credentials, LocalToken, Machine, NextHop, NoToken, TokenSource};
pub use observe::{AccessRecord, AccessSink, Outcome, RefusalRecord};
pub use request_id::RequestId;
pub use route::{Allowances, InvalidWorkspace, Metadata, RouteConflict, Routes, Workspace, WorkspaceUrl};
pub use settings::Settings;
pub use share::Share;
pub use swap::Swap;

use body::Body;
use failure::Failure;
use forward::{Forward, ForwardError};
