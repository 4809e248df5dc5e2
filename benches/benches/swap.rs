//! What it costs to swap a verified identity for a Databricks token that is in the cache.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has failed")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use exchange::{AccessToken, Exchange, ExchangeRequest, FederationPolicy, Grant, Scope, TokenEndpoint};
use identity::{Audience, BearerToken, Expiry, FixedKeys, Identity, Issuer, KeySource, UnixTime, Verifier};
use lakegate::config::Outbound;
use lakegate::outbound::{Clients, install_cryptography};
use testbed::Idp;
use tower::{Service as _, service_fn};

fn cache_hit(c: &mut Criterion) {
    install_cryptography();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let identity = runtime.block_on(identity());
    let endpoint = TokenEndpoint::at(
        "https://dbc-1.cloud.databricks.com/oidc/v1/token"
            .parse()
            .expect("a URL"),
    );
    let grant = Grant::new(endpoint, FederationPolicy::AccountWide, Scope::default());
    let http = Clients::build(&Outbound::default()).expect("a client").http;
    let mut exchange = {
        let _inside = runtime.enter();
        Exchange::builder(http).build_over(service_fn(|_| async {
            let far = Expiry(UnixTime::from_seconds(u64::from(u32::MAX)));
            Ok(AccessToken::new(&"t".repeat(1024), far).expect("a token"))
        }))
    };
    runtime
        .block_on(exchange.access_token(&identity, &grant))
        .expect("a token");
    c.bench_function("a cached Databricks token", |b| {
        b.iter(|| {
            let request = ExchangeRequest::new(identity.clone(), grant.clone());
            black_box(runtime.block_on(exchange.call(request)).is_ok())
        });
    });
}

async fn identity() -> Identity {
    let idp = Idp::start().await;
    let issuer = Issuer {
        url: idp.issuer().to_owned(),
        audiences: vec![Audience("databricks-gateway".to_owned())],
        keys: KeySource::Fixed(FixedKeys::parse(idp.jwks().as_bytes()).expect("a key set")),
        identity_claims: None,
    };
    let http = Clients::build(&Outbound::default()).expect("a client").http;
    let (verifier, _keys) = Verifier::builder(vec![issuer], http).build();
    verifier
        .verify(BearerToken::new(idp.mint("alice@example.com")))
        .await
        .expect("a good token")
}

criterion_group!(benches, cache_hit);
criterion_main!(benches);
