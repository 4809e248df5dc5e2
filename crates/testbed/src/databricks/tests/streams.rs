use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::*;
use crate::test_client::open;

async fn stream(workspace: &Databricks) -> Incoming {
    let token = bearer(&workspace.issue_token("alice"));
    let url = format!("{}/testbed/stream", workspace.url());
    open(Method::GET, &url, &[("authorization", &token)], "")
        .await
        .into_body()
}

async fn next(stream: &mut Incoming) -> Option<String> {
    let data = stream.frame().await?.unwrap().into_data().unwrap();
    Some(String::from_utf8(data.to_vec()).unwrap())
}

#[tokio::test]
async fn each_event_arrives_before_the_next_is_sent() {
    let (_idp, workspace) = both().await;
    let mut stream = stream(&workspace).await;
    for (data, event) in [
        ("one", "data: one\n\n"),
        ("two\nlines", "data: two\ndata: lines\n\n"),
    ] {
        assert_eq!(workspace.send_event(data), 1);
        assert_eq!(next(&mut stream).await.as_deref(), Some(event));
    }
    workspace.end_streams();
    assert_eq!(next(&mut stream).await, None);
}

#[tokio::test]
async fn a_client_that_goes_away_is_noticed_once_for_each_stream() {
    let (_idp, workspace) = both().await;
    let (first, second, mut third) = (
        stream(&workspace).await,
        stream(&workspace).await,
        stream(&workspace).await,
    );
    assert_eq!(workspace.send_event("one"), 3);

    drop(first);
    workspace.stream_cancelled().await;
    drop(second);
    workspace.stream_cancelled().await;

    assert_eq!(workspace.send_event("two"), 1);
    assert_eq!(next(&mut third).await.as_deref(), Some("data: one\n\n"));
    workspace.end_streams();
    while next(&mut third).await.is_some() {}
    assert!(
        futures_ready(workspace.stream_cancelled()).await.is_none(),
        "a finished stream is not cancelled"
    );
}

/// What the future is worth if it is ready by now.
async fn futures_ready<F: Future>(future: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = std::future::ready(()) => None,
    }
}
