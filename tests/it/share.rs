use testbed::{Databricks, Idp};

use crate::harness::{Answer, Call, Gateway, GatewayBuilder, ME, eventually, forwarded};

/// The least share there is, so that it is used up by the second of two requests within a second.
const ONE: &str = "requests_per_second_per_subject = 1";

async fn duo() -> (Databricks, Idp) {
    let idp = Idp::start().await;
    (Databricks::start(&idp).await, idp)
}

fn shared(databricks: &Databricks, idp: &Idp) -> GatewayBuilder {
    Gateway::in_front_of(databricks, idp).server(ONE)
}

/// Calls until the share is used up: how many were served, and the refusal.
async fn until_refused(gateway: &Gateway, call: impl Fn(usize) -> Call) -> (usize, Answer) {
    let (mut served, mut refusal) = (0, None);
    eventually("the share is used up", async || {
        let answer = gateway.send(call(served)).await;
        if answer.status == 429 {
            refusal = Some(answer);
        } else {
            answer.user();
            served += 1;
        }
        refusal.is_some()
    })
    .await;
    (served, refusal.expect("a refusal"))
}

#[tokio::test]
async fn a_subject_beyond_its_share_is_told_so_while_another_is_served() {
    let (databricks, idp) = duo().await;
    let gateway = shared(&databricks, &idp).start().await;
    let token = idp.mint("alice");
    let (served, refusal) = until_refused(&gateway, |_| Call::get(ME).bearer(&token)).await;
    refusal.failure(429, "SUBJECT_LIMIT");
    assert_eq!(refusal.json()["error_code"], "RESOURCE_EXHAUSTED");
    assert_eq!(refusal.header("retry-after"), "1");
    assert_eq!(forwarded(&databricks).len(), served);

    assert_eq!(gateway.get(ME, &idp.mint("bob")).await.user(), "bob");
    eventually("she has something again", async || {
        gateway.get(ME, &token).await.status == 200
    })
    .await;
}

#[tokio::test]
async fn a_renewed_jwt_is_no_new_share() {
    let (databricks, idp) = duo().await;
    let gateway = shared(&databricks, &idp).start().await;
    let renewed = |nth| {
        let token = idp.token("alice").expires_at(4_000_000_000 + nth as u64).sign();
        Call::get(ME).bearer(&token)
    };
    until_refused(&gateway, renewed).await;
}

#[tokio::test]
async fn what_is_asked_of_one_workspace_takes_nothing_of_the_share_of_another() {
    let ((east, idp), west) = (duo().await, Databricks::builder());
    let west = west.policy(testbed::Policy::account_wide(&idp)).start().await;
    let gateway = shared(&east, &idp)
        .workspace("name = \"east\"\nhosts = [\"east.example.com\"]")
        .and_workspace(&west)
        .workspace("name = \"west\"\nhosts = [\"west.example.com\"]")
        .start()
        .await;
    let token = idp.mint("alice");
    let to = |host| Call::get(ME).bearer(&token).host(host);
    until_refused(&gateway, |_| to("east.example.com")).await;
    assert_eq!(gateway.send(to("west.example.com")).await.user(), "alice");
}

#[tokio::test]
async fn a_forged_token_uses_nothing_up() {
    let (databricks, idp) = duo().await;
    let gateway = shared(&databricks, &idp).start().await;
    for _ in 0..50 {
        let forgery = idp.token("alice").forge();
        gateway.get(ME, &forgery).await.failure(401, "JWT_BAD_SIGNATURE");
    }
    assert_eq!(gateway.get(ME, &idp.mint("alice")).await.user(), "alice");
}

#[tokio::test]
async fn what_is_beyond_a_share_costs_no_exchange() {
    let (databricks, idp) = duo().await;
    let builder = shared(&databricks, &idp).exchange("overlap = false");
    let gateway = builder.start().await;
    let another = |nth| {
        let token = idp.token("alice").expires_at(4_000_000_000 + nth as u64).sign();
        Call::get(ME).bearer(&token)
    };
    let (served, _) = until_refused(&gateway, another).await;
    assert_eq!(databricks.token_calls(), served as u64);
}

#[tokio::test]
async fn the_gateways_own_token_endpoint_is_not_counted() {
    let (databricks, idp) = duo().await;
    let gateway = shared(&databricks, &idp).start().await;
    let token = idp.mint("alice");
    let form = format!(
        "grant_type=urn:ietf:params:oauth:grant-type:token-exchange\
         &subject_token_type=urn:ietf:params:oauth:token-type:jwt&subject_token={token}"
    );
    let ask = async || gateway.send(Call::post("/oidc/v1/token").form(&form)).await;
    for _ in 0..5 {
        assert_eq!(ask().await.status, 200);
    }
    until_refused(&gateway, |_| Call::get(ME).bearer(&token)).await;
    assert_eq!(ask().await.status, 200);
}
