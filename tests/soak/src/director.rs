use std::time::Duration;

use rustix::process::Signal;
use testbed::{Databricks, Fault};
use tokio::time::{Instant, sleep, sleep_until};

use crate::dice::Dice;
use crate::process::Process;
use crate::tally::Tally;
use crate::weather::{AT_THE_API, AT_THE_TOKEN_ENDPOINT, Trouble};
use crate::world::World;

/// Makes the weather: storms at one workspace and then at the other, and fair weather, in which keys are rotated, tokens
/// forgotten and the configuration changed, which nobody may notice.
pub(crate) struct Director<'a> {
    pub(crate) world: &'a World,
    pub(crate) process: &'a Process,
    pub(crate) tally: &'a Tally,
    dice: Dice,
    token: Deck,
    api: Deck,
    next_rotation: Instant,
    next_revocation: Instant,
    pub(crate) events: Events,
}

/// What happened beside the storms.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Events {
    pub(crate) rotations: u64,
    pub(crate) revocations: u64,
    pub(crate) hangups: u64,
}

/// All troubles, in an order that changes each time they are through.
struct Deck {
    all: Vec<Trouble>,
    left: Vec<Trouble>,
}

// === impl Director ===

impl<'a> Director<'a> {
    pub(crate) fn new(world: &'a World, process: &'a Process, tally: &'a Tally, dice: Dice) -> Self {
        let first = Instant::now() + CYCLE / 2;
        Self {
            world,
            process,
            tally,
            dice,
            token: Deck::new(&AT_THE_TOKEN_ENDPOINT),
            api: Deck::new(&AT_THE_API),
            next_rotation: first,
            next_revocation: first,
            events: Events::default(),
        }
    }

    /// Until `end`; what begins ends before.
    pub(crate) async fn conduct(&mut self, end: Instant) -> anyhow::Result<()> {
        while Instant::now() + CYCLE < end {
            self.fair_weather().await?;
            for (place, databricks) in self.world.workspaces.iter().enumerate() {
                self.storm(place, databricks).await;
            }
            sleep(SETTLING).await;
        }
        sleep_until(end).await;
        Ok(())
    }

    async fn fair_weather(&mut self) -> anyhow::Result<()> {
        sleep(CALM / 2).await;
        self.world.reconfigure(self.events.hangups)?;
        self.process.signal(Signal::HUP)?;
        self.events.hangups += 1;
        let [first, second] = &self.world.idps;
        second.faults().clear();
        second
            .faults()
            .inject("/jwks", Fault::Answer(500, Vec::new(), String::new()), 1);
        if Instant::now() > self.next_rotation {
            // Nobody has a JWT any more that these have signed.
            first.withdraw_old_keys();
            first.rotate();
            self.next_rotation = Instant::now() + BETWEEN_ROTATIONS;
            self.events.rotations += 1;
        }
        if Instant::now() > self.next_revocation {
            for (place, databricks) in self.world.workspaces.iter().enumerate() {
                self.tally.weather.begin(Trouble::Revoked, place);
                Trouble::Revoked.strike(databricks);
                self.tally.weather.end(place);
            }
            self.next_revocation = Instant::now() + BETWEEN_REVOCATIONS;
            self.events.revocations += 1;
        }
        sleep(CALM / 2).await;
        Ok(())
    }

    /// Twice something of the token endpoint and something of the API at once.
    async fn storm(&mut self, place: usize, databricks: &Databricks) {
        for _ in 0..2 {
            let troubles = [self.token.draw(&mut self.dice), self.api.draw(&mut self.dice)];
            let troubles = troubles.into_iter().flatten();
            for trouble in troubles.clone() {
                self.tally.weather.begin(trouble, place);
                trouble.strike(databricks);
            }
            for _ in 0..4 {
                sleep(SPELL / 4).await;
                if troubles.clone().any(|trouble| trouble == Trouble::HangUp) {
                    databricks.hang_up();
                }
            }
            databricks.faults().clear();
            self.tally.weather.end(place);
        }
    }
}

// === impl Deck ===

impl Deck {
    fn new(all: &[Trouble]) -> Self {
        Self {
            all: all.to_vec(),
            left: Vec::new(),
        }
    }

    fn draw(&mut self, dice: &mut Dice) -> Option<Trouble> {
        if self.left.is_empty() {
            self.left.clone_from(&self.all);
            dice.shuffle(&mut self.left);
        }
        self.left.pop()
    }
}

const CALM: Duration = Duration::from_secs(2);
const SPELL: Duration = Duration::from_millis(1_500);
/// What a storm leaves behind is over within this time, and fair weather begins.
const SETTLING: Duration = Duration::from_secs(6);
pub(crate) const CYCLE: Duration = Duration::from_secs(14);
/// The gateway looks for unknown keys once in 30 s for each issuer, and a JWT lives for 30 s.
const BETWEEN_ROTATIONS: Duration = Duration::from_secs(33);
/// It exchanges a token that is refused once in 30 s for each subject.
const BETWEEN_REVOCATIONS: Duration = Duration::from_secs(36);
