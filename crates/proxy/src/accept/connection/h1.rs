mod doze;

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::rc::Rc;

use http::header::CONNECTION;
use http::{HeaderValue, Response, StatusCode};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Company, Origin, Peer, Presence, Serve, Shift};
use crate::accept::attentive::Attentive;
use crate::accept::guard::{Guarded, Verdict};
use crate::accept::interim::Prompted;
use crate::accept::paced::{Pace, Paced};
use crate::accept::parting::Parting;
use crate::drain::Drain;
use crate::moment;
use crate::observe::Unread;
use crate::settings::Settings;

/// HTTP/1.1, one request after the other, and then what the last one has made of the connection, if anything.
pub(super) async fn serve<J, IO>(io: IO, origin: Origin, shift: Shift<J>) -> io::Result<()>
where
    J: Serve,
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let Shift {
        journey,
        settings,
        drain,
        ..
    } = shift;
    let (journey, drain) = (&journey, &drain);
    let (io, pace) = Paced::new(io, &settings);
    let io = Parting::new(io, pace.clone(), drain.clone());
    let company = &Rc::new(Company::of(pace));
    let answer = |request| {
        // At once: before hyper reads on, and would be watched as over a head.
        company.pace.request_started();
        let peer = Peer {
            address: origin.address,
            secure: origin.secure,
            presence: Presence::Alone(Rc::clone(company)),
        };
        // Boxed here: what hyper moves to its place is a pointer then.
        let answering = Box::pin(journey.serve(request, peer));
        async move { Ok::<_, Infallible>(led_away(answering.await, drain)) }
    };
    let io = Guarded::new(io, company.sequel.clone());
    let verdict = &io.verdict();
    let io = Attentive::new(io, company.pace.clone(), verdict.clone(), company.sequel.clone());
    let io = Prompted::new(io, company.prompter.clone());
    let may_doze = || company.pace.is_drowsy() && verdict.is_between_requests();
    let forget = || company.last_token.forget();
    let connection = doze::serve(io, builder(&settings), service_fn(&answer), may_doze, forget);
    // It is `Parting` that ends it in a drain. All that it needs is to be asked.
    match drain.rouses(pin!(moment::turns(pin!(connection)))).await {
        Ok(Some(client)) => company.sequel.play(client).await,
        Ok(None) => {}
        Err(error) => {
            if let Some(why) = unread(&error, verdict, &company.pace) {
                journey.refused(origin.address, why);
            }
            return Err(io::Error::other(error));
        }
    }
    Ok(())
}

/// Tells the client not to use this connection again, if it is time to; hyper ends it after this answer.
fn led_away<B>(mut answer: Response<B>, drain: &Drain) -> Response<B> {
    if drain.leads_away() && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        answer
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// Which request ended the connection, if it was one that never was read: hyper answers those by itself.
fn unread(error: &hyper::Error, verdict: &Verdict, pace: &Pace) -> Option<Unread> {
    if pace.was_late() {
        return Some(Unread::HeadTimedOut);
    }
    if !error.is_parse() {
        return None;
    }
    Some(match error.is_parse_too_large() {
        // hyper tells the two apart in no other way.
        true if error.to_string() == "URI too long" => Unread::TargetTooLong,
        true => Unread::HeadTooLarge,
        false => Unread::Malformed(verdict.fault()),
    })
}

fn builder(settings: &Settings) -> Builder {
    let mut builder = Builder::new();
    builder
        // `Paced` watches over heads, and over the time between them.
        .header_read_timeout(None)
        .max_buf_size(BUFFER.max(settings.max_header_size))
        .max_header_size(settings.max_header_size)
        .max_headers(settings.max_headers)
        // It is `Attentive` that sees a client leave.
        .half_close(true);
    builder
}

/// What is read of an upload before the workspace takes any of it, and what is written ahead of a client that does not
/// read: hyper's own limit is 400 KiB, and a stalled exchange holds several times as much.
///
/// An upload that stands still holds some 400 KiB by it, as memory doubles until so much can be read into it; with 128 KiB it is half.
/// One that moves costs 8 % more with those; with 192 or 256 no less, and with 512 more again.
const BUFFER: usize = 160 * 1024;

#[cfg(test)]
mod tests;
