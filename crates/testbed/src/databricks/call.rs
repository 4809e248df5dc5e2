use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use http::{Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::reply;
use crate::server::{Body, Head};

/// A request outside the token endpoint: its head, and the body as it comes in.
pub(super) struct Call {
    pub(super) head: Arc<Head>,
    body: Incoming,
    /// How many bytes of the body have been read: shown in [`Seen`](super::Seen).
    body_bytes: Arc<AtomicU64>,
}

/// Why a body could not be read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    BrokenOff,
    TooLarge,
}

// === impl Call ===

impl Call {
    pub(super) fn new(head: Arc<Head>, body: Incoming, body_bytes: Arc<AtomicU64>) -> Self {
        Self {
            head,
            body,
            body_bytes,
        }
    }

    pub(super) fn into_body(self) -> Incoming {
        self.body
    }

    /// The next piece of the body; `None` when it has ended as it should.
    pub(super) async fn next_piece(&mut self) -> Result<Option<Bytes>, Unread> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(piece) = frame.map_err(|_| Unread::BrokenOff)?.into_data() {
                self.body_bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// The whole body of an ordinary API call.
    pub(super) async fn read(&mut self) -> Result<Bytes, Unread> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.next_piece().await? {
            if whole.len() + piece.len() > MAX_API_BODY {
                return Err(Unread::TooLarge);
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }
}

// === impl Unread ===

impl From<Unread> for Response<Body> {
    fn from(unread: Unread) -> Self {
        match unread {
            // Nobody is left to read it.
            Unread::BrokenOff => {
                reply::error(StatusCode::BAD_REQUEST, "BAD_REQUEST", "The body is broken off.")
            }
            Unread::TooLarge => reply::error(
                StatusCode::PAYLOAD_TOO_LARGE,
                "MAX_REQUEST_SIZE_EXCEEDED",
                "The body is too large.",
            ),
        }
    }
}

/// Model serving's limit, the largest of any JSON API.
const MAX_API_BODY: usize = 16 * 1024 * 1024;
