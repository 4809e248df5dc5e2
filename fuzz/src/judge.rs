use std::sync::LazyLock;

use identity::{
    Audience, BearerToken, Clock, FixedKeys, Identity, Issuer, KeySource, Rejection, UnixTime, Verifier,
};
use lakegate::config::Outbound;
use lakegate::outbound::{Clients, install_cryptography};
use tokio::runtime::{Builder, Runtime};

/// The one issuer that is configured.
pub(crate) const ISSUER: &str = "https://login.example.com";
/// The one audience that is accepted.
pub(crate) const AUDIENCE: &str = "databricks-gateway";
/// What time it is.
pub(crate) const NOW: u32 = 1_795_468_000;

/// A gateway's verifier without a gateway: judges tokens of [`ISSUER`] at [`NOW`].
pub(crate) struct Judge {
    verifier: Verifier,
    runtime: Runtime,
}

impl Judge {
    /// With these keys, which are never fetched.
    pub(crate) fn new(keys: FixedKeys) -> Self {
        let issuer = Issuer {
            url: ISSUER.to_owned(),
            audiences: vec![Audience(AUDIENCE.to_owned())],
            keys: KeySource::Fixed(keys),
            identity_claims: None,
        };
        let runtime = Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        let (clock, _) = Clock::manual(UnixTime::from_seconds(NOW.into()));
        let (verifier, _) = Verifier::builder(vec![issuer], CLIENTS.http.clone())
            .clock(clock)
            .build();
        Self { verifier, runtime }
    }

    /// The verdict. A refusal's message can be put into a header, a log and a terminal, and does not hold the token.
    pub(crate) fn judge(&self, token: &[u8]) -> Result<Identity, Rejection> {
        let verdict = self
            .runtime
            .block_on(self.verifier.verify(BearerToken::new(token.to_vec())));
        if let Err(rejection) = &verdict {
            let message = rejection.to_string();
            assert!(
                message.len() < 1024 && !message.chars().any(char::is_control),
                "{message:?}"
            );
            // What is no credential may be a part of our own sentence; the fuzzer has found one.
            let is_a_secret = token.len() >= 32 && !token.contains(&b' ');
            let told = message.as_bytes();
            assert!(!is_a_secret || !told.windows(token.len()).any(|part| part == token));
        }
        verdict
    }

    /// How many keys there are.
    pub(crate) fn keys(&self) -> usize {
        self.verifier.health().iter().map(|issuer| issuer.keys).sum()
    }
}

/// Built once, and never asked for anything.
pub(crate) static CLIENTS: LazyLock<Clients> = LazyLock::new(|| {
    install_cryptography();
    Clients::build(&Outbound::default()).expect("clients")
});

/// The token in the documentation of `identity`, good at [`NOW`]. Its private key is gone, so nobody can make another.
pub(crate) const DOCUMENTED: &[u8] = b"eyJhbGciOiJFUzI1NiIsImtpZCI6ImVjLTEiLCJ0eXAiOiJKV1QifQ.eyJhdWQiOiJkYXRhYnJpY2t\
    zLWdhdGV3YXkiLCJleHAiOjE3OTU0NzEyMDAsImlhdCI6MTc5NTQ2NzYwMCwiaXNzIjoiaHR0cHM6Ly9sb2dpbi5leGFtcGxlLmNvbSIsInN1Yi\
    I6ImFsaWNlQGV4YW1wbGUuY29tIn0.HXmqdTYEKadp63Nk4Uh27Vafnj7dDitA3xroLqTTJVh8Sw3wIgTy74C3RV9yKUkyhljBGlgcSFuX96vy\
    1vUGhQ";

/// The key that has signed it.
pub(crate) const DOCUMENTED_KEY: &str = r#"{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"ec-1",
    "x":"Trky5q8Fzxi7vC_mEtTCkiQuO71pKo_MK6jRrac7wPg","y":"ILXZXzqlbu1OwcW6KTeA9EoTEbcVNq9eKhNCZqwM0xQ"}"#;
