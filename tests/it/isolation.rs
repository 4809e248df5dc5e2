use testbed::{Algorithm, Databricks, Idp, Policy};
use tokio::task::JoinSet;

use crate::harness::{Call, Gateway, ME, forwarded, trio};

#[tokio::test]
async fn a_forgery_of_a_cached_caller_gets_nothing() {
    let (gateway, databricks, idp) = trio().await;
    let token = || idp.token("alice").expires_at(4_000_000_000);
    assert_eq!(gateway.get(ME, &token().sign()).await.user(), "alice");
    let (calls, seen) = (databricks.token_calls(), forwarded(&databricks).len());

    let genuine = token().sign();
    let (unsigned, signature) = genuine.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let forgeries = [
        token().forge(),
        token().algorithm(Algorithm::Es256).forge(),
        format!("{unsigned}.{flipped}{}", &signature[1..]),
        format!("{unsigned}."),
    ];
    for forgery in forgeries {
        gateway.get(ME, &forgery).await.failure(401, "JWT_BAD_SIGNATURE");
    }
    assert_eq!(
        (databricks.token_calls(), forwarded(&databricks).len()),
        (calls, seen)
    );
}

#[tokio::test]
async fn two_users_whose_tokens_end_in_the_same_second_are_two_users() {
    let (gateway, _, idp) = trio().await;
    for user in ["alice", "bob", "alice", "bob", "alic", "alicee", "ALICE"] {
        let token = idp.token(user).expires_at(4_000_000_000).sign();
        assert_eq!(gateway.get(ME, &token).await.user(), user);
    }
}

#[tokio::test]
async fn callers_who_differ_in_any_claim_that_a_policy_may_ask_for_are_not_one() {
    let idp = Idp::start().await;
    let databricks = Databricks::builder()
        .policy(Policy {
            subject_claim: "email".to_owned(),
            ..Policy::account_wide(&idp)
        })
        .start()
        .await;
    let gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    for email in ["alice@example.com", "bob@example.com"] {
        let token = idp
            .token("shared")
            .claim("email", email.into())
            .expires_at(4_000_000_000);
        assert_eq!(gateway.get(ME, &token.sign()).await.user(), email);
    }
}

#[tokio::test]
async fn fifty_users_at_once_each_see_themselves() {
    let (gateway, databricks, idp) = trio().await;
    let users: Vec<_> = (0..50)
        .map(|number| format!("user-{number}@example.com"))
        .collect();
    let token = |user: &String| idp.token(user).expires_at(4_000_000_000).sign();
    let calls: Vec<_> = users
        .iter()
        .map(|user| (user.clone(), Call::get(ME).bearer(&token(user))))
        .collect();

    // Ten connections, each of which carries every user, beginning with another one.
    let mut clients = JoinSet::new();
    for start in 0..10 {
        let (mut client, mut calls) = (gateway.client().await, calls.clone());
        calls.rotate_left(start * 5);
        clients.spawn(async move {
            for (user, call) in calls {
                assert_eq!(client.send(call).await.user(), user);
            }
        });
    }
    clients.join_all().await;
    for user in &users {
        assert_eq!(databricks.exchanges(user), 1, "{user}");
    }
}

#[tokio::test]
async fn workspaces_never_share_a_token() {
    let idp = Idp::start().await;
    let (east, west) = (Databricks::start(&idp).await, Databricks::start(&idp).await);
    let gateway = Gateway::in_front_of(&east, &idp)
        .workspace("name = \"east\"\nhosts = [\"east.example.com\"]")
        .and_workspace(&west)
        .workspace("name = \"west\"\nhosts = [\"west.example.com\"]")
        .start()
        .await;
    let token = idp.mint("alice");
    let mut client = gateway.client().await;
    for _ in 0..3 {
        for host in ["east.example.com", "west.example.com"] {
            let call = Call::get(ME).bearer(&token).host(host);
            // Each workspace refuses a token of the other.
            assert_eq!(client.send(call).await.user(), "alice");
        }
    }
    for databricks in [&east, &west] {
        assert_eq!(databricks.exchanges("alice"), 1);
        assert_eq!(forwarded(databricks).len(), 3);
    }
}

#[tokio::test]
async fn issuers_that_name_the_same_subject_are_told_apart() {
    let (here, there) = (Idp::start().await, Idp::start().await);
    let databricks = Databricks::builder()
        .trust(&here)
        .policy(Policy {
            subject_claim: "email".to_owned(),
            ..Policy::account_wide(&there)
        })
        .start()
        .await;
    let gateway = Gateway::in_front_of(&databricks, &here)
        .and_issuer(there.issuer())
        .start()
        .await;
    let token = |idp: &Idp| {
        idp.token("admin")
            .claim("email", "guest".into())
            .expires_at(4_000_000_000)
            .sign()
    };
    assert_eq!(gateway.get(ME, &token(&here)).await.user(), "admin");
    assert_eq!(gateway.get(ME, &token(&there)).await.user(), "guest");
    assert_eq!(gateway.get(ME, &token(&here)).await.user(), "admin");
}
