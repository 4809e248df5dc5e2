//! A workspace that makes bodies and swallows them, of whatever size, or lets them stand still.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use super::harness::{SOON, head};

pub(super) const MIB: u64 = 1 << 20;

/// One piece of every body.
const BULK: &[u8] = &[0; 1 << 20];

/// How a body is framed (RFC 9112 section 6).
#[derive(Clone, Copy, Debug)]
pub(super) enum Framing {
    Length,
    Chunked,
}

/// A workspace that does what targets say: `/up/<size>`, `/down/<size>/<framing>`, `/flood`, `/ignored`.
pub(super) struct Workspace {
    address: SocketAddr,
    /// One for each of its answers that stand still.
    stalled: Receiver<TcpStream>,
}

// === impl Workspace ===

impl Workspace {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let (told, stalled) = channel();
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let told = told.clone();
                thread::spawn(move || answer(socket, &told));
            }
        });
        Self { address, stalled }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits for the next answer to `/flood` of which nothing more is taken. The connection stays open.
    pub(super) fn stands_still(&self) {
        let socket = self.stalled.recv_timeout(SOON).expect("it stands still");
        std::mem::forget(socket);
    }
}

// === impl Framing ===

impl Framing {
    pub(super) fn field(self, size: u64) -> String {
        match self {
            Self::Length => format!("Content-Length: {size}\r\n"),
            Self::Chunked => "Transfer-Encoding: chunked\r\n".to_owned(),
        }
    }

    /// `each` is called for each mebibyte.
    pub(super) fn send(self, to: &mut TcpStream, size: u64, mut each: impl FnMut()) {
        let (before, after, last) = match self {
            Self::Length => ("", "", ""),
            Self::Chunked => ("100000\r\n", "\r\n", "0\r\n\r\n"),
        };
        for _ in 0..size / MIB {
            write(to, before);
            to.write_all(BULK).expect("it reads");
            write(to, after);
            each();
        }
        write(to, last);
    }

    /// The content is zeros: whatever is none is framing, and the last chunk is the only `0` on a line.
    pub(super) fn receive(self, from: &mut TcpStream, size: u64, mut each: impl FnMut()) {
        let (mut bytes, mut told, mut piece, mut tail) = (0, 0, vec![1; BULK.len()], Vec::new());
        while bytes < size || (matches!(self, Self::Chunked) && !tail.ends_with(LAST)) {
            let some = from.read(&mut piece).expect("a body");
            assert!(some > 0, "it broke off after {bytes} bytes");
            let piece = &piece[..some];
            bytes += zeros(piece);
            tail.extend(&piece[some.saturating_sub(LAST.len())..]);
            tail.drain(..tail.len().saturating_sub(LAST.len()));
            if bytes / MIB > told {
                told = bytes / MIB;
                each();
            }
        }
        assert_eq!(bytes, size);
    }
}

const LAST: &[u8] = b"\r\n0\r\n\r\n";

fn zeros(piece: &[u8]) -> u64 {
    piece.iter().map(|&byte| u64::from(byte == 0)).sum()
}

fn answer(mut socket: TcpStream, stalled: &Sender<TcpStream>) {
    let head = head(&mut socket);
    let target = head.split(' ').nth(1).unwrap_or_default();
    let mut words = target.split('/').skip(1);
    let word = words.next().unwrap_or_default();
    let size = words.next().and_then(|size| size.parse().ok()).unwrap_or(0);
    let chunked = head.to_lowercase().contains("chunked") || words.next() == Some("Chunked");
    let framing = if chunked {
        Framing::Chunked
    } else {
        Framing::Length
    };
    match word {
        "up" => {
            framing.receive(&mut socket, size, || ());
            write(
                &mut socket,
                "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
            );
        }
        "down" => {
            let field = framing.field(size);
            write(
                &mut socket,
                &format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{field}\r\n"),
            );
            framing.send(&mut socket, size, || ());
        }
        "flood" => {
            write(
                &mut socket,
                "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n",
            );
            // The test may be over.
            let _ = stalled.send(flood(socket));
        }
        "ignored" => std::mem::forget(socket),
        _ => write(
            &mut socket,
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        ),
    }
}

fn write(to: &mut TcpStream, text: &str) {
    to.write_all(text.as_bytes()).expect("it reads");
}

/// Writes until nothing more is taken for half a second.
pub(super) fn flood(mut to: TcpStream) -> TcpStream {
    to.set_write_timeout(Some(Duration::from_millis(500)))
        .expect("a socket");
    while to.write(BULK).is_ok() {}
    to
}
