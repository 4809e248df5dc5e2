use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use testbed::{Databricks, Fault};
use tokio::time::Instant;

/// One way in which a workspace or its token endpoint misbehaves for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    TokenReset,
    TokenHalfHead,
    TokenError,
    TokenThrottled,
    TokenSlow,
    TokenHang,
    TokenGarbage,
    TokenDenied,
    TokenForbidden,
    Reset,
    HalfHead,
    HalfBody,
    Error,
    Slow,
    Hang,
    HangUp,
    Revoked,
}

/// What was wrong, where, and when.
#[derive(Debug, Default)]
pub(crate) struct Weather(Mutex<Vec<Spell>>);

#[derive(Debug)]
struct Spell {
    trouble: Trouble,
    workspace: usize,
    from: Instant,
    /// Its effects included; `None` while it lasts.
    until: Option<Instant>,
}

pub(crate) const AT_THE_TOKEN_ENDPOINT: [Trouble; 9] = [
    Trouble::TokenReset,
    Trouble::TokenHalfHead,
    Trouble::TokenError,
    Trouble::TokenThrottled,
    Trouble::TokenSlow,
    Trouble::TokenHang,
    Trouble::TokenGarbage,
    Trouble::TokenDenied,
    Trouble::TokenForbidden,
];

pub(crate) const AT_THE_API: [Trouble; 7] = [
    Trouble::Reset,
    Trouble::HalfHead,
    Trouble::HalfBody,
    Trouble::Error,
    Trouble::Slow,
    Trouble::Hang,
    Trouble::HangUp,
];

// === impl Trouble ===

impl Trouble {
    pub(crate) fn is_at_the_token_endpoint(self) -> bool {
        AT_THE_TOKEN_ENDPOINT.contains(&self)
    }

    /// Begins. What the API does ill it does to some requests only, so that others pass meanwhile.
    pub(crate) fn strike(self, databricks: &Databricks) {
        let always = |fault| databricks.faults().inject("/oidc/v1/token", fault, usize::MAX);
        let api = |fault: &Fault, times| {
            for prefix in API {
                databricks.faults().inject(prefix, fault.clone(), times);
            }
        };
        match self {
            Self::TokenReset => always(Fault::Reset),
            Self::TokenHalfHead => always(Fault::HalfHead),
            Self::TokenError => always(answer(500, &[], "out of order")),
            Self::TokenThrottled => always(answer(429, &[("retry-after", "1")], "{}")),
            Self::TokenSlow => always(Fault::Delay(Duration::from_millis(500))),
            Self::TokenHang => always(Fault::Hang),
            Self::TokenGarbage => always(answer(200, &[], "<html>welcome</html>")),
            Self::TokenDenied => always(answer(400, &[], DENIED)),
            Self::TokenForbidden => always(answer(403, &[], FORBIDDEN)),
            Self::Reset => api(&Fault::Reset, 30),
            Self::HalfHead => api(&Fault::HalfHead, 30),
            Self::HalfBody => api(&Fault::HalfBody, 30),
            Self::Error => api(&answer(503, &[("retry-after", "1")], "{}"), 30),
            Self::Slow => api(&Fault::Delay(Duration::from_millis(300)), usize::MAX),
            Self::Hang => api(&Fault::Hang, 10),
            Self::HangUp => databricks.hang_up(),
            Self::Revoked => databricks.revoke_tokens(),
        }
    }

    /// How long after its end it is still felt.
    fn aftermath(self) -> Duration {
        match self {
            // Who has no request without a body meanwhile does not find out before the token's end.
            Self::Revoked => crate::world::TOKEN_LIFETIME,
            // An exchange that began before, its failure's memory, and the second until the next probe.
            _ if self.is_at_the_token_endpoint() || self == Self::HangUp => {
                crate::world::EXCHANGE_TIMEOUT + Duration::from_secs(3)
            }
            _ => Duration::from_secs(1),
        }
    }
}

// === impl Weather ===

impl Weather {
    pub(crate) fn begin(&self, trouble: Trouble, workspace: usize) {
        self.spells().push(Spell {
            trouble,
            workspace,
            from: Instant::now(),
            until: None,
        });
    }

    /// Whatever goes on at this workspace is over, but for what comes after it.
    pub(crate) fn end(&self, workspace: usize) {
        for spell in self.spells().iter_mut() {
            if spell.workspace == workspace && spell.until.is_none() {
                spell.until = Some(Instant::now() + spell.trouble.aftermath());
            }
        }
    }

    /// What may have been felt at this workspace by a request that began at `began` and has just ended.
    pub(crate) fn since(&self, began: Instant, workspace: usize) -> Vec<Trouble> {
        let felt =
            |spell: &&Spell| spell.workspace == workspace && spell.until.is_none_or(|until| until > began);
        self.spells()
            .iter()
            .filter(felt)
            .map(|spell| spell.trouble)
            .collect()
    }

    /// How long each spell took that a token endpoint had, its effects included.
    pub(crate) fn at_token_endpoints(&self) -> impl Iterator<Item = Duration> {
        let spells = self.spells();
        let theirs = spells
            .iter()
            .filter(|spell| spell.trouble.is_at_the_token_endpoint());
        let took: Vec<_> = theirs
            .map(|spell| spell.until.unwrap_or_else(Instant::now) - spell.from)
            .collect();
        took.into_iter()
    }

    /// The troubles that never came.
    pub(crate) fn missed(&self) -> Vec<String> {
        let spells = self.spells();
        let all = AT_THE_TOKEN_ENDPOINT
            .into_iter()
            .chain(AT_THE_API)
            .chain([Trouble::Revoked]);
        all.filter(|&trouble| spells.iter().all(|spell| spell.trouble != trouble))
            .map(|trouble| format!("{trouble:?}"))
            .collect()
    }

    fn spells(&self) -> std::sync::MutexGuard<'_, Vec<Spell>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Fault {
    let headers = headers
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()));
    Fault::Answer(status, headers.collect(), body.to_owned())
}

/// Not the discovery, which the control plane reads now and then.
const API: [&str; 4] = ["/testbed/", "/api/", "/driver-proxy-api/", "/soak."];
const DENIED: &str = r#"{"error": "invalid_grant", "error_description": "there is no such user"}"#;
const FORBIDDEN: &str = r#"{"error_code": "PERMISSION_DENIED", "message": "this address is not allowed"}"#;
