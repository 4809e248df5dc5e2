use std::io;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::io::{
    AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream, ReadHalf, WriteHalf, split,
};
use tokio::net::TcpStream;

use super::{Answer, soon};

/// One end of a connection on which HTTP/1.1 is spoken by hand.
pub(crate) struct Wire(BufStream<TcpStream>);

/// A message's head, as it was on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) start: String,
    pub(crate) fields: Vec<(String, String)>,
}

// === impl Wire ===

impl Wire {
    pub(super) fn new(socket: TcpStream) -> Self {
        socket.set_nodelay(true).expect("a socket");
        Self(BufStream::new(socket))
    }

    /// Its two directions, for a test that uses both at once.
    pub(crate) fn split(self) -> (ReadHalf<BufStream<TcpStream>>, WriteHalf<BufStream<TcpStream>>) {
        split(self.0)
    }

    /// These bytes, at once.
    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_say(bytes).await.expect("the other end listens");
    }

    pub(crate) async fn try_say(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        soon(async {
            self.0.write_all(bytes.as_ref()).await?;
            self.0.flush().await
        })
        .await
    }

    /// Nothing more will be said; what the other end says is still heard.
    pub(crate) async fn end(&mut self) {
        soon(self.0.shutdown()).await.expect("the other end listens");
    }

    /// Ends it with a TCP reset, as a process that dies does.
    pub(crate) fn reset(self) {
        let socket = self.0.into_inner();
        socket.set_zero_linger().expect("a socket");
    }

    /// One chunk of a chunked body (RFC 9112 section 7.1).
    pub(crate) async fn say_chunk(&mut self, data: &[u8]) {
        self.say([format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat())
            .await;
    }

    /// The next message's head.
    pub(crate) async fn head(&mut self) -> Head {
        let start = self.line().await;
        let mut fields = Vec::new();
        loop {
            let line = self.line().await;
            if line.is_empty() {
                return Head { start, fields };
            }
            let (name, value) = line.split_once(':').expect("a field");
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    /// The next final response, if it has a body and says how long that is.
    pub(crate) async fn answer(&mut self) -> Answer {
        let mut head = self.head().await;
        while head.status() == StatusCode::CONTINUE {
            head = self.head().await;
        }
        let body = match head.values("content-length")[..] {
            [length] => self.exactly(length.parse().expect("a length")).await,
            _ => self.chunks().await,
        };
        head.into_answer(body)
    }

    pub(crate) async fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        soon(self.0.read_exact(&mut bytes))
            .await
            .expect("that many bytes");
        bytes
    }

    /// The next chunk of a chunked body; empty: the last.
    pub(crate) async fn chunk(&mut self) -> Vec<u8> {
        let size = usize::from_str_radix(&self.line().await, 16).expect("a chunk's size");
        let data = self.exactly(size).await;
        assert_eq!(self.line().await, "");
        data
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let chunk = self.chunk().await;
            if chunk.is_empty() {
                return body;
            }
            body.extend(chunk);
        }
    }

    /// What still comes until the other end closes.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A reset is an end as well.
        let _ = soon(self.0.read_to_end(&mut bytes)).await;
        bytes
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        soon(self.0.read_line(&mut line)).await.expect("a line");
        let line = line.strip_suffix("\r\n");
        line.expect("the connection was closed before the line's end")
            .to_owned()
    }
}

// === impl Head ===

impl Head {
    /// Every value of this field.
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        let named = self.fields.iter().filter(|(field, _)| field == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn status(&self) -> StatusCode {
        let status = self.start.split(' ').nth(1).expect("a status line");
        status.parse().expect("a status")
    }

    fn into_answer(self, body: Vec<u8>) -> Answer {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.fields {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                HeaderValue::from_str(value).expect("a value"),
            );
        }
        Answer {
            status: self.status(),
            headers,
            trailers: HeaderMap::new(),
            body: Bytes::from(body),
        }
    }
}
