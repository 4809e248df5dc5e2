use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use serde_json::json;

use super::reply;
use super::workspace::WORKSPACE_ID;
use crate::keys::SigningKey;
use crate::locked::Locked;
use crate::{Algorithm, random};

/// The tokens that the workspace has issued and not yet forgotten.
#[derive(Default)]
pub(super) struct Tokens(Locked<HashMap<String, Arc<Claims>>>);

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
        self.0.lock().insert(token.clone(), Arc::new(claims));
        token
    }

    pub(super) fn revoke_all(&self) {
        self.0.lock().clear();
    }

    /// What an issued token says, expired or not.
    pub(super) fn find(&self, token: &str) -> Option<Arc<Claims>> {
        self.0.lock().get(token).cloned()
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
