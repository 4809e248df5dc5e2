//! Who is calling: a JWT in, a verified [`Identity`] out.
//!
//! [`Verifier`] is the front door. It accepts RS256 and ES256 (RFC 7518) from configured issuers
//! only, with keys from OpenID Connect discovery, a JWKS URL or a fixed set, and it refuses
//! everything else with a [`Rejection`] that tells a person how to mend it.
//!
//! ```
//! use identity::{Audience, BearerToken, Clock, FixedKeys, Issuer, KeySource, UnixTime, Verifier};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
//! # let tls = rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty());
//! # let tls = tls.with_no_client_auth();
//! # let http = reqwest::Client::builder().tls_backend_preconfigured(tls).build()?;
//! let jwks = br#"{"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "ec-1",
//!     "x": "Trky5q8Fzxi7vC_mEtTCkiQuO71pKo_MK6jRrac7wPg",
//!     "y": "ILXZXzqlbu1OwcW6KTeA9EoTEbcVNq9eKhNCZqwM0xQ"}]}"#;
//! let issuer = Issuer {
//!     url: "https://login.example.com".to_owned(),
//!     audiences: vec![Audience("databricks-gateway".to_owned())],
//!     keys: KeySource::Fixed(FixedKeys::parse(jwks)?), // or KeySource::Discovery
//!     identity_claims: None,
//! };
//! let (clock, hand) = Clock::manual(UnixTime::from_seconds(1_795_468_000));
//! let (verifier, refresh) = Verifier::builder(vec![issuer], http).clock(clock).build();
//! tokio::spawn(refresh.run()); // fetches keys; here there is nothing to fetch
//!
//! let token = BearerToken::new("eyJhbGciOiJFUzI1NiIsImtpZCI6ImVjLTEiLCJ0eXAiOiJKV1QifQ.eyJhdWQiOiJkYXRhYnJpY2tzLWdhd\
//!     GV3YXkiLCJleHAiOjE3OTU0NzEyMDAsImlhdCI6MTc5NTQ2NzYwMCwiaXNzIjoiaHR0cHM6Ly9sb2dpbi5leGFtcGxlLmNvbSIsInN1YiI6I\
//!     mFsaWNlQGV4YW1wbGUuY29tIn0.HXmqdTYEKadp63Nk4Uh27Vafnj7dDitA3xroLqTTJVh8Sw3wIgTy74C3RV9yKUkyhljBGlgcSFuX96vy1\
//!     vUGhQ");
//! let identity = verifier.verify(token.clone()).await?;
//! assert_eq!(identity.subject().as_str(), "alice@example.com");
//!
//! hand.set(UnixTime::from_seconds(1_795_471_920));
//! let rejection = verifier.verify(token).await.unwrap_err();
//! assert_eq!(rejection.code(), "JWT_EXPIRED");
//! assert_eq!(
//!     rejection.to_string(),
//!     "the token expired 12 minutes ago, at 2026-11-23T22:00:00Z; get a new one from the identity provider"
//! );
//! # Ok(())
//! # }
//! ```

mod algorithm;
mod base64url;
mod bearer;
mod claims;
mod clock;
mod digest;
mod facts;
mod fetch;
mod issuer;
mod jwk;
mod jws;
mod key;
mod key_set;
mod keys;
mod last_token;
mod members;
mod memory;
mod provider;
mod refresh;
mod rejection;
mod roca;
#[cfg(test)]
mod testing;
mod verifier;
#[cfg(test)]
mod wycheproof;

pub use bearer::BearerToken;
pub use clock::{Clock, ManualClock, UnixTime};
pub use facts::{Expiry, Identity, Subject, SubjectDigest};
pub use issuer::{Audience, FixedKeys, Issuer, KeySource};
pub use last_token::LastToken;
pub use rejection::{Foreign, Freshness, Quoted, Rejection};
pub use verifier::{IssuerHealth, KeyRefresh, Verifier, VerifierBuilder};
