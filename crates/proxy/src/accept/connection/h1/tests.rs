use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex,
};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::super::{Crowd, Origin, Peer, Serve, Shift};
use crate::accept::THIS_MACHINE;
use crate::accept::paced::AWAKE;
use crate::drain::{Drain, Tasks};
use crate::linger::Lingering;
use crate::observe::{Observed, Unread};
use crate::settings::Settings;

/// Answers without a body, and without reading the request's.
#[derive(Clone, Default)]
struct Answers {
    settings: Arc<Settings>,
    tasks: Tasks,
    served: Arc<AtomicUsize>,
    /// Bytes of a field in each answer.
    padding: usize,
    crowd: Crowd,
}

/// A connection that notes what is done with it.
struct Noted {
    io: DuplexStream,
    notes: Arc<Notes>,
}

#[derive(Default)]
struct Notes {
    /// What was ready for the next byte, when it was last looked for.
    room: AtomicUsize,
    was_shut: AtomicBool,
}

struct Client {
    io: DuplexStream,
    notes: Arc<Notes>,
    served: Arc<AtomicUsize>,
    drain: Drain,
    connection: JoinHandle<std::io::Result<()>>,
}

impl Serve for Answers {
    fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings)
    }

    async fn serve(&self, request: Request<Incoming>, from: Peer) -> Response<Observed> {
        self.served.fetch_add(1, Relaxed);
        let _unread = Lingering::new(request, &self.tasks);
        from.rests();
        let mut answer = Response::new(Observed::default());
        let padding = "x".repeat(self.padding);
        let padding = HeaderValue::try_from(padding).expect("visible characters");
        answer.headers_mut().insert("padding", padding);
        answer
    }

    fn admit(&self) -> impl Sized + 'static {}

    fn crowd(&self) -> &Crowd {
        &self.crowd
    }

    fn turned_away(&self) {}

    fn refused(&self, _: std::net::SocketAddr, _: Unread) {}

    fn sweep(&self) {}
}

impl Client {
    /// A client whose connection holds `between` bytes on the way, and whose answers have `padding`.
    fn connect(settings: Settings, between: usize, padding: usize) -> Self {
        let (gateway, io) = duplex(between);
        let notes = Arc::new(Notes::default());
        let journey = Answers {
            settings: Arc::new(settings),
            padding,
            ..Answers::default()
        };
        let served = Arc::clone(&journey.served);
        let drain = Drain::default();
        let shift = Shift {
            settings: journey.settings(),
            tasks: journey.tasks.clone(),
            journey,
            drain: drain.clone(),
        };
        let origin = Origin {
            address: THIS_MACHINE,
            secure: false,
        };
        let socket = Noted {
            io: gateway,
            notes: Arc::clone(&notes),
        };
        Self {
            io,
            notes,
            served,
            drain,
            connection: tokio::task::spawn_local(super::serve(socket, origin, shift)),
        }
    }

    async fn says(&mut self, words: &str) {
        self.io.write_all(words.as_bytes()).await.expect("it reads");
    }

    /// The next answer's head.
    async fn hears(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.io.read_u8().await.expect("an answer"));
        }
        String::from_utf8(head).expect("text")
    }

    fn is_ready_for_a_request(&self) -> bool {
        self.notes.room.load(Relaxed) > 4096
    }

    fn served(&self) -> usize {
        self.served.load(Relaxed)
    }
}

impl AsyncRead for Noted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.notes.room.store(buf.remaining(), Relaxed);
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Noted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.notes.was_shut.store(true, Relaxed);
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// After so long, a connection at rest dozes.
const WHILE: Duration = AWAKE.saturating_add(Duration::from_millis(100));

#[tokio::test(flavor = "local", start_paused = true)]
async fn a_connection_that_rests_keeps_no_buffers_and_serves_the_next_request_however_it_comes() {
    let mut client = Client::connect(Settings::default(), 4096, 0);
    for (first, second) in [(GET, ""), ("G", &GET[1..]), (GET, GET), ("\r\n", GET)] {
        sleep(WHILE).await;
        assert!(!client.is_ready_for_a_request(), "{first:?}");
        client.says(first).await;
        sleep(Duration::from_millis(1)).await;
        client.says(second).await;
        for _ in 0..[first, second].concat().matches("GET").count() {
            assert!(client.hears().await.starts_with("HTTP/1.1 200"));
        }
        sleep(WHILE / 2).await;
        assert!(client.is_ready_for_a_request(), "{first:?}");
    }
    assert_eq!(client.served(), 5);
}

