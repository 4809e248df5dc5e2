use std::fs;

use http::StatusCode;
use testbed::{Databricks, Idp};
use tokio::task::JoinSet;

use super::trio;
use crate::harness::{Agent, Call, ME, eventually, soon};

#[tokio::test]
async fn a_request_waits_for_a_rotation_that_is_late() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let agent = Agent::in_front_of(&databricks, &idp)
        .jwt(&idp.token("alice").expires_in(-10).sign())
        .with("--token-wait=1m")
        .start()
        .await;
    let mut client = agent.client().await;
    let late = tokio::spawn(async move { client.send(Call::get(ME).bearer("anything")).await });
    eventually("a request that waits", async || {
        agent.health().counters().in_flight == 1
    })
    .await;
    agent.rotate(&idp.mint("alice"));
    assert_eq!(soon(late).await.unwrap().user(), "alice");
}

#[tokio::test]
async fn without_a_usable_jwt_the_answer_says_what_is_wrong_with_it_and_that_another_may_come() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let agent = Agent::in_front_of(&databricks, &idp)
        .with("--token-wait=0s")
        .start()
        .await;
    let path = agent.path("jwt");
    let file = path.display().to_string();
    let contents = [
        (None, "cannot be read: No such file or directory".to_owned()),
        (Some(String::new()), format!("{file} is empty")),
        (Some("\n \n".to_owned()), format!("{file} is empty")),
        (
            Some("dapi0123456789".to_owned()),
            "the token was issued by Databricks".to_owned(),
        ),
        (
            Some("<html>".to_owned()),
            format!("{file} holds no JWT that could be used: the token is not a JWT"),
        ),
        (
            Some(idp.token("alice").expires_in(-10).sign()),
            format!("{file} holds a JWT that expired at 20"),
        ),
        (
            Some(idp.token("alice").expires_in(4).sign()),
            "too soon to be used".to_owned(),
        ),
        (Some("x".repeat(100_000)), "the token has 65536 bytes".to_owned()),
    ];
    for (content, why) in contents {
        if let Some(content) = &content {
            fs::write(&path, content).unwrap();
        }
        // Between two looks at a file that is no good there is a moment.
        let mut message = String::new();
        eventually(&why, async || {
            message = agent.send(Call::get(ME)).await.failure(503, "NO_MACHINE_TOKEN");
            message.contains(&why)
        })
        .await;
        assert!(
            message.starts_with("this machine has no usable JWT at present: "),
            "{message}"
        );
        let (status, page) = agent.admin("/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(
            page.starts_with("not ready: no usable JWT: ") && page.contains(&why),
            "{page}"
        );
    }
    agent.rotate(&idp.mint("alice"));
    eventually("readiness", async || {
        agent.admin("/readyz").await.0 == StatusCode::OK
    })
    .await;
    assert_eq!(agent.send(Call::get(ME)).await.user(), "alice");
    assert_eq!(databricks.token_calls(), 1);
}

#[tokio::test]
async fn a_file_that_is_half_written_or_gone_for_a_moment_harms_nobody() {
    let (agent, _databricks, idp) = trio().await;
    let mut client = agent.client().await;
    assert_eq!(client.send(Call::get(ME)).await.user(), "alice");
    let next = idp.mint("bob");
    for content in ["", &next[..next.len() / 2]] {
        fs::write(agent.path("jwt"), content).unwrap();
        assert_eq!(
            client.send(Call::get(ME)).await.user(),
            "alice",
            "the last good one"
        );
    }
    fs::remove_file(agent.path("jwt")).unwrap();
    assert_eq!(client.send(Call::get(ME)).await.user(), "alice");
    agent.rotate(&next);
    eventually("the new one", async || {
        client.send(Call::get(ME)).await.user() == "bob"
    })
    .await;
}

#[tokio::test]
async fn a_symbolic_link_that_is_exchanged_is_noticed() {
    let (agent, _databricks, idp) = trio().await;
    for (folder, name) in [("one", "job-1"), ("two", "job-2")] {
        fs::create_dir(agent.path(folder)).unwrap();
        fs::write(agent.path(folder).join("token"), idp.mint(name)).unwrap();
    }
    // As Kubernetes does: the file links through `..data`, which is exchanged.
    let link = |to: &str| {
        std::os::unix::fs::symlink(to, agent.path("next")).unwrap();
        fs::rename(agent.path("next"), agent.path("..data")).unwrap();
    };
    link("one");
    fs::remove_file(agent.path("jwt")).unwrap();
    std::os::unix::fs::symlink("..data/token", agent.path("jwt")).unwrap();
    assert_eq!(agent.send(Call::get(ME)).await.user(), "job-1");
    link("two");
    assert_eq!(agent.send(Call::get(ME)).await.user(), "job-2");
}

