use std::time::Duration;

use super::ordinary::{ME, somewhere};
use super::{Stage, rest};
use crate::answer::{Content, Expected};
use crate::dice::Dice;
use crate::explain::Kind;
use crate::line::Call;

/// Expired, forged, unknown, garbage, nothing: on a connection on which nobody else asks, and refused whatever the weather.
pub(super) async fn impostors(stage: Stage, mut dice: Dice) {
    let mut kept = None;
    while stage.goes_on() {
        let (place, host) = somewhere(&mut dice);
        let credential = stage.callers.impostor(&mut dice);
        let call = Call {
            credential,
            ..Call::get(host, ME.to_owned(), "")
        };
        let expected = Expected {
            caller: "nobody",
            content: Content::User,
            pace: Duration::ZERO,
        };
        if let Some(line) = stage.line(kept.take(), Kind::Refused, place).await {
            kept = stage.ask(line, Kind::Refused, place, call, &expected).await;
        }
        rest(&mut dice, 60).await;
    }
}
