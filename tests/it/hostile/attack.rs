use std::time::Duration;

use testbed::{Databricks, Idp};
use tokio::time::timeout;

use crate::harness::{Gateway, Recorded, Recorder, Wire};

/// Bytes with a name, and what must come of them. `{token}` stands for a good JWT, `{smuggled}` for a request under it,
/// `{length}` and `{hex}` for that request's length.
pub(super) struct Attack {
    name: String,
    bytes: Vec<u8>,
    end: End,
    /// Whether the bytes go on behind what is forwarded.
    goes_on: bool,
}

/// What an attack may come to.
enum End {
    /// An error, the end of the connection, and no byte to the workspace.
    Refused,
    /// An error, and no byte to the workspace; the connection may go on.
    Denied(u16),
    /// An error or the mere end of the connection; a part of the request may have gone on, but not the whole.
    BrokenOff,
    /// So many requests, each read as it was meant.
    Forwarded(Vec<(String, Vec<u8>)>),
}

/// A gateway, and a workspace that records what reaches it.
struct Stage {
    gateway: Gateway,
    recorder: Recorder,
    token: String,
}

// === impl Attack ===

impl Attack {
    pub(super) fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            bytes: bytes.into(),
            end: End::Refused,
            goes_on: false,
        }
    }

    pub(super) fn denied(self, status: u16) -> Self {
        let end = End::Denied(status);
        Self { end, ..self }
    }

    pub(super) fn breaks_off(self) -> Self {
        let end = End::BrokenOff;
        Self { end, ..self }
    }

    /// Behind that comes what is answered with an error, and goes nowhere.
    pub(super) fn and_more(self) -> Self {
        Self {
            goes_on: true,
            ..self
        }
    }

    /// It is no attack after all, but this request, with this body.
    pub(super) fn is(mut self, start: &str, body: impl Into<Vec<u8>>) -> Self {
        let request = (start.to_owned(), body.into());
        match &mut self.end {
            End::Forwarded(requests) => requests.push(request),
            end => *end = End::Forwarded(vec![request]),
        }
        self
    }
}

/// A `POST` with these fields and this body, under a good JWT.
pub(super) fn post(fields: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    [format!("{POST}{fields}\r\n").as_bytes(), body.as_ref()].concat()
}

