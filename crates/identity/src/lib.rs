//! Who is calling: a JWT in, a verified [`Identity`] out.
//!
//! [`Verifier`] is the front door. It accepts RS256 and ES256 (RFC 7518) from configured issuers
//! only, with keys from OpenID Connect discovery, a JWKS URL or a fixed set, and it refuses
//! everything else with a [`Rejection`] that tells a person how to mend it.

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
mod members;
mod memory;
mod provider;
mod refresh;
mod rejection;
mod roca;
mod verifier;

pub use bearer::BearerToken;
pub use clock::{Clock, ManualClock, UnixTime};
pub use facts::{Expiry, Identity, Subject, SubjectDigest};
pub use issuer::{Audience, FixedKeys, Issuer, KeySource};
pub use rejection::{Freshness, Quoted, Rejection};
pub use verifier::{IssuerHealth, KeyRefresh, Verifier, VerifierBuilder};
