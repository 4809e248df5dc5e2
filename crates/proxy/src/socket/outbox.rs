use std::cell::RefCell;
use std::convert::Infallible;
use std::io::IoSlice;
use std::pin::{Pin, pin};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use tokio::task::yield_now;

use super::line::{Line, Sent};

/// What the connections of one worker have to say, gathered over a turn of its tasks and sent at the end of that, but for the first.
///
/// To wake whoever receives something is most of what sending it costs. Sent one by one as they are made ready, each would find its
/// receiver asleep again; one right behind the other, the first one wakes it for all.
///
/// The first has nothing to gain by waiting: there may be no other, and its receiver sets to work while the rest is made ready.
///
/// A busy worker's turn goes on while more comes, for a few looks at the sockets. Otherwise large turns and little ones alternate: whom
/// a turn has woken answers one after the other, and is met by a worker that is quicker than that for some turns of one letter or two.
///
/// Not `Debug`: workspaces' tokens are in it.
struct Outbox {
    turn: Turn,
    /// All letters, one behind the other, in memory that stays.
    text: Vec<u8>,
    letters: Vec<Letter>,
    /// Those of which a letter was sent in part. Not held: whoever gives up a connection gives up the rest.
    jammed: Vec<Weak<Line>>,
    postman: Waker,
}

/// How far a turn has come.
#[derive(Default)]
struct Turn {
    /// Whether something was posted in it.
    has_begun: bool,
    /// How often the postman has come in it, and how many letters there were the last time.
    looks: usize,
    letters: usize,
}

struct Letter {
    from: Rc<Line>,
    length: usize,
}

/// Sends at the end of each turn what is left of it: a task of each worker, which is behind all that were ready before it was called.
#[derive(Debug)]
pub(crate) struct Postman;

thread_local! {
    static OUTBOX: RefCell<Option<Outbox>> = const { RefCell::new(None) };
}

/// Bytes, at which a turn is long enough: some 200 requests and answers, all of which stay in the processor's second cache.
const FULL: usize = 256 * 1024;

/// Letters, at which a worker counts as busy. With fewer, whoever waits for them may have nothing else to do: at 4 connections, to wait
/// for more costs 8 to 10 %.
const MANY: usize = 16;

/// Letters, of which it has enough: at 256 connections, where each look finds a hundred, to wait for more costs half a percent.
const ENOUGH: usize = 64;

/// How often a turn is let go on, as a letter that waits has somebody who waits for it. Nine times gain nothing that three do not.
const LONGEST: usize = 3;

/// Sends a letter, now or at the end of the turn, unless this thread has no [`Postman`].
pub(super) fn post(from: &Rc<Line>, parts: &[IoSlice<'_>]) -> bool {
    OUTBOX.with_borrow_mut(|outbox| outbox.as_mut().map(|outbox| outbox.take(from, parts)).is_some())
}

/// Sends everything now.
pub(super) fn send_all() {
    OUTBOX.with_borrow_mut(|outbox| outbox.as_mut().map(Outbox::send_all));
}

// === impl Outbox ===

impl Outbox {
    fn before(postman: &Waker) -> Self {
        Self {
            turn: Turn::default(),
            text: Vec::new(),
            letters: Vec::new(),
            jammed: Vec::new(),
            postman: postman.clone(),
        }
    }

    fn take(&mut self, from: &Rc<Line>, parts: &[IoSlice<'_>]) {
        for part in parts {
            self.text.extend_from_slice(part);
        }
        from.posted();
        self.letters.push(Letter {
            from: Rc::clone(from),
            length: parts.iter().map(|part| part.len()).sum(),
        });
        if self.begins() || self.text.len() >= FULL {
            self.send_all();
        }
    }

    /// Whether this is the first of a turn, at whose end the postman is to come.
    fn begins(&mut self) -> bool {
        let begins = !std::mem::replace(&mut self.turn.has_begun, true);
        if begins {
            self.postman.wake_by_ref();
        }
        begins
    }

    fn send_all(&mut self) {
        let mut rest = self.text.as_slice();
        for Letter { from, length } in self.letters.drain(..) {
            let (letter, behind) = rest.split_at_checked(length).unwrap_or_default();
            rest = behind;
            if from.send(letter) == Sent::InPart {
                // The postman is on its way: it was called by the first letter.
                self.jammed.push(Rc::downgrade(&from));
            }
        }
        self.text.clear();
    }

    fn send_rests(&mut self, cx: &mut Context<'_>) {
        self.jammed
            .retain(|line| line.upgrade().is_some_and(|line| line.poll_rest(cx).is_pending()));
    }
}

// === impl Turn ===

impl Turn {
    /// Whether more is to be waited for, now that there are so many letters; not where nothing has come since it last was.
    fn goes_on(&mut self, letters: usize) -> bool {
        let grows = letters > std::mem::replace(&mut self.letters, letters);
        self.looks += 1;
        grows && (MANY..ENOUGH).contains(&letters) && self.looks <= LONGEST
    }
}

// === impl Postman ===

impl Future for Postman {
    type Output = Infallible;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Infallible> {
        OUTBOX.with_borrow_mut(|outbox| {
            let outbox = outbox.get_or_insert_with(|| Outbox::before(cx.waker()));
            outbox.postman.clone_from(cx.waker());
            if outbox.turn.goes_on(outbox.letters.len()) {
                look_for_more(cx);
            } else {
                outbox.turn = Turn::default();
                outbox.send_all();
                outbox.send_rests(cx);
            }
        });
        Poll::Pending
    }
}

/// Has the postman come again, behind all that is ready by then. To wake it would not do: it would be the next, before tokio asks for
/// what has come.
fn look_for_more(cx: &mut Context<'_>) {
    // It is ready the next time, when it is gone; what matters is who is called.
    let _ = pin!(yield_now()).poll(cx);
}

impl Drop for Postman {
    fn drop(&mut self) {
        send_all();
        OUTBOX.take();
    }
}

#[cfg(test)]
mod tests;
