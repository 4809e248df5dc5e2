use std::sync::{Arc, LazyLock};

use serde_json::Value;

use super::{Algorithm, Provider};
use crate::keys::SigningKey;

/// The keys of a provider, oldest first: at least one of each algorithm.
pub(super) struct KeyRing {
    rs256: Vec<Arc<SigningKey>>,
    es256: Vec<Arc<SigningKey>>,
    /// Held as long as the ring, so that no key of a provider's past can come back to it as a fresh one.
    withdrawn: Vec<Arc<SigningKey>>,
}

// === impl KeyRing ===

impl KeyRing {
    pub(super) fn new() -> Self {
        let mut ring = Self {
            rs256: Vec::new(),
            es256: Vec::new(),
            withdrawn: Vec::new(),
        };
        ring.rotate();
        ring
    }

    pub(super) fn rotate(&mut self) {
        self.rs256.push(Arc::new(SigningKey::generate(Algorithm::Rs256)));
        self.es256.push(Arc::new(SigningKey::generate(Algorithm::Es256)));
    }

    pub(super) fn withdraw_old(&mut self) {
        for keys in [&mut self.rs256, &mut self.es256] {
            let old = ..keys.len().saturating_sub(1);
            self.withdrawn.extend(keys.drain(old));
        }
    }

    pub(super) fn published(&self) -> Vec<Value> {
        self.rs256
            .iter()
            .chain(&self.es256)
            .map(|key| key.jwk())
            .collect()
    }

    fn newest(&self, algorithm: Algorithm) -> Arc<SigningKey> {
        let keys = match algorithm {
            Algorithm::Rs256 => &self.rs256,
            Algorithm::Es256 => &self.es256,
        };
        Arc::clone(
            keys.last()
                .expect("a ring is made with a key of each algorithm and keeps the newest"),
        )
    }
}

// === impl Provider ===

impl Provider {
    pub(super) fn newest_key(&self, algorithm: Algorithm) -> Arc<SigningKey> {
        self.keys.lock().newest(algorithm)
    }
}

/// A key that is in no provider's set: one per algorithm for the whole process, since nobody trusts it anyway.
pub(super) fn stranger(algorithm: Algorithm) -> &'static SigningKey {
    static RS256: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::Rs256));
    static ES256: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::Es256));
    match algorithm {
        Algorithm::Rs256 => &RS256,
        Algorithm::Es256 => &ES256,
    }
}
