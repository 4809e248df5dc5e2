//! The journey of a request, as a library: accept, route, authenticate, swap, rewrite, forward, relay.
//!
//! [`Gateway`] is the front door: it takes bound listeners, the workspaces, a verifier and something that swaps
//! an identity for a token, and serves until it is drained.

mod accept;
mod authenticate;
mod body;
mod bootstrap;
mod counters;
mod drain;
mod failure;
mod forward;
mod gateway;
mod journey;
mod observe;
mod relay;
mod rewrite;
mod route;
mod settings;

pub use accept::Listener;
pub use counters::{CountersSnapshot, LATENCY_BUCKETS_SECONDS};
pub use drain::Drained;
pub use failure::ERROR_DOMAIN;
pub use gateway::{Gateway, Running, Tally};
pub use observe::{AccessRecord, AccessSink, Outcome};
pub use route::{InvalidWorkspace, Metadata, RouteConflict, Routes, Workspace, WorkspaceUrl};
pub use settings::Settings;

use body::Body;
use failure::Failure;
use forward::{Forward, ForwardError};
