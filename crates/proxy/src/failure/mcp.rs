use http::Response;
use serde_json::json;

use crate::{Body, Failure, RequestId};

impl Failure {
    /// The answer to a caller that speaks the Model Context Protocol: status and fields as ever, and an error of JSON-RPC.
    /// Of any other body its clients say that there was an error, and not which.
    ///
    /// It has no id, as the protocol allows where a message is not accepted (revision 2025-06-18, "Sending Messages to the
    /// Server", item 5): the message was not read.
    pub(super) fn answer_mcp(&self, id: RequestId) -> Response<Body> {
        let message = self.to_string();
        let error = json!({
            "code": SERVER_ERROR,
            "message": message,
            "data": self.error_document(&message, id),
        });
        let answer = json!({ "jsonrpc": "2.0", "id": null, "error": error });
        self.answer(id).map(|_| Body::full(answer.to_string()))
    }
}

/// The first of those that JSON-RPC 2.0 leaves to implementations.
const SERVER_ERROR: i32 = -32_000;
