use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::timeout;

use crate::reread::Reread;
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

/// Reads until it is clear how the connection begins: the first byte may take as long as a rest between two requests,
/// the remaining ones as long as a head.
pub(super) async fn read<IO: AsyncRead + Unpin>(mut io: IO, settings: &Settings) -> io::Result<Opening<IO>> {
    let mut read = [0; PREFACE.len()];
    let first = timeout(settings.idle_timeout, io.read(read.as_mut_slice())).await??;
    let length = timeout(settings.header_timeout, rest(&mut io, &mut read, first)).await??;
    let read = Bytes::copy_from_slice(read.get(..length).unwrap_or_default());
    let is_preface = read == PREFACE.as_slice();
    let io = Reread::new(read, io);
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
