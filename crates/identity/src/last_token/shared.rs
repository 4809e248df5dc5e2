use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use crate::digest::{BuildDigestHasher, TokenDigest};

/// A token's bytes, which all who hold the same ones on one thread have in one place: a client's connections present one token, and a
/// processor's caches have room for one, where each connection's own would push out another's.
///
/// Found by its digest, and by its bytes: that two tokens are the same is never concluded from less. The last who lets go of it takes it
/// out of that place.
pub(super) struct Shared {
    token: Arc<[u8]>,
    pub(super) digest: TokenDigest,
}

thread_local! {
    static HELD: RefCell<HashMap<TokenDigest, Arc<[u8]>, BuildDigestHasher>> = RefCell::default();
}

// === impl Shared ===

impl Shared {
    pub(super) fn new(token: &[u8], digest: TokenDigest) -> Self {
        let token = HELD.with_borrow_mut(|held| match held.get(&digest) {
            Some(known) if **known == *token => Arc::clone(known),
            _ => {
                let token: Arc<[u8]> = token.into();
                held.insert(digest, Arc::clone(&token));
                token
            }
        });
        Self { token, digest }
    }
}

impl Deref for Shared {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.token
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Here, and where it is found.
        if Arc::strong_count(&self.token) > 2 {
            return;
        }
        // An error: the thread ends, and what it held is gone.
        let _ = HELD.try_with(|held| {
            let mut held = held.borrow_mut();
            if held
                .get(&self.digest)
                .is_some_and(|token| Arc::ptr_eq(token, &self.token))
            {
                held.remove(&self.digest);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BearerToken;

    fn shared(token: &'static str) -> Shared {
        let token = BearerToken::new(token);
        Shared::new(token.expose(), TokenDigest::of(&token))
    }

    fn held() -> usize {
        HELD.with_borrow(HashMap::len)
    }

    #[test]
    fn one_token_has_one_place_and_the_last_who_lets_go_of_it_takes_it_away() {
        let (one, same, other) = (shared("one"), shared("one"), shared("other"));
        assert!(Arc::ptr_eq(&one.token, &same.token));
        assert_eq!((&*same, &*other), (&b"one"[..], &b"other"[..]));
        assert_eq!(held(), 2);
        drop(one);
        assert!(Arc::ptr_eq(&shared("one").token, &same.token), "it is held still");
        drop(same);
        assert_eq!(held(), 1);
        drop(other);
        assert_eq!(held(), 0);
    }

    #[test]
    fn two_tokens_are_never_one_whatever_their_digests() {
        let digest = shared("one").digest;
        let (one, other) = (Shared::new(b"one", digest), Shared::new(b"other", digest));
        assert_eq!((&*one, &*other), (&b"one"[..], &b"other"[..]));
        drop((one, other));
        assert_eq!(held(), 0);
    }

    #[test]
    fn what_another_thread_lets_go_of_is_nobody_elses_here() {
        let here = shared("one");
        let there = std::thread::spawn(|| shared("one")).join().expect("it ends");
        drop(there);
        assert!(Arc::ptr_eq(&shared("one").token, &here.token));
    }
}
