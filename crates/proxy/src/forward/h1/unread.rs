use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;

/// What has come from a workspace and was not looked at yet. What is taken from it is not copied.
///
/// It has memory of its own only while there is something in it, or where much comes: all others of a worker read into the same, which
/// is still in the processor's caches from the one before. What has been taken and is not yet let go of is never read over.
#[derive(Debug)]
pub(super) struct Unread {
    pub(super) bytes: BytesMut,
    /// How much is asked for at a time. It grows with what comes, as most answers are small and a few are very large.
    room: usize,
}

impl Unread {
    pub(super) fn new() -> Self {
        Self {
            bytes: BytesMut::new(),
            room: LEAST_ROOM,
        }
    }

    /// Waits for more, of which `most` bytes may be needed, and says how much has come: nothing is an end in good order. Under TLS
    /// one without `close_notify` is an error (RFC 8446 section 6.1), as anybody on the way could have made it.
    pub(super) fn poll_more(
        &mut self,
        io: &mut (impl AsyncRead + Unpin),
        most: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        // What much is read into is asked for again by `reserve`, as long as it is not let go of.
        if self.bytes.capacity() == 0 && self.room <= USUAL_ROOM {
            self.bytes = SPARE.take();
        }
        self.bytes.reserve(self.room.min(most).max(1));
        let free = self.bytes.capacity() - self.bytes.len();
        let polled = poll_read_buf(Pin::new(io), cx, &mut self.bytes);
        if polled.is_pending() {
            self.put_down();
        }
        let read = ready!(polled)?;
        if read == free {
            self.room = (self.room * 2).min(MOST_ROOM);
        }
        Poll::Ready(Ok(read))
    }

    /// For a connection that rests, on which nothing is unread: it holds no memory.
    pub(super) fn rest(&mut self) {
        self.put_down();
        *self = Self {
            bytes: BytesMut::new(),
            room: self.room.min(USUAL_ROOM),
        };
    }

    /// Leaves its memory to the next one that reads, unless there is something in it, or it is what a large answer needs.
    fn put_down(&mut self) {
        let has_any = self.bytes.capacity() > 0;
        if has_any && self.bytes.is_empty() && self.room <= USUAL_ROOM {
            SPARE.set(std::mem::take(&mut self.bytes));
        }
    }
}

thread_local! {
    static SPARE: Cell<BytesMut> = Cell::default();
}

