use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use serde_json::json;

use super::reply;
use super::workspace::WORKSPACE_ID;
use crate::keys::SigningKey;
use crate::locked::Locked;
use crate::{Algorithm, random};

/// Every token that the workspace has issued.
#[derive(Default)]
pub(super) struct Tokens(Locked<HashMap<String, Issued>>);

struct Issued {
    claims: Arc<Claims>,
    revoked: bool,
}

/// What the workspace knows of a token.
pub(super) enum Standing {
    /// It was issued, and may be expired.
    Issued(Arc<Claims>),
    /// It was issued, and is worth nothing any more.
    Revoked,
    /// It is none of the workspace's.
    Unknown,
}

/// What a token of the workspace says.
#[derive(Clone)]
pub(super) struct Claims {
    pub(super) issuer: String,
    /// A user's name, or a service principal's application id.
    pub(super) identity: String,
    pub(super) client_id: Option<String>,
    pub(super) scope: String,
    pub(super) issued_at: u64,
    pub(super) expires_at: u64,
}

// === impl Tokens ===

impl Tokens {
    pub(super) fn issue(&self, claims: Claims, opaque: bool) -> String {
        let token = if opaque {
            format!("dkea{}", random::hex::<32>())
        } else {
            claims.sign()
        };
        let issued = Issued {
            claims: Arc::new(claims),
            revoked: false,
        };
        self.0.lock().insert(token.clone(), issued);
        token
    }

    pub(super) fn revoke_all(&self) {
        self.0
            .lock()
            .values_mut()
            .for_each(|issued| issued.revoked = true);
    }

    pub(super) fn find(&self, token: &str) -> Standing {
        match self.0.lock().get(token) {
            Some(issued) if issued.revoked => Standing::Revoked,
            Some(issued) => Standing::Issued(Arc::clone(&issued.claims)),
            None => Standing::Unknown,
        }
    }

    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().keys().cloned().collect()
    }
}

// === impl Claims ===

impl Claims {
    fn sign(&self) -> String {
        let header = json!({"alg": "RS256", "typ": "at+jwt", "kid": OWN_KEY.kid()});
        let payload = reply::without_nulls(json!({
            "iss": self.issuer,
            "aud": WORKSPACE_ID,
            "sub": self.identity,
            "client_id": self.client_id,
            "scope": self.scope,
            "iat": self.issued_at,
            "exp": self.expires_at,
            "jti": random::uuid(),
            "ver": "fake-1",
            "sid": random::hex::<64>(),
        }));
        OWN_KEY.sign(&header.to_string(), &payload.to_string())
    }
}

/// Nobody verifies a workspace's signature but the workspace, which looks its tokens up: one key serves them all.
static OWN_KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::Rs256));
