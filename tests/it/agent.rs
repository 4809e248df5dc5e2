// Who may use it: no web page, no other machine, and nobody without the token where one is asked for.
mod doors;
// What crosses: all that crosses a gateway.
mod kinds;
// Where the JWT comes from, and what happens while there is none.
mod source;

use testbed::{Authority, Databricks, Idp};

use crate::harness::{Agent, Call, Gateway, ME, forwarded, soon};

/// An agent in front of a workspace, with alice's JWT.
async fn trio() -> (Agent, Databricks, Idp) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let agent = Agent::in_front_of(&databricks, &idp).jwt(&idp.mint("alice"));
    (agent.start().await, databricks, idp)
}

#[tokio::test]
async fn requests_travel_under_the_machines_jwt_whatever_their_clients_send() {
    let (agent, databricks, idp) = trio().await;
    let mallory = format!("Bearer {}", idp.mint("mallory"));
    let credentials: [&[&str]; 6] = [
        &[],
        &["Bearer anything"],
        &["Basic dG9rZW46YW55dGhpbmc="],
        &["Digest username=x"],
        &[&mallory],
        &["Bearer one", "Bearer two"],
    ];
    for sent in credentials {
        let call = sent
            .iter()
            .fold(Call::get(ME), |call, value| call.field("authorization", value));
        assert_eq!(agent.send(call).await.user(), "alice", "{sent:?}");
    }
    for seen in forwarded(&databricks) {
        if seen.target == ME {
            let [authorization] = seen.values("authorization")[..] else {
                panic!("one credential goes upstream: {seen:?}");
            };
            assert!(!credentials.concat().contains(&authorization), "a client's own");
            assert_eq!(seen.identity.as_deref(), Some("alice"));
        }
    }
    assert_eq!(databricks.exchanges("alice"), 1);
    assert_eq!(databricks.exchanges("mallory"), 0);
}

#[tokio::test]
async fn a_rotation_in_the_middle_of_a_run_is_not_seen_and_each_request_has_the_jwt_of_its_moment() {
    let (agent, databricks, idp) = trio().await;
    let mut client = agent.client().await;
    for turn in 0..8 {
        let name = format!("job-{turn}");
        agent.rotate(&idp.token(&name).expires_in(60 + turn).sign());
        for _ in 0..10 {
            let answer = client.send(Call::get(ME).bearer("anything")).await;
            assert_eq!(answer.user(), name);
        }
        assert_eq!(databricks.exchanges(&name), 1);
    }
}

#[tokio::test]
async fn a_machines_jwt_is_verified_before_it_is_exchanged() {
    let (agent, databricks, idp) = trio().await;
    let refused = [
        (idp.token("alice").forge(), "JWT_BAD_SIGNATURE"),
        (idp.token("alice").audience("x").sign(), "JWT_WRONG_AUDIENCE"),
        (
            idp.token("alice").issuer("https://x.example.com").sign(),
            "JWT_UNKNOWN_ISSUER",
        ),
    ];
    for (jwt, reason) in refused {
        agent.rotate(&jwt);
        agent.send(Call::get(ME)).await.failure(401, reason);
    }
    assert_eq!(databricks.token_calls(), 0);
}

#[tokio::test]
async fn towards_a_gateway_the_jwt_is_shown_as_it_is_and_the_gateway_swaps_it() {
    let (idp, authority) = (Idp::start().await, Authority::new());
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .tls(&authority)
        .start()
        .await;
    let url = format!("https://localhost:{}", gateway.address().port());
    let agent = Agent::in_front_of_gateway(&url)
        .file("ca.pem", &authority.ca_pem())
        .with("--ca={}/ca.pem")
        .jwt(&idp.mint("alice"))
        .start()
        .await;
    let call = || Call::get(ME).bearer("anything");
    assert_eq!(agent.send(call()).await.user(), "alice");
    agent.rotate(&idp.mint("bob"));
    assert_eq!(agent.send(call()).await.user(), "bob");
    // What the gateway refuses is its own answer.
    agent.rotate(&idp.token("carol").audience("x").sign());
    agent.send(call()).await.failure(401, "JWT_WRONG_AUDIENCE");
    let exchanges = ["alice", "bob", "carol"].map(|name| databricks.exchanges(name));
    assert_eq!(exchanges, [1, 1, 0]);
}

#[tokio::test]
async fn a_gateway_that_nobody_vouches_for_is_shown_no_jwt() {
    let (idp, authority) = (Idp::start().await, Authority::new());
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .tls(&authority)
        .start()
        .await;
    let url = format!("https://localhost:{}", gateway.address().port());
    let agent = Agent::in_front_of_gateway(&url)
        .jwt(&idp.mint("alice"))
        .start()
        .await;
    agent
        .send(Call::get(ME))
        .await
        .failure(503, "UPSTREAM_UNREACHABLE");
    assert_eq!(databricks.token_calls(), 0);
}

#[tokio::test]
async fn drivers_that_want_to_exchange_a_token_themselves_are_told_to_go_on_without() {
    let (agent, databricks, idp) = trio().await;
    let form = format!(
        "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={}",
        idp.mint("alice")
    );
    let answer = soon(agent.send(Call::post("/oidc/v1/token").form(&form))).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"], "invalid_request");
    assert!(!answer.text().contains("eyJ"), "no JWT is given to anybody");
    assert_eq!(databricks.token_calls(), 0);
    let metadata = agent.send(Call::get("/.well-known/databricks-config")).await;
    let own = format!("http://{}/oidc", agent.address());
    assert_eq!(metadata.json()["oidc_endpoint"], own);
}