/// A head and a small body.
const LEAST_ROOM: usize = 2 * 1024;
/// A head and a body of some length.
const USUAL_ROOM: usize = 8 * 1024;
/// What a stalled caller makes us hold is about twice this.
const MOST_ROOM: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::task::Waker;

    use proptest::prelude::*;
    use tokio::io::ReadBuf;

    use super::*;

    /// Gives one after the other, each in one piece where there is room for it; between two there is nothing for a moment.
    struct Parts(VecDeque<Vec<u8>>);

    impl Parts {
        fn of<const N: usize>(parts: [&[u8]; N]) -> Self {
            Self(parts.map(<[u8]>::to_vec).into())
        }
    }

    impl AsyncRead for Parts {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            into: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let Some(part) = self.0.pop_front().filter(|part| !part.is_empty()) else {
                return Poll::Pending;
            };
            let (now, later) = part.split_at(part.len().min(into.remaining()));
            into.put_slice(now);
            self.0.push_front(later.to_vec());
            Poll::Ready(Ok(()))
        }
    }

    /// How much of them has come; nothing where it has to be waited for.
    fn more(unread: &mut Unread, parts: &mut Parts, most: usize) -> usize {
        match unread.poll_more(parts, most, &mut Context::from_waker(Waker::noop())) {
            Poll::Ready(read) => read.expect("memory can be read"),
            Poll::Pending => 0,
        }
    }

    #[test]
    fn much_is_read_at_a_time_where_much_comes_and_a_connection_at_rest_holds_none_of_it() {
        SPARE.take();
        let large = vec![b'x'; 1 << 20];
        let (mut unread, mut io) = (Unread::new(), Parts::of([&large]));
        let mut steps = Vec::new();
        while more(&mut unread, &mut io, usize::MAX) > 0 {
            steps.push(unread.bytes.split().len());
        }
        assert_eq!(steps.iter().sum::<usize>(), 1 << 20);
        assert_eq!(steps.first(), Some(&LEAST_ROOM));
        assert!(steps.iter().max() >= Some(&MOST_ROOM), "{steps:?}");
        assert!(steps.iter().all(|&step| step <= 2 * MOST_ROOM), "{steps:?}");
        let mut other = Unread::new();
        more(&mut other, &mut Parts::of([b"x"]), usize::MAX);
        assert!(other.bytes.capacity() <= USUAL_ROOM, "it is no other's");
        unread.rest();
        assert_eq!(unread.bytes.capacity(), 0);
        let mut io = Parts::of([&large]);
        assert_eq!(more(&mut unread, &mut io, usize::MAX), USUAL_ROOM);
    }

    #[test]
    fn all_connections_of_a_worker_read_into_the_same_memory_and_none_holds_it_while_it_waits() {
        let (mut one, mut other) = (Unread::new(), Unread::new());
        let mut places = Vec::new();
        for unread in [&mut one, &mut other] {
            let mut io = Parts::of([b"an answer"]);
            assert_eq!(more(unread, &mut io, usize::MAX), 9);
            places.push(unread.bytes.as_ptr());
            assert_eq!(unread.bytes.split(), b"an answer"[..]);
            assert_eq!(more(unread, &mut io, usize::MAX), 0);
            assert_eq!(unread.bytes.capacity(), 0, "it waits");
            unread.rest();
            let spare = SPARE.take();
            assert!(spare.capacity() > 0, "its worker has it");
            SPARE.set(spare);
        }
        assert_eq!(places.first(), places.last());
    }

    #[test]
    fn a_large_answer_leaves_what_small_ones_are_read_into_alone() {
        let (mut small, mut large) = (Unread::new(), Unread::new());
        let mut io = Parts::of([&vec![b'x'; 1 << 20]]);
        while large.room < MOST_ROOM {
            more(&mut large, &mut io, usize::MAX);
            large.bytes.clear();
        }
        more(&mut small, &mut Parts::of([b"an answer"]), usize::MAX);
        let place = small.bytes.as_ptr();
        small.bytes.clear();
        small.rest();
        while more(&mut large, &mut io, usize::MAX) > 0 {
            drop(large.bytes.split());
        }
        assert_eq!(SPARE.take().as_ptr(), place);
    }

    #[derive(Clone, Debug)]
    enum Step {
        /// So much comes on one of the connections.
        Read(usize, usize),
        /// Nothing comes there.
        Wait(usize),
        /// So much of what has come there is taken, and held.
        Take(usize, usize),
        /// What was taken before is let go of.
        LetGo,
        Rest(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let which = 0..3_usize;
        let step = prop_oneof![
            (which.clone(), 1..6000_usize).prop_map(|(which, length)| Step::Read(which, length)),
            which.clone().prop_map(Step::Wait),
            (which.clone(), 1..6000_usize).prop_map(|(which, length)| Step::Take(which, length)),
            Just(Step::LetGo),
            which.prop_map(Step::Rest),
        ];
        prop::collection::vec(step, 1..48)
    }

    proptest! {
        /// Of three connections, whose memory goes from hand to hand: what each has, unread or taken, stays its own.
        #[test]
        fn nothing_that_is_held_is_ever_read_over(steps in steps()) {
            let mut all = [(); 3].map(|()| Unread::new());
            let mut expected = [const { Vec::new() }; 3];
            let (mut held, mut fill) = (Vec::new(), 0_u8);
            for step in steps {
                match step {
                    Step::Read(which, length) => {
                        fill = fill.wrapping_add(1);
                        let read = more(&mut all[which], &mut Parts::of([&vec![fill; length]]), usize::MAX);
                        expected[which].extend(vec![fill; read]);
                    }
                    Step::Wait(which) => {
                        prop_assert_eq!(more(&mut all[which], &mut Parts::of([]), usize::MAX), 0);
                    }
                    Step::Take(which, length) => {
                        let length = length.min(expected[which].len());
                        let taken = all[which].bytes.split_to(length).freeze();
                        held.push((taken, expected[which].drain(..length).collect::<Vec<_>>()));
                    }
                    Step::LetGo => held.clear(),
                    Step::Rest(which) if expected[which].is_empty() => all[which].rest(),
                    Step::Rest(_) => {}
                }
                for (unread, expected) in all.iter().zip(&expected) {
                    prop_assert!(unread.bytes == expected[..]);
                }
                for (taken, expected) in &held {
                    prop_assert!(taken == &expected[..]);
                }
            }
        }
    }
}
