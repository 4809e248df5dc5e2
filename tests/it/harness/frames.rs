use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;

use super::soon;

/// A connection on which HTTP/2 is spoken frame by frame (RFC 9113), as nobody's library would.
pub(crate) struct Frames(BufStream<TcpStream>);

/// One frame (RFC 9113 section 4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// How a stream or a connection came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// HEADERS: it was answered.
    Answered,
    /// `RST_STREAM`, with its error code.
    Reset(u32),
    /// GOAWAY, with its error code, or the connection was closed without one.
    Gone(Option<u32>),
}

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

pub(crate) const PROTOCOL_ERROR: u32 = 1;
pub(crate) const CANCEL: u32 = 8;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

const MOMENT: Duration = Duration::from_millis(200);

// === impl Frames ===

impl Frames {
    /// After the preface and the client's SETTINGS.
    pub(super) async fn new(socket: TcpStream) -> Self {
        socket.set_nodelay(true).expect("a socket");
        let mut frames = Self(BufStream::new(socket));
        frames
            .0
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .await
            .expect("a listener");
        frames.say(SETTINGS, 0, 0, &[]).await;
        frames
    }

    pub(crate) async fn say(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.try_say(kind, flags, stream, payload)
            .await
            .expect("the other end listens");
    }

    pub(crate) async fn try_say(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
    ) -> io::Result<()> {
        self.queue(kind, flags, stream, payload).await?;
        soon(self.0.flush()).await
    }

    /// The same, to be sent together with what follows.
    pub(crate) async fn queue(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len())
            .expect("a frame's length")
            .to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        soon(self.0.write_all(&frame)).await
    }

    /// Sends what is queued.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        soon(self.0.flush()).await
    }

    /// Sends it, unless the other end does not take it within a moment: it has stopped to read.
    pub(crate) async fn queue_at_once(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
    ) -> Option<()> {
        let said = self.queue(kind, flags, stream, payload);
        tokio::time::timeout(MOMENT, said).await.ok()?.ok()
    }

    /// A whole request without a body.
    pub(crate) async fn ask(&mut self, stream: u32, fields: &[(&str, &str)]) {
        self.say(HEADERS, END_HEADERS | END_STREAM, stream, &block(fields))
            .await;
    }

    /// The next frame; `None`: the connection was closed.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        soon(self.0.read_exact(&mut head)).await.ok()?;
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |number, &byte| number << 8 | u32::from(byte))
        };
        let mut payload = vec![0; number(&head[..3]) as usize];
        soon(self.0.read_exact(&mut payload)).await.ok()?;
        Some(Frame {
            kind: head[3],
            flags: head[4],
            stream: number(&head[5..]) & 0x7fff_ffff,
            payload,
        })
    }

    /// How this stream ends, or the connection before it.
    pub(crate) async fn end_of(&mut self, stream: u32) -> End {
        loop {
            match self.next().await {
                None => return End::Gone(None),
                Some(frame) if frame.kind == GOAWAY => return End::Gone(Some(frame.number_at(4))),
                Some(frame) if frame.stream != stream => {}
                Some(frame) if frame.kind == RST_STREAM => return End::Reset(frame.number_at(0)),
                Some(frame) if frame.kind == HEADERS => return End::Answered,
                Some(_) => {}
            }
        }
    }

    /// The error code with which the connection ends; `None`: it was closed without one.
    pub(crate) async fn goodbye(&mut self) -> Option<u32> {
        while let Some(frame) = self.next().await {
            if frame.kind == GOAWAY {
                return Some(frame.number_at(4));
            }
        }
        None
    }
}

// === impl Frame ===

impl Frame {
    pub(crate) fn number_at(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.payload[at..at + 4].try_into().expect("four bytes"))
    }
}

/// A header block whose fields stand as they are: HPACK literals that are neither compressed nor remembered (RFC 7541
/// section 6.2.2).
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        push_text(&mut block, name);
        push_text(&mut block, value);
    }
    block
}

/// RFC 7541 section 5.2, without Huffman; the length as in section 5.1.
fn push_text(block: &mut Vec<u8>, text: &str) {
    match text.len() {
        length @ 0..127 => block.push(u8::try_from(length).expect("less than 127")),
        length => {
            block.push(127);
            let mut rest = length - 127;
            while rest >= 128 {
                block.push(u8::try_from(rest % 128).expect("seven bits") | 128);
                rest /= 128;
            }
            block.push(u8::try_from(rest).expect("seven bits"));
        }
    }
    block.extend(text.as_bytes());
}
