use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http::header::{self, HeaderMap, HeaderName};
use http::request;
use http_body::{Body, Frame};
use tokio::io::AsyncWrite;

use super::fault::Fault;
use super::request::{self as text, Delimited};
use super::spare;
use crate::body::{RequestBody, RequestBodyError};

/// A request on its way to a workspace: its head, and its body as that comes.
pub(super) struct Upload {
    parcel: Parcel,
    /// `None` once there is nothing more to take.
    body: Option<RequestBody>,
    delimited: Delimited,
    /// Which trailers may follow.
    announced: Vec<HeaderName>,
    /// Whether the workspace takes nothing any more.
    is_deaf: bool,
}

/// Why a request does not get to its end.
#[derive(Debug)]
pub(super) enum UploadError {
    /// By its body.
    Body(RequestBodyError),
    /// By the connection.
    Connection(Fault),
}

/// What is to be written next: some text, data that is not copied into it, and what ends that.
#[derive(Default)]
struct Parcel {
    text: Vec<u8>,
    written: usize,
    data: Bytes,
    end: Bytes,
}

// === impl Upload ===

impl Upload {
    pub(super) fn new(head: &request::Parts, body: RequestBody) -> Self {
        let delimited = Delimited::of(&body);
        let announces = delimited == Delimited::ByChunks && head.headers.contains_key(header::TRAILER);
        Self {
            parcel: Parcel {
                text: text::head(head, delimited),
                ..Parcel::default()
            },
            body: (delimited != Delimited::AsNone).then_some(body),
            delimited,
            announced: if announces {
                text::announced(&head.headers)
            } else {
                Vec::new()
            },
            is_deaf: false,
        }
    }

    /// Whether nothing is left to do, and the workspace has all of it.
    pub(super) fn is_whole(&self) -> bool {
        self.is_over() && !self.is_deaf
    }

    pub(super) fn is_over(&self) -> bool {
        self.body.is_none() && self.parcel.is_empty()
    }

