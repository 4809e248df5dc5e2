use crate::request::Request;
use crate::seen::{SWAPPED, Seen};

/// What is answered, ready-made where it is always the same.
pub(crate) struct Answers {
    json: Vec<u8>,
    token: Vec<u8>,
    seen: Seen,
}

/// One answer: bytes as they are, then this many zeros.
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
    pub(crate) zeros: u64,
}

// === impl Answers ===

impl Answers {
    pub(crate) fn new(expires_in: u64) -> Self {
        let token = format!("{SWAPPED}{}", "t".repeat(TOKEN_SIZE - SWAPPED.len()));
        let token = format!(
            r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":{expires_in},"scope":"all-apis"}}"#
        );
        let padding = "x".repeat(BODY_SIZE - br#"{"statement":""}"#.len());
        Self {
            json: whole("200 OK", &format!(r#"{{"statement":"{padding}"}}"#)),
            token: whole("200 OK", &token),
            seen: Seen::default(),
        }
    }

    /// What has come so far.
    pub(crate) fn seen(&self) -> &Seen {
        &self.seen
    }

    /// By path alone; what the gateway and the comparison ask is not counted as a request.
    pub(crate) fn to(&self, request: &Request) -> Answer {
        match request.path.as_str() {
            "/oidc/v1/token" => {
                self.seen.exchange();
                Answer::whole(self.token.clone())
            }
            "/-/seen" => Answer::whole(whole("200 OK", &self.seen.as_json())),
            path if path.starts_with("/.well-known/") => Answer::whole(whole("404 Not Found", "{}")),
            path => {
                self.seen.request(request.authorization);
                let size = path.strip_prefix("/bytes/").and_then(|size| size.parse().ok());
                size.map_or_else(|| Answer::whole(self.json.clone()), Answer::zeros)
            }
        }
    }
}

// === impl Answer ===

impl Answer {
    fn whole(bytes: Vec<u8>) -> Self {
        Self { bytes, zeros: 0 }
    }

    fn zeros(zeros: u64) -> Self {
        let bytes = head("200 OK", "application/octet-stream", zeros);
        Self { bytes, zeros }
    }
}

fn whole(status: &str, body: &str) -> Vec<u8> {
    let mut bytes = head(status, "application/json", body.len() as u64);
    bytes.extend_from_slice(body.as_bytes());
    bytes
}

/// As many fields as a workspace sends.
fn head(status: &str, content_type: &str, length: u64) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\n\
         content-type: {content_type}\r\n\
         content-length: {length}\r\n\
         date: Mon, 02 Feb 2026 10:00:00 GMT\r\n\
         server: databricks\r\n\
         x-request-id: 5a0a4ff6-3f3e-4f4e-9d4c-6f4f1f0a7c55\r\n\
         x-databricks-org-id: 1234567890123456\r\n\
         strict-transport-security: max-age=31536000; includeSubDomains; preload\r\n\
         x-content-type-options: nosniff\r\n\
         vary: Accept-Encoding\r\n\
         cache-control: no-cache, no-store\r\n\r\n"
    )
    .into_bytes()
}

/// Of the JSON that is answered.
const BODY_SIZE: usize = 1024;
/// Of the tokens that are given out: about what Databricks' are.
const TOKEN_SIZE: usize = 1024;
