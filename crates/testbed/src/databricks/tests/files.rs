use std::fmt::Write as _;

use super::*;
use crate::databricks::range::{Wanted, wanted};
use crate::test_client::raw;

const PATH: &str = "/api/2.0/fs/files/Volumes/main/default/v/a%20b.txt";

async fn on_file(
    workspace: &Databricks,
    method: Method,
    headers: &[(&str, &str)],
    body: &'static str,
) -> Reply {
    as_alice(workspace, method, PATH, headers, body).await
}

#[tokio::test]
async fn a_file_is_stored_read_described_and_deleted() {
    let (_idp, workspace) = both().await;
    assert_eq!(on_file(&workspace, Method::GET, &[], "").await.status, 404);
    assert_eq!(
        on_file(&workspace, Method::PUT, &[], "0123456789").await.status,
        204
    );

    assert_eq!(
        workspace.file("/Volumes/main/default/v/a b.txt").unwrap(),
        "0123456789"
    );
    assert_eq!(
        workspace
            .file_digest("/Volumes/main/default/v/a b.txt")
            .unwrap()
            .0,
        10
    );
    assert_eq!(
        on_file(&workspace, Method::GET, &[], "").await.text(),
        "0123456789"
    );
    let described = on_file(&workspace, Method::HEAD, &[], "").await;
    assert_eq!((described.header("content-length"), described.text()), ("10", ""));
    assert_eq!(on_file(&workspace, Method::DELETE, &[], "").await.status, 204);
    assert!(workspace.file("/Volumes/main/default/v/a b.txt").is_none());
    assert_eq!(on_file(&workspace, Method::HEAD, &[], "").await.status, 404);
}

#[tokio::test]
async fn a_file_is_overwritten_only_on_request() {
    let (_idp, workspace) = both().await;
    for (query, status) in [
        ("", 204),
        ("", 409),
        ("?overwrite=false", 409),
        ("?overwrite=true", 204),
    ] {
        let path = format!("{PATH}{query}");
        assert_eq!(
            as_alice(&workspace, Method::PUT, &path, &[], "x").await.status,
            status,
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_range_is_answered_by_that_part_of_the_file() {
    let (_idp, workspace) = both().await;
    on_file(&workspace, Method::PUT, &[], "0123456789").await;

    let part = on_file(&workspace, Method::GET, &[("range", "bytes=2-4")], "").await;
    assert_eq!((part.status.as_u16(), part.text()), (206, "234"));
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    let beyond = on_file(&workspace, Method::GET, &[("range", "bytes=10-")], "").await;
    assert_eq!(
        (beyond.status.as_u16(), beyond.header("content-range")),
        (416, "bytes */10")
    );
}

#[test]
fn a_range_is_read_as_rfc_9110_says() {
    let cases = [
        ("bytes=0-0", Wanted::Part(0..1)),
        ("bytes=3-", Wanted::Part(3..10)),
        ("bytes=3-99", Wanted::Part(3..10)),
        ("bytes=-4", Wanted::Part(6..10)),
        ("bytes=-99", Wanted::Part(0..10)),
        ("bytes=-0", Wanted::Unsatisfiable),
        ("bytes=10-11", Wanted::Unsatisfiable),
        ("bytes=4-3", Wanted::Whole),
        ("bytes=0-1,3-4", Wanted::Whole),
        ("lines=0-1", Wanted::Whole),
        ("bytes=-", Wanted::Whole),
    ];
    for (field, expected) in cases {
        assert_eq!(wanted(Some(field), 10), expected, "{field}");
    }
    assert_eq!(wanted(None, 10), Wanted::Whole);
    assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Unsatisfiable);
}

#[tokio::test]
async fn a_file_that_is_newer_than_asked_for_is_withheld() {
    let (_idp, workspace) = both().await;
    on_file(&workspace, Method::PUT, &[], "x").await;
    let modified = on_file(&workspace, Method::HEAD, &[], "")
        .await
        .header("last-modified")
        .to_owned();
    for (date, status) in [(modified.as_str(), 200), ("Thu, 01 Jan 1970 00:00:00 GMT", 412)] {
        let answer = on_file(&workspace, Method::GET, &[("if-unmodified-since", date)], "").await;
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn a_chunked_upload_is_stored_and_its_bytes_are_counted() {
    let (_idp, workspace) = both().await;
    let mut request = format!(
        "PUT {PATH} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
        workspace.issue_token("alice")
    );
    for piece in ["one ", "two ", "three"] {
        write!(request, "{:x}\r\n{piece}\r\n", piece.len()).unwrap();
    }
    request.push_str("0\r\n\r\n");

    raw(workspace.url(), &request).await.unwrap();

    assert_eq!(
        workspace
            .file("/api/2.0/fs/files/Volumes/main/default/v/a b.txt")
            .unwrap(),
        "one two three"
    );
    assert_eq!(workspace.seen()[0].body_bytes, 13);
}

#[tokio::test]
async fn a_huge_upload_is_hashed_and_forgotten() {
    let (_idp, workspace) = both().await;
    let huge = vec![0; 64 * 1024 * 1024 + 1];
    let length = huge.len() as u64;
    assert_eq!(
        as_alice(&workspace, Method::PUT, PATH, &[], huge).await.status,
        204
    );
    assert!(workspace.file("/Volumes/main/default/v/a b.txt").is_none());
    assert_eq!(
        workspace
            .file_digest("/Volumes/main/default/v/a b.txt")
            .unwrap()
            .0,
        length
    );
}

#[tokio::test]
async fn presigned_urls_are_refused_so_that_data_takes_the_apis_way() {
    let (_idp, workspace) = both().await;
    let path = "/api/2.0/fs/create-download-url?path=/Volumes/x&expire_time=x";
    let refused = as_alice(&workspace, Method::POST, path, &[], "").await;
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.json()["details"][0]["reason"],
        "FILES_API_API_IS_NOT_ENABLED"
    );
}

#[tokio::test]
async fn a_directory_is_made_listed_and_deleted_when_it_is_empty() {
    let (_idp, workspace) = both().await;
    let directory = "/api/2.0/fs/directories/Volumes/main/default/v/";
    let on_directory = async |method| as_alice(&workspace, method, directory, &[], "").await;
    assert_eq!(on_directory(Method::HEAD).await.status, 404);
    assert_eq!(on_directory(Method::PUT).await.status, 204);
    on_file(&workspace, Method::PUT, &[], "x").await;

    let listed = on_directory(Method::GET).await.json();
    assert_eq!(listed["contents"][0]["path"], "/Volumes/main/default/v/a b.txt");
    assert_eq!(on_directory(Method::DELETE).await.status, 400);
    on_file(&workspace, Method::DELETE, &[], "").await;
    assert_eq!(on_directory(Method::DELETE).await.status, 204);
    assert_eq!(on_directory(Method::HEAD).await.status, 404);
}
