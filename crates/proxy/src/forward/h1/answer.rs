use std::future::{Future as _, poll_fn};
use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::io::{ReadHalf, WriteHalf, split};
use tokio_util::task::AbortOnDropHandle;

use super::fault::Fault;
use super::framing::{Framing, Taken};
use super::link::Tunnel;
use super::pool::Lease;
use super::unread::Unread;
use super::upload::{Upload, UploadError};
use super::wire::Wire;
use crate::drain::Tasks;

/// The body of an answer, and the connection that it comes from. At its end that goes back to its pool; dropped before, it is
/// closed, which tells the workspace that nobody listens any more.
#[derive(Debug)]
pub(in crate::forward) struct Answer {
    origin: Option<Origin>,
    framing: Framing,
    /// Whether the connection may serve another request.
    persists: bool,
}

#[derive(Debug)]
enum Origin {
    /// The request has gone out.
    Alone(Lease),
    /// The request is still on its way. Neither direction waits for the other, and the connection serves no more afterwards.
    Beside(Box<Beside>),
}

#[derive(Debug)]
struct Beside {
    unread: Unread,
    wire: ReadHalf<Wire>,
    /// `None`: it has ended well.
    upload: Option<AbortOnDropHandle<Result<(), UploadError>>>,
}

// === impl Answer ===

impl Answer {
    /// `upload` goes on by itself if it is not over: it must not wait until the client reads the answer.
    pub(super) fn new(lease: Lease, framing: Framing, persists: bool, upload: Upload, tasks: &Tasks) -> Self {
        let persists = persists && upload.is_whole() && !matches!(framing, Framing::UntilClose);
        let origin = if upload.is_over() || matches!(framing, Framing::Switched) {
            Origin::Alone(lease)
        } else {
            Origin::Beside(Box::new(Beside::new(lease, upload, tasks)))
        };
        let mut answer = Self {
            origin: Some(origin),
            framing,
            persists,
        };
        if matches!(answer.framing, Framing::Length(0)) {
            answer.release();
        }
        answer
    }

    pub(in crate::forward) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let polled = self.poll_next(cx);
        if let Poll::Ready(Some(Err(_))) = &polled {
            self.close();
        }
        polled
    }

    /// Nobody waits for the rest of it.
    pub(in crate::forward) fn close(&mut self) {
        self.origin = None;
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        while let Some(origin) = &mut self.origin {
            match self.framing.take(origin.unread())? {
                Taken::Frame(frame) => {
                    // Behind trailers there is nothing, and nobody asks again; nor where a length has said so.
                    if frame.is_trailers() || self.framing.is_over() {
                        self.release();
                    }
                    return Poll::Ready(Some(Ok(frame)));
                }
                Taken::End => {
                    self.release();
                    break;
                }
                Taken::Nothing => match ready!(origin.poll_more(self.framing.most(), cx))? {
                    1.. => {}
                    0 if matches!(self.framing, Framing::UntilClose) => self.framing = Framing::Length(0),
                    0 => return Poll::Ready(Some(Err(Fault::BrokeOff(ErrorKind::UnexpectedEof.into())))),
                },
            }
        }
        Poll::Ready(None)
    }

    /// It is over. What came behind it is nobody's answer.
    fn release(&mut self) {
        self.framing = match self.framing {
            Framing::Switched => Framing::Switched,
            _ => Framing::Length(0),
        };
        match self.origin.take() {
            Some(Origin::Alone(lease)) if self.persists => lease.give_back(),
            Some(Origin::Beside(beside)) => beside.let_go(),
            _ => {}
        }
    }

    pub(in crate::forward) fn is_over(&self) -> bool {
        self.framing.is_over()
    }

    pub(in crate::forward) fn size_hint(&self) -> SizeHint {
        self.framing.size_hint()
    }

    /// The connection, where it has left HTTP.
    pub(in crate::forward) fn into_tunnel(self) -> Option<Tunnel> {
        match (self.framing, self.origin) {
            (Framing::Switched, Some(Origin::Alone(lease))) => Some(lease.into_link().into_tunnel()),
            _ => None,
        }
    }
}

// === impl Origin ===

impl Origin {
    fn unread(&mut self) -> &mut bytes::BytesMut {
        match self {
            Self::Alone(lease) => &mut lease.link().unread.bytes,
            Self::Beside(beside) => &mut beside.unread.bytes,
        }
    }

    fn poll_more(&mut self, most: usize, cx: &mut Context<'_>) -> Poll<Result<usize, Fault>> {
        match self {
            Self::Alone(lease) => {
                let link = lease.link();
                link.unread
                    .poll_more(&mut link.wire, most, cx)
                    .map_err(Fault::BrokeOff)
            }
            Self::Beside(beside) => beside.poll_more(most, cx),
        }
    }
}

// === impl Beside ===

impl Beside {
    fn new(lease: Lease, upload: Upload, tasks: &Tasks) -> Self {
        let link = lease.into_link();
        let (wire, writes) = split(link.wire);
        Self {
            unread: link.unread,
            wire,
            upload: Some(AbortOnDropHandle::new(tasks.spawn(go_on(upload, writes)))),
        }
    }

    /// An upload that fails takes its answer along: the workspace waits for the rest, and so would the client.
    fn poll_more(&mut self, most: usize, cx: &mut Context<'_>) -> Poll<Result<usize, Fault>> {
        if let Some(upload) = &mut self.upload
            && let Poll::Ready(ended) = Pin::new(upload).poll(cx)
        {
            self.upload = None;
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(UploadError::Connection(fault))) => return Poll::Ready(Err(fault)),
                Ok(Err(UploadError::Body(_))) | Err(_) => return Poll::Ready(Err(Fault::Misdelimited)),
            }
        }
        self.unread
            .poll_more(&mut self.wire, most, cx)
            .map_err(Fault::BrokeOff)
    }

    /// The workspace may want the rest of a request that it has answered.
    fn let_go(self) {
        if let Some(upload) = self.upload {
            drop(upload.detach());
        }
    }
}

async fn go_on(mut upload: Upload, mut writes: WriteHalf<Wire>) -> Result<(), UploadError> {
    poll_fn(|cx| upload.poll(&mut writes, cx)).await
}
