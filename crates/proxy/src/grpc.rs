//! gRPC: the one protocol that needs HTTP/2 on both sides, and errors of its own.

use http::{HeaderMap, HeaderValue, Request, Version, header, request};

/// Whether this request is one of gRPC: over HTTP/2, of type `application/grpc`, with or without a format
/// (`application/grpc+proto`). gRPC-Web is another protocol, which is ordinary HTTP.
pub(crate) fn is_asked<B>(request: &Request<B>) -> bool {
    request.version() == Version::HTTP_2 && is_grpc(request.headers())
}

/// The same, of a head.
pub(crate) fn is_asked_by(head: &request::Parts) -> bool {
    head.version == Version::HTTP_2 && is_grpc(&head.headers)
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    content_type.is_some_and(|content_type| {
        let (kind, format) = content_type.split_at_checked(GRPC.len()).unwrap_or_default();
        kind.eq_ignore_ascii_case(GRPC) && matches!(format.first(), None | Some(b'+' | b';' | b' '))
    })
}

const GRPC: &[u8] = b"application/grpc";

#[cfg(test)]
mod tests {
    use http::{Request, Version};

    #[test]
    fn grpc_is_told_by_version_and_type() {
        let asked = |version, content_type| {
            let request = Request::post("/").version(version);
            super::is_asked(&request.header("content-type", content_type).body(()).unwrap())
        };
        for grpc in [
            "application/grpc",
            "application/grpc+proto",
            "Application/GRPC;x=y",
        ] {
            assert!(asked(Version::HTTP_2, grpc), "{grpc}");
            assert!(!asked(Version::HTTP_11, grpc), "{grpc}");
        }
        for other in [
            "application/grpc-web",
            "application/grpcx",
            "application/json",
            "",
            "application/grp",
        ] {
            assert!(!asked(Version::HTTP_2, other), "{other}");
        }
        assert!(!super::is_asked(&Request::new(())));
    }
}