/// Adds a line to `runs` each time it is run.
const SCRIPT: &str = "#!/bin/sh\necho run >> \"$(dirname \"$0\")/runs\"\n";

async fn by_command(script: &str, arguments: &[&str]) -> (Agent, Databricks, Idp) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let agent = Agent::in_front_of(&databricks, &idp)
        .file("jwt", &idp.mint("alice"))
        .file("fetch", &format!("{SCRIPT}{script}"))
        .with("--token-command=/bin/sh {}/fetch 'not a {}; $(word) >'");
    let agent = arguments
        .iter()
        .fold(agent, |agent, argument| agent.with(argument));
    (agent.start().await, databricks, idp)
}

fn runs(agent: &Agent) -> usize {
    let runs = fs::read_to_string(agent.path("runs")).unwrap_or_default();
    runs.lines().count()
}

#[tokio::test]
async fn a_command_is_run_once_however_many_wait_and_not_again_before_its_jwt_nears_its_end() {
    let (agent, _databricks, _idp) = by_command("cat \"$(dirname \"$0\")/jwt\"\n", &[]).await;
    let mut calls = JoinSet::new();
    for _ in 0..20 {
        let mut client = agent.client().await;
        calls.spawn(async move { client.send(Call::get(ME)).await });
    }
    for answer in calls.join_all().await {
        assert_eq!(answer.user(), "alice");
    }
    assert_eq!(runs(&agent), 1);
    assert_eq!(agent.send(Call::get(ME)).await.user(), "alice");
    assert_eq!(runs(&agent), 1);
}

#[tokio::test]
async fn no_shell_reads_a_command_unless_it_is_asked_to() {
    let script = "printf %s \"$1\" > \"$(dirname \"$0\")/word\"; cat \"$(dirname \"$0\")/jwt\"\n";
    let (agent, _databricks, _idp) = by_command(script, &[]).await;
    assert_eq!(agent.send(Call::get(ME)).await.user(), "alice");
    let word = fs::read_to_string(agent.path("word")).unwrap();
    assert!(word.ends_with("; $(word) >"), "{word}");

    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let agent = Agent::in_front_of(&databricks, &idp)
        .jwt(&idp.mint("alice"))
        .with("--token-command=cat {}/jwt | tr -d '\\n' && echo")
        .with("--token-shell")
        .start()
        .await;
    assert_eq!(agent.send(Call::get(ME)).await.user(), "alice");
}

#[tokio::test]
async fn a_command_that_hangs_is_ended_with_all_that_it_has_started() {
    let script = "sleep 600 & echo $! > \"$(dirname \"$0\")/pid\"; wait\n";
    let arguments = ["--token-timeout=300ms", "--token-wait=0s"];
    let (agent, _databricks, _idp) = by_command(script, &arguments).await;
    let message = agent.send(Call::get(ME)).await.failure(503, "NO_MACHINE_TOKEN");
    assert!(
        message.ends_with("the token command took longer than 0.3 s"),
        "{message}"
    );
    let mut pid = String::new();
    eventually("a process", async || {
        pid = fs::read_to_string(agent.path("pid")).unwrap_or_default();
        pid.ends_with('\n')
    })
    .await;
    eventually("its end", async || !is_alive(pid.trim())).await;
}

/// A process that has ended and is not yet awaited by anybody is not alive.
fn is_alive(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = status.rsplit(") ").next().unwrap_or_default();
    !state.is_empty() && !state.starts_with('Z')
}

#[tokio::test]
async fn a_command_that_fails_is_told_of_without_a_word_of_its_output() {
    let failing = [
        (
            "echo eyJhbGciOi; exit 3\n",
            "the token command failed: exit status: 3",
        ),
        ("exit 0\n", "the output of the token command is empty"),
        (
            "echo secret\n",
            "the output of the token command holds no JWT that could be used",
        ),
    ];
    for (script, why) in failing {
        let (agent, _databricks, _idp) = by_command(script, &["--token-wait=0s"]).await;
        let message = agent.send(Call::get(ME)).await.failure(503, "NO_MACHINE_TOKEN");
        assert!(message.contains(why), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
}
