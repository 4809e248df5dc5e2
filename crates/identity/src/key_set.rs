use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::algorithm::Algorithm;
use crate::jwk;
use crate::jws::Header;
use crate::key::Key;
use crate::members::Members;

/// The largest JWKS document that is read.
pub(crate) const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

/// The most keys that a JWKS document may hold.
const MAX_KEYS: usize = 100;

/// The keys of one issuer at one time; never changed, only replaced.
#[derive(Debug)]
pub(crate) struct KeySet(Vec<Arc<Key>>);

/// Why a token's header singles out no key of a set.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// No key has this `kid`: it may be new.
    Unknown { kid: String },
    /// The key has another algorithm than the token.
    WrongAlgorithm { of_key: Algorithm },
    /// The token has no `kid`, and this many keys fit its algorithm.
    NotNamed { candidates: usize },
}

impl KeySet {
    /// Parses a JWKS (RFC 7517 section 5), key by key, so that one bad key does not spoil the others.
    ///
    /// A document without a single usable key is a fault of the server, not the withdrawal of every key.
    pub(crate) fn parse(document: &[u8]) -> Result<Self, String> {
        if document.len() > MAX_DOCUMENT_BYTES {
            return Err(format!("the JWKS has more than {MAX_DOCUMENT_BYTES} bytes"));
        }
        let entries =
            entries(document).ok_or("not a JWKS, which is a JSON object with an array named keys")?;
        if entries.len() > MAX_KEYS {
            return Err(format!(
                "the JWKS has {} keys, more than {MAX_KEYS}",
                entries.len()
            ));
        }
        let parsed: Vec<_> = entries
            .into_iter()
            .map(|entry| jwk::parse(entry.get().as_bytes()))
            .collect();
        let faults = faults(&parsed);
        let keys = without_ambiguous(parsed.into_iter().flatten().collect());
        if keys.is_empty() {
            return Err(format!(
                "no key in the JWKS can verify {}{faults}",
                Algorithm::ALLOWED
            ));
        }
        if !faults.is_empty() {
            tracing::debug!(keys = keys.len(), "passed over some keys of a JWKS{faults}");
        }
        Ok(Self(keys.into_iter().map(Arc::new).collect()))
    }

    /// Whether both hold the same keys, in the same order.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        self.0.len() == other.0.len() && pairs.into_iter().all(|(one, other)| one.is_same(other))
    }

    /// Takes over from `previous`: a key that is still there stays the very same object, and one that is
    /// gone is withdrawn by [`KeySet::withdraw_all_but`] once this set is in place.
    #[must_use]
    pub(crate) fn succeeding(self, previous: &Self) -> Self {
        let keep = |key: Arc<Key>| {
            previous
                .0
                .iter()
                .find(|old| old.is_same(&key))
                .map_or(key, Arc::clone)
        };
        Self(self.0.into_iter().map(keep).collect())
    }

    /// Stops whatever was admitted by keys that `successor` does not hold.
    pub(crate) fn withdraw_all_but(&self, successor: Option<&Self>) {
        let survives =
            |key: &Arc<Key>| successor.is_some_and(|set| set.0.iter().any(|new| Arc::ptr_eq(new, key)));
        self.0
            .iter()
            .filter(|key| !survives(key))
            .for_each(|key| key.withdraw());
    }

    /// The one key that the header names by `kid`; without `kid`, the one that fits `alg`, if there is only one.
    pub(crate) fn choose(&self, header: &Header) -> Result<Arc<Key>, NoKey> {
        let Some(kid) = &header.key_id else {
            return self.only_one_for(header.algorithm);
        };
        let named = self.0.iter().find(|key| key.id.as_ref() == Some(kid));
        let key = named.ok_or_else(|| NoKey::Unknown { kid: kid.clone() })?;
        if key.algorithm == header.algorithm {
            Ok(Arc::clone(key))
        } else {
            Err(NoKey::WrongAlgorithm {
                of_key: key.algorithm,
            })
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn only_one_for(&self, algorithm: Algorithm) -> Result<Arc<Key>, NoKey> {
        let fitting: Vec<_> = self.0.iter().filter(|key| key.algorithm == algorithm).collect();
        match fitting.as_slice() {
            [key] => Ok(Arc::clone(key)),
            several => Err(NoKey::NotNamed {
                candidates: several.len(),
            }),
        }
    }
}

fn entries(document: &[u8]) -> Option<Vec<&RawValue>> {
    let keys = Members::parse(document)?.raw("keys")?;
    serde_json::from_str(keys.get()).ok()
}

/// A `kid` that stands for two different keys stands for neither: which of them was meant is not ours to
/// guess. The same key printed twice is one key.
fn without_ambiguous(keys: Vec<Key>) -> Vec<Key> {
    let mut unique: Vec<Key> = Vec::with_capacity(keys.len());
    for key in keys {
        if !unique.iter().any(|other| other.is_same(&key)) {
            unique.push(key);
        }
    }
    let mut uses: HashMap<String, usize> = HashMap::new();
    for kid in unique.iter().filter_map(|key| key.id.clone()) {
        *uses.entry(kid).or_default() += 1;
    }
    unique.retain(|key| key.id.as_ref().is_none_or(|kid| uses.get(kid) == Some(&1)));
    unique
}

/// The distinct reasons why keys were passed over, as the end of a sentence.
fn faults(parsed: &[Result<Key, jwk::Unusable>]) -> String {
    let reasons: BTreeSet<String> = parsed
        .iter()
        .filter_map(|key| key.as_ref().err())
        .map(|fault| format!("; {fault}"))
        .collect();
    reasons.into_iter().collect()
}

#[cfg(test)]
mod tests;
