use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::jwt::{Jwt, LONGEST};

/// A file in which a JWT rotates: a projected service account token, Vault agent's sink, anything that replaces it in time.
#[derive(Clone, Debug)]
pub(crate) struct JwtFile(PathBuf);

/// What changes when a file does, whether it is written anew, renamed over, or another one behind a symbolic link, which
/// is how Kubernetes exchanges them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

// === impl JwtFile ===

impl JwtFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Blocks.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        std::fs::metadata(&self.0)
            .ok()
            .map(|metadata| Stamp::of(&metadata))
    }

    /// Blocks. The stamp is that of the very file that was read, so that one which is exchanged meanwhile is noticed.
    ///
    /// # Errors
    /// In words that begin with the file.
    pub(super) fn read(&self) -> Result<Jwt, String> {
        self.read_jwt()
            .map_err(|why| format!("{} {why}", self.0.display()))
    }

    fn read_jwt(&self) -> Result<Jwt, String> {
        let unreadable = |error: io::Error| format!("cannot be read: {error}");
        // Before it is opened: a pipe would be waited for.
        if !std::fs::metadata(&self.0).map_err(unreadable)?.is_file() {
            return Err("is not a file".to_owned());
        }
        let file = File::open(&self.0).map_err(unreadable)?;
        let stamp = Stamp::of(&file.metadata().map_err(unreadable)?);
        let mut text = Vec::new();
        let read = file.take(LONGEST).read_to_end(&mut text);
        read.map_err(unreadable)?;
        Ok(Jwt {
            stamp: Some(stamp),
            ..Jwt::parse(&text)?
        })
    }

    /// Says it, once, when others on this machine can read the JWT and be whoever it is for.
    pub(super) fn warn_of_readers(&self) {
        let readable = |metadata: &Metadata| metadata.mode() & 0o004 != 0;
        if std::fs::metadata(&self.0).is_ok_and(|metadata| readable(&metadata)) {
            tracing::warn!(file = %self.0.display(), "every user of this machine can read the JWT, unless its folder keeps them out");
        }
    }
}

// === impl Stamp ===

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            file: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}
