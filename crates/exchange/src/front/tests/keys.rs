use serde_json::json;

use super::*;

#[tokio::test]
async fn two_callers_whose_tokens_end_in_the_same_second_do_not_share() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let exchange = over(&callers, endpoint.granting(3600, &callers));
    let (alice, bob) = (callers.identity("alice").await, callers.identity("bob").await);
    assert_eq!(alice.expiry(), bob.expiry());

    for _ in 0..2 {
        assert!(text(&exchange.access_token(&alice, &grant()).await.unwrap()).contains("alice|"));
        assert!(text(&exchange.access_token(&bob, &grant()).await.unwrap()).contains("bob|"));
    }
    assert_eq!(endpoint.exchanges(), 2);
}

#[tokio::test]
async fn two_tokens_of_one_caller_share_if_they_end_in_the_same_second() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let exchange = over(&callers, endpoint.granting(3600, &callers));
    let (one, other) = (callers.identity("alice").await, callers.identity("alice").await);
    assert_ne!(one.token(), other.token());

    exchange.access_token(&one, &grant()).await.unwrap();
    exchange.access_token(&other, &grant()).await.unwrap();
    assert_eq!(endpoint.exchanges(), 1);
}

#[tokio::test]
async fn without_overlap_two_tokens_of_one_caller_do_not_share_if_they_end_at_different_times() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let exchange = Exchange::builder(http())
        .clock(callers.clock.clone())
        .overlap(false)
        .build_over(endpoint.granting(7200, &callers));
    for seconds in [3600, 3601] {
        let identity = callers.identity_for("alice", seconds).await;
        let token = exchange.access_token(&identity, &grant()).await.unwrap();
        assert_eq!(token.expiry(), identity.expiry());
    }
    assert_eq!(endpoint.exchanges(), 2);
}

#[tokio::test]
async fn a_claim_that_a_policy_could_decide_by_makes_another_caller() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let exchange = over(&callers, endpoint.granting(3600, &callers));
    for groups in [json!(["readers"]), json!(["owners"])] {
        let jwt = callers
            .idp
            .token("alice")
            .claim("groups", groups)
            .expires_at(callers.now + 3600)
            .sign();
        exchange
            .access_token(&callers.verify(jwt).await.unwrap(), &grant())
            .await
            .unwrap();
    }
    assert_eq!(endpoint.exchanges(), 2);
}

#[tokio::test]
async fn one_caller_gets_another_token_for_another_scope_endpoint_or_client_id() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let exchange = over(&callers, endpoint.granting(3600, &callers));
    let alice = callers.identity("alice").await;
    let (workspace, policy, scope) = (
        grant().endpoint().clone(),
        FederationPolicy::AccountWide,
        Scope::default(),
    );
    let elsewhere = TokenEndpoint::at("https://other.invalid/oidc/v1/token".parse().unwrap());
    let grants = [
        Grant::new(workspace.clone(), policy.clone(), scope.clone()),
        Grant::new(workspace.clone(), policy.clone(), Scope::new("sql").unwrap()),
        Grant::new(workspace.clone(), service_principal("sp-1"), scope.clone()),
        Grant::new(workspace, service_principal("sp-2"), scope.clone()),
        Grant::new(elsewhere, policy, scope),
    ];
    for _ in 0..2 {
        for grant in &grants {
            let token = text(&exchange.access_token(&alice, grant).await.unwrap());
            let client_id = grant.policy().client_id().map_or("-", |id| id.as_str());
            let expected = format!(
                "|{}|{client_id}|{}|",
                grant.endpoint().url(),
                grant.scope().as_str()
            );
            assert!(token.contains(&expected), "{token}");
        }
    }
    assert_eq!(endpoint.exchanges(), grants.len());
}

#[tokio::test]
async fn a_forged_token_with_the_subject_and_expiry_of_a_victim_reaches_nothing() {
    let (callers, endpoint) = (Callers::new().await, Endpoint::open());
    let exchange = over(&callers, endpoint.granting(3600, &callers));
    exchange
        .access_token(&callers.identity("victim").await, &grant())
        .await
        .unwrap();

    let forged = callers.idp.token("victim").expires_at(callers.now + 3600).forge();
    callers.verify(forged).await.unwrap_err();

    assert_eq!((exchange.stats().hits, endpoint.exchanges()), (0, 1));
}
