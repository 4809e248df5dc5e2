//! What must hold for any bytes: one module for each fuzz target, whose `check` panics where its property does not hold.
//!
//! `cargo test` replays the seeds; `fuzz/run` looks for more. See `fuzz/README.md`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a panic is how a property says that it does not hold"
)]

pub mod answer;
pub mod config;
pub mod guard;
pub mod jwks;
pub mod jwt;
pub mod rewrite;

mod judge;

#[cfg(test)]
mod tests;
