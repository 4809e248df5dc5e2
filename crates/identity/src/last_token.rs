mod shared;

use std::cell::RefCell;
use std::fmt;

use crate::BearerToken;
use crate::digest::TokenDigest;
use crate::facts::Verified;
use crate::memory::MemoryId;
use shared::Shared;

/// The token that was presented last on one connection, with its digest, and what came of its verification.
///
/// Most clients present one token with every request, until it ends. To compare it costs a twentieth of hashing it, and a
/// hundredth where the processor has no instructions for SHA-256. Nor do cores that are presented the same token wait for each
/// other at the memory of what was verified: from the second time on, each has a copy of its own.
///
/// Nothing is decided here: equal bytes have equal digests, and what was found is judged anew each time, for the memory alone in
/// which it was found. Only what was verified is kept, and nothing once [`forget`](Self::forget) was called. Its `Debug` shows no token.
#[derive(Default)]
pub struct LastToken(RefCell<Option<Shared>>);

/// What is known of a token.
pub(crate) struct Known {
    pub(crate) digest: TokenDigest,
    /// To be judged anew.
    pub(crate) verified: Option<Verified>,
}

// === impl LastToken ===

impl LastToken {
    /// For a connection that may present nothing more, or not soon.
    pub fn forget(&self) {
        self.0.replace(None);
    }

    /// `token`, which has this digest, was verified; and what came of it, in which memory, once it comes again.
    pub(crate) fn keep(
        &self,
        token: &BearerToken,
        digest: TokenDigest,
        verified: Option<(&Verified, MemoryId)>,
    ) {
        self.0
            .replace(Some(Shared::new(token.expose(), digest, verified)));
    }

    /// What is known of `token`, if it is the one that is kept; and what came of it, if that was in the memory `of`.
    pub(crate) fn known(&self, token: &BearerToken, of: MemoryId) -> Option<Known> {
        let kept = self.0.borrow();
        let kept = kept.as_ref()?;
        are_equal(kept.token(), token.expose()).then(|| Known {
            digest: kept.digest(),
            verified: kept.verified(of).cloned(),
        })
    }
}

impl fmt::Debug for LastToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LastToken([redacted])")
    }
}

/// Without an end before the end: a load balancer's connection carries many callers' requests, and how long it took to tell
/// one's token from another's would say how much of it was right.
fn are_equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |found, (a, b)| found | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn known(last: &LastToken, token: &BearerToken) -> Option<TokenDigest> {
        last.known(token, MemoryId::next()).map(|known| known.digest)
    }

    proptest! {
        #[test]
        fn a_digest_that_is_known_is_that_of_the_token_whatever_was_presented_before(
            token in proptest::collection::vec(any::<u8>(), 1..1200),
            at in any::<prop::sample::Index>(),
            bit in 0..8_u8,
        ) {
            let last = LastToken::default();
            let mut near = token.clone();
            near[at.index(token.len())] ^= 1 << bit;
            let shorter = token[..token.len() - 1].to_vec();
            for presented in [&token, &token, &near, &shorter, &token] {
                let presented = BearerToken::new(presented.clone());
                let digest = TokenDigest::of(&presented);
                prop_assert!(known(&last, &presented).is_none_or(|known| known == digest));
                last.keep(&presented, digest, None);
                prop_assert!(known(&last, &presented) == Some(digest));
            }
        }
    }

    #[test]
    fn what_was_forgotten_is_held_no_longer_and_never_shown() {
        let last = LastToken::default();
        let token = BearerToken::new("secret");
        last.keep(&token, TokenDigest::of(&token), None);
        assert!(!format!("{last:?}").contains("secret"));
        assert!(known(&last, &token).is_some());
        last.forget();
        assert!(known(&last, &token).is_none());
    }
}
