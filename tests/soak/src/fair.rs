use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use rustix::process::Signal;
use tokio::time::Instant;

use crate::Args;
use crate::callers::Callers;
use crate::dice::Dice;
use crate::line::Door;
use crate::load::{self, Stage};
use crate::process::Process;
use crate::tally::Tally;
use crate::world::World;

/// Ordinary requests that nobody rests between, while nothing is wrong.
///
/// The soak comes to everything, and to what is most of a gateway's work no oftener than to the rest: who wants to know what that
/// does most (`deploy/build`) has to see this as well.
///
/// # Errors
/// When a request was not served, or not to its own caller, or there was none.
pub(crate) async fn run(args: &Args) -> anyhow::Result<()> {
    let world = World::new().await?;
    let config = world.configure(args.plain)?;
    let mut process = Process::start(&args.lakegate, &config, world.log(), world.idps.len()).await?;
    let stage = Stage {
        door: Door::new(process.gateway, (!args.plain).then_some(&world.authority))?,
        callers: Arc::new(Callers::new(&world.idps)),
        tally: Arc::default(),
        until: Instant::now() + Duration::from_secs_f64(args.minutes * 60.0),
        in_haste: true,
    };
    let clients = load::start_ordinary(&stage, &mut Dice::new(args.seed));
    clients.join_all().await;
    process.signal(Signal::TERM)?;
    let exit = process.end().await?;
    judge(&stage.tally, exit)
}

fn judge(tally: &Tally, exit: Option<i32>) -> anyhow::Result<()> {
    let sheet = tally.sheet();
    ensure!(
        sheet.strays.count == 0,
        "answers of others: {}",
        sheet.strays.told()
    );
    ensure!(
        sheet.unexplained.count == 0,
        "not served: {}",
        sheet.unexplained.told()
    );
    ensure!(sheet.fair > 0, "nobody has asked for anything");
    ensure!(exit == Some(0), "it ended with {exit:?}");
    println!("{} ordinary requests in fair weather, all served", sheet.fair);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::{Kind, Outcome};

    #[test]
    fn whatever_is_not_served_or_belongs_to_another_is_a_failure() {
        let judged = |outcome: Outcome, exit| {
            let tally = Tally::default();
            tally.record(Kind::Get, 0, Instant::now(), &Outcome::Served);
            tally.record(Kind::Get, 0, Instant::now(), &outcome);
            judge(&tally, exit).is_ok()
        };
        assert!(judged(Outcome::Served, Some(0)));
        assert!(judge(&Tally::default(), Some(0)).is_err(), "nothing was tried");
        assert!(!judged(Outcome::Served, None));
        assert!(!judged(Outcome::Foreign(String::new()), Some(0)));
        for outcome in [
            Outcome::Status(502),
            Outcome::Late,
            Outcome::Broken(String::new()),
        ] {
            assert!(!judged(outcome, Some(0)));
        }
    }
}
