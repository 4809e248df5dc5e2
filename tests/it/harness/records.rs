use std::net::SocketAddr;

use proxy::{AccessRecord, AccessSink, Outcome, RefusalRecord};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::logs::is_indiscreet;

/// What the access log was told of one request.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) request_id: String,
    pub(crate) client: SocketAddr,
    pub(crate) path: String,
    pub(crate) workspace: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) passed_through: bool,
    pub(crate) status: Option<u16>,
    pub(crate) failure: Option<&'static str>,
    pub(crate) request_bytes: u64,
    pub(crate) response_bytes: u64,
    pub(crate) outcome: Outcome,
}

/// An access log that a test reads as it is written.
pub(super) struct Records {
    requests: UnboundedSender<Record>,
    refusals: UnboundedSender<RefusalRecord>,
}

/// The reading end.
pub(super) struct Log {
    pub(super) requests: Mutex<UnboundedReceiver<Record>>,
    pub(super) refusals: Mutex<UnboundedReceiver<RefusalRecord>>,
}

// === impl Records ===

impl Records {
    pub(super) fn new() -> (Self, Log) {
        let (requests, of_requests) = unbounded_channel();
        let (refusals, of_refusals) = unbounded_channel();
        let log = Log {
            requests: Mutex::new(of_requests),
            refusals: Mutex::new(of_refusals),
        };
        (Self { requests, refusals }, log)
    }
}

impl AccessSink for Records {
    fn record(&self, record: &AccessRecord<'_>) {
        let all = format!("{record:?}");
        // On the gateway's thread a panic would go unseen; the log's reader sees this.
        if is_indiscreet(&all) {
            tracing::error!(all, "the access log was told a credential");
        }
        let identity = record.identity;
        // A test that has ended reads no more.
        let _ = self.requests.send(Record {
            request_id: record.request_id.to_string(),
            client: record.client,
            path: record.path.to_owned(),
            workspace: record.workspace.map(str::to_owned),
            subject: identity.map(|identity| identity.subject().as_str().to_owned()),
            passed_through: record.passed_through,
            status: record.status.map(|status| status.as_u16()),
            failure: record.failure,
            request_bytes: record.request_bytes,
            response_bytes: record.response_bytes,
            outcome: record.outcome,
        });
    }

    fn refused(&self, record: &RefusalRecord) {
        // A test that has ended reads no more.
        let _ = self.refusals.send(record.clone());
    }
}
