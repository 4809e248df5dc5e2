use std::time::Duration;

use crate::callers::{Callers, REGULARS};
use crate::director::Events;
use crate::judge::Bounded;
use crate::tally::Sheet;
use crate::weather::Weather;
use crate::world::{HOSTS, TOKEN_LIFETIME, World};

/// How often something may have happened at most, for a reason each time.
pub(crate) struct Bounds<'a> {
    pub(crate) world: &'a World,
    pub(crate) callers: &'a Callers,
    pub(crate) weather: &'a Weather,
    pub(crate) took: Duration,
}

// === impl Bounds ===

impl Bounds<'_> {
    /// For each regular at each workspace: once for each JWT; twice for each end of a token, as the JWT before may be the first to
    /// meet it; once for each time that all tokens were forgotten. While a token endpoint fails: three calls for each regular
    /// before it counts as down, and then one a second.
    pub(crate) fn regular_exchanges(&self, events: Events) -> Bounded {
        let (places, regulars) = (HOSTS.len() as u64, REGULARS as u64);
        let ends = self.took.as_secs() / USABLE.as_secs() + 1;
        let in_fair_weather = places * (self.callers.minted() + regulars * (2 * ends + events.revocations));
        let in_storms = self.weather.at_token_endpoints();
        let in_storms = in_storms.map(|took| 3 * regulars + took.as_secs() + 1);
        let names: Vec<_> = self.callers.names().collect();
        let exchanges = |name: &&str| self.exchanges(name);
        Bounded {
            count: names.iter().map(exchanges).sum(),
            most: in_fair_weather + in_storms.sum::<u64>(),
        }
    }

    /// One for each request, as each has a subject of its own; three calls where the token endpoint failed.
    pub(crate) fn crowd_exchanges(&self, sheet: &Sheet, events: Events) -> Bounded {
        let names = self.callers.crowd();
        Bounded {
            count: names.map(|name| self.exchanges(&name)).sum(),
            // The token may be forgotten between its exchange and its use.
            most: sheet.of(crate::explain::Kind::Crowd) + 2 * sheet.foul_crowd + events.revocations,
        }
    }

    /// For each identity provider one at the start, one each minute, and for unknown keys one in 30 s; one more for each that was
    /// made to fail, and one for each new configuration.
    pub(crate) fn key_fetches(&self, events: Events) -> Bounded {
        let took = self.took.as_secs();
        let idps = &self.world.idps;
        Bounded {
            count: idps.iter().map(testbed::Idp::jwks_fetches).sum(),
            most: idps.len() as u64 * (2 + took / 60 + took / 30 + events.hangups) + events.hangups,
        }
    }

    fn exchanges(&self, name: &str) -> u64 {
        let workspaces = self.world.workspaces.iter();
        workspaces.map(|workspace| workspace.exchanges(name)).sum()
    }
}

/// Of a token's life, without the last 5 s.
const USABLE: Duration = TOKEN_LIFETIME.saturating_sub(Duration::from_secs(5));
