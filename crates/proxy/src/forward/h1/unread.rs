use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;

/// What has come from a workspace and was not looked at yet. What is taken from it is not copied.
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
        self.bytes.reserve(self.room.min(most).max(1));
        let free = self.bytes.capacity() - self.bytes.len();
        let read = ready!(poll_read_buf(Pin::new(io), cx, &mut self.bytes))?;
        if read == free {
            self.room = (self.room * 2).min(MOST_ROOM);
        }
        Poll::Ready(Ok(read))
    }

    /// For a connection that rests: what a large answer needed is given back. What a usual one needs is asked for at once by the next.
    pub(super) fn rest(&mut self) {
        if self.room > USUAL_ROOM {
            *self = Self {
                bytes: BytesMut::new(),
                room: USUAL_ROOM,
            };
        }
    }
}

/// A head and a small body. What all connections of a worker read into stays in the processor's caches then.
const LEAST_ROOM: usize = 2 * 1024;
/// A head and a body of some length.
const USUAL_ROOM: usize = 8 * 1024;
/// What a stalled caller makes us hold is about twice this.
const MOST_ROOM: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::task::Waker;

    use super::*;

    fn more(unread: &mut Unread, io: &mut Cursor<Vec<u8>>, most: usize) -> usize {
        match unread.poll_more(io, most, &mut Context::from_waker(Waker::noop())) {
            Poll::Ready(read) => read.expect("memory can be read"),
            Poll::Pending => panic!("memory is always there"),
        }
    }

    #[test]
    fn much_is_read_at_a_time_where_much_comes_and_a_connection_at_rest_holds_none_of_it() {
        let (mut unread, mut io) = (Unread::new(), Cursor::new(vec![b'x'; 1 << 20]));
        let mut steps = Vec::new();
        while more(&mut unread, &mut io, usize::MAX) > 0 {
            steps.push(unread.bytes.split().len());
        }
        assert_eq!(steps.iter().sum::<usize>(), 1 << 20);
        assert_eq!(steps.first(), Some(&LEAST_ROOM));
        assert!(steps.iter().max() >= Some(&MOST_ROOM), "{steps:?}");
        assert!(steps.iter().all(|&step| step <= 2 * MOST_ROOM), "{steps:?}");
        unread.rest();
        assert_eq!(unread.bytes.capacity(), 0);
        io.set_position(0);
        assert_eq!(more(&mut unread, &mut io, usize::MAX), USUAL_ROOM);
    }

    #[test]
    fn what_a_small_answer_needed_serves_the_next_one() {
        let (mut unread, mut io) = (Unread::new(), Cursor::new(vec![b'x'; 3000]));
        for _ in 0..3 {
            more(&mut unread, &mut io, 1000);
            assert_eq!(unread.bytes.split_to(1000).len(), 1000);
            unread.rest();
        }
        assert_eq!(more(&mut unread, &mut io, 1000), 0);
    }
}
