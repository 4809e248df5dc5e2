use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout};

use super::ordinary::somewhere;
use super::{Stage, rest};
use crate::answer::{PATIENCE, chain};
use crate::dice::Dice;
use crate::explain::{Kind, Outcome};
use crate::line::{Call, Line, full};

/// Calls of gRPC, whose messages come back.
pub(super) async fn of_grpc(stage: Stage, mut dice: Dice) {
    let mut kept = None;
    while stage.goes_on() {
        let Some(line) = stage.shared_line(kept.take()).await else {
            continue;
        };
        let (place, host) = somewhere(&mut dice);
        let caller = stage.callers.regular(&mut dice);
        let message = message(&mut dice);
        let call = Call {
            grpc: true,
            ..Call::post(
                host,
                "/soak.Echo/Say".to_owned(),
                &caller.credential,
                full(message.clone()),
            )
        };
        let began = Instant::now();
        let outcome = match timeout(PATIENCE, ask(&line, call, &message)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Outcome::Broken(chain(&error)),
            Err(_) => Outcome::Late,
        };
        stage.tally.record(Kind::Grpc, place, began, &outcome);
        kept = (!line.is_over().await).then_some(line);
        rest(&mut dice, 40).await;
    }
}

async fn ask(line: &Line, call: Call, message: &Bytes) -> hyper::Result<Outcome> {
    let (head, body) = line.open(call).await?.into_parts();
    let whole = body.collect().await?;
    let trailers = whole.trailers().cloned().unwrap_or_default();
    let content = whole.to_bytes();
    Ok(
        match (head.status.as_u16(), code(&trailers).or(code(&head.headers))) {
            (200, Some(0)) if content == message => Outcome::Served,
            (200, Some(0)) => Outcome::Foreign("another message came back".to_owned()),
            (200, Some(code)) => Outcome::Status(status(code)),
            (200, None) => Outcome::Mutilated("a call without a status".to_owned()),
            (status, _) => Outcome::Status(status),
        },
    )
}

fn code(fields: &HeaderMap) -> Option<u16> {
    fields.get("grpc-status")?.to_str().ok()?.parse().ok()
}

/// The status of HTTP that says the same.
fn status(code: u16) -> u16 {
    match code {
        4 => 504,
        7 => 403,
        8 => 429,
        14 => 503,
        16 => 401,
        _ => 500,
    }
}

/// A message with its prefix: not compressed, and its length.
fn message(dice: &mut Dice) -> Bytes {
    let content = format!("{:016x}", dice.throw()).repeat(4);
    let mut message = BytesMut::from(&[0, 0, 0, 0, 64][..]);
    message.extend_from_slice(content.as_bytes());
    message.freeze()
}
