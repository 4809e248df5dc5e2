use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::signature::ParsedPublicKey;

use crate::algorithm::Algorithm;
use crate::jws::Jws;

/// One public key of an issuer, parsed once, for one algorithm and no other (RFC 8725 section 3.1).
///
/// Whoever was admitted by it holds on to it, so that [`Key::withdraw`] stops all of them at once.
pub(crate) struct Key {
    pub(crate) id: Option<String>,
    pub(crate) algorithm: Algorithm,
    public: ParsedPublicKey,
    withdrawn: AtomicBool,
}

impl Key {
    pub(crate) fn new(id: Option<String>, algorithm: Algorithm, public: ParsedPublicKey) -> Self {
        Self {
            id,
            algorithm,
            public,
            withdrawn: AtomicBool::new(false),
        }
    }

    /// Whether this key made the signature of `jws`.
    pub(crate) fn signed(&self, jws: &Jws<'_>) -> bool {
        jws.header.algorithm == self.algorithm
            && self
                .public
                .verify_sig(jws.signing_input(), jws.signature())
                .is_ok()
    }

    /// Same name, same algorithm, same key material.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.id == other.id
            && self.algorithm == other.algorithm
            && self.public.as_ref() == other.public.as_ref()
    }

    /// The issuer no longer publishes it: nothing that it admitted is current any more.
    pub(crate) fn withdraw(&self) {
        self.withdrawn.store(true, Ordering::Release);
    }

    pub(crate) fn is_withdrawn(&self) -> bool {
        self.withdrawn.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .field("withdrawn", &self.is_withdrawn())
            .finish_non_exhaustive()
    }
}
