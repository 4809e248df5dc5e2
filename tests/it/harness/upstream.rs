use tokio::net::TcpListener;

use super::{Head, Wire, claims, soon};

/// A workspace in the test's own hand: it speaks when the test lets it.
pub(crate) struct Upstream {
    listener: TcpListener,
}

// === impl Upstream ===

impl Upstream {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self { listener }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().expect("a bound socket"))
    }

    /// The next connection, after the head of its first request.
    pub(crate) async fn accept(&self) -> (Head, Wire) {
        loop {
            let (socket, _) = soon(self.listener.accept()).await.expect("a connection");
            let mut wire = Wire::new(socket);
            let head = wire.head().await;
            // It goes on without an answer.
            if !is_own_question(&head) {
                check(&head);
                return (head, wire);
            }
        }
    }
}

/// Whether this is the control plane's question, which comes when it likes.
pub(super) fn is_own_question(head: &Head) -> bool {
    head.start == "GET /.well-known/databricks-config HTTP/1.1"
}

/// Nothing comes here but under a token of the workspace's own.
pub(super) fn check(head: &Head) {
    let credentials = head.values("authorization");
    let [credential] = credentials[..] else {
        panic!("one credential, not {}", credentials.len());
    };
    let token = credential.strip_prefix("Bearer ").expect("a bearer token");
    let issuer = claims(token)["iss"].as_str().expect("an issuer").to_owned();
    assert!(issuer.ends_with("/oidc"), "a token of {issuer} was sent upstream");
}
