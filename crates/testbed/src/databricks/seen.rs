use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::locked::Locked;
use crate::server::Head;

/// One request that the workspace received, as it was on the wire.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The request target, byte for byte.
    pub target: String,
    /// The header fields in order, names as written.
    pub headers: Vec<(String, String)>,
    /// Whose token it carried, if it carried one that is known.
    pub identity: Option<String>,
    /// How many body bytes arrived.
    pub body_bytes: u64,
}

/// Every request so far, in order of arrival.
#[derive(Default)]
pub(super) struct Records {
    forgetful: bool,
    all: Locked<Vec<Record>>,
}

struct Record {
    head: Arc<Head>,
    identity: Option<String>,
    body_bytes: Arc<AtomicU64>,
}

// === impl Seen ===

impl Seen {
    /// Every value of this header field, in order; the name's case does not matter.
    pub fn values(&self, name: &str) -> Vec<&str> {
        let fields = self
            .headers
            .iter()
            .filter(|(written, _)| written.eq_ignore_ascii_case(name));
        fields.map(|(_, value)| value.as_str()).collect()
    }
}

// === impl Records ===

impl Records {
    pub(super) fn new(forgetful: bool) -> Self {
        Self {
            forgetful,
            all: Locked::default(),
        }
    }

    /// Adds a request whose body is still to come; the counter is for it.
    pub(super) fn add(&self, head: &Arc<Head>, identity: Option<String>) -> Arc<AtomicU64> {
        let body_bytes = Arc::new(AtomicU64::new(0));
        if !self.forgetful {
            let record = Record {
                head: Arc::clone(head),
                identity,
                body_bytes: Arc::clone(&body_bytes),
            };
            self.all.lock().push(record);
        }
        body_bytes
    }

    pub(super) fn all(&self) -> Vec<Seen> {
        self.all.lock().iter().map(Record::seen).collect()
    }
}

// === impl Record ===

impl Record {
    fn seen(&self) -> Seen {
        Seen {
            method: self.head.method.clone(),
            target: self.head.target.clone(),
            headers: self.head.headers.clone(),
            identity: self.identity.clone(),
            body_bytes: self.body_bytes.load(Ordering::Relaxed),
        }
    }
}
