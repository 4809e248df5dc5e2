use std::io;
use std::time::Duration;

use anyhow::Context as _;
use http_body_util::BodyExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::time::{sleep, timeout};

use super::bodies::{fed, feed};
use super::ordinary::{ME, somewhere};
use super::{Stage, rest};
use crate::dice::Dice;
use crate::line::{Call, Line};

/// Clients that leave at every stage, without a word.
pub(super) async fn in_the_middle(stage: Stage, mut dice: Dice) {
    while stage.goes_on() {
        let left = match dice.below(5) {
            0 => of_a_head(&stage, &mut dice).await.map_err(Into::into),
            1 => before_an_answer(&stage, &mut dice).await,
            2 => of_an_upload(&stage, &mut dice).await,
            3 => of_an_answer(&stage, &mut dice).await,
            _ => of_streams(&stage, &mut dice).await,
        };
        // A gateway that refuses them meanwhile has answered as well.
        drop(left);
        stage.tally.left();
        rest(&mut dice, 100).await;
    }
}

/// Some bytes of a head, and a while; some are too slow, and the gateway closes.
async fn of_a_head(stage: &Stage, dice: &mut Dice) -> io::Result<()> {
    let mut wire = stage.door.enter(b"http/1.1").await?;
    let head = b"GET /testbed/echo HTTP/1.1\r\nHost: jobs.soak.test\r\nAuthorization: Bear";
    let length = usize::try_from(dice.below(head.len() as u64)).unwrap_or_default();
    wire.write_all(head.get(..length).unwrap_or_default()).await?;
    wire.flush().await?;
    let wait = if dice.one_in(10) { 3_000 } else { 50 };
    rest(dice, wait).await;
    Ok(())
}

async fn before_an_answer(stage: &Stage, dice: &mut Dice) -> anyhow::Result<()> {
    let line = stage.door.line().await?;
    let (_, host) = somewhere(dice);
    let caller = stage.callers.regular(dice);
    let call = Call::get(host, ME.to_owned(), &caller.credential);
    let patience = Duration::from_micros(dice.below(2_000));
    // It may have been answered before.
    let _ = timeout(patience, line.open(call)).await;
    Ok(())
}

async fn of_an_upload(stage: &Stage, dice: &mut Dice) -> anyhow::Result<()> {
    let line = stage.door.line().await?;
    let (_, host) = somewhere(dice);
    let caller = stage.callers.regular(dice);
    let (feeder, body) = fed(1_000_000);
    let feeding = tokio::spawn(feed(feeder.clone(), dice.below(900_000), Duration::ZERO));
    let call = Call::post(host, "/testbed/sink".to_owned(), &caller.credential, body);
    let patience = Duration::from_millis(5 + dice.below(50));
    let _ = timeout(patience, line.open(call)).await;
    feeding.abort();
    drop(feeder);
    Ok(())
}

async fn of_an_answer(stage: &Stage, dice: &mut Dice) -> anyhow::Result<()> {
    let line = stage.door.line().await?;
    some_of_an_answer(stage, &line, dice).await
}

/// Of HTTP/2, where the connection stays and the streams are reset.
async fn of_streams(stage: &Stage, dice: &mut Dice) -> anyhow::Result<()> {
    let line = stage.door.shared_line().await?;
    for _ in 0..4 {
        some_of_an_answer(stage, &line, dice).await?;
    }
    Ok(())
}

async fn some_of_an_answer(stage: &Stage, line: &Line, dice: &mut Dice) -> anyhow::Result<()> {
    let (_, host) = somewhere(dice);
    let caller = stage.callers.regular(dice);
    let call = Call::get(host, "/testbed/bytes/8000000".to_owned(), &caller.credential);
    let mut answer = timeout(Duration::from_secs(5), line.open(call)).await??;
    let piece = timeout(Duration::from_secs(5), answer.frame()).await?;
    piece.context("the answer has no body")??;
    sleep(Duration::from_millis(dice.below(20))).await;
    Ok(())
}
