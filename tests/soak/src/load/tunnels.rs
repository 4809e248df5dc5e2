use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use http::Request;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::ordinary::somewhere;
use super::{Stage, rest};
use crate::answer::PATIENCE;
use crate::dice::Dice;
use crate::explain::{Kind, Outcome};

/// Tunnels in which everything is said back; some of their clients leave without a word.
pub(super) async fn echo(stage: Stage, mut dice: Dice) {
    while stage.goes_on() {
        let (place, host) = somewhere(&mut dice);
        let credential = stage.callers.regular(&mut dice).credential;
        let began = Instant::now();
        let outcome = match timeout(PATIENCE, tunnel(&stage, host, &credential, &mut dice)).await {
            Ok(Ok(())) => Outcome::Served,
            Ok(Err(error)) => match error.downcast_ref() {
                Some(Error::Http(refusal)) => Outcome::Status(refusal.status().as_u16()),
                _ => Outcome::Broken(format!("{error:#}")),
            },
            Err(_) => Outcome::Late,
        };
        stage.tally.record(Kind::Tunnel, place, began, &outcome);
        rest(&mut dice, 200).await;
    }
}

async fn tunnel(stage: &Stage, host: &str, credential: &str, dice: &mut Dice) -> anyhow::Result<()> {
    let wire = stage.door.enter(b"http/1.1").await?;
    let (mut socket, _) = Box::pin(client_async(handshake(host, credential)?, wire)).await?;
    for _ in 0..dice.below(20) {
        let message = Message::text(format!("{:x}", dice.throw()));
        socket.send(message.clone()).await?;
        let said = socket.next().await.context("the tunnel has ended")??;
        ensure!(said == message, "something else was said back");
        rest(dice, 50).await;
    }
    if !dice.one_in(3) {
        socket.close(None).await?;
        let end = timeout(Duration::from_secs(5), socket.next()).await?;
        ensure!(end.is_none_or(|end| end.is_ok()), "no close came back");
    }
    Ok(())
}

fn handshake(host: &str, credential: &str) -> anyhow::Result<Request<()>> {
    let mut request = format!("ws://{host}{SSH}").into_client_request()?;
    request.headers_mut().insert("authorization", credential.parse()?);
    Ok(request)
}

/// Where the Databricks CLI's `ssh` connects to.
const SSH: &str = "/driver-proxy-api/o/7405600000000001/0123-456789-abcdefgh/7772/ssh?id=1";
