use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::call::{Call, Unread};
use super::range::{self, Wanted};
use super::storage::{StoredFile, Upload};
use super::workspace::Workspace;
use super::{reply, routes};
use crate::server::{Body, Head, full};

/// The slash behind it begins the file's path.
pub(super) const PREFIX: &str = "/api/2.0/fs/files";

/// The Files API for one file.
pub(super) async fn answer(
    workspace: &Workspace,
    call: &mut Call,
    path: &str,
) -> Result<Response<Body>, Unread> {
    let head = Arc::clone(&call.head);
    let found = workspace.storage.files.lock().get(path).cloned();
    Ok(match (head.method.as_str(), found) {
        ("PUT", Some(_)) if head.query("overwrite").as_deref() != Some("true") => reply::error(
            StatusCode::CONFLICT,
            "ALREADY_EXISTS",
            "The file being created already exists.",
        ),
        ("PUT", _) => upload(workspace, call, path).await?,
        ("POST", _) if head.query("action").as_deref() == Some("initiate-upload") => reply::json(
            StatusCode::OK,
            &json!({"multipart_upload": {"session_token": "testbed"}}),
        ),
        ("GET" | "HEAD" | "DELETE", None) => not_found(),
        ("GET", Some(file)) => download(&head, &file),
        ("HEAD", Some(file)) => describe(&head, &file),
        ("DELETE", Some(_)) => {
            workspace.storage.files.lock().remove(path);
            reply::bare(StatusCode::NO_CONTENT)
        }
        _ => routes::no_such_api(),
    })
}

/// `create-download-url` and the like: this workspace has no presigned URLs, so that every byte takes the API's way.
pub(super) fn presigned(_action: &str) -> Response<Body> {
    let message = "Presigned URLs are not enabled.";
    let mut response = reply::json(
        StatusCode::FORBIDDEN,
        &json!({
            "error_code": "PERMISSION_DENIED",
            "message": message,
            "details": [{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "FILES_API_API_IS_NOT_ENABLED",
                "domain": "filesystem.databricks.com",
                "metadata": {},
            }],
        }),
    );
    response
        .headers_mut()
        .insert(reply::REASON_PHRASE, reply::text(message));
    response
}

/// The path that a percent-encoded one means.
pub(super) fn decode(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

pub(super) fn not_found() -> Response<Body> {
    reply::error(
        StatusCode::NOT_FOUND,
        "NOT_FOUND",
        "The file or directory does not exist.",
    )
}

async fn upload(workspace: &Workspace, call: &mut Call, path: &str) -> Result<Response<Body>, Unread> {
    let mut upload = Upload::new();
    while let Some(piece) = call.next_piece().await? {
        upload.add(&piece);
    }
    let file = upload.finish(workspace.now());
    workspace.storage.files.lock().insert(path.to_owned(), file);
    Ok(reply::bare(StatusCode::NO_CONTENT))
}

fn download(head: &Head, file: &StoredFile) -> Response<Body> {
    if is_modified_since(head, file) {
        return modified();
    }
    let Some(content) = &file.content else {
        return reply::error(
            StatusCode::NOT_IMPLEMENTED,
            "NOT_IMPLEMENTED",
            "Only this file's hash was kept.",
        );
    };
    match range::wanted(head.value(header::RANGE.as_str()), content.len()) {
        Wanted::Whole => represent(file, StatusCode::OK, content.clone()),
        Wanted::Part(part) => {
            let described = format!("bytes {}-{}/{}", part.start, part.end - 1, content.len());
            let mut response = represent(file, StatusCode::PARTIAL_CONTENT, content.slice(part));
            response
                .headers_mut()
                .insert(header::CONTENT_RANGE, reply::text(&described));
            response
        }
        Wanted::Unsatisfiable => {
            let status = StatusCode::RANGE_NOT_SATISFIABLE;
            let mut response = reply::error(status, "OUT_OF_RANGE", "The file has no such bytes.");
            let described = format!("bytes */{}", content.len());
            response
                .headers_mut()
                .insert(header::CONTENT_RANGE, reply::text(&described));
            response
        }
    }
}

fn describe(head: &Head, file: &StoredFile) -> Response<Body> {
    if is_modified_since(head, file) {
        return modified();
    }
    let mut response = represent(file, StatusCode::OK, Bytes::new());
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, file.length.into());
    response
}

fn represent(file: &StoredFile, status: StatusCode, content: Bytes) -> Response<Body> {
    let mut response = Response::new(full(content));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let modified = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(file.modified));
    headers.insert(header::LAST_MODIFIED, reply::text(&modified));
    response
}

/// RFC 9110 section 13.1.4; a date that cannot be read is ignored.
fn is_modified_since(head: &Head, file: &StoredFile) -> bool {
    let date = head.value(header::IF_UNMODIFIED_SINCE.as_str());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    date.is_some_and(|date| UNIX_EPOCH + Duration::from_secs(file.modified) > date)
}

fn modified() -> Response<Body> {
    reply::error(
        StatusCode::PRECONDITION_FAILED,
        "PRECONDITION_FAILED",
        "The file has been modified since.",
    )
}
