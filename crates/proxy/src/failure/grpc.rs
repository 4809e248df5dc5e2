use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::{HeaderValue, Response, StatusCode, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::ERROR_DOMAIN;
use super::status::{self, Detail};
use crate::{Body, Failure, ForwardError, RequestId};

impl Failure {
    /// The whole answer to a caller that speaks gRPC: "Trailers-Only", HTTP status 200 and a status of gRPC's own. Of any
    /// other answer its clients show the number alone.
    pub(super) fn answer_grpc(&self, id: RequestId) -> Response<Body> {
        let mut response = Response::new(Body::default());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", HeaderValue::from(self.grpc_status()));
        headers.insert("grpc-message", percent_encoded(&self.to_string()));
        headers.insert("grpc-status-details-bin", self.details(id));
        headers.insert("x-request-id", id.header());
        response
    }

    /// The details that the JSON of other answers has, as gRPC's clients read them.
    fn details(&self, id: RequestId) -> HeaderValue {
        let info = Detail::ErrorInfo {
            reason: self.reason(),
            domain: ERROR_DOMAIN,
        };
        let request = Detail::RequestInfo {
            request_id: &id.to_string(),
        };
        let status = status::encode(self.grpc_status(), &self.to_string(), &[info, request]);
        // Base64 is visible ASCII: this cannot fail.
        HeaderValue::try_from(STANDARD_NO_PAD.encode(status)).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// `google.rpc.Code`. `UNAVAILABLE`, on which clients try again, where nothing was forwarded; and where a connection
    /// broke, as gRPC itself says then.
    fn grpc_status(&self) -> u16 {
        match self.status() {
            // Whoever breaks its own call off has cancelled it.
            _ if matches!(self, Self::Forward(ForwardError::RequestBody(_))) => 1, // CANCELLED
            StatusCode::BAD_REQUEST => 3,                                          // INVALID_ARGUMENT
            StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT => 4,        // DEADLINE_EXCEEDED
            StatusCode::FORBIDDEN => 7,                                            // PERMISSION_DENIED
            StatusCode::TOO_MANY_REQUESTS => 8,                                    // RESOURCE_EXHAUSTED
            StatusCode::MISDIRECTED_REQUEST => 9,                                  // FAILED_PRECONDITION
            StatusCode::METHOD_NOT_ALLOWED => 12,                                  // UNIMPLEMENTED
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY => 14,       // UNAVAILABLE
            StatusCode::UNAUTHORIZED => 16,                                        // UNAUTHENTICATED
            status if status.is_client_error() => 8, // RESOURCE_EXHAUSTED: some limit
            _ => 13,                                 // INTERNAL
        }
    }
}

/// As gRPC over HTTP/2 writes `Status-Message`: visible ASCII but `%` as it is, everything else by its bytes.
fn percent_encoded(message: &str) -> HeaderValue {
    let text: String = utf8_percent_encode(message, ESCAPED).collect();
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("error"))
}

const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');
