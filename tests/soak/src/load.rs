//! Clients of every kind, each in a loop until the time is up.

mod bodies;
mod calls;
mod leaving;
mod ordinary;
mod refused;
mod tunnels;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::answer::Expected;
use crate::callers::Callers;
use crate::dice::Dice;
use crate::explain::{Kind, Outcome};
use crate::line::{Call, Door, Line};
use crate::tally::Tally;

/// What every client needs.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) door: Door,
    pub(crate) callers: Arc<Callers>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) until: Instant,
    /// Whoever does nothing unusual does not rest between two requests.
    pub(crate) in_haste: bool,
}

/// All of them; they end by themselves.
pub(crate) fn start(stage: &Stage, dice: &mut Dice) -> JoinSet<()> {
    let mut clients = JoinSet::new();
    for _ in 0..6 {
        clients.spawn(ordinary::one_by_one(stage.clone(), dice.fork()));
    }
    for _ in 0..2 {
        clients.spawn(ordinary::side_by_side(stage.clone(), dice.fork()));
        clients.spawn(leaving::in_the_middle(stage.clone(), dice.fork()));
        clients.spawn(tunnels::echo(stage.clone(), dice.fork()));
        clients.spawn(bodies::upload(stage.clone(), dice.fork()));
        clients.spawn(bodies::download(stage.clone(), dice.fork()));
    }
    clients.spawn(ordinary::crowd(stage.clone(), dice.fork()));
    clients.spawn(refused::impostors(stage.clone(), dice.fork()));
    clients.spawn(calls::of_grpc(stage.clone(), dice.fork()));
    clients
}

/// Those who do nothing unusual, and more of them.
pub(crate) fn start_ordinary(stage: &Stage, dice: &mut Dice) -> JoinSet<()> {
    let mut clients = JoinSet::new();
    for _ in 0..32 {
        clients.spawn(ordinary::one_by_one(stage.clone(), dice.fork()));
    }
    for _ in 0..4 {
        clients.spawn(ordinary::side_by_side(stage.clone(), dice.fork()));
    }
    clients
}

// === impl Stage ===

impl Stage {
    fn goes_on(&self) -> bool {
        Instant::now() < self.until
    }

    /// After how many turns a client begins anew, on the average. Programs that live for a few requests are ordinary.
    fn requests_on_a_line(&self) -> u64 {
        if self.in_haste { 10 } else { 100 }
    }

    /// Asks on this line, and tells the tally. `None`: the line is of no use any more.
    async fn ask(
        &self,
        line: Line,
        kind: Kind,
        place: usize,
        call: Call,
        expected: &Expected<'_>,
    ) -> Option<Line> {
        let began = Instant::now();
        let outcome = expected.of(&line, call).await;
        let broken = matches!(outcome, Outcome::Broken(_) | Outcome::Late);
        self.tally.record(kind, place, began, &outcome);
        (!broken && !line.is_over().await).then_some(line)
    }

    /// The line that is there, or a new one. A gateway that cannot be reached has failed the request.
    async fn line(&self, present: Option<Line>, kind: Kind, place: usize) -> Option<Line> {
        match present {
            Some(line) => Some(line),
            None => self.reached(self.door.line().await, kind, place).await,
        }
    }

    /// The same over HTTP/2, for requests to both workspaces.
    async fn shared_line(&self, present: Option<Line>) -> Option<Line> {
        match present {
            Some(line) => Some(line),
            None => self.reached(self.door.shared_line().await, Kind::Get, 0).await,
        }
    }

    async fn reached(&self, line: anyhow::Result<Line>, kind: Kind, place: usize) -> Option<Line> {
        match line {
            Ok(line) => Some(line),
            Err(error) => {
                let outcome = Outcome::Broken(format!("no connection: {error:#}"));
                self.tally.record(kind, place, Instant::now(), &outcome);
                sleep(Duration::from_millis(100)).await;
                None
            }
        }
    }
}

/// For so many milliseconds at most.
async fn rest(dice: &mut Dice, most: u64) {
    sleep(Duration::from_millis(dice.below(most))).await;
}
