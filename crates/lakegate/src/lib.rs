//! The gateway's binary as a library, so that tests and benches can use what it is made of.
//!
//! [`config::Config`] is the heart: every other part is built from it and from nothing else. Only
//! this crate reads files, the environment and arguments.
//!
//! ```no_run
//! use std::path::Path;
//!
//! let config = lakegate::config::Config::load(Path::new("lakegate.toml"))?;
//! println!("listening on {:?}", config.server.listen);
//! # Ok::<(), lakegate::config::Faults>(())
//! ```

mod admin;
mod agent;
pub mod cli;
pub mod commands;
pub mod config;
pub mod inbound;
pub mod outbound;
pub mod panics;
pub mod serving;
pub mod telemetry;
mod workspace_metadata;
