mod arrival;
mod auth;
mod builder;
mod call;
mod clusters;
mod credential;
mod delta_sharing;
mod directories;
mod discovery;
mod driver_proxy;
mod files;
mod grpc;
mod leak;
mod mcp;
mod mlflow;
mod policy;
mod probes;
mod protobuf;
mod range;
mod refusal;
mod reply;
mod routes;
mod scim;
mod seen;
mod serving;
mod spark_connect;
mod sql;
mod sse;
mod statements;
mod storage;
mod telemetry;
mod thrift;
mod token_endpoint;
mod tokens;
mod warehouse;
mod workspace;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use crate::server::Running;
use crate::{Faults, Idp};
use storage::StoredFile;
use workspace::Workspace;

pub use builder::{DatabricksBuilder, ExpiresIn, Refusals};
pub use policy::Policy;
pub use seen::Seen;

/// A fake Databricks workspace. Stops when the last clone is dropped.
#[derive(Clone)]
pub struct Databricks {
    workspace: Arc<Workspace>,
    running: Arc<Running>,
}

// === impl Databricks ===

impl Databricks {
    /// On a free loopback port, plain HTTP, with an account-wide policy for `idp` and audience `databricks-gateway`;
    /// every `sub` is a known user.
    pub async fn start(idp: &Idp) -> Self {
        Self::builder().trust(idp).start().await
    }

    /// Settings first.
    pub fn builder() -> DatabricksBuilder {
        DatabricksBuilder::default()
    }

    /// `http://127.0.0.1:PORT`, or `https://localhost:PORT`.
    pub fn url(&self) -> &str {
        &self.workspace.url
    }

    /// Adds a policy.
    pub fn add_policy(&self, policy: Policy) {
        self.workspace.policies.lock().push(policy.into());
    }

    /// Only these subjects are users from now on.
    pub fn set_users(&self, users: &[&str]) {
        *self.workspace.users.lock() = Some(users.iter().map(|&user| user.to_owned()).collect());
    }

    /// How many exchanges were asked for with a valid token of `subject`.
    ///
    /// Counted on arrival, before any fault: an exchange that is delayed or reset counts.
    pub fn exchanges(&self, subject: &str) -> u64 {
        self.workspace
            .exchanges
            .lock()
            .get(subject)
            .copied()
            .unwrap_or_default()
    }

    /// How many times the token endpoint was called at all.
    pub fn token_calls(&self) -> u64 {
        self.workspace.token_calls.load(Ordering::Relaxed)
    }

    /// How many requests outside the token endpoint carried an identity provider's JWT anywhere in their head. Must stay 0.
    pub fn leaked_jwts(&self) -> u64 {
        self.workspace.leaked_jwts.load(Ordering::Relaxed)
    }

    /// How many requests outside the token endpoint carried a token of the workspace's past its expiry.
    pub fn expired_tokens(&self) -> u64 {
        self.workspace.expired_tokens.load(Ordering::Relaxed)
    }

    /// How many requests outside the token endpoint and discovery carried no credential, two, or one that the workspace never
    /// issued; foreign JWTs are counted in [`leaked_jwts`](Self::leaked_jwts).
    pub fn strangers(&self) -> u64 {
        self.workspace.strangers.load(Ordering::Relaxed)
    }

    /// Every token that was ever issued, in no order: what no log may hold.
    pub fn issued_tokens(&self) -> Vec<String> {
        self.workspace.tokens.all()
    }

    /// Everything outside the token endpoint, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.workspace.records.all()
    }

    /// Forgets every issued token: each is answered `403 Invalid access token.` from now on.
    pub fn revoke_tokens(&self) {
        self.workspace.tokens.revoke_all();
    }

    /// A token for `identity`, valid for an hour, as if it had been exchanged: for tests and benches that call the
    /// workspace directly.
    pub fn issue_token(&self, identity: &str) -> String {
        self.workspace.issue_directly(identity)
    }

    /// The content of the file at this path of the Files API, if there is one and it was small enough to be kept (64 MiB).
    ///
    /// The path is the decoded one, `/Volumes/…`, with the API's own prefix or without.
    pub fn file(&self, path: &str) -> Option<Bytes> {
        self.stored(path)?.content
    }

    /// The length and the SHA-256, in hexadecimal, of the file at this path, however large.
    pub fn file_digest(&self, path: &str) -> Option<(u64, String)> {
        let file = self.stored(path)?;
        Some((file.length, file.digest))
    }

    /// Sends `data` as one server-sent event on every open stream of `/testbed/stream`, and says on how many.
    ///
    /// A stream is open before the head of its answer is written, so that who has read the head misses nothing.
    pub fn send_event(&self, data: &str) -> usize {
        self.workspace.streams.send(&sse::event(data))
    }

    /// Ends every open stream of `/testbed/stream` properly.
    pub fn end_streams(&self) {
        self.workspace.streams.end_all();
    }

    /// Resolves when a client has gone away from an unfinished stream of `/testbed/stream`, once for each.
    pub async fn stream_cancelled(&self) {
        self.workspace.streams.cancelled().await;
    }

    /// Sets the workspace's clock so many seconds ahead of the machine's, or behind it.
    pub fn skew_clock(&self, seconds: i64) {
        self.workspace.skew.store(seconds, Ordering::Relaxed);
    }

    /// How to misbehave, by path prefix: `/oidc/` for the token endpoint, `/api/` for the rest.
    pub fn faults(&self) -> &Faults {
        &self.workspace.faults
    }

    /// Ends every connection as it stands, in the middle of an answer or between two; new ones are served.
    pub fn hang_up(&self) {
        self.running.hang_up();
    }

    /// Closes the listener and every connection, and resolves when that is done.
    pub async fn stop(&self) {
        self.running.stop().await;
    }

    fn stored(&self, path: &str) -> Option<StoredFile> {
        let path = path.strip_prefix(files::PREFIX).unwrap_or(path);
        self.workspace.storage.files.lock().get(path).cloned()
    }
}
