//! What it costs to know who is calling: a token that was seen before, and one that never was, by its signature.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has failed")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use identity::{Audience, BearerToken, FixedKeys, Issuer, KeySource, Verifier};
use lakegate::config::Outbound;
use lakegate::outbound::{Clients, install_cryptography};
use testbed::{Algorithm, Idp};
use tokio::runtime::{Builder, Runtime};

/// Keys are fixed, so that nothing but the verifier runs.
fn verifier(idp: &Idp) -> Verifier {
    let issuer = Issuer {
        url: idp.issuer().to_owned(),
        audiences: vec![Audience("databricks-gateway".to_owned())],
        keys: KeySource::Fixed(FixedKeys::parse(idp.jwks().as_bytes()).expect("a key set")),
        identity_claims: None,
    };
    let http = Clients::build(&Outbound::default()).expect("a client").http;
    Verifier::builder(vec![issuer], http).build().0
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// A token of about 1 KB, as identity providers make them.
fn mint(idp: &Idp, algorithm: Algorithm, serial: u64) -> BearerToken {
    let groups = (0..8)
        .map(|n| format!("group-{n}-{serial:016x}"))
        .collect::<Vec<_>>();
    let token = idp
        .token("alice@example.com")
        .algorithm(algorithm)
        .claim("groups", groups.into());
    BearerToken::new(token.sign())
}

fn seen_before(c: &mut Criterion) {
    install_cryptography();
    let runtime = runtime();
    let idp = runtime.block_on(Idp::start());
    let verifier = verifier(&idp);
    let token = mint(&idp, Algorithm::Rs256, 0);
    runtime
        .block_on(verifier.verify(token.clone()))
        .expect("a good token");
    c.bench_function("a token seen before", |b| {
        b.iter(|| black_box(runtime.block_on(verifier.verify(token.clone())).is_ok()));
    });
}

fn never_seen(c: &mut Criterion) {
    let runtime = runtime();
    let idp = runtime.block_on(Idp::start());
    let verifier = verifier(&idp);
    for (name, algorithm) in [("RS256", Algorithm::Rs256), ("ES256", Algorithm::Es256)] {
        let mut serial = 0;
        c.bench_function(&format!("a token never seen, {name}"), |b| {
            let fresh = || {
                serial += 1;
                mint(&idp, algorithm, serial)
            };
            b.iter_batched(
                fresh,
                |token| runtime.block_on(verifier.verify(token)).is_ok(),
                BatchSize::SmallInput,
            );
        });
    }
}

criterion_group!(benches, seen_before, never_seen);
criterion_main!(benches);
