use super::*;
use crate::databricks::protobuf::{Message, Writer};

const SERVICE: &str = "/spark.connect.SparkConnectService";

/// A call of the session `s`, and the messages of its answer.
async fn call(workspace: &Databricks, method: &str, request: Writer) -> (Reply, Vec<Message>) {
    let request = request.bytes(1, b"s").finish();
    let mut frame = vec![0];
    frame.extend(u32::try_from(request.len()).unwrap().to_be_bytes());
    frame.extend(request);
    let headers = [("content-type", "application/grpc")];
    let path = format!("{SERVICE}/{method}");
    let reply = as_alice(workspace, Method::POST, &path, &headers, frame).await;
    let mut rest = reply.body.clone();
    let mut messages = Vec::new();
    while !rest.is_empty() {
        let head = rest.split_to(5);
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        messages.push(Message::read(rest.split_to(length as usize)).expect("a message"));
    }
    (reply, messages)
}

/// `plan.root.range.end`
fn count_to(end: u64) -> Writer {
    let range = Writer::default().number(2, end).finish();
    let root = Writer::default().bytes(15, &range).finish();
    Writer::default().bytes(3, &Writer::default().bytes(1, &root).finish())
}

#[tokio::test]
async fn a_range_is_a_stream_of_rows_and_an_end() {
    let (_idp, workspace) = both().await;
    let (_, messages) = call(&workspace, "ExecutePlan", count_to(3)).await;
    assert_eq!(messages.len(), 4);
    for (row, message) in messages[..3].iter().enumerate() {
        assert_eq!(message.bytes(1).unwrap(), "s", "whose it is");
        let batch = message.message(2).expect("a batch");
        assert_eq!(batch.number(3), Some(row as u64), "where it starts");
        let arrow = batch.bytes(2).unwrap();
        assert_eq!(arrow[272..280], (row as u64).to_le_bytes());
    }
    assert!(messages[3].message(14).is_some(), "the result is complete");
}

#[tokio::test]
async fn a_cluster_tells_its_version() {
    let (_idp, workspace) = both().await;
    let asked = Writer::default().bytes(10, b"");
    let (_, messages) = call(&workspace, "AnalyzePlan", asked).await;
    assert_eq!(messages[0].message(8).unwrap().bytes(1).unwrap(), "3.5.2");
}

#[tokio::test]
async fn any_other_plan_is_unimplemented() {
    let (_idp, workspace) = both().await;
    let (reply, messages) = call(&workspace, "ExecutePlan", Writer::default()).await;
    assert!(messages.is_empty());
    assert_eq!(reply.header("grpc-status"), "12");
}
