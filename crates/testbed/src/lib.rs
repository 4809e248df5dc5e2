//! A faithful fake identity provider ([`Idp`]) and a faithful fake Databricks workspace ([`Databricks`]), on real sockets.
//!
//! Strict where Databricks is strict; misbehaves on request ([`Fault`]).
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use testbed::{Databricks, Idp};
//!
//! let idp = Idp::start().await;
//! let workspace = Databricks::start(&idp).await;
//! let jwt = idp.mint("alice@example.com");
//! // … a client presents `jwt` to the gateway, whose workspace is at `workspace.url()` …
//! assert_eq!(workspace.leaked_jwts(), 0);
//! # drop(jwt);
//! # }
//! ```

#![expect(
    clippy::expect_used,
    reason = "a fake whose invariant is broken must stop the test that uses it; every message names the invariant"
)]

mod authority;
mod databricks;
mod fault;
mod idp;
mod keys;
mod locked;
mod random;
mod server;
#[cfg(test)]
mod test_client;

pub use authority::Authority;
pub use databricks::{Databricks, DatabricksBuilder, ExpiresIn, Policy, Refusals, Seen};
pub use fault::{Fault, Faults};
pub use idp::{Algorithm, Idp, IdpBuilder, TokenBuilder};
