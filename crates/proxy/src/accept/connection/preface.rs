use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use crate::settings::Settings;

/// RFC 9113 section 3.4. Chosen so that no HTTP/1.1 server takes it for a request.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How a connection begins; what was read is read again.
#[derive(Debug)]
pub(super) enum Opening<IO> {
    /// With the preface of HTTP/2.
    Http2(Reread<IO>),
    /// With anything else.
    Other(Reread<IO>),
}

/// A connection whose first bytes were looked at already.
#[derive(Debug)]
pub(super) struct Reread<IO> {
    read: Bytes,
    io: IO,
}

/// Reads until it is clear how the connection begins: the first byte may take as long as a rest between two requests,
/// the remaining ones as long as a head.
pub(super) async fn read<IO: AsyncRead + Unpin>(mut io: IO, settings: &Settings) -> io::Result<Opening<IO>> {
    let mut read = [0; PREFACE.len()];
    let first = timeout(settings.idle_timeout, io.read(read.as_mut_slice())).await??;
    let length = timeout(settings.header_timeout, rest(&mut io, &mut read, first)).await??;
    let read = Bytes::copy_from_slice(read.get(..length).unwrap_or_default());
    let is_preface = read == PREFACE.as_slice();
    let io = Reread { read, io };
    Ok(if is_preface {
        Opening::Http2(io)
    } else {
        Opening::Other(io)
    })
}

/// Goes on for as long as it may still be the preface, and returns how much there is.
async fn rest(io: &mut (impl AsyncRead + Unpin), read: &mut [u8; 24], first: usize) -> io::Result<usize> {
    let mut length = first;
    loop {
        let (known, free) = read.split_at_mut(length);
        if free.is_empty() || !PREFACE.starts_with(known) {
            return Ok(length);
        }
        match io.read(free).await? {
            0 => return Ok(length),
            more => length += more,
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Reread<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.read.is_empty() {
            return Pin::new(&mut this.io).poll_read(cx, buf);
        }
        let some = this.read.len().min(buf.remaining());
        buf.put_slice(this.read.get(..some).unwrap_or_default());
        this.read.advance(some);
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Reread<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
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
