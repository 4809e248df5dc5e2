//! Whatever bytes a workspace sends: they are an answer however they arrive, or none; and hyper reads no other one in them.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use proxy::{WholeAnswer, read_answer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::{Builder, Runtime};

/// The same answer in pieces of any size; and where it is taken for a whole one, hyper takes it for the same.
pub fn check(bytes: &[u8]) {
    for method in [Method::GET, Method::HEAD] {
        let to_head = method == Method::HEAD;
        let answer = read_answer([bytes], to_head);
        for at_once in [1, 3, 17] {
            let in_pieces = read_answer(bytes.chunks(at_once), to_head);
            assert_eq!(
                in_pieces.as_ref().map(told),
                answer.as_ref().map(told),
                "{at_once} bytes at once"
            );
            assert_eq!(
                in_pieces.map(|answer| answer.left),
                answer.as_ref().map(|answer| answer.left.clone())
            );
        }
        let Some(answer) = answer else { continue };
        assert!(bytes.ends_with(&answer.left));
        // What follows such an answer is no HTTP, and hyper waits for whoever wants it.
        if answer.head.status != StatusCode::SWITCHING_PROTOCOLS {
            assert_eq!(
                by_hyper(bytes, method).as_ref(),
                Some(&told(&answer)),
                "hyper reads another answer"
            );
        }
    }
}

/// An answer, as far as it can be told apart from another.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    trailers: HeaderMap,
}

fn told(answer: &WholeAnswer) -> Told {
    Told {
        status: answer.head.status,
        headers: answer.head.headers.clone(),
        body: answer.body.clone(),
        trailers: answer.trailers.clone(),
    }
}

fn by_hyper(bytes: &[u8], method: Method) -> Option<Told> {
    RUNTIME.with_borrow(|runtime| {
        runtime.block_on(async {
            let io = TokioIo::new(Workspace {
                bytes,
                asked: false,
                waiting: None,
            });
            let (mut sender, connection) = http1::handshake(io).await.ok()?;
            let request = Request::builder()
                .method(method)
                .body(Empty::<&[u8]>::new())
                .ok()?;
            let answered = async move {
                let (head, body) = sender.send_request(request).await.ok()?.into_parts();
                let body = body.collect().await.ok()?;
                Some(Told {
                    status: head.status,
                    headers: head.headers,
                    trailers: body.trailers().cloned().unwrap_or_default(),
                    body: body.to_bytes().to_vec(),
                })
            };
            // How the connection ends is of no interest.
            let (told, _) = tokio::join!(answered, connection);
            told
        })
    })
}

/// Says all that it has once it is asked, and then nothing more.
struct Workspace<'a> {
    bytes: &'a [u8],
    asked: bool,
    waiting: Option<Waker>,
}

impl AsyncRead for Workspace<'_> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.asked {
            this.waiting = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let (now, later) = this.bytes.split_at(buf.remaining().min(this.bytes.len()));
        buf.put_slice(now);
        this.bytes = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Workspace<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.asked = true;
        if let Some(waiting) = this.waiting.take() {
            waiting.wake();
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

thread_local! {
    static RUNTIME: RefCell<Runtime> = RefCell::new(Builder::new_current_thread().build().expect("a runtime"));
}
