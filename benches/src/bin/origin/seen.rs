use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Whose token a request came under.
#[derive(Clone, Copy)]
pub(crate) enum Authorization {
    /// The one that the token endpoint here gives out: the proxy did the swap.
    Swapped,
    /// The one that peers are configured with: the proxy set a header.
    Fixed,
    /// A JWT: the proxy passed on what the client sent.
    Leaked,
    /// Anything else, which nobody should send.
    Other,
    /// None at all.
    Absent,
}

/// How many requests came, by their token.
#[derive(Default)]
pub(crate) struct Seen {
    swapped: AtomicU64,
    fixed: AtomicU64,
    leaked: AtomicU64,
    other: AtomicU64,
    absent: AtomicU64,
    exchanges: AtomicU64,
    bytes: AtomicU64,
}

// === impl Authorization ===

impl Authorization {
    pub(crate) fn of(value: &[u8]) -> Self {
        match value.strip_prefix(b"Bearer ") {
            Some(token) if token.starts_with(SWAPPED.as_bytes()) => Self::Swapped,
            Some(token) if token.starts_with(b"fixed-") => Self::Fixed,
            Some(token) if token.starts_with(b"eyJ") => Self::Leaked,
            _ => Self::Other,
        }
    }
}

// === impl Seen ===

impl Seen {
    pub(crate) fn request(&self, authorization: Authorization) {
        let counter = match authorization {
            Authorization::Swapped => &self.swapped,
            Authorization::Fixed => &self.fixed,
            Authorization::Leaked => &self.leaked,
            Authorization::Other => &self.other,
            Authorization::Absent => &self.absent,
        };
        counter.fetch_add(1, Relaxed);
    }

    pub(crate) fn exchange(&self) {
        self.exchanges.fetch_add(1, Relaxed);
    }

    /// Bytes of bodies beyond a head's own packet, either way.
    pub(crate) fn moved(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn as_json(&self) -> String {
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        format!(
            r#"{{"swapped":{},"fixed":{},"leaked":{},"other":{},"absent":{},"exchanges":{},"bytes":{}}}"#,
            read(&self.swapped),
            read(&self.fixed),
            read(&self.leaked),
            read(&self.other),
            read(&self.absent),
            read(&self.exchanges),
            read(&self.bytes),
        )
    }
}

/// How tokens begin that the token endpoint gives out.
pub(crate) const SWAPPED: &str = "swapped-";
