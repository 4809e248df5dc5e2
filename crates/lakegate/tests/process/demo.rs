//! What a newcomer starts first.

use super::harness::{Process, SOON};

#[test]
fn the_demo_makes_one_real_call_and_tells_what_happened() {
    let (status, lines) = Process::start(&["demo", "--once"]).end();
    let story = lines.join("\n");
    assert_eq!(status.code(), Some(0), "{story}");
    for sentence in [
        "alice@example.com has a JWT of her own identity provider",
        "answers 200 OK {\"userName\": \"alice@example.com\", …}",
        "The same call again: 200 OK",
        "Exchanges at the workspace so far: 1.",
        "JWTs of the identity provider that reached the workspace's API: 0.",
        "curl -H \"Authorization: Bearer $JWT\" http://127.0.0.1:",
        "DATABRICKS_HOST=http://127.0.0.1:",
    ] {
        assert!(story.contains(sentence), "{sentence}: {story}");
    }
}

#[test]
fn the_demo_stays_until_ctrl_c() {
    let process = Process::start(&["demo"]);
    while !process
        .lines
        .recv_timeout(SOON)
        .expect("a story")
        .starts_with("Ctrl-C")
    {}
    process.signal("INT");
    assert_eq!(process.end().0.code(), Some(0));
}
