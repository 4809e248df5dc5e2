use std::hash::{BuildHasher, Hash, Hasher};

use aws_lc_rs::digest;
use identity::{Expiry, Identity};

use crate::Grant;
use crate::grant::sha256;

/// What distinguishes two answers: the subject's digest, the grant's digest and, where it is to be told apart by that, the JWT's
/// expiry.
///
/// Two callers share these only if Databricks could not tell them apart. All parts have a fixed length, so no byte can move from
/// one to its neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyParts([u8; 32 + 32 + 9]);

/// What a cached answer is filed under: SHA-256 over its [`KeyParts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key([u8; 32]);

/// Hashes a [`Key`] by taking eight bytes of it: it is a digest already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyHasher(u64);

// === impl KeyParts ===

impl KeyParts {
    /// Takes an [`Identity`], and with it the proof that the token was verified. There is no other way to a key.
    pub(crate) fn new(identity: &Identity, grant: &Grant) -> Self {
        Self::from_parts(identity.digest().as_bytes(), None, grant)
    }

    /// The same, for JWTs of this one's expiry alone.
    pub(crate) fn of_one_expiry(identity: &Identity, grant: &Grant) -> Self {
        Self::from_parts(identity.digest().as_bytes(), Some(identity.expiry()), grant)
    }

    fn from_parts(subject: &[u8; 32], expiry: Option<Expiry>, grant: &Grant) -> Self {
        let mut all = [0; 32 + 32 + 9];
        let (to_subject, rest) = all.split_at_mut(32);
        let (to_grant, to_expiry) = rest.split_at_mut(32);
        to_subject.copy_from_slice(subject);
        to_grant.copy_from_slice(grant.digest());
        if let (Some(Expiry(end)), [tag, to_end @ ..]) = (expiry, to_expiry) {
            *tag = 1;
            to_end.copy_from_slice(&end.seconds().to_be_bytes());
        }
        Self(all)
    }

    /// One of 256, in which the same parts always are: by the subject's digest, and by the grant's, as one subject may have many.
    pub(crate) fn group(&self) -> u8 {
        let [subject, ..] = self.0;
        subject ^ self.0[32]
    }

    /// Parts of nobody, for tests.
    #[cfg(test)]
    pub(crate) fn of_bytes(subject: u8, grant: u8) -> Self {
        let mut all = [0; 32 + 32 + 9];
        all[..32].fill(subject);
        all[32..64].fill(grant);
        Self(all)
    }
}

// === impl Key ===

impl Key {
    pub(crate) fn of(parts: &KeyParts) -> Self {
        // In one shot, because an incremental context is an allocation, and this is the path of a cache hit.
        Self(sha256(&digest::digest(&digest::SHA256, &parts.0)))
    }

    /// One of 65,536, in which the same key always is.
    pub(crate) fn group(&self) -> u16 {
        let [.., a, b] = self.0;
        u16::from_ne_bytes([a, b])
    }

    /// A key of nobody, for tests that need any key at all.
    #[cfg(test)]
    pub(crate) fn of_zeros() -> Self {
        Self([0; 32])
    }

    /// Keys of nobody that differ.
    #[cfg(test)]
    pub(crate) fn of_number(number: u64) -> Self {
        Self(sha256(&digest::digest(&digest::SHA256, &number.to_be_bytes())))
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if let Some(start) = self.0.first_chunk() {
            state.write_u64(u64::from_ne_bytes(*start));
        }
    }
}

// === impl KeyHasher ===

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

impl BuildHasher for KeyHasher {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests;
