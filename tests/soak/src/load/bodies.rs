use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::sleep;

use super::ordinary::somewhere;
use super::{Stage, rest};
use crate::answer::{Content, Expected};
use crate::dice::Dice;
use crate::explain::Kind;
use crate::line::{Call, Fed, Upload};

/// Some MB up; every other client takes its time.
pub(super) async fn upload(stage: Stage, mut dice: Dice) {
    while stage.goes_on() {
        let (place, host) = somewhere(&mut dice);
        let caller = stage.callers.regular(&mut dice);
        let length = size(&mut dice);
        let (feeder, body) = fed(length);
        let feeding = tokio::spawn(feed(feeder, length, pace(&mut dice)));
        let call = Call::post(host, "/testbed/sink".to_owned(), &caller.credential, body);
        let expected = Expected {
            caller: &caller.name,
            content: Content::Sunk(length),
            pace: Duration::ZERO,
        };
        if let Some(line) = stage.line(None, Kind::Upload, place).await {
            stage.ask(line, Kind::Upload, place, call, &expected).await;
        }
        feeding.abort();
        rest(&mut dice, 200).await;
    }
}

/// Some MB down; every other client takes its time.
pub(super) async fn download(stage: Stage, mut dice: Dice) {
    let mut kept = None;
    while stage.goes_on() {
        let (place, host) = somewhere(&mut dice);
        let caller = stage.callers.regular(&mut dice);
        let length = size(&mut dice);
        let call = Call::get(host, format!("/testbed/bytes/{length}"), &caller.credential);
        let expected = Expected {
            caller: &caller.name,
            content: Content::Bytes(length),
            pace: pace(&mut dice),
        };
        if let Some(line) = stage.line(kept.take(), Kind::Download, place).await {
            kept = stage.ask(line, Kind::Download, place, call, &expected).await;
        }
        rest(&mut dice, 200).await;
    }
}

/// A body of this length, and where its pieces come from.
pub(super) fn fed(length: u64) -> (Sender<Bytes>, Upload) {
    let (feeder, pieces) = channel(1);
    (feeder, Fed { pieces, left: length }.boxed_unsync())
}

/// Feeds so many bytes.
pub(super) async fn feed(feeder: Sender<Bytes>, length: u64, pace: Duration) {
    let mut left = length;
    while left > 0 {
        let piece = left.min(PIECE.len() as u64);
        let bytes = Bytes::from_static(PIECE).slice(..usize::try_from(piece).unwrap_or_default());
        if feeder.send(bytes).await.is_err() {
            return;
        }
        left -= piece;
        if !pace.is_zero() {
            sleep(pace).await;
        }
    }
}

fn size(dice: &mut Dice) -> u64 {
    100_000 + dice.below(4_000_000)
}

fn pace(dice: &mut Dice) -> Duration {
    if dice.one_in(2) {
        Duration::ZERO
    } else {
        Duration::from_millis(1 + dice.below(20))
    }
}

static PIECE: &[u8] = &[b'x'; 32 * 1024];
