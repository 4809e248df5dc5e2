use std::time::Duration;

use tokio::time::Instant;

/// How much a client's socket takes that it has not sent yet: much where the client reads as fast as it is written to, little
/// everywhere else.
///
/// What has not been sent is the kernel's memory, and nobody sees how slowly it goes: a client that reads slowly shows that it is
/// alive only when half of it has gone. But with little, the worker is woken for each part of a large answer, which makes that a
/// sixth dearer.
#[derive(Debug)]
pub(super) struct Ahead {
    /// In bytes.
    limit: u32,
    /// Since when the client is waited for.
    since: Option<Instant>,
}

// === impl Ahead ===

impl Ahead {
    /// Nothing is known of the client yet.
    pub(super) fn of_a_stranger() -> Self {
        Self {
            limit: LEAST,
            since: None,
        }
    }

    pub(super) fn limit(&self) -> u32 {
        self.limit
    }

    /// The socket takes no more until the client has read.
    pub(super) fn waits(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    /// The socket has taken something. Another limit, if how long that took makes one.
    pub(super) fn moved(&mut self) -> Option<u32> {
        let waited = self.since.take()?.elapsed();
        let limit = match waited {
            _ if waited <= QUICK => MOST.min(self.limit * 2),
            _ if waited >= SLOW => LEAST,
            _ => self.limit,
        };
        let before = std::mem::replace(&mut self.limit, limit);
        (limit != before).then_some(limit)
    }
}

/// One part of a large answer (`forward::h1::unread`); or 1 KiB/s for whoever takes it in the minute that a body may stand still.
const LEAST: u32 = 128 * 1024;

/// Half of what Linux lets a socket have at most; more gains nothing that could be measured. Whoever reads quickly and then slowly has
/// to take half of it within that minute, 17 KiB/s, before the limit is the least again.
const MOST: u32 = 2 * 1024 * 1024;

/// For half of the limit: 1 MB/s at first, 20 MB/s for the most. A client with several answers at once takes them in turns.
const QUICK: Duration = Duration::from_millis(50);

/// The same: below 1 MB/s for the most.
const SLOW: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    async fn after(ahead: &mut Ahead, wait: Duration) -> Option<u32> {
        ahead.waits();
        advance(wait / 2).await;
        ahead.waits();
        advance(wait / 2).await;
        ahead.moved()
    }

    #[tokio::test(start_paused = true)]
    async fn a_quick_client_gets_more_up_to_a_limit_and_a_slow_one_as_little_as_a_stranger() {
        let mut ahead = Ahead::of_a_stranger();
        assert_eq!(ahead.moved(), None, "nobody has waited");
        let mut limit = LEAST;
        while limit < MOST {
            limit *= 2;
            assert_eq!(after(&mut ahead, QUICK).await, Some(limit));
        }
        assert_eq!(after(&mut ahead, QUICK).await, None);
        assert_eq!(after(&mut ahead, SLOW / 2).await, None);
        assert_eq!(ahead.limit(), MOST);
        assert_eq!(after(&mut ahead, SLOW).await, Some(LEAST));
        assert_eq!(after(&mut ahead, SLOW).await, None);
    }
}
