use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use testbed::Databricks;
use tokio::time::{Instant, sleep, sleep_until};

use crate::Args;
use crate::admin::gauges;
use crate::bounds::Bounds;
use crate::callers::Callers;
use crate::dice::Dice;
use crate::director::{Director, Events};
use crate::judge::{self, Findings, Gauges, Memory};
use crate::line::Door;
use crate::load::{self, Stage};
use crate::process::{Holdings, Process};
use crate::sabotage::Sabotage;
use crate::tally::Tally;
use crate::world::World;

/// A soak that runs.
struct Soak<'a> {
    args: &'a Args,
    world: World,
    process: Process,
    /// What the process held before anybody came.
    start: Holdings,
    gauges_at_start: Gauges,
    callers: Arc<Callers>,
    tally: Arc<Tally>,
    began: Instant,
    until: Instant,
}

/// What was seen while the clients were there.
#[derive(Clone, Copy)]
struct Seen {
    events: Events,
    memory: Memory,
    took: Duration,
}

/// How it ended.
#[derive(Clone, Copy)]
struct Ended {
    rest: Holdings,
    gauges: Gauges,
    exit: Option<i32>,
    drained_in: Duration,
}

/// Everything, from the first request to the last line of the log.
pub(crate) async fn run(args: &Args) -> anyhow::Result<Findings> {
    let mut soak = Soak::begin(args).await?;
    let seen = soak.load().await?;
    let (rest, gauges) = soak.everybody_has_left().await?;
    let told = Instant::now();
    soak.process.signal(Sabotage::last_signal(args.sabotage))?;
    let exit = soak.process.end().await?;
    let ended = Ended {
        rest,
        gauges,
        exit,
        drained_in: told.elapsed(),
    };
    soak.findings(seen, ended)
}

// === impl Soak ===

impl<'a> Soak<'a> {
    async fn begin(args: &'a Args) -> anyhow::Result<Self> {
        let world = World::new().await?;
        let config = world.configure(args.plain)?;
        let process = Process::start(&args.lakegate, &config, world.log(), world.idps.len()).await?;
        let began = Instant::now();
        Ok(Self {
            args,
            start: process.holdings()?,
            gauges_at_start: gauges(process.admin).await?,
            callers: Arc::new(Callers::new(&world.idps)),
            tally: Arc::default(),
            began,
            until: began + Duration::from_secs_f64(args.minutes * 60.0),
            world,
            process,
        })
    }

    /// Clients, weather and sabotage, until the time is up and the last client has its answer.
    async fn load(&self) -> anyhow::Result<Seen> {
        let stage = Stage {
            door: Door::new(
                self.process.gateway,
                (!self.args.plain).then_some(&self.world.authority),
            )?,
            callers: Arc::clone(&self.callers),
            tally: Arc::clone(&self.tally),
            until: self.until,
            in_haste: false,
        };
        let mut dice = Dice::new(self.args.seed);
        let mut clients = load::start(&stage, &mut dice);
        let mut director = Director::new(&self.world, &self.process, &self.tally, dice);
        let (conducted, memory, sabotaged) =
            tokio::join!(director.conduct(self.until), self.memory(), self.sabotage());
        conducted?;
        sabotaged?;
        while let Some(client) = clients.join_next().await {
            client.context("a client of the soak panicked")?;
        }
        Ok(Seen {
            events: director.events,
            memory: memory?,
            took: self.began.elapsed(),
        })
    }

    async fn sabotage(&self) -> anyhow::Result<()> {
        sleep_until(self.began + (self.until - self.began) / 2).await;
        match self.args.sabotage {
            Some(sabotage) => sabotage.midway(&self.world, &self.callers, &self.process).await,
            None => Ok(()),
        }
    }

    /// Looks twice a second.
    async fn memory(&self) -> anyhow::Result<Memory> {
        // What the sanitizer keeps back of what was freed, and its stacks, are not the gateway's.
        let allowance = if self.args.sanitizer { 64 } else { 16 };
        let mut memory = Memory {
            allowance: allowance << 20,
            ..Memory::default()
        };
        let third = (self.until - self.began) / 3;
        while Instant::now() < self.until {
            let resident = self.process.holdings().context("lakegate has ended")?.resident;
            let part = match self.began.elapsed() {
                warm if warm < third => &mut memory.first_third,
                middle if middle < third * 2 => &mut memory.second_third,
                _ => &mut memory.last_third,
            };
            *part = resident.max(*part);
            sleep(Duration::from_millis(500)).await;
        }
        Ok(memory)
    }

    /// What is left once there are no clients, at the latest when what the gateway keeps open for itself has had its time.
    async fn everybody_has_left(&self) -> anyhow::Result<(Holdings, Gauges)> {
        let patience = Instant::now() + SETTLED;
        loop {
            let gauges = gauges(self.process.admin).await?;
            let rest = self.process.holdings()?;
            let left = judge::left((self.start, self.gauges_at_start), (rest, gauges));
            if left.is_empty() || Instant::now() > patience {
                return Ok((rest, gauges));
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    fn findings(&self, seen: Seen, ended: Ended) -> anyhow::Result<Findings> {
        let workspaces = &self.world.workspaces;
        let sum = |count: fn(&Databricks) -> u64| workspaces.iter().map(count).sum();
        for token in workspaces.iter().flat_map(Databricks::issued_tokens) {
            self.callers.secrets.add(&token);
        }
        let log = BufReader::new(File::open(self.process.log())?);
        let sheet = self.tally.sheet();
        let bounds = Bounds {
            world: &self.world,
            callers: &self.callers,
            weather: &self.tally.weather,
            took: seen.took,
        };
        Ok(Findings {
            missed_troubles: self.tally.weather.missed(),
            leaked_jwts: sum(Databricks::leaked_jwts),
            strangers: sum(Databricks::strangers),
            expired_tokens: sum(Databricks::expired_tokens),
            regular_exchanges: bounds.regular_exchanges(seen.events),
            crowd_exchanges: bounds.crowd_exchanges(&sheet, seen.events),
            key_fetches: bounds.key_fetches(seen.events),
            memory: seen.memory,
            start: self.start,
            rest: ended.rest,
            gauges_at_start: self.gauges_at_start,
            gauges: ended.gauges,
            exit: ended.exit,
            drained_in: ended.drained_in,
            log: self.callers.secrets.search(log)?,
            secrets: self.callers.secrets.count(),
            events: seen.events,
            took: seen.took,
            sheet,
        })
    }
}

/// The gateway's client for token endpoints keeps a connection for 20 s, and looks every 20 s; its workers keep a thread that
/// looked names up for 10 s.
const SETTLED: Duration = Duration::from_secs(45);
