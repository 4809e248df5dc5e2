//! A connection lets go of all that only requests need while none comes.
//!
//! hyper keeps a buffer of 8 KiB for each direction for as long as it has a connection, and clients keep theirs open for
//! minutes, by the dozen. So one that rests for a while is taken from hyper, and given to a new one of hyper's together with
//! the first bytes of the next request.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1::{Builder, Parts};
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};

use crate::accept::AfterHttp;
use crate::observe::Observed;
use crate::reread::Reread;

/// Serves a connection to its end, or until it is no HTTP any more, and gives back what is left of it; boxed, as a task has room for all
/// that it may come to. `may_doze` says whether whole requests have been read, and whole answers sent, and nothing else; `forget` lets go
/// of what only requests need.
///
/// # Errors
/// Those of hyper over a request. That a connection breaks between two requests is none.
pub(super) async fn serve<IO, S>(
    mut io: IO,
    builder: Builder,
    service: S,
    may_doze: impl Fn() -> bool,
    forget: impl Fn(),
) -> hyper::Result<Option<AfterHttp>>
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
    S: Service<Request<Incoming>, Response = Response<Observed>, Error = Infallible> + Clone,
{
    let mut words = Bytes::new();
    loop {
        let socket = TokioIo::new(Reread::new(words, io));
        let connection = builder.serve_connection(socket, service.clone());
        // In a box of its own, so that its room is free while the connection dozes.
        let mut connection = Box::new(connection);
        let dozes = poll_fn(|cx| match Pin::new(&mut *connection).poll(cx) {
            Poll::Pending if may_doze() => Poll::Ready(Ok(true)),
            polled => polled.map_ok(|()| false),
        });
        let dozes = dozes.await?;
        let parts = connection.into_parts();
        if !dozes {
            return Ok(Some(Box::new(Reread::new(parts.read_buf, parts.io.into_inner()))));
        }
        let Some(taken) = taken_back(parts) else {
            return Ok(None);
        };
        io = taken;
        forget();
        words = doze(&mut io).await.unwrap_or_default();
        if words.is_empty() {
            // Nobody is left to hear that it failed.
            let _ = io.shutdown().await;
            return Ok(None);
        }
    }
}

/// A connection out of hyper's hands, without the buffers; `None` if there is anything in them. There never is; but if there
/// were, it would be a part of a request, and nobody could say any more where the next one begins.
fn taken_back<IO, S>(parts: Parts<TokioIo<Reread<IO>>, S>) -> Option<IO> {
    let io = parts.io.into_inner().into_inner();
    io.filter(|_| parts.read_buf.is_empty())
}

/// Waits for a client's next words with nothing but the connection; no words are its end.
async fn doze<IO: AsyncRead + Unpin>(io: &mut IO) -> io::Result<Bytes> {
    poll_fn(|cx| {
        // Made anew for each look, and not kept in between.
        let mut words = [0; FIRST_WORDS];
        let mut words = ReadBuf::new(&mut words);
        ready!(Pin::new(&mut *io).poll_read(cx, &mut words))?;
        Poll::Ready(Ok(Bytes::copy_from_slice(words.filled())))
    })
    .await
}

/// About as much as a request without a JWT. hyper reads what else there is.
const FIRST_WORDS: usize = 1024;
