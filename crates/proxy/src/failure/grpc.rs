use http::{HeaderValue, Response, StatusCode, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::RequestId;
use crate::{Body, Failure};

impl Failure {
    /// The whole answer to a caller that speaks gRPC: "Trailers-Only", HTTP status 200 and a status of gRPC's own. Of any
    /// other answer its clients show the number alone.
    pub(crate) fn answer_grpc(&self, id: RequestId) -> Response<Body> {
        let mut response = Response::new(Body::default());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", HeaderValue::from(self.grpc_status()));
        headers.insert("grpc-message", percent_encoded(&self.to_string()));
        headers.insert("x-request-id", id.header());
        response
    }

    /// `google.rpc.Code`. `UNAVAILABLE`, on which clients try again, where nothing was forwarded; and where a connection
    /// broke, as gRPC itself says then.
    fn grpc_status(&self) -> u16 {
        match self.status() {
            StatusCode::BAD_REQUEST => 3, // INVALID_ARGUMENT
            StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT => 4, // DEADLINE_EXCEEDED
            StatusCode::FORBIDDEN => 7,   // PERMISSION_DENIED
            StatusCode::TOO_MANY_REQUESTS => 8, // RESOURCE_EXHAUSTED
            StatusCode::MISDIRECTED_REQUEST => 9, // FAILED_PRECONDITION
            StatusCode::METHOD_NOT_ALLOWED => 12, // UNIMPLEMENTED
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY => 14, // UNAVAILABLE
            StatusCode::UNAUTHORIZED => 16, // UNAUTHENTICATED
            status if status.is_client_error() => 8, // RESOURCE_EXHAUSTED: some limit
            _ => 13,                      // INTERNAL
        }
    }
}

/// As gRPC over HTTP/2 writes `Status-Message`: visible ASCII but `%` as it is, everything else by its bytes.
fn percent_encoded(message: &str) -> HeaderValue {
    let text: String = utf8_percent_encode(message, ESCAPED).collect();
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("error"))
}

const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');
