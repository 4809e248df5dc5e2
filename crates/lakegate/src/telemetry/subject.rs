use std::borrow::Cow;
use std::fmt::Write;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand;
use identity::Identity;

use crate::config::{SubjectKey, Subjects};

/// How a caller appears in the log.
#[derive(Debug)]
pub(super) enum Naming {
    Clear,
    Hash(Box<hmac::Key>),
    Off,
}

/// Eight bytes, sixteen digits: short enough to read, and among 100,000 callers no two are likely to meet.
const SHOWN: usize = 8;

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
        Self::Hash(Box::new(hmac::Key::new(HMAC_SHA256, key)))
    }

    /// What `who` is called.
    pub(super) fn name<'a>(&self, who: &'a Identity) -> Option<Cow<'a, str>> {
        match self {
            Self::Clear => Some(who.subject().as_str().into()),
            Self::Hash(key) => Some(pseudonym(key, who.issuer(), who.subject().as_str()).into()),
            Self::Off => None,
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
