use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::explain::{Kind, Outcome, explains};
use crate::weather::Weather;

/// What came of every request, judged by the weather of its time.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) weather: Weather,
    sheet: Mutex<Sheet>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Sheet {
    /// By what was asked for and what came of it.
    pub(crate) counts: BTreeMap<(Kind, String), u64>,
    /// Requests in whose time nothing was wrong at their workspace.
    pub(crate) fair: u64,
    pub(crate) foul: u64,
    /// Requests of the crowd among them.
    pub(crate) foul_crowd: u64,
    /// Clients that left in the middle.
    pub(crate) left: u64,
    pub(crate) strays: Complaints,
    pub(crate) unexplained: Complaints,
}

/// How many, and how often each was made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Complaints {
    pub(crate) count: u64,
    each: BTreeMap<String, u64>,
}

// === impl Tally ===

impl Tally {
    /// A request that began at `began` has ended.
    pub(crate) fn record(&self, kind: Kind, workspace: usize, began: Instant, outcome: &Outcome) {
        let troubles = self.weather.since(began, workspace);
        let mut sheet = self.lock();
        *sheet.counts.entry((kind, outcome.label())).or_default() += 1;
        if troubles.is_empty() {
            sheet.fair += 1;
        } else {
            sheet.foul += 1;
            sheet.foul_crowd += u64::from(kind == Kind::Crowd);
        }
        if let Outcome::Foreign(_) = outcome {
            sheet
                .strays
                .add(format!("{kind:?} at workspace {workspace}: {outcome:?}"));
        } else if !explains(&troubles, kind, outcome) {
            let complaint = format!("{kind:?} at workspace {workspace}: {outcome:?}, while {troubles:?}");
            sheet.unexplained.add(complaint);
        }
    }

    pub(crate) fn left(&self) {
        self.lock().left += 1;
    }

    pub(crate) fn sheet(&self) -> Sheet {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Sheet> {
        self.sheet.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Sheet ===

impl Sheet {
    pub(crate) fn of(&self, kind: Kind) -> u64 {
        let counts = self.counts.iter().filter(|((asked, _), _)| *asked == kind);
        counts.map(|(_, count)| count).sum()
    }

    pub(crate) fn served(&self, kind: Kind) -> u64 {
        let served = self.counts.get(&(kind, Outcome::Served.label()));
        served.copied().unwrap_or_default()
    }
}

// === impl Complaints ===

impl Complaints {
    pub(crate) fn add(&mut self, complaint: String) {
        self.count += 1;
        *self.each.entry(complaint).or_default() += 1;
    }

    /// Those that were made most often first.
    pub(crate) fn told(&self) -> String {
        let mut each: Vec<_> = self.each.iter().collect();
        each.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let lines = each
            .iter()
            .take(SHOWN)
            .map(|(what, count)| format!("{count} times: {what}"));
        lines.collect::<Vec<_>>().join("\n    ")
    }
}

// === impl Outcome ===

impl Outcome {
    fn label(&self) -> String {
        match self {
            Self::Served => "served".to_owned(),
            Self::Foreign(_) => "foreign".to_owned(),
            Self::Mutilated(_) => "mutilated".to_owned(),
            Self::Status(status) => status.to_string(),
            Self::Broken(_) => "broken".to_owned(),
            Self::Late => "late".to_owned(),
        }
    }
}

const SHOWN: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weather::Trouble;

    #[tokio::test]
    async fn a_failure_is_explained_by_the_weather_of_its_own_time_and_place_alone() {
        let tally = Tally::default();
        let before = Instant::now();
        tally.weather.begin(Trouble::Reset, 0);
        let failed = Outcome::Status(502);
        tally.record(Kind::Post, 0, before, &failed);
        assert_eq!(tally.sheet().unexplained.count, 0, "it came on the way");
        tally.record(Kind::Post, 1, before, &failed);
        assert_eq!(tally.sheet().unexplained.count, 1, "at the other workspace");
        tally.weather.end(0);
        tally.record(Kind::Post, 0, Instant::now(), &failed);
        assert_eq!(tally.sheet().unexplained.count, 1, "its aftermath");
        let later = Instant::now() + std::time::Duration::from_secs(2);
        tally.record(Kind::Post, 0, later, &failed);
        assert_eq!(tally.sheet().unexplained.count, 2, "it is over");
        tally.record(Kind::Get, 0, before, &Outcome::Foreign("bob".to_owned()));
        assert_eq!(tally.sheet().strays.count, 1);
    }
}
