use std::borrow::Cow;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand;
use identity::{Identity, SubjectDigest};

use crate::config::{SubjectKey, Subjects};

/// How a caller appears in the log.
#[derive(Debug)]
pub(super) enum Naming {
    Clear,
    Hash(Box<hmac::Key>, Known),
    Off,
}

/// The hashes of callers who were named lately: most requests come from somebody who has just made one.
#[derive(Debug)]
pub(super) struct Known(Box<[Mutex<Option<Named>>]>);

#[derive(Debug)]
struct Named {
    /// Whose name it is: issuer and subject are always a part of it.
    digest: SubjectDigest,
    name: String,
}

/// Eight bytes, sixteen digits: short enough to read, and among 100,000 callers no two are likely to meet.
const SHOWN: usize = 8;

/// Callers who are remembered at most; each has one place, from which another may push it.
const PLACES: usize = 1_024;

// === impl Naming ===

impl Naming {
    /// Without randomness nothing is told: a guessable key would tell everything.
    pub(super) fn new(subjects: &Subjects) -> Self {
        match subjects {
            Subjects::Clear => Self::Clear,
            Subjects::Off => Self::Off,
            Subjects::Hash(SubjectKey::Fixed(key)) => Self::hash(key),
            Subjects::Hash(SubjectKey::Random) => {
                let mut key = [0; 32];
                rand::fill(&mut key).map_or(Self::Off, |()| Self::hash(&key))
            }
        }
    }

    fn hash(key: &[u8]) -> Self {
        Self::Hash(Box::new(hmac::Key::new(HMAC_SHA256, key)), Known::default())
    }

    /// What `who` is called.
    pub(super) fn name<'a>(&self, who: &'a Identity) -> Option<Cow<'a, str>> {
        match self {
            Self::Clear => Some(who.subject().as_str().into()),
            Self::Hash(key, known) => Some(known.name(who, key).into()),
            Self::Off => None,
        }
    }
}

// === impl Known ===

impl Known {
    fn name(&self, who: &Identity, key: &hmac::Key) -> String {
        let digest = who.digest();
        let [.., high, low] = *digest.as_bytes();
        let Some(place) = self.0.get(usize::from(u16::from_be_bytes([high, low])) % PLACES) else {
            return pseudonym(key, who.issuer(), who.subject().as_str());
        };
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        match &*place {
            Some(named) if named.digest == digest => named.name.clone(),
            _ => place.insert(Named::of(who, key)).name.clone(),
        }
    }
}

impl Default for Known {
    fn default() -> Self {
        Self((0..PLACES).map(|_| Mutex::default()).collect())
    }
}

// === impl Named ===

impl Named {
    fn of(who: &Identity, key: &hmac::Key) -> Self {
        Self {
            digest: who.digest(),
            name: pseudonym(key, who.issuer(), who.subject().as_str()),
        }
    }
}

/// The issuer's length stands before it, so that no two pairs are the same bytes.
pub(super) fn pseudonym(key: &hmac::Key, issuer: &str, subject: &str) -> String {
    let mut hash = hmac::Context::with_key(key);
    hash.update(&issuer.len().to_be_bytes());
    hash.update(issuer.as_bytes());
    hash.update(subject.as_bytes());
    let tag = hash.sign();
    tag.as_ref()
        .iter()
        .take(SHOWN)
        .fold(String::with_capacity(2 * SHOWN), |mut digits, byte| {
            // Writing to a string cannot fail.
            let _ = write!(digits, "{byte:02x}");
            digits
        })
}
