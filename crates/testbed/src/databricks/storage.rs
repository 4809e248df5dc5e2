use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{Context, SHA256};
use bytes::{Bytes, BytesMut};

use crate::locked::Locked;
use crate::random::to_hex;

/// The volumes: files and directories by their decoded paths (`/Volumes/…`).
#[derive(Default)]
pub(super) struct Storage {
    pub(super) files: Locked<BTreeMap<String, StoredFile>>,
    pub(super) directories: Locked<BTreeSet<String>>,
}

/// A file; cheap to clone.
#[derive(Clone)]
pub(super) struct StoredFile {
    /// `None`: too large to be kept.
    pub(super) content: Option<Bytes>,
    pub(super) length: u64,
    /// SHA-256, in hexadecimal.
    pub(super) digest: String,
    /// Seconds since the epoch.
    pub(super) modified: u64,
}

/// A file that is being uploaded.
pub(super) struct Upload {
    kept: Option<BytesMut>,
    length: u64,
    digest: Context,
}

// === impl Upload ===

impl Upload {
    pub(super) fn new() -> Self {
        Self {
            kept: Some(BytesMut::new()),
            length: 0,
            digest: Context::new(&SHA256),
        }
    }

    pub(super) fn add(&mut self, piece: &[u8]) {
        self.length += piece.len() as u64;
        self.digest.update(piece);
        if self.length > KEPT_AT_MOST {
            self.kept = None;
        }
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(piece);
        }
    }

    pub(super) fn finish(self, now: u64) -> StoredFile {
        StoredFile {
            content: self.kept.map(BytesMut::freeze),
            length: self.length,
            digest: to_hex(self.digest.finish().as_ref()),
            modified: now,
        }
    }
}

/// A larger file is counted and hashed, and its content forgotten.
const KEPT_AT_MOST: u64 = 64 * 1024 * 1024;
