use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Header, TokenData, Validation};
use serde_json::{Map, Value};

use super::policy::TrustedPolicy;
use super::refusal::Refusal;
use super::workspace::{ACCOUNT_ID, Workspace};

/// A subject token (RFC 8693 section 2.1) that could be read; nothing in it is proven yet.
pub(super) struct Credential<'form> {
    token: &'form str,
    header: Header,
    claims: Map<String, Value>,
}

/// What a subject token is exchanged for.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    /// The subject token's `sub`.
    pub(super) subject: String,
    /// Whom the policy takes the caller for.
    pub(super) identity: String,
    pub(super) client_id: Option<String>,
    pub(super) scope: String,
    /// The subject token's `exp`.
    pub(super) expires_at: u64,
}

// === impl Credential ===

impl<'form> Credential<'form> {
    pub(super) fn parse(token: &'form str) -> Result<Self, Refusal> {
        let TokenData { header, claims, .. } = jsonwebtoken::dangerous::insecure_decode(token)
            .map_err(|_| Refusal::InvalidGrant("the subject token is not a JWT"))?;
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
            return Err(Refusal::InvalidGrant(
                "the subject token must be signed with RS256 or ES256",
            ));
        }
        if header.crit.is_some() {
            return Err(Refusal::InvalidGrant(
                "the subject token has critical parameters that are not understood",
            ));
        }
        Ok(Self {
            token,
            header,
            claims,
        })
    }

    /// Finds a policy that admits the token: of the service principal that `client_id` names, else of the account.
    pub(super) fn federate(
        &self,
        workspace: &Workspace,
        client_id: Option<&str>,
        scope: &str,
    ) -> Result<Grant, Refusal> {
        let policies = workspace.policies.lock().clone();
        let mut refusal = match client_id {
            None => Refusal::InvalidGrant(NO_POLICY),
            Some(_) => Refusal::InvalidClient,
        };
        for trusted in policies
            .iter()
            .filter(|trusted| trusted.policy.client_id() == client_id)
        {
            match self.admit(workspace, trusted, scope) {
                Ok(grant) => return Ok(grant),
                Err(closer) => refusal = closer,
            }
        }
        Err(refusal)
    }

    /// The order of these checks decides what a token with two faults is refused for.
    fn admit(&self, workspace: &Workspace, trusted: &TrustedPolicy, scope: &str) -> Result<Grant, Refusal> {
        let policy = &trusted.policy;
        if self.text("iss") != Some(policy.issuer.as_str()) {
            return Err(Refusal::InvalidGrant(NO_POLICY));
        }
        if !self.is_for(&policy.audiences) {
            return Err(Refusal::InvalidGrant(
                "no audience of the subject token is one of the policy's",
            ));
        }
        let identity = self.identity(workspace, trusted)?;
        self.verify_signature(&trusted.jwks())?;
        let expires_at = self.check_times(workspace.now())?;
        Ok(Grant {
            subject: self.text("sub").unwrap_or(&identity).to_owned(),
            client_id: policy.client_id().map(str::to_owned),
            scope: scope.to_owned(),
            identity,
            expires_at,
        })
    }

    /// `aud` is one text or several (RFC 7519 section 4.1.3).
    fn is_for(&self, audiences: &[String]) -> bool {
        let accepted = |audience: &Value| match audience.as_str() {
            None => false,
            Some(audience) if audiences.is_empty() => audience == ACCOUNT_ID,
            Some(audience) => audiences.iter().any(|accepted| accepted == audience),
        };
        match self.claims.get("aud") {
            Some(Value::Array(several)) => several.iter().any(accepted),
            Some(one) => accepted(one),
            None => false,
        }
    }

    /// Whom the policy takes the caller for: a known user, or the one service principal that it is about.
    fn identity(&self, workspace: &Workspace, trusted: &TrustedPolicy) -> Result<String, Refusal> {
        let claim = self
            .text(&trusted.policy.subject_claim)
            .filter(|name| !name.is_empty());
        let name = claim.ok_or(Refusal::InvalidGrant(
            "the subject token lacks the policy's subject claim",
        ))?;
        match &trusted.policy.service_principal {
            Some((client_id, subject)) if subject == name => Ok(client_id.clone()),
            Some(_) => Err(Refusal::InvalidGrant("the policy is for another subject")),
            None if workspace.knows_user(name) => Ok(name.to_owned()),
            None => Err(Refusal::InvalidGrant("there is no such user")),
        }
    }

    /// jsonwebtoken is an opinion independent of the gateway's own verifier.
    fn verify_signature(&self, jwks: &str) -> Result<(), Refusal> {
        let key = self
            .key(jwks)
            .ok_or(Refusal::InvalidGrant("the issuer has no such key"))?;
        let mut validation = Validation::new(self.header.alg);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        jsonwebtoken::decode::<Map<String, Value>>(self.token, &key, &validation)
            .map(drop)
            .map_err(|_| Refusal::InvalidGrant("the signature of the subject token does not verify"))
    }

    /// The key that `kid` names. That it is one for the token's algorithm, jsonwebtoken checks.
    fn key(&self, jwks: &str) -> Option<DecodingKey> {
        let kid = self.header.kid.as_deref()?;
        let set: Value = serde_json::from_str(jwks).ok()?;
        let mut keys = set.get("keys")?.as_array()?.iter();
        let named = keys.find(|key| key.get("kid").and_then(Value::as_str) == Some(kid))?;
        let jwk: Jwk = serde_json::from_value(named.clone()).ok()?;
        DecodingKey::from_jwk(&jwk).ok()
    }

    /// "Allowed clock skew: 0 milliseconds": expired at `exp`, not yet valid before `nbf` (RFC 7519 section 4.1.4, 4.1.5).
    fn check_times(&self, now: u64) -> Result<u64, Refusal> {
        let expires_at = self.claims.get("exp").and_then(Value::as_u64);
        let expires_at = expires_at.ok_or(Refusal::InvalidGrant("the subject token has no expiry"))?;
        if expires_at <= now {
            return Err(Refusal::InvalidGrant(
                "the subject token is expired; allowed clock skew: 0 milliseconds",
            ));
        }
        if self
            .claims
            .get("nbf")
            .and_then(Value::as_u64)
            .is_some_and(|not_before| not_before > now)
        {
            return Err(Refusal::InvalidGrant("the subject token is not valid yet"));
        }
        Ok(expires_at)
    }

    fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str()
    }
}

const NO_POLICY: &str = "no federation policy matches; ensure a valid federation policy has been configured";
