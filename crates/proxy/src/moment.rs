//! What time it is, asked once in each turn of a task.
//!
//! A request is timed for its line in the log, for the counters and against every limit: eight times within two turns of some
//! microseconds each. To ask the clock so often takes a hundredth of what a request costs, so whoever only needs to know when this turn is, is told
//! what the turn's first has found out.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;

use tokio::time::Instant;

/// What this thread's task knows of the time.
#[derive(Clone, Copy)]
enum Known {
    /// There is no turn, and nothing is kept.
    Nothing,
    /// Nobody has asked in this turn.
    NotYet,
    At(Instant),
}

/// Forgets the time when a turn ends, by a panic as well.
struct Turn;

thread_local! {
    static KNOWN: Cell<Known> = const { Cell::new(Known::Nothing) };
}

/// This turn's moment: no later than the present, and no earlier than the turn. Outside of one, the present.
pub(crate) fn now() -> Instant {
    match KNOWN.get() {
        Known::At(moment) => moment,
        Known::NotYet | Known::Nothing => anew(),
    }
}

/// The present, for what is to be told exactly, or where something has been done meanwhile that may take long. From here on it is this
/// turn's moment.
pub(crate) fn anew() -> Instant {
    let moment = Instant::now();
    if !matches!(KNOWN.get(), Known::Nothing) {
        KNOWN.set(Known::At(moment));
    }
    moment
}

/// One turn of a task.
pub(crate) fn turn<T>(work: impl FnOnce() -> T) -> T {
    KNOWN.set(Known::NotYet);
    let _turn = Turn;
    work()
}

/// Does `work`, each time that it is polled in a turn of its own.
pub(crate) async fn turns<F: Future>(mut work: Pin<&mut F>) -> F::Output {
    poll_fn(|cx| turn(|| work.as_mut().poll(cx))).await
}

impl Drop for Turn {
    fn drop(&mut self) {
        KNOWN.set(Known::Nothing);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::pin::pin;
    use std::task::Poll;
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    const LATER: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_turn_has_one_moment_until_it_is_asked_for_anew_and_the_next_turn_another() {
        let work = async {
            let first = now();
            advance(LATER).await;
            assert_eq!(now(), first + LATER, "another turn");
            let mut later = pin!(advance(LATER));
            poll_fn(|cx| {
                let before = now();
                // The clock moves within this very turn.
                let _ = later.as_mut().poll(cx);
                assert_eq!(now(), before);
                assert_eq!((anew(), now()), (before + LATER, before + LATER));
                Poll::Ready(())
            })
            .await;
            later.await;
        };
        turns(pin!(work)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn outside_of_a_turn_it_is_the_present_also_after_one_that_panicked() {
        assert!(catch_unwind(|| turn(|| -> () { panic!("at {:?}", now()) })).is_err());
        let before = now();
        advance(LATER).await;
        assert_eq!(now(), before + LATER);
    }
}
