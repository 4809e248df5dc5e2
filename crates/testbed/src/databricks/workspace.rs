use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jsonwebtoken::get_current_timestamp;

use super::builder::Settings;
use super::policy::TrustedPolicy;
use super::seen::Records;
use super::sse::SteppedStreams;
use super::statements::Statements;
use super::storage::Storage;
use super::tokens::{Claims, Tokens};
use super::warehouse::Warehouse;
use crate::Faults;
use crate::locked::Locked;

/// What the workspace knows, apart from its sockets.
pub(super) struct Workspace {
    pub(super) url: String,
    /// The issuer of the workspace's own tokens.
    pub(super) issuer: String,
    pub(super) settings: Settings,
    pub(super) policies: Locked<Vec<TrustedPolicy>>,
    /// `None`: whoever a valid token names is a user.
    pub(super) users: Locked<Option<HashSet<String>>>,
    pub(super) tokens: Tokens,
    /// By `sub`.
    pub(super) exchanges: Locked<HashMap<String, u64>>,
    pub(super) token_calls: AtomicU64,
    pub(super) leaked_jwts: AtomicU64,
    pub(super) expired_tokens: AtomicU64,
    pub(super) strangers: AtomicU64,
    pub(super) records: Records,
    pub(super) storage: Storage,
    pub(super) streams: SteppedStreams,
    pub(super) statements: Statements,
    pub(super) warehouse: Warehouse,
    pub(super) skew: AtomicI64,
    pub(super) faults: Faults,
}

// === impl Workspace ===

impl Workspace {
    pub(super) fn new(url: &str, policies: Vec<TrustedPolicy>, settings: Settings) -> Self {
        Self {
            url: url.to_owned(),
            issuer: format!("{url}/oidc"),
            policies: Locked::new(policies),
            users: Locked::default(),
            tokens: Tokens::default(),
            exchanges: Locked::default(),
            token_calls: AtomicU64::new(0),
            leaked_jwts: AtomicU64::new(0),
            expired_tokens: AtomicU64::new(0),
            strangers: AtomicU64::new(0),
            records: Records::new(settings.forgetful),
            storage: Storage::default(),
            streams: SteppedStreams::default(),
            statements: Statements::default(),
            warehouse: Warehouse::default(),
            skew: AtomicI64::new(0),
            faults: Faults::default(),
            settings,
        }
    }

    /// Seconds since the epoch, by the workspace's clock.
    pub(super) fn now(&self) -> u64 {
        get_current_timestamp().saturating_add_signed(self.skew.load(Ordering::Relaxed))
    }

    pub(super) fn knows_user(&self, name: &str) -> bool {
        self.users
            .lock()
            .as_ref()
            .is_none_or(|users| users.contains(name))
    }

    pub(super) fn count_exchange(&self, subject: &str) {
        *self.exchanges.lock().entry(subject.to_owned()).or_default() += 1;
    }

    pub(super) fn issue_directly(&self, identity: &str) -> String {
        let now = self.now();
        self.issue(Claims {
            issuer: self.issuer.clone(),
            identity: identity.to_owned(),
            client_id: None,
            scope: DEFAULT_SCOPE.to_owned(),
            issued_at: now,
            expires_at: now.saturating_add(3600),
        })
    }

    pub(super) fn issue(&self, claims: Claims) -> String {
        self.tokens.issue(claims, self.settings.opaque_tokens)
    }
}

pub(super) const WORKSPACE_ID: &str = "7405600000000001";
pub(super) const ACCOUNT_ID: &str = "5ac7a0b2-6f4e-4c1d-9a57-0d9e5f3b8c21";
pub(super) const DEFAULT_SCOPE: &str = "all-apis";