/// Runs every attack against one gateway. After each, the next request must be served, on a new connection and, where
/// it was left open, on the same.
pub(super) async fn run(attacks: impl IntoIterator<Item = Attack>) {
    let stage = Stage::set().await;
    let mut faults = Vec::new();
    for attack in attacks {
        let ran = timeout(Duration::from_secs(20), stage.run(&attack)).await;
        let outcome = ran.unwrap_or_else(|_| Err("hangs".to_owned()));
        if let Err(fault) = outcome {
            faults.push(format!("{}: {fault}", attack.name));
        }
    }
    assert!(
        faults.is_empty(),
        "{} failed:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

// === impl Stage ===

impl Stage {
    async fn set() -> Self {
        let idp = Idp::start().await;
        let databricks = Databricks::start(&idp).await;
        let recorder = Recorder::start().await;
        let gateway = Gateway::in_front_of_url(&recorder.url(), &databricks, &idp)
            // What is never finished ends soon.
            .server("header_timeout = \"1s\"")
            .start()
            .await;
        let token = idp.mint("alice");
        Self {
            gateway,
            recorder,
            token,
        }
    }

    async fn run(&self, attack: &Attack) -> Result<(), String> {
        let before = self.forwards();
        let mut wire = self.gateway.wire().await;
        // It may be refused before it was said.
        let _ = wire.try_say(self.fill(&attack.bytes)).await;
        let expected: &[(String, Vec<u8>)] = match &attack.end {
            End::Refused | End::BrokenOff => {
                let said = String::from_utf8_lossy(&wire.rest().await).into_owned();
                let refused = said.starts_with("HTTP/1.1 4") || said.starts_with("HTTP/1.1 50");
                let silent = said.is_empty() && matches!(attack.end, End::BrokenOff);
                ensure(refused || silent, format!("answered {said:?}"))?;
                ensure(
                    said.matches("HTTP/1.1 ").count() < 2,
                    format!("answered twice: {said:?}"),
                )?;
                &[]
            }
            End::Denied(status) => {
                let answer = wire.answer().await;
                ensure(answer.status == *status, format!("answered {}", answer.status))?;
                &[]
            }
            End::Forwarded(requests) => {
                for _ in requests {
                    let answer = wire.answer().await;
                    ensure(answer.status == 200, format!("answered {}", answer.status))?;
                }
                requests
            }
        };
        if matches!(attack.end, End::Refused | End::Denied(_)) {
            ensure(self.forwards() == before, "was forwarded")?;
        }
        let expected: Vec<_> = expected
            .iter()
            .map(|(start, body)| (start.clone(), self.fill(body)))
            .collect();
        is_as_meant(&self.recorder.take(&attack.name), &expected)?;
        if !matches!(attack.end, End::Refused | End::BrokenOff) {
            self.is_served_or_closed(wire, attack.goes_on).await?;
        }
        self.is_served(self.gateway.wire().await).await
    }

    async fn is_served(&self, mut wire: Wire) -> Result<(), String> {
        wire.say(self.fill(NEXT.as_bytes())).await;
        let answer = wire.answer().await;
        ensure(
            answer.status == 200,
            format!("the next was answered {}", answer.status),
        )?;
        is_as_meant(
            &self.recorder.take("the next"),
            &[(NEXT_START.to_owned(), Vec::new())],
        )
    }

    async fn is_served_or_closed(&self, mut wire: Wire, after_more: bool) -> Result<(), String> {
        let last = NEXT.replace("Host: x", "Host: x\r\nConnection: close");
        let _ = wire.try_say(self.fill(last.as_bytes())).await;
        let said = String::from_utf8_lossy(&wire.rest().await).into_owned();
        let seen = self.recorder.take("the next on the same connection");
        if said.is_empty() || after_more && !said.contains("HTTP/1.1 200") {
            return is_as_meant(&seen, &[]);
        }
        ensure(
            after_more || said.starts_with("HTTP/1.1 200"),
            format!("the next was answered {said:?}"),
        )?;
        is_as_meant(&seen, &[(NEXT_START.to_owned(), Vec::new())])
    }

    /// How many requests have gone on, whole or not.
    fn forwards(&self) -> u64 {
        let counters = self.gateway.counters();
        counters.upstream_opened + counters.upstream_reused
    }

    /// The bytes with everything in its place.
    fn fill(&self, bytes: &[u8]) -> Vec<u8> {
        let smuggled = SMUGGLED_REQUEST.replace("{token}", &self.token);
        let bytes = replace(bytes, b"{smuggled}", smuggled.as_bytes());
        let bytes = replace(&bytes, b"{length}", smuggled.len().to_string().as_bytes());
        let bytes = replace(&bytes, b"{hex}", format!("{:x}", smuggled.len()).as_bytes());
        replace(&bytes, b"{token}", self.token.as_bytes())
    }
}

fn replace(bytes: &[u8], name: &[u8], value: &[u8]) -> Vec<u8> {
    let (mut filled, mut rest) = (Vec::new(), bytes);
    while let Some(at) = rest.windows(name.len()).position(|window| window == name) {
        filled.extend_from_slice(&rest[..at]);
        filled.extend_from_slice(value);
        rest = &rest[at + name.len()..];
    }
    filled.extend_from_slice(rest);
    filled
}

fn is_as_meant(seen: &[Recorded], expected: &[(String, Vec<u8>)]) -> Result<(), String> {
    let seen: Vec<_> = seen
        .iter()
        .map(|one| (one.head.start.clone(), one.body.clone()))
        .collect();
    ensure(seen == expected, format!("the workspace saw {seen:?}"))
}

fn ensure(holds: bool, otherwise: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

pub(super) const POST: &str = "POST /a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n";
/// What an attacker would like the workspace to read as a request of its own.
pub(super) const SMUGGLED: &str = "{smuggled}";
const SMUGGLED_REQUEST: &str = "GET /smuggled HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n";
const NEXT: &str = "GET /next HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n";
const NEXT_START: &str = "GET /next HTTP/1.1";
