use serde_json::{Value, json};

use super::*;

const CHAT: &str = "/serving-endpoints/chat/completions";

fn question(stream: bool) -> String {
    json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "one two"}]}).to_string()
}

#[tokio::test]
async fn a_chat_is_answered_as_json() {
    let (_idp, workspace) = both().await;
    for path in [CHAT, "/serving-endpoints/my-model/invocations"] {
        let answer = as_alice(&workspace, Method::POST, path, &[], question(false))
            .await
            .json();
        assert_eq!(answer["object"], "chat.completion");
        assert_eq!(answer["choices"][0]["message"]["content"], "You said: one two");
    }
}

#[tokio::test]
async fn a_streamed_chat_comes_word_by_word_and_says_when_it_is_done() {
    let (_idp, workspace) = both().await;
    let path = format!("{CHAT}?chunk_ms=0");

    let answer = as_alice(&workspace, Method::POST, &path, &[], question(true)).await;

    assert!(answer.header("content-type").starts_with("text/event-stream"));
    let mut events: Vec<_> = answer.text().split_terminator("\n\n").collect();
    assert_eq!(events.pop(), Some("data: [DONE]"));
    let chunks: Vec<Value> = events
        .iter()
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect();
    let words: String = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(words, "You said: one two");
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "stop");
    assert!(chunks.len() > 4);
}

#[tokio::test(start_paused = true)]
async fn a_streamed_chat_keeps_the_pace_it_was_told() {
    let (_idp, workspace) = both().await;
    let start = tokio::time::Instant::now();
    as_alice(
        &workspace,
        Method::POST,
        CHAT,
        &[("x-testbed-chunk-ms", "60000")],
        question(true),
    )
    .await;
    assert!(start.elapsed().as_secs() >= 300, "{:?}", start.elapsed());
}

#[tokio::test]
async fn another_model_echoes_its_inputs_and_nonsense_is_refused() {
    let (_idp, workspace) = both().await;
    let path = "/serving-endpoints/my-model/invocations";
    let answer = as_alice(&workspace, Method::POST, path, &[], r#"{"inputs":[1,2]}"#).await;
    assert_eq!(answer.json(), json!({"predictions": [1, 2]}));
    assert_eq!(
        as_alice(&workspace, Method::POST, CHAT, &[], "nonsense")
            .await
            .status,
        400
    );
    assert_eq!(as_alice(&workspace, Method::GET, CHAT, &[], "").await.status, 404);
}
