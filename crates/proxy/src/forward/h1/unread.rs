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

    /// Waits for more, of which `most` bytes may be needed.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] where nothing more comes.
    pub(super) fn poll_more(
        &mut self,
        io: &mut (impl AsyncRead + Unpin),
        most: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        self.bytes.reserve(self.room.min(most).max(1));
        let free = self.bytes.capacity() - self.bytes.len();
        let read = ready!(poll_read_buf(Pin::new(io), cx, &mut self.bytes))?;
        if read == 0 {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        if read == free {
            self.room = (self.room * 2).min(MOST_ROOM);
        }
        Poll::Ready(Ok(()))
    }

    /// For a connection that rests: what a large answer needed is given back.
    pub(super) fn rest(&mut self) {
        self.room = LEAST_ROOM;
        if self.bytes.capacity() > MOST_KEPT {
            self.bytes = BytesMut::new();
        }
    }
}

/// A head and a small body.
const LEAST_ROOM: usize = 8 * 1024;
/// What a stalled caller makes us hold is about twice this.
const MOST_ROOM: usize = 128 * 1024;
const MOST_KEPT: usize = 2 * LEAST_ROOM;
