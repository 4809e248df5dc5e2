//! A faithful fake identity provider ([`Idp`]) and a faithful fake Databricks workspace ([`Databricks`]), on real sockets.
//!
//! Strict where Databricks is strict; misbehaves on request ([`Fault`]).

mod authority;
mod databricks;
mod fault;
mod idp;

pub use authority::Authority;
pub use databricks::{Databricks, DatabricksBuilder, Policy, Seen};
pub use fault::{Fault, Faults};
pub use idp::{Algorithm, Idp, IdpBuilder, TokenBuilder};
