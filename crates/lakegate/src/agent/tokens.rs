use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use identity::{BearerToken, Clock};
use proxy::{NoToken, TokenSource};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::MachineToken;
use super::file::Stamp;
use super::jwt::Jwt;

/// This machine's JWT, the one of the moment. Cheap to clone.
///
/// A file is looked at on every use, and read when it has changed; a command is run when its JWT nears its end. That
/// happens on the control plane, one at a time, however many requests wait, and whoever leaves cancels nothing. What was
/// had serves for as long as it can, whatever becomes of its source.
#[derive(Clone)]
pub(crate) struct Tokens(Arc<Shared>);

struct Shared {
    source: MachineToken,
    /// How long a request waits for a JWT that is late.
    patience: Duration,
    clock: Clock,
    control_plane: Handle,
    held: Mutex<Option<Jwt>>,
    /// Whoever renews holds it. What is in it: the latest attempt, if that failed.
    turn: tokio::sync::Mutex<Option<Attempt>>,
}

/// An attempt that failed.
struct Attempt {
    at: Instant,
    why: String,
}

/// What is to be done about the JWT that is held.
enum State {
    /// Nothing.
    Fresh(BearerToken),
    /// It serves, while another one is fetched.
    Ageing(BearerToken),
    /// Another one comes first.
    Stale,
}

// === impl Tokens ===

impl Tokens {
    /// Nothing is looked at before somebody asks.
    pub(crate) fn new(source: MachineToken, patience: Duration, clock: Clock, control_plane: Handle) -> Self {
        if let MachineToken::File(file) = &source {
            file.warn_of_readers();
        }
        Self(Arc::new(Shared {
            source,
            patience,
            clock,
            control_plane,
            held: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }))
    }

    /// The JWT that there is now, without waiting for a later one.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn look(&self) -> Result<BearerToken, NoToken> {
        let shared = &self.0;
        match shared.state().await {
            State::Fresh(token) => Ok(token),
            State::Ageing(token) => {
                // Otherwise somebody is at it already.
                if shared.turn.try_lock().is_ok() {
                    drop(self.renewal());
                }
                Ok(token)
            }
            State::Stale => {
                let renewed = self.renewal().await;
                let renewed = renewed.unwrap_or_else(|_| Err("the agent is stopping".to_owned()));
                renewed.map_err(|why| NoToken {
                    why,
                    retry_after: RETRY_AFTER,
                })
            }
        }
    }

    /// On a task of its own, which goes on when nobody waits for it any more.
    fn renewal(&self) -> JoinHandle<Result<BearerToken, String>> {
        let shared = Arc::clone(&self.0);
        self.0.control_plane.spawn(async move { shared.renew().await })
    }

    async fn wait(&self) -> Result<BearerToken, NoToken> {
        let pause = self.0.source.pause();
        let until = Instant::now() + self.0.patience;
        loop {
            match self.look().await {
                Err(_) if Instant::now() + pause <= until => sleep(pause).await,
                outcome => return outcome,
            }
        }
    }
}

impl TokenSource for Tokens {
    fn token(&self) -> Pin<Box<dyn Future<Output = Result<BearerToken, NoToken>> + Send + '_>> {
        Box::pin(self.wait())
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

// === impl Shared ===

impl Shared {
    async fn state(&self) -> State {
        let Some(held) = self.held().clone() else {
            return State::Stale;
        };
        let now = self.clock.now();
        if !held.is_usable_at(now) || held.stamp != self.stamp().await {
            State::Stale
        } else if now < held.renew_at {
            State::Fresh(held.token)
        } else {
            State::Ageing(held.token)
        }
    }

    /// One attempt at a time, and after one that failed, none for a moment.
    async fn renew(&self) -> Result<BearerToken, String> {
        let mut latest = self.turn.lock().await;
        // Somebody may have had the turn before us.
        if let State::Fresh(token) = self.state().await {
            return Ok(token);
        }
        let recent = latest
            .as_ref()
            .filter(|attempt| attempt.at.elapsed() < self.source.pause());
        if let Some(recent) = recent {
            return self.make_do(&recent.why);
        }
        match self.fetch().await {
            Ok(jwt) => {
                tracing::info!(expires = %jwt.expiry.0, "this machine has a new JWT");
                *latest = None;
                *self.held() = Some(jwt.clone());
                Ok(jwt.token)
            }
            Err(why) => {
                if latest.as_ref().is_none_or(|attempt| attempt.why != why) {
                    tracing::warn!(%why, "no new JWT for this machine");
                }
                let outcome = self.make_do(&why);
                *latest = Some(Attempt {
                    at: Instant::now(),
                    why,
                });
                outcome
            }
        }
    }

    /// What is held, for as long as it will do: a file that is half written, or a command that fails, may be well soon.
    fn make_do(&self, why: &str) -> Result<BearerToken, String> {
        let now = self.clock.now();
        match &*self.held() {
            Some(held) if held.is_usable_at(now) => Ok(held.token.clone()),
            _ => Err(why.to_owned()),
        }
    }

    async fn fetch(&self) -> Result<Jwt, String> {
        let jwt = match &self.source {
            MachineToken::File(file) => {
                let file = file.clone();
                let read = self.control_plane.spawn_blocking(move || file.read()).await;
                read.unwrap_or_else(|_| Err("the agent is stopping".to_owned()))?
            }
            MachineToken::Command(command) => {
                let jwt = command.run().await?;
                jwt.renewed_before(command.margin, self.clock.now())
            }
        };
        let now = self.clock.now();
        if jwt.is_usable_at(now) {
            Ok(jwt)
        } else {
            Err(format!("{} {}", self.source, jwt.lateness(now)))
        }
    }

    async fn stamp(&self) -> Option<Stamp> {
        match &self.source {
            MachineToken::Command(_) => None,
            MachineToken::File(file) => {
                let file = file.clone();
                let stamp = self.control_plane.spawn_blocking(move || file.stamp());
                stamp.await.ok().flatten()
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Jwt>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a client is told to wait: the next attempt comes within it.
const RETRY_AFTER: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
