use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::time::Instant;

use super::{Stage, rest};
use crate::answer::{Content, Expected};
use crate::callers::Caller;
use crate::dice::Dice;
use crate::explain::Kind;
use crate::line::{Call, Line, full};
use crate::world::HOSTS;

/// One request after the other on a connection that is kept, each of another subject, to either workspace.
pub(super) async fn one_by_one(stage: Stage, mut dice: Dice) {
    let mut kept: Option<Line> = None;
    while stage.goes_on() {
        let (place, host) = somewhere(&mut dice);
        let caller = stage.callers.regular(&mut dice);
        let (kind, call, content) = request(&mut dice, host, &caller);
        if let Some(line) = stage.line(kept.take(), kind, place).await {
            let expected = expected(&caller, content);
            kept = stage.ask(line, kind, place, call, &expected).await;
        }
        // Now and then everybody begins anew.
        kept = kept.filter(|_| !dice.one_in(stage.requests_on_a_line()));
        if !stage.in_haste {
            rest(&mut dice, 20).await;
        }
    }
}

/// Some requests at once on a connection of HTTP/2.
pub(super) async fn side_by_side(stage: Stage, mut dice: Dice) {
    let mut kept = None;
    while stage.goes_on() {
        let Some(line) = stage.shared_line(kept.take()).await else {
            continue;
        };
        let streams = (0..4).map(|_| stream(&stage, &line, dice.fork()));
        join_all(streams).await;
        kept = (!line.is_over().await && !dice.one_in(stage.requests_on_a_line())).then_some(line);
        if !stage.in_haste {
            rest(&mut dice, 20).await;
        }
    }
}

async fn stream(stage: &Stage, line: &Line, mut dice: Dice) {
    let (place, host) = somewhere(&mut dice);
    let caller = stage.callers.regular(&mut dice);
    let (kind, call, content) = request(&mut dice, host, &caller);
    let began = Instant::now();
    let outcome = expected(&caller, content).of(line, call).await;
    stage.tally.record(kind, place, began, &outcome);
}

/// Subjects that come once: what they get tokens for pushes others out of the cache.
pub(super) async fn crowd(stage: Stage, mut dice: Dice) {
    let mut kept = None;
    while stage.goes_on() {
        let (place, host) = somewhere(&mut dice);
        let caller = stage.callers.stranger();
        if let Some(line) = stage.line(kept.take(), Kind::Crowd, place).await {
            let call = Call::get(host, ME.to_owned(), &caller.credential);
            let expected = expected(&caller, Content::User);
            kept = stage.ask(line, Kind::Crowd, place, call, &expected).await;
        }
        rest(&mut dice, 80).await;
    }
}

fn request(dice: &mut Dice, host: &'static str, caller: &Caller) -> (Kind, Call, Content) {
    let target = format!("/testbed/echo?n={:016x}", dice.throw());
    match dice.below(4) {
        0 => (
            Kind::Get,
            Call::get(host, ME.to_owned(), &caller.credential),
            Content::User,
        ),
        1 => {
            let length = dice.below(20_000);
            let body = full(Bytes::from(vec![
                b'x';
                usize::try_from(length).unwrap_or_default()
            ]));
            let call = Call::post(host, target.clone(), &caller.credential, body);
            (Kind::Post, call, Content::Echo(target, length))
        }
        _ => {
            let call = Call::get(host, target.clone(), &caller.credential);
            (Kind::Get, call, Content::Echo(target, 0))
        }
    }
}

fn expected(caller: &Caller, content: Content) -> Expected<'_> {
    Expected {
        caller: &caller.name,
        content,
        pace: Duration::ZERO,
    }
}

pub(super) fn somewhere(dice: &mut Dice) -> (usize, &'static str) {
    let place = usize::from(dice.one_in(2));
    (place, HOSTS.get(place).copied().unwrap_or_default())
}

pub(super) const ME: &str = "/api/2.0/preview/scim/v2/Me";
