mod ahead;
mod line;
mod outbox;

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

use ahead::Ahead;
use line::Line;
pub(crate) use outbox::Postman;

/// A TCP connection whose little writes go out at the end of its worker's turn, each in one piece and all together
/// ([`outbox`]), or somewhat later where the worker is busy; what is large goes out at once, and so does whatever is the first in a
/// turn.
///
/// What was posted counts as written and as flushed, as does what lies in the kernel: it needs nobody to look after it. It is sent
/// before a shutdown, and before anything that comes behind it.
#[derive(Debug)]
pub(crate) struct Socket {
    tcp: OwnedReadHalf,
    line: Rc<Line>,
    /// With a client; towards workspaces, the kernel's own limit stands.
    ahead: Option<Ahead>,
}

/// Beyond it, to copy costs more than it saves.
const LITTLE: usize = 4096;

impl Socket {
    pub(crate) fn to_workspace(tcp: TcpStream) -> Self {
        Self::new(tcp, None)
    }

    /// # Errors
    /// Where the kernel does not let itself be told what to hold.
    pub(crate) fn to_client(tcp: TcpStream) -> io::Result<Self> {
        let ahead = Ahead::of_a_stranger();
        hold(&tcp, ahead.limit())?;
        Ok(Self::new(tcp, Some(ahead)))
    }

    fn new(tcp: TcpStream, ahead: Option<Ahead>) -> Self {
        let (tcp, out) = tcp.into_split();
        let line = Rc::new(Line::new(out));
        Self { tcp, line, ahead }
    }

    fn poll_write_parts(&mut self, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        ready!(self.line.poll_clear(cx))?;
        let length = parts.iter().map(|part| part.len()).sum();
        if length <= LITTLE && outbox::post(&self.line, parts) {
            return Poll::Ready(Ok(length));
        }
        ready!(self.poll_sent(cx))?;
        loop {
            ready!(self.tcp.as_ref().poll_write_ready(cx))?;
            let written = match parts {
                // send(2), which costs less than writev(2).
                [one] => self.tcp.as_ref().try_write(one),
                several => self.tcp.as_ref().try_write_vectored(several),
            };
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    /// Until nothing of this connection's is left in the outbox.
    fn poll_sent(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.line.has_posted() {
            outbox::send_all();
        }
        self.line.poll_clear(cx)
    }

    /// Sees by a write how quickly the client reads.
    fn heed(&mut self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Some(ahead) = &mut self.ahead {
            if polled.is_pending() {
                ahead.waits();
            } else if let Some(limit) = ahead.moved() {
                // Nothing is wrong with the limit before.
                let _ = hold(self.tcp.as_ref(), limit);
            }
        }
        polled
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = this.poll_write_parts(cx, parts);
        this.heed(polled)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line.poll_clear(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_sent(cx))?;
        Poll::Ready(SockRef::from(self.tcp.as_ref()).shutdown(Shutdown::Write))
    }
}

/// At most so much that is unsent (`TCP_NOTSENT_LOWAT`, tcp(7)).
#[cfg_attr(
    not(target_os = "linux"),
    expect(clippy::unnecessary_wraps, reason = "elsewhere there is nothing to be told")
)]
fn hold(tcp: &TcpStream, limit: u32) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    SockRef::from(tcp).set_tcp_notsent_lowat(limit)?;
    #[cfg(not(target_os = "linux"))]
    let _ = (tcp, limit);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let (one, other) = tokio::join!(TcpStream::connect(address), listener.accept());
        let socket = Socket::to_client(one.expect("it listens")).expect("it can be told");
        (socket, other.expect("a client").0)
    }

    #[tokio::test]
    async fn what_is_written_in_parts_arrives_whole_and_in_order_however_large_they_are() {
        for sizes in [
            &[0][..],
            &[1],
            &[5, 0, 7],
            &[4000, 96],
            &[4000, 97],
            &[9000, 1, 70_000],
        ] {
            let (mut socket, mut other) = pair().await;
            let parts: Vec<Vec<u8>> = (1..).zip(sizes).map(|(fill, &size)| vec![fill; size]).collect();
            let sent = parts.concat();
            let mut left: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            let write = async {
                while !left.is_empty() {
                    let slices: Vec<_> = left.iter().map(|part| IoSlice::new(part)).collect();
                    let written = poll_fn(|cx| Pin::new(&mut socket).poll_write_vectored(cx, &slices));
                    let mut written = written.await.expect("it is read");
                    for part in &mut left {
                        let of_this = written.min(part.len());
                        *part = part.get(of_this..).unwrap_or_default();
                        written -= of_this;
                    }
                    left.retain(|part| !part.is_empty());
                }
                socket.shutdown().await.expect("it is open");
            };
            let mut received = Vec::new();
            let ((), read) = tokio::join!(write, other.read_to_end(&mut received));
            read.expect("it is written");
            assert!(received == sent, "{sizes:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_kernel_holds_more_for_a_client_that_reads_at_once() {
        let (mut socket, mut other) = pair().await;
        let held = |socket: &Socket| {
            SockRef::from(socket.tcp.as_ref())
                .tcp_notsent_lowat()
                .expect("Linux")
        };
        let before = held(&socket);
        let part = vec![0; 1 << 20];
        let reads = async {
            let mut sink = vec![0; 1 << 20];
            while other.read(&mut sink).await.expect("it is written") > 0 {}
        };
        let writes = async {
            while held(&socket) <= before {
                socket.write_all(&part).await.expect("it is read");
            }
            socket.shutdown().await.expect("it is open");
        };
        let deadline = std::time::Duration::from_secs(60);
        let grown = tokio::time::timeout(deadline, async { tokio::join!(reads, writes) });
        grown.await.expect("it never grows");
    }
}