    /// Takes and writes what it can; ready when there is nothing left to do.
    ///
    /// A workspace may answer before an upload has ended, and close: a part that is on its way then is met with a reset, and
    /// the next one with an error. That is no error here: the answer has come, and only waits to be read.
    pub(super) fn poll(
        &mut self,
        io: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), UploadError>> {
        while !self.is_deaf {
            let waits = self.take(cx)?.is_pending();
            if self.parcel.is_empty() {
                // What was taken may have been nothing: a part without a byte, as HTTP/2 has them at a body's end.
                if !waits && self.body.is_some() {
                    continue;
                }
                if let Err(error) = ready!(Pin::new(&mut *io).poll_flush(cx)) {
                    self.unheard(error)?;
                }
                if self.body.is_some() {
                    return Poll::Pending;
                }
                // Now, and not when the answer has come: the next request is written down in the same memory, and no copy of a
                // workspace's token is held for the time that an answer takes.
                spare::give_back(std::mem::take(&mut self.parcel).text);
                return Poll::Ready(Ok(()));
            }
            if let Err(error) = ready!(self.parcel.poll_write(io, cx)) {
                self.unheard(error)?;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// What the body has next, if there is room for it; pending while it has nothing.
    fn take(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, UploadError> {
        let Some(body) = self.body.as_mut().filter(|_| self.parcel.has_room()) else {
            return Ok(Poll::Ready(()));
        };
        match Pin::new(body).poll_frame(cx) {
            Poll::Pending => return Ok(Poll::Pending),
            Poll::Ready(Some(Ok(frame))) => self.add(frame)?,
            Poll::Ready(Some(Err(error))) => return Err(UploadError::Body(error)),
            Poll::Ready(None) => self.end(&HeaderMap::new())?,
        }
        Ok(Poll::Ready(()))
    }

    fn add(&mut self, frame: Frame<Bytes>) -> Result<(), UploadError> {
        match frame.into_data() {
            Ok(data) if data.is_empty() => Ok(()),
            Ok(data) => self.add_data(data),
            Err(frame) => match frame.into_trailers() {
                Ok(trailers) => self.end(&trailers),
                Err(_) => Ok(()),
            },
        }
    }

    fn add_data(&mut self, data: Bytes) -> Result<(), UploadError> {
        match &mut self.delimited {
            Delimited::AsNone => return Err(UploadError::Connection(Fault::Misdelimited)),
            Delimited::ByLength(left) => {
                *left = left
                    .checked_sub(data.len() as u64)
                    .ok_or(UploadError::Connection(Fault::Misdelimited))?;
                // Over HTTP/2, the end of a body may come behind its last byte; whoever drops it before resets the stream.
                if *left == 0 && self.body.as_ref().is_some_and(Body::is_end_stream) {
                    self.body = None;
                }
            }
            Delimited::ByChunks => {
                text::chunk_size(&mut self.parcel.text, data.len());
                self.parcel.end = Bytes::from_static(b"\r\n");
            }
        }
        self.parcel.data = data;
        Ok(())
    }

    fn end(&mut self, trailers: &HeaderMap) -> Result<(), UploadError> {
        self.body = None;
        match self.delimited {
            Delimited::AsNone | Delimited::ByLength(0) => Ok(()),
            Delimited::ByLength(_) => Err(UploadError::Connection(Fault::Misdelimited)),
            Delimited::ByChunks => {
                text::last_chunk(&mut self.parcel.text, trailers, &self.announced);
                Ok(())
            }
        }
    }

    /// Where it is the workspace that has ended the connection, nothing more is taken, and no error is made of it.
    fn unheard(&mut self, error: io::Error) -> Result<(), UploadError> {
        if !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) {
            return Err(UploadError::Connection(Fault::BrokeOff(error)));
        }
        self.is_deaf = true;
        self.body = None;
        self.parcel = Parcel::default();
        Ok(())
    }
}

// === impl Parcel ===

impl Parcel {
    fn is_empty(&self) -> bool {
        self.text.is_empty() && self.data.is_empty() && self.end.is_empty()
    }

    /// Data comes behind the text; more text would have to come behind the data.
    fn has_room(&self) -> bool {
        self.data.is_empty() && self.end.is_empty()
    }

    fn poll_write(
        &mut self,
        io: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let text = self.text.get(self.written..).unwrap_or_default();
        let io = Pin::new(io);
        let written = if self.has_room() {
            ready!(io.poll_write(cx, text))?
        } else {
            let parts = [text, &self.data, &self.end].map(IoSlice::new);
            ready!(io.poll_write_vectored(cx, &parts))?
        };
        if written == 0 {
            return Poll::Ready(Err(ErrorKind::WriteZero.into()));
        }
        self.advance(written);
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, written: usize) {
        let of_text = written.min(self.text.len() - self.written);
        self.written += of_text;
        if self.written == self.text.len() {
            self.text.clear();
            self.written = 0;
        }
        let of_data = (written - of_text).min(self.data.len());
        self.data.advance(of_data);
        self.end.advance(written - of_text - of_data);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use http::Request;

    use super::*;

    /// Takes everything, as a TLS session does, and sends it when it is told to for the second time.
    #[derive(Default)]
    struct Session {
        held: usize,
        flushes: usize,
        sent: usize,
    }

    impl AsyncWrite for Session {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            self.held += buf.len();
            Poll::Ready(Ok(buf.len()))
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.flushes += 1;
            if self.flushes < 2 {
                return Poll::Pending;
            }
            self.sent += std::mem::take(&mut self.held);
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn it_is_not_over_before_everything_has_gone_out_that_a_session_held_back() {
        let (head, ()) = Request::get("/").body(()).expect("a request").into_parts();
        let (mut upload, mut session) = (Upload::new(&head, RequestBody::none()), Session::default());
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(upload.poll(&mut session, cx).is_pending());
        assert!(matches!(upload.poll(&mut session, cx), Poll::Ready(Ok(()))));
        assert_eq!(session.sent, "GET / HTTP/1.1\r\n\r\n".len());
        assert_eq!(upload.parcel.text.capacity(), 0, "what has gone out is not held");
    }
}
