//! The gateway as its callers and operators meet it: configured by a file, over real sockets, in front of the fakes.
//!
//! Every test ends with the same question, asked when its gateway is dropped: has a credential gone where it must not?

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must say so and stop"
)]

// The gateway, its clients, and a workspace in the test's own hand.
mod harness;

// Who may call, and what everybody else is told.
mod authenticate;
// Keys come, rotate, are withdrawn, and stay away.
mod keys;
// A JWT becomes a Databricks token, once.
mod exchange;
// The token endpoint fails, in every way.
mod outage;
// A subject's JWT is renewed, and nobody waits for it.
mod overlap;
// The workspace does not take a token that is in the cache.
mod refused;
// Nobody is ever served under another's token.
mod isolation;
// Which workspace a request is for.
mod route;
// What changes on the way, and what does not.
mod rewrite;
// What crosses only where an operator says so.
mod crossings;
// Bodies, in both directions and of every length.
mod stream;
// What HTTP/1.1 says beside heads and bodies, on the wire itself.
mod wire;
// From HTTP to WebSocket, and only so far as the workspace agrees.
mod upgrade;
// Connections: kept, reused, timed out.
mod connections;
// How much and how long anybody may take.
mod limits;
// How much of it each subject may take.
mod share;
// Tokens of Databricks' own, where they may pass.
mod passing;
// What a workspace says before its answer.
mod interim;
// What is said of requests that never were read.
mod refusals;
// Load balancers tell for whom they speak.
mod proxy_protocol;
// Whoever leaves takes the other side along.
mod leaving;
// What callers see when a workspace fails.
mod upstream;
// The configuration changes while everything goes on.
mod reload;
// TLS on either side.
mod tls;
// HTTP/2: what it brings, and what it must not.
mod h2;
// What is agreed in the handshake: versions, key exchange, sessions, client certificates.
mod handshake;
// Certificates that change while the gateway serves.
mod renewal;
// gRPC and trailers, end to end.
mod grpc;
// The gateway's way for the programs of one machine, under its own JWT.
mod agent;
// What clients ask before they have a token.
mod bootstrap;
// What operators see.
mod admin;
// How the gateway ends.
mod drain;
// Bytes that are meant to harm.
mod hostile;
// That the tables of docs/ name tests that exist.
mod documented;
