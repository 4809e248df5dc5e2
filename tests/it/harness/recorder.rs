use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Head;
use super::upstream::{check, is_own_question};

/// A workspace that answers every request with `ok`, keeps each byte it was sent, and is stricter than any server: what
/// it cannot read in exactly one way is a fault of the gateway.
pub(crate) struct Recorder {
    address: String,
    seen: Arc<Mutex<Seen>>,
    _serving: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    requests: VecDeque<Recorded>,
    faults: Vec<String>,
}

/// One request, as the workspace read it.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

/// What is wrong with the bytes so far.
enum Unread {
    Unfinished,
    Fault(String),
}

// === impl Recorder ===

impl Recorder {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket").to_string();
        let seen = Arc::<Mutex<Seen>>::default();
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener, Arc::clone(&seen)));
        Self {
            address,
            seen,
            _serving: serving,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests that came whole since this was last asked; none may have been doubtful.
    #[track_caller]
    pub(crate) fn take(&self, name: &str) -> Vec<Recorded> {
        let mut seen = self.seen.lock().unwrap();
        assert_eq!(
            seen.faults, [""; 0],
            "{name}: the workspace was sent what it cannot read"
        );
        for request in &seen.requests {
            assert_eq!(request.head.values("host"), [self.address.as_str()], "{name}");
            check(&request.head);
        }
        seen.requests.drain(..).collect()
    }
}

async fn accept(listener: TcpListener, seen: Arc<Mutex<Seen>>) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        connections.spawn(serve(socket, Arc::clone(&seen)));
    }
}

async fn serve(mut socket: TcpStream, seen: Arc<Mutex<Seen>>) {
    let mut bytes = Vec::new();
    loop {
        match read(&mut bytes) {
            Ok(request) => {
                if !is_own_question(&request.head) {
                    seen.lock().unwrap().requests.push_back(request);
                }
                if socket.write_all(OK).await.is_err() {
                    return;
                }
            }
            Err(Unread::Fault(fault)) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                seen.lock().unwrap().faults.push(format!("{fault}: {text:?}"));
                return;
            }
            Err(Unread::Unfinished) => {
                if !matches!(socket.read_buf(&mut bytes).await, Ok(1..)) {
                    return;
                }
            }
        }
    }
}

/// Takes the first whole request off `bytes`.
fn read(bytes: &mut Vec<u8>) -> Result<Recorded, Unread> {
    let end = find(bytes, b"\r\n\r\n").ok_or(Unread::Unfinished)?;
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| fault("a head that is no text"))?;
    let head = read_head(text)?;
    let rest = &bytes[end + 4..];
    let (body, length) = match (
        &head.values("content-length")[..],
        &head.values("transfer-encoding")[..],
    ) {
        ([], []) => (Vec::new(), 0),
        ([length], []) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
            let length = length.parse().map_err(|_| fault("a length"))?;
            (rest.get(..length).ok_or(Unread::Unfinished)?.to_vec(), length)
        }
        ([], ["chunked"]) => read_chunks(rest)?,
        _ => return Err(fault("more than one length")),
    };
    bytes.drain(..end + 4 + length);
    Ok(Recorded { head, body })
}

fn read_head(text: &str) -> Result<Head, Unread> {
    let mut lines = text.split("\r\n");
    let start = lines.next().unwrap_or_default().to_owned();
    let parts: Vec<_> = start.split(' ').collect();
    if !matches!(parts[..], [_, target, "HTTP/1.1"] if target.starts_with('/')) {
        return Err(fault("a request line"));
    }
    let mut fields = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(|| fault("a field"))?;
        let plain = |text: &str| {
            text.bytes()
                .all(|byte| byte >= b' ' && byte != 0x7f || byte == b'\t')
        };
        if name.is_empty() || name.contains([' ', '\t']) || !plain(name) || !plain(value) {
            return Err(fault("a field"));
        }
        fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok(Head { start, fields })
}

/// The data, and how many bytes it took.
fn read_chunks(bytes: &[u8]) -> Result<(Vec<u8>, usize), Unread> {
    let (mut data, mut at) = (Vec::new(), 0);
    loop {
        let line = find(&bytes[at..], b"\r\n").ok_or(Unread::Unfinished)?;
        let digits = std::str::from_utf8(&bytes[at..at + line]).map_err(|_| fault("a chunk's size"))?;
        let size = usize::from_str_radix(digits, 16).map_err(|_| fault("a chunk's size"))?;
        at += line + 2;
        let chunk = bytes.get(at..at + size + 2).ok_or(Unread::Unfinished)?;
        let data_of_it = chunk.strip_suffix(b"\r\n").ok_or_else(|| fault("a chunk"))?;
        data.extend_from_slice(data_of_it);
        at += size + 2;
        if size == 0 {
            return Ok((data, at));
        }
    }
}

fn fault(what: &str) -> Unread {
    Unread::Fault(what.to_owned())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
