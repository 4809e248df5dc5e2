use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::storage::Storage;
use super::workspace::Workspace;
use super::{files, reply, routes};
use crate::server::{Body, Head};

/// The slash behind it begins the directory's path.
pub(super) const PREFIX: &str = "/api/2.0/fs/directories";

/// The Files API for one directory. A directory exists if it was made or if there is a file somewhere in it.
pub(super) fn answer(workspace: &Workspace, head: &Head, path: &str) -> Response<Body> {
    let storage = &workspace.storage;
    let path = path.trim_end_matches('/');
    match head.method.as_str() {
        "PUT" => {
            storage.directories.lock().insert(path.to_owned());
            reply::bare(StatusCode::NO_CONTENT)
        }
        "GET" | "HEAD" | "DELETE" if !storage.has_directory(path) => files::not_found(),
        "HEAD" => reply::bare(StatusCode::OK),
        "GET" => reply::json(StatusCode::OK, &json!({"contents": storage.list(path)})),
        "DELETE" if !storage.list(path).is_empty() => reply::error(
            StatusCode::BAD_REQUEST,
            "DIRECTORY_NOT_EMPTY",
            "The directory is not empty.",
        ),
        "DELETE" => {
            storage.directories.lock().remove(path);
            reply::bare(StatusCode::NO_CONTENT)
        }
        _ => routes::no_such_api(),
    }
}

// === impl Storage ===

impl Storage {
    fn has_directory(&self, path: &str) -> bool {
        self.directories.lock().contains(path) || self.files.lock().keys().any(|file| is_inside(file, path))
    }

    /// The files that stand directly in this directory.
    fn list(&self, path: &str) -> Vec<Value> {
        let files = self.files.lock();
        let inside = files.iter().filter_map(|(file, stored)| {
            let name = file.strip_prefix(path)?.strip_prefix('/')?;
            (!name.contains('/')).then(|| {
                json!({
                    "path": file,
                    "name": name,
                    "is_directory": false,
                    "file_size": stored.length,
                    "last_modified": stored.modified * 1000,
                })
            })
        });
        inside.collect()
    }
}

fn is_inside(file: &str, directory: &str) -> bool {
    file.strip_prefix(directory)
        .is_some_and(|rest| rest.starts_with('/'))
}
