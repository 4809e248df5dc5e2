use std::convert::Infallible;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use identity::LastToken;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Origin, Peer, Presence, Serve, Shift};
use crate::accept::paced::Paced;
use crate::settings::Settings;

mod gathered;
mod streams;
mod turn;

use gathered::Gathered;
pub(super) use streams::Stream;
use streams::Streams;
use turn::Streamwise;
pub(super) use turn::Turn;

/// HTTP/2 (RFC 9113), after its preface was seen. Every stream is one of the worker's tasks.
///
/// The connection ends by GOAWAY (section 6.8) when the drain starts or when no stream was open for the idle time-out:
/// what is in flight finishes first. A stream whose client takes nothing of its answer for the body idle time-out is reset.
pub(super) async fn serve<J, IO>(io: IO, origin: Origin, shift: Shift<J>) -> io::Result<()>
where
    J: Serve,
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let Shift {
        journey,
        settings,
        tasks,
        drain,
    } = shift;
    // Only of a client that does not read: frames are watched by hyper's pings, and a head has no end of its own here.
    let (io, pace) = Paced::new(io, &settings);
    let (io, outlet) = Gathered::new(io);
    let tasks = Streamwise::new(tasks, settings.body_idle_timeout);
    pace.request_started();
    let streams = Streams::default();
    let last_token = Rc::<LastToken>::default();
    let service = service_fn(|request| {
        let (journey, stream) = (journey.clone(), streams.open());
        let last_token = Rc::clone(&last_token);
        async move {
            let peer = Peer {
                address: origin.address,
                secure: origin.secure,
                presence: Presence::Among {
                    _stream: stream,
                    turn: Turn::current(),
                    last_token,
                },
            };
            Ok::<_, Infallible>(journey.serve(request, peer).await)
        }
    });
    let connection = builder(&settings, tasks).serve_connection(TokioIo::new(io), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = outlet.drive(connection.as_mut()) => return ended,
        () = drain.started() => connection.as_mut().graceful_shutdown(),
        () = streams.none_for(settings.idle_timeout) => {
            connection.as_mut().graceful_shutdown();
            // Whoever does not answer is cut; a stream that was opened at the last moment is served.
            tokio::select! {
                ended = outlet.drive(connection.as_mut()) => return ended,
                () = streams.none_for(PING_TIMEOUT) => return Ok(()),
            }
        }
    }
    outlet.drive(connection).await
}

/// What a client may make us hold: at most 100 streams of one head each, and as many bytes of bodies as fit the windows.
fn builder(settings: &Settings, tasks: Streamwise) -> Builder<Streamwise> {
    let mut builder = Builder::new(tasks);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(within_u32(settings.max_concurrent_streams))
        .max_header_list_size(within_u32(settings.max_header_size))
        // Rapid reset (CVE-2023-44487): streams that the client gave up before they were looked at.
        .max_pending_accept_reset_streams(20)
        // MadeYouReset (CVE-2025-8671): streams that the client made us give up.
        .max_local_error_reset_streams(64)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        // Per stream, beyond what the client's windows allow to be sent and its socket takes.
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

fn within_u32(limit: usize) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX)
}

/// Two uploads whose workspace does not read leave nothing for a third; each moves 5 MB/s over a line of 100 ms.
const STREAM_WINDOW: u32 = 512 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
const SEND_BUFFER: usize = 64 * 1024;
/// One frame of DATA, as long as clients allow by default (RFC 9113 section 6.5.2).
pub(super) const PART: usize = 16 * 1024;
/// A client that vanished without a word is noticed within half a minute.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
