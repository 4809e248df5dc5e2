use testbed::{Databricks, ExpiresIn, Policy, Refusals};

use super::*;

fn grant(databricks: &Databricks) -> Grant {
    let endpoint = TokenEndpoint::workspace(&databricks.url().parse().unwrap());
    Grant::new(endpoint, crate::FederationPolicy::AccountWide, Scope::default())
}

#[tokio::test]
async fn the_fake_workspace_grants_what_the_client_asks_for() {
    let callers = Callers::new().await;
    for builder in [
        Databricks::builder(),
        Databricks::builder().opaque_tokens(),
        Databricks::builder().expires_in(ExpiresIn::Text),
        Databricks::builder().expires_in(ExpiresIn::Absent),
    ] {
        let databricks = builder.trust(&callers.idp).start().await;
        let token = exchanged(&callers, DEADLINE, grant(&databricks)).await.unwrap();
        let life = token
            .expiry()
            .0
            .since(UnixTime::from_seconds(callers.now))
            .as_secs();
        assert!((3_500..=3_600).contains(&life), "{life}");
        assert_eq!((databricks.exchanges("alice"), databricks.leaked_jwts()), (1, 0));
    }
}

#[tokio::test]
async fn a_service_principal_is_granted_by_its_own_policy() {
    let callers = Callers::new().await;
    let policy = Policy {
        service_principal: Some(("sp-1".to_owned(), "alice".to_owned())),
        ..Policy::account_wide(&callers.idp)
    };
    let databricks = Databricks::builder().policy(policy).start().await;
    let with = |client_id| {
        Grant::new(
            grant(&databricks).endpoint().clone(),
            service_principal(client_id),
            Scope::default(),
        )
    };
    exchanged(&callers, DEADLINE, with("sp-1")).await.unwrap();
    let error = exchanged(&callers, DEADLINE, with("sp-2")).await.unwrap_err();
    assert_eq!(error.code(), "EXCHANGE_DENIED");
}

#[tokio::test]
async fn a_refusal_is_understood_in_either_wording() {
    let callers = Callers::new().await;
    for (refusals, status, code) in [
        (Refusals::OAuth, 400, "invalid_grant"),
        (Refusals::Databricks, 401, "TOKEN_INVALID"),
    ] {
        let databricks = Databricks::builder()
            .trust(&callers.idp)
            .refusals(refusals)
            .start()
            .await;
        databricks.set_users(&["bob"]);
        let error = exchanged(&callers, DEADLINE, grant(&databricks))
            .await
            .unwrap_err();
        let ExchangeError::Denied(denial) = error else {
            panic!("{error}")
        };
        assert_eq!((denial.status, denial.code.as_str()), (status, code));
        assert!(!denial.message.is_empty());
        assert_eq!(databricks.token_calls(), 1);
    }
}
