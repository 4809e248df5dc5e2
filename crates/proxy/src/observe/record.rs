use std::net::SocketAddr;
use std::time::Duration;

use http::{Method, StatusCode};
use identity::Identity;
use tokio::time::Instant;

use super::RefusalRecord;
use crate::RequestId;

/// Everything that the access log may say about one request. There is no secret in it: of the target the path alone,
/// as a query may hold presigned signatures, and of the identity the verified issuer and subject.
#[derive(Clone, Debug)]
pub struct AccessRecord<'a> {
    /// Names the request in the gateway's own answers too (`x-request-id`).
    pub request_id: RequestId,
    /// The peer of the connection.
    pub client: SocketAddr,
    /// The method.
    pub method: &'a Method,
    /// The path, without its query.
    pub path: &'a str,
    /// `User-Agent` as sent; not trusted to be short or printable.
    pub user_agent: Option<&'a [u8]>,
    /// The configured name of the workspace, once it was found.
    pub workspace: Option<&'a str>,
    /// Who it was, once that was verified.
    pub identity: Option<&'a Identity>,
    /// Whether it came with a token of Databricks' own, which was passed on unjudged: nobody here knows whose it is.
    pub passed_through: bool,
    /// The status of the answer; `None` when the client left before there was one.
    pub status: Option<StatusCode>,
    /// Why the gateway answered instead of the workspace.
    pub failure: Option<&'static str>,
    /// The whole chain of causes of a failure that is the operator's to mend. Holds no token.
    pub cause: Option<&'a str>,
    /// Body bytes from the client.
    pub request_bytes: u64,
    /// Body bytes to the client.
    pub response_bytes: u64,
    /// Until the token was there: route, authenticate and swap.
    pub swapped_after: Option<Duration>,
    /// Until the head of the answer.
    pub answered_after: Option<Duration>,
    /// Until its last byte.
    pub duration: Duration,
    /// When that was: the reading of the clock that `duration` ends with.
    pub ended: Instant,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The whole answer was handed over.
    Complete,
    /// The client left before that.
    ClientLeft,
    /// The workspace's answer broke off.
    UpstreamBroke,
    /// A tunnel broke, or was silent for too long.
    TunnelCut,
}

/// Takes one record for each request, read or not. Called on the data plane: it must not block.
pub trait AccessSink: Send + Sync + 'static {
    /// Called once for each request, when it is over.
    fn record(&self, record: &AccessRecord<'_>);

    /// Called once for each request that was refused before its head was read.
    fn refused(&self, record: &RefusalRecord);

    /// How many lines were lost until now, as they came faster than they could be written.
    fn lost_lines(&self) -> u64 {
        0
    }
}

// === impl Outcome ===

impl Outcome {
    /// A word for the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::ClientLeft => "client_left",
            Self::UpstreamBroke => "upstream_broke",
            Self::TunnelCut => "tunnel_cut",
        }
    }
}
