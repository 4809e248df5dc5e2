use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;

use testbed::{Databricks, Idp};

use super::trio;
use crate::harness::{Agent, Call, ME, forwarded, soon};

#[tokio::test]
async fn under_a_name_that_somebody_let_resolve_to_here_nothing_is_answered() {
    let (agent, databricks, _idp) = trio().await;
    let port = agent.address().port();
    for host in [
        "evil.example.com",
        "localhost.evil.example.com",
        "0.0.0.0",
        "192.0.2.1",
    ] {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            for target in [ME, "/.well-known/databricks-config", "/oidc/v1/token"] {
                let call = Call::get(target).bearer("anything").host(&host);
                let message = agent.send(call).await.failure(421, "FOREIGN_HOST");
                assert!(message.contains(&host), "{message}");
            }
        }
    }
    assert!(forwarded(&databricks).is_empty(), "not even an exchange");
    for host in ["localhost", "LocalHost:1", "127.0.0.1", "[::1]:8080"] {
        let call = Call::get(ME).host(host);
        assert_eq!(agent.send(call).await.user(), "alice", "{host}");
    }
}

#[tokio::test]
async fn no_web_page_of_another_origin_can_use_the_machines_jwt() {
    let (agent, databricks, _idp) = trio().await;
    let own = format!("http://{}", agent.address());
    let foreign = [
        ("origin", "https://evil.example.com"),
        ("origin", "http://127.0.0.1:1"),
        ("origin", "null"),
        // A link or an image in a page: no `Origin`, but browsers say where it stands.
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ];
    for (name, value) in foreign {
        for call in [
            Call::get(ME),
            Call::post("/api/2.0/sql/statements"),
            Call::get("/ws"),
        ] {
            let call = call.field(name, value);
            agent.send(call).await.failure(403, "FOREIGN_ORIGIN");
        }
    }
    let preflight = Call::new(http::Method::OPTIONS, ME)
        .field("origin", "https://evil.example.com")
        .field("access-control-request-method", "GET");
    agent.send(preflight).await.failure(403, "FOREIGN_ORIGIN");
    assert!(forwarded(&databricks).is_empty(), "not even an exchange");
    let call = Call::get(ME)
        .field("origin", &own)
        .field("sec-fetch-site", "same-origin");
    assert_eq!(agent.send(call).await.user(), "alice");
}

#[tokio::test]
async fn where_a_token_is_required_only_those_who_send_it_are_served() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let agent = Agent::in_front_of(&databricks, &idp)
        .jwt(&idp.mint("alice"))
        .file("secret", "0123456789abcdef\n")
        .with("--require-token={}/secret")
        .start()
        .await;
    let alice = idp.mint("alice");
    for sent in ["0123456789abcdee", "0123456789abcde", "0123456789abcdef0", &alice] {
        let call = Call::get(ME).bearer(sent);
        agent.send(call).await.failure(401, "NOT_A_LOCAL_TOKEN");
    }
    agent.send(Call::get(ME)).await.failure(401, "NOT_A_LOCAL_TOKEN");
    let two = Call::get(ME)
        .bearer("0123456789abcdef")
        .bearer("0123456789abcdef");
    agent.send(two).await.failure(401, "NOT_A_LOCAL_TOKEN");
    assert!(forwarded(&databricks).is_empty(), "not even an exchange");

    let bearer = Call::get(ME).bearer("0123456789abcdef");
    assert_eq!(agent.send(bearer).await.user(), "alice");
    let basic = Call::get(ME).field("authorization", "Basic dG9rZW46MDEyMzQ1Njc4OWFiY2RlZg==");
    assert_eq!(agent.send(basic).await.user(), "alice");
    for seen in forwarded(&databricks) {
        assert!(!format!("{seen:?}").contains("0123456789abcdef"), "it stays here");
    }
}

#[tokio::test]
async fn a_unix_socket_is_its_owners_alone_unless_told_otherwise() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    for (argument, mode) in [("--token-wait=0s", 0o600), ("--socket-mode=0660", 0o660)] {
        let agent = Agent::in_front_of(&databricks, &idp)
            .jwt(&idp.mint("alice"))
            .with("--socket={}/agent.sock")
            .with(argument)
            .start()
            .await;
        let path = agent.path("agent.sock");
        let permissions = std::fs::metadata(&path).unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, mode);
        let mut client = Agent::unix_client(&path).await;
        assert_eq!(client.send(Call::get(ME)).await.user(), "alice");
        let foreign = Call::get(ME).host("evil.example.com");
        client.send(foreign).await.failure(421, "FOREIGN_HOST");
    }
}

#[tokio::test]
async fn only_a_socket_on_which_nobody_listens_is_replaced() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.sock");
    let start = || {
        let agent = Agent::in_front_of(&databricks, &idp).jwt(&idp.mint("alice"));
        agent.with(&format!("--socket={}", path.display())).try_start()
    };

    std::fs::write(&path, "precious").unwrap();
    let refusal = start().err().expect("a file stays");
    assert!(refusal.contains("a file that is no socket"), "{refusal}");
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    std::fs::remove_file(&path).unwrap();

    let somebody = UnixListener::bind(&path).unwrap();
    let refusal = start().err().expect("somebody listens");
    assert!(refusal.contains("somebody listens there already"), "{refusal}");
    drop(somebody);

    assert!(path.exists(), "a stale one is left behind");
    let agent = start().expect("a stale one is replaced");
    soon(agent.health().ready()).await;
    let mut client = Agent::unix_client(&path).await;
    assert_eq!(client.send(Call::get(ME)).await.user(), "alice");
    drop(agent);
    assert!(!path.exists(), "an agent takes its own along");
}

#[tokio::test]
async fn beyond_this_machine_it_does_not_listen() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"] {
        let agent = Agent::in_front_of(&databricks, &idp).with(&format!("--listen={address}"));
        let refusal = agent.try_start().err().expect(address);
        assert!(refusal.contains("loopback addresses only"), "{refusal}");
    }
}
