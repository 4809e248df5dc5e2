use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::guard::Verdict;
use super::paced::Pace;
use super::sequel::Sequel;

/// A connection of HTTP/1.1 that notices when its client leaves while it waits for an answer.
///
/// hyper would see to that by reading on, each time into 8 KiB that it allocates before it knows whether anything has come: with the
/// memory that this drags through the processor's caches, 4 % of a request at 64 connections and 7 % at 256. Here it is one byte,
/// which the next request begins with. It is asked for when hyper flushes, which it does whenever it is polled.
pub(super) struct Attentive<IO> {
    io: IO,
    pace: Pace,
    verdict: Verdict,
    sequel: Sequel,
    /// What has come although nobody was to say anything: hyper's next.
    heard: Option<u8>,
}

// === impl Attentive ===

impl<IO> Attentive<IO> {
    pub(super) fn new(io: IO, pace: Pace, verdict: Verdict, sequel: Sequel) -> Self {
        Self {
            io,
            pace,
            verdict,
            sequel,
            heard: None,
        }
    }

    /// Whether nothing is to come: the whole request is here, and its answer is not yet out. Nobody else reads then; and what a
    /// tunnel says, or does not, is no affair of this.
    fn is_client_to_wait(&self) -> bool {
        self.pace.is_in_request() && self.verdict.is_between_requests() && !self.sequel.is_told()
    }
}

impl<IO: AsyncRead + Unpin> Attentive<IO> {
    /// An error once the client has closed its side: no answer can reach it, and the workspace should not work for it.
    fn listen(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.heard.is_some() || !self.is_client_to_wait() {
            return Ok(());
        }
        let mut byte = [MaybeUninit::uninit()];
        let mut byte = ReadBuf::uninit(&mut byte);
        if Pin::new(&mut self.io).poll_read(cx, &mut byte)?.is_pending() {
            return Ok(());
        }
        self.heard = byte.filled().first().copied();
        self.heard.map(drop).ok_or(io::ErrorKind::UnexpectedEof.into())
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Attentive<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.heard.take_if(|_| buf.remaining() > 0) {
            None => Pin::new(&mut this.io).poll_read(cx, buf),
            Some(byte) => {
                buf.put_slice(&[byte]);
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Attentive<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.io).poll_flush(cx))?;
        Poll::Ready(this.listen(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::timeout;

    use super::*;
    use crate::accept::paced::Paced;
    use crate::settings::Settings;

    struct Connection {
        io: Attentive<DuplexStream>,
        pace: Pace,
        sequel: Sequel,
        client: DuplexStream,
    }

    impl Connection {
        fn in_request() -> Self {
            let (io, client) = duplex(64);
            let (_, pace) = Paced::new((), &Settings::default());
            pace.request_started();
            let sequel = Sequel::default();
            let io = Attentive::new(io, pace.clone(), Verdict::default(), sequel.clone());
            Self {
                io,
                pace,
                sequel,
                client,
            }
        }

        async fn flush(&mut self) -> io::Result<()> {
            self.io.flush().await
        }
    }

    #[tokio::test]
    async fn a_client_that_leaves_during_its_request_is_noticed_and_between_two_is_not() {
        let mut connection = Connection::in_request();
        connection.flush().await.expect("it is there");
        drop(std::mem::replace(&mut connection.client, duplex(1).0));
        connection.pace.request_ended();
        connection.flush().await.expect("hyper reads by itself");
        connection.pace.request_started();
        assert!(connection.flush().await.is_err());
    }

    #[tokio::test]
    async fn a_tunnel_may_end_in_one_direction() {
        let mut connection = Connection::in_request();
        connection.sequel.set(async |_| {});
        connection.client.shutdown().await.expect("it is open");
        connection.flush().await.expect("the other goes on");
    }

    #[tokio::test]
    async fn what_is_said_too_early_is_what_is_read_next() {
        let mut connection = Connection::in_request();
        connection.client.write_all(b"GET /").await.expect("it is read");
        for _ in 0..3 {
            connection.flush().await.expect("it is there");
        }
        assert_eq!(connection.io.read(&mut []).await.expect("nothing"), 0);
        let mut read = [0; 5];
        let all = timeout(Duration::from_secs(60), connection.io.read_exact(&mut read));
        all.await.expect("it is lost").expect("it was said");
        assert_eq!(&read, b"GET /");
    }
}
