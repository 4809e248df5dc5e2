use http::{Method, Request, Response};

use crate::{Body, Failure, RequestId, grpc};

/// How a caller wants to be told of an error: its client shows a person nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Databricks' own errors in JSON.
    Databricks,
    /// A status in the place of trailers.
    Grpc,
    /// Model Context Protocol: an error of JSON-RPC.
    Mcp,
}

// === impl Dialect ===

impl Dialect {
    /// By the kind of request; its body is not read for it.
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        if grpc::is_asked(request) {
            Self::Grpc
        } else if request.method() == Method::POST && request.uri().path().starts_with(MCP) {
            Self::Mcp
        } else {
            Self::Databricks
        }
    }
}

impl Failure {
    /// The whole answer, in this dialect.
    pub(crate) fn answer_in(&self, dialect: Dialect, id: RequestId) -> Response<Body> {
        match dialect {
            Dialect::Databricks => self.answer(id),
            Dialect::Grpc => self.answer_grpc(id),
            Dialect::Mcp => self.answer_mcp(id),
        }
    }
}

/// Where a workspace serves the Model Context Protocol.
const MCP: &str = "/api/2.0/mcp/";
