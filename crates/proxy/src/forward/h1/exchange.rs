use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, request};

use super::fault::Fault;
use super::link::Link;
use super::response::Head;
use super::upload::{Upload, UploadError};
use crate::body::{Progress, RequestBody, RequestBodyError};
use crate::forward::idleness::Idleness;

/// One request and its answer. What is said before that is told to `H`.
pub(super) struct Exchange<H> {
    pub(super) upload: Upload,
    pub(super) asks_for_head_only: bool,
    pub(super) progress: Progress,
    hears: H,
    has_heard: bool,
    /// Whether the connection has been found silent in this very turn.
    has_listened: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The connection had ended before a byte was written: the request is whole and may be given to another one.
    Unsent,
    /// The request's body did not come to its end.
    RequestBody(RequestBodyError),
    /// The workspace was silent for so long.
    TimedOut(Duration),
    Connection(Fault),
}

impl<H: Fn(StatusCode, HeaderMap)> Exchange<H> {
    pub(super) fn new(head: &request::Parts, body: RequestBody, hears: H) -> Self {
        Self {
            progress: body.progress(),
            upload: Upload::new(head, body),
            asks_for_head_only: head.method == Method::HEAD,
            hears,
            has_heard: false,
            has_listened: false,
        }
    }

    /// Sends as much as the workspace takes, until it answers. It may let `limit` pass in which neither it nor the request's
    /// body moves.
    pub(super) async fn on(&mut self, link: &mut Link, limit: Option<Duration>) -> Result<Head, Unanswered> {
        if !poll_fn(|cx| Poll::Ready(link.is_quiet(cx))).await {
            return Err(Unanswered::Unsent);
        }
        self.has_listened = true;
        let Some(limit) = limit else {
            return poll_fn(|cx| self.poll(link, cx)).await;
        };
        let mut idleness = Idleness::new(link.take_patience(limit), self.progress.clone());
        let answered = poll_fn(|cx| match self.poll(link, cx) {
            Poll::Pending => idleness
                .poll_exhausted(cx)
                .map(|limit| Err(Unanswered::TimedOut(limit))),
            answered @ Poll::Ready(_) => answered,
        })
        .await;
        link.keep_patience(idleness.into_patience());
        answered
    }

    /// Reading comes first: it finds an answer that the workspace gave before it ceased to listen. Where that has just been
    /// done, whoever polls this will be woken by what comes.
    fn poll(&mut self, link: &mut Link, cx: &mut Context<'_>) -> Poll<Result<Head, Unanswered>> {
        if !std::mem::take(&mut self.has_listened)
            && let Poll::Ready(head) = self.poll_answer(link, cx)
        {
            return Poll::Ready(head.map_err(Unanswered::Connection));
        }
        match self.upload.poll(&mut link.wire, cx) {
            Poll::Ready(Err(UploadError::Body(error))) => Poll::Ready(Err(Unanswered::RequestBody(error))),
            Poll::Ready(Err(UploadError::Connection(fault))) => {
                Poll::Ready(Err(Unanswered::Connection(fault)))
            }
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    }

    fn poll_answer(&mut self, link: &mut Link, cx: &mut Context<'_>) -> Poll<Result<Head, Fault>> {
        loop {
            match std::task::ready!(link.poll_head(cx)) {
                Ok(head) if head.is_interim() => {
                    self.has_heard = true;
                    (self.hears)(head.parts.status, head.parts.headers);
                }
                // It was not silent.
                Err(Fault::Silent(error)) if self.has_heard => {
                    return Poll::Ready(Err(Fault::BrokeOff(error)));
                }
                answered => return Poll::Ready(answered),
            }
        }
    }
}
