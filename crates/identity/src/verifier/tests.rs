mod forged;
mod presented_again;
mod remembered;
mod rules;
mod second_opinion;
mod sources;
mod succession;

use serde_json::{Value, json};

use super::Verifier;
use crate::testing::{RSA, bearer, claims};
use crate::{Identity, Rejection};

async fn verify(verifier: &Verifier, token: &str) -> Result<Identity, Rejection> {
    verifier.verify(bearer(token)).await
}

/// The code of the refusal.
async fn refused(verifier: &Verifier, token: &str) -> &'static str {
    verify(verifier, token)
        .await
        .err()
        .map_or("accepted", |rejection| rejection.code())
}

/// A well-signed token whose claims are good but for `changes`.
fn token(changes: Value) -> String {
    RSA.sign(&claims(changes))
}

fn good_token() -> String {
    token(json!({}))
}
