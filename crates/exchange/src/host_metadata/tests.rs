use serde_json::json;

use super::*;
use crate::testing::{Scripted, answer, http};

fn parsed(document: &Value) -> HostMetadata {
    HostMetadata::parse(document.to_string().as_bytes()).unwrap()
}

#[test]
fn the_real_document_is_read_and_written_alike() {
    let document = json!({
        "oidc_endpoint": "https://ws.example/oidc", "account_id": "a-1", "workspace_id": "7405",
        "cloud": "AWS", "host_type": "workspace",
        "token_federation_default_oidc_audiences": ["https://ws.example/oidc/v1/token"],
    });
    assert_eq!(serde_json::to_value(parsed(&document)).unwrap(), document);
}

#[test]
fn fields_of_the_wrong_type_are_as_good_as_absent_and_ids_may_be_numbers() {
    let metadata = parsed(&json!({
        "oidc_endpoint": ["x"], "account_id": null, "workspace_id": 7_405_605_519_549_535_u64, "cloud": {},
        "host_type": true, "token_federation_default_oidc_audiences": "one", "unknown": {"a": [1]},
    }));
    let expected = HostMetadata {
        workspace_id: Some("7405605519549535".to_owned()),
        ..HostMetadata::default()
    };
    assert_eq!(metadata, expected);
    let audiences = json!({"token_federation_default_oidc_audiences": ["a", null, 7, ["b"]]});
    assert_eq!(
        parsed(&audiences).token_federation_default_oidc_audiences,
        ["a", "7"]
    );
    assert_eq!(parsed(&json!({})), HostMetadata::default());
}

#[test]
fn what_is_no_object_is_no_document() {
    for document in ["", "null", "[]", r#"["https://x"]"#, "7", "<html>", "{", r#""x""#] {
        let error = HostMetadata::parse(document.as_bytes()).unwrap_err();
        assert!(matches!(error, MetadataError::Malformed(_)), "{document}");
    }
}

async fn fetched(script: String) -> (Result<HostMetadata, MetadataError>, Vec<String>) {
    let host = Scripted::answering(vec![script]).await;
    let base = host.url.join("/").unwrap();
    (HostMetadata::fetch(&http(), &base).await, host.requests())
}

#[tokio::test]
async fn the_host_is_asked_once_and_without_credentials() {
    let (metadata, requests) = fetched(answer("200 OK", r#"{"cloud":"GCP"}"#)).await;
    assert_eq!(metadata.unwrap().cloud.as_deref(), Some("GCP"));
    let [request] = &requests[..] else {
        panic!("{requests:?}")
    };
    assert!(
        request.starts_with("GET /.well-known/databricks-config HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        !request.to_ascii_lowercase().contains("authorization"),
        "{request}"
    );
}

#[tokio::test]
async fn another_status_is_no_document() {
    for status in ["404 Not Found", "302 Found", "503 Service Unavailable"] {
        let (metadata, requests) = fetched(answer(&format!("{status}\r\nlocation: /login"), "{}")).await;
        assert_eq!(
            metadata.unwrap_err().to_string(),
            format!("the host's answer is not a metadata document: {status}")
        );
        assert_eq!(requests.len(), 1);
    }
}

#[tokio::test]
async fn an_endless_document_is_not_read_to_its_end() {
    let body = format!(r#"{{"cloud":"{}"}}"#, "x".repeat(70 * 1024));
    let (metadata, _) = fetched(answer("200 OK", &body)).await;
    assert_eq!(
        metadata.unwrap_err().to_string(),
        "the host's answer is not a metadata document: more than 64 KiB"
    );
}

#[tokio::test]
async fn a_document_that_breaks_off_is_an_outage() {
    let (metadata, _) = fetched("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_owned()).await;
    let error = metadata.unwrap_err();
    assert!(matches!(error, MetadataError::Unavailable(_)));
    assert!(!format!("{error:?}").contains("127.0.0.1"), "{error:?}");
}