#[tokio::test(flavor = "local", start_paused = true)]
async fn a_request_whose_head_is_longer_than_first_words_is_served_after_a_rest() {
    let mut client = Client::connect(Settings::default(), 64, 0);
    let long = GET.replace("\r\n\r\n", &format!("\r\nlong: {}\r\n\r\n", "y".repeat(9000)));
    for _ in 0..2 {
        sleep(WHILE).await;
        client.says(&long).await;
        assert!(client.hears().await.starts_with("HTTP/1.1 200"));
    }
}

/// What is left of a body must never be read as a request: whoever wrote it chose its bytes.
#[tokio::test(flavor = "local", start_paused = true)]
async fn a_connection_does_not_doze_in_the_midst_of_a_body_that_nobody_wants() {
    let mut client = Client::connect(Settings::default(), 4096, 0);
    let head = format!(
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n",
        3 + GET.len()
    );
    client.says(&head).await;
    client.says("abc").await;
    assert!(client.hears().await.starts_with("HTTP/1.1 200"));
    sleep(2 * WHILE).await;
    client.says(GET).await;
    sleep(WHILE).await;
    assert_eq!(client.served(), 1);
    client.says(GET).await;
    assert!(client.hears().await.starts_with("HTTP/1.1 200"));
    assert_eq!(client.served(), 2);
}

#[tokio::test(flavor = "local", start_paused = true)]
async fn a_connection_does_not_doze_before_its_client_has_read_the_answer() {
    let mut client = Client::connect(Settings::default(), 64, 5000);
    client.says(GET).await;
    for _ in 0..3 {
        client.io.read_exact(&mut [0; 100]).await.expect("an answer");
        sleep(3 * WHILE).await;
    }
    assert!(client.hears().await.len() > 5000 - 300);
    sleep(WHILE).await;
    assert!(!client.is_ready_for_a_request());
    client.says(GET).await;
    assert!(client.hears().await.len() > 5000);
}

#[tokio::test(flavor = "local", start_paused = true)]
async fn a_connection_that_dozes_ends_when_it_has_rested_for_its_whole_time() {
    let idle_timeout = Duration::from_secs(20);
    let settings = Settings {
        idle_timeout,
        ..Settings::default()
    };
    let mut client = Client::connect(settings, 4096, 0);
    sleep(WHILE).await;
    client.says(GET).await;
    client.hears().await;
    let began = Instant::now();
    assert_eq!(client.io.read(&mut [0]).await.expect("an orderly end"), 0);
    assert_eq!(began.elapsed().as_secs(), idle_timeout.as_secs());
    client
        .connection
        .await
        .expect("it ends")
        .expect("without an error");
    // Which TLS tells its client; one that was merely dropped might have been cut.
    assert!(client.notes.was_shut.load(Relaxed));
}

#[tokio::test(flavor = "local", start_paused = true)]
async fn a_connection_that_dozes_ends_with_its_client_and_with_a_drain() {
    let mut client = Client::connect(Settings::default(), 4096, 0);
    sleep(WHILE).await;
    client.io.shutdown().await.expect("it can end");
    client
        .connection
        .await
        .expect("it ends")
        .expect("without an error");

    let mut client = Client::connect(Settings::default(), 4096, 0);
    client.says(GET).await;
    client.hears().await;
    sleep(WHILE).await;
    let began = Instant::now();
    client.drain.start(Duration::from_secs(30));
    assert_eq!(client.io.read(&mut [0]).await.expect("an orderly end"), 0);
    drop(client.io);
    client
        .connection
        .await
        .expect("it ends")
        .expect("without an error");
    assert!(began.elapsed() < Duration::from_secs(2));
}

/// A request that was answered leaves nothing of its caller with a connection that rests.
#[tokio::test(flavor = "local", start_paused = true)]
async fn who_asked_is_forgotten_when_a_connection_dozes() {
    let (gateway, mut io) = duplex(4096);
    let (answered, forgot) = (AtomicBool::new(false), AtomicBool::new(false));
    let service = service_fn(async |_| {
        answered.store(true, Relaxed);
        Ok(Response::new(Observed::default()))
    });
    let serving = super::doze::serve(
        gateway,
        Builder::new(),
        service,
        || answered.load(Relaxed),
        || forgot.store(true, Relaxed),
    );
    let client = async {
        sleep(WHILE).await;
        assert!(!forgot.load(Relaxed));
        io.write_all(GET.as_bytes()).await.expect("it reads");
        assert_ne!(io.read(&mut [0; 4096]).await.expect("an answer"), 0);
        assert!(forgot.load(Relaxed));
        drop(io);
    };
    let (served, ()) = tokio::join!(serving, client);
    served.expect("an orderly end");
}
