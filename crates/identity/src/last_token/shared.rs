use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::digest::{BuildDigestHasher, TokenDigest};
use crate::facts::Verified;
use crate::memory::MemoryId;

/// A token's bytes and what came of them, which all who hold the same ones on one thread have in one place: a client's connections
/// present one token, and a processor's caches have room for one, where each connection's own would push out another's.
///
/// Found by its digest, and by its bytes: that two tokens are the same is never concluded from less. The last who lets go of it takes it
/// out of that place.
pub(super) struct Shared(Arc<Entry>);

struct Entry {
    token: Box<[u8]>,
    digest: TokenDigest,
    /// A copy that is this thread's alone.
    verified: Option<(MemoryId, Verified)>,
}

thread_local! {
    static HELD: RefCell<HashMap<TokenDigest, Arc<Entry>, BuildDigestHasher>> = RefCell::default();
}

// === impl Shared ===

impl Shared {
    pub(super) fn new(token: &[u8], digest: TokenDigest, verified: Option<(&Verified, MemoryId)>) -> Self {
        HELD.with_borrow_mut(|held| match held.get(&digest) {
            Some(known) if known.serves(token, verified.map(|(_, of)| of)) => Self(Arc::clone(known)),
            _ => {
                let entry = Arc::new(Entry {
                    token: token.into(),
                    digest,
                    verified: verified.map(|(verified, of)| (of, verified.copied())),
                });
                held.insert(digest, Arc::clone(&entry));
                Self(entry)
            }
        })
    }

    pub(super) fn token(&self) -> &[u8] {
        &self.0.token
    }

    pub(super) fn digest(&self) -> TokenDigest {
        self.0.digest
    }

    /// What came of it in this memory.
    pub(super) fn verified(&self, of: MemoryId) -> Option<&Verified> {
        let (memory, verified) = self.0.verified.as_ref()?;
        (*memory == of).then_some(verified)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Here, and where it is found.
        if Arc::strong_count(&self.0) > 2 {
            return;
        }
        // An error: the thread ends, and what it held is gone.
        let _ = HELD.try_with(|held| {
            let mut held = held.borrow_mut();
            if held
                .get(&self.0.digest)
                .is_some_and(|entry| Arc::ptr_eq(entry, &self.0))
            {
                held.remove(&self.0.digest);
            }
        });
    }
}

// === impl Entry ===

impl Entry {
    /// Whether it is of this token, and knows what came of it in that memory, where one is named.
    fn serves(&self, token: &[u8], of: Option<MemoryId>) -> bool {
        let known = self.verified.as_ref().map(|(memory, _)| *memory);
        *self.token == *token && (of.is_none() || of == known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BearerToken;

    fn shared(token: &'static str) -> Shared {
        let token = BearerToken::new(token);
        Shared::new(token.expose(), TokenDigest::of(&token), None)
    }

    fn held() -> usize {
        HELD.with_borrow(HashMap::len)
    }

    #[test]
    fn one_token_has_one_place_and_the_last_who_lets_go_of_it_takes_it_away() {
        let (one, same, other) = (shared("one"), shared("one"), shared("other"));
        assert!(Arc::ptr_eq(&one.0, &same.0));
        assert_eq!((same.token(), other.token()), (&b"one"[..], &b"other"[..]));
        assert_eq!(held(), 2);
        drop(one);
        assert!(Arc::ptr_eq(&shared("one").0, &same.0), "it is held still");
        drop(same);
        assert_eq!(held(), 1);
        drop(other);
        assert_eq!(held(), 0);
    }

    #[test]
    fn two_tokens_are_never_one_whatever_their_digests() {
        let digest = shared("one").digest();
        let (one, other) = (
            Shared::new(b"one", digest, None),
            Shared::new(b"other", digest, None),
        );
        assert_eq!((one.token(), other.token()), (&b"one"[..], &b"other"[..]));
        drop((one, other));
        assert_eq!(held(), 0);
    }

    #[test]
    fn what_another_thread_lets_go_of_is_nobody_elses_here() {
        let here = shared("one");
        let there = std::thread::spawn(|| shared("one")).join().expect("it ends");
        drop(there);
        assert!(Arc::ptr_eq(&shared("one").0, &here.0));
    }
}
