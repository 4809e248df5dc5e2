use std::io;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

/// A frame (RFC 6455 section 5.2), unmasked.
struct Frame {
    /// The final bit and the opcode.
    kind: u8,
    payload: Vec<u8>,
}

/// Says everything back, until the client closes.
pub(super) async fn echo(upgrade: OnUpgrade) -> io::Result<()> {
    let mut socket = TokioIo::new(upgrade.await.map_err(io::Error::other)?);
    loop {
        let mut frame = Frame::read(&mut socket).await?;
        if frame.kind == PING {
            frame.kind = PONG;
        }
        socket.write_all(&frame.bytes()).await?;
        socket.flush().await?;
        if frame.kind == CLOSE {
            return socket.shutdown().await;
        }
    }
}

// === impl Frame ===

impl Frame {
    /// A client's frame; one that is not masked is a fault of the client's (RFC 6455 section 5.1).
    async fn read(socket: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let [kind, length] = read(socket).await?;
        if length & MASKED == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let length = match length & !MASKED {
            126 => u16::from_be_bytes(read(socket).await?).into(),
            127 => u64::from_be_bytes(read(socket).await?),
            short => short.into(),
        };
        if length > LONGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mask: [u8; 4] = read(socket).await?;
        let mut payload = Vec::new();
        socket.take(length).read_to_end(&mut payload).await?;
        for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= mask;
        }
        Ok(Self { kind, payload })
    }

    /// A server's frame is not masked.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.kind];
        let length = self.payload.len();
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ ..126), _) => bytes.push(short),
            (_, Ok(medium)) => {
                bytes.push(126);
                bytes.extend(medium.to_be_bytes());
            }
            _ => {
                bytes.push(127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.extend(&self.payload);
        bytes
    }
}

async fn read<const N: usize>(socket: &mut (impl AsyncRead + Unpin)) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    socket.read_exact(&mut bytes).await?;
    Ok(bytes)
}

const MASKED: u8 = 0x80;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;
/// A runaway client's frame is longer.
const LONGEST: u64 = 16 * 1024 * 1024;
