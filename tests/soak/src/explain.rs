use crate::weather::Trouble;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Get,
    Post,
    Upload,
    Download,
    /// One call of gRPC.
    Grpc,
    /// A WebSocket.
    Tunnel,
    /// One subject's only request.
    Crowd,
    /// What is refused whatever the weather.
    Refused,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A whole answer, under the caller's own token.
    Served,
    /// An answer to another caller, or to another request.
    Foreign(String),
    /// An answer that says that it is whole, and is not.
    Mutilated(String),
    /// Another status than 200.
    Status(u16),
    /// The connection ended, or the stream.
    Broken(String),
    /// Nothing came for longer than anything may take.
    Late,
}

pub(crate) const KINDS: [Kind; 8] = [
    Kind::Get,
    Kind::Post,
    Kind::Upload,
    Kind::Download,
    Kind::Grpc,
    Kind::Tunnel,
    Kind::Crowd,
    Kind::Refused,
];

/// Whether this outcome is one that these troubles explain. In fair weather only what is asked for is.
pub(crate) fn explains(troubles: &[Trouble], kind: Kind, outcome: &Outcome) -> bool {
    let token = troubles.iter().any(|trouble| trouble.is_at_the_token_endpoint());
    match outcome {
        Outcome::Status(401) if kind == Kind::Refused => true,
        _ if kind == Kind::Refused => false,
        Outcome::Served => true,
        Outcome::Status(status) => troubles.iter().any(|&trouble| {
            let repeated = trouble == Trouble::Revoked && kind.may_be_repeated() && !token;
            !repeated && shows(trouble, kind, *status)
        }),
        Outcome::Broken(_) => troubles.iter().any(|&trouble| breaks(trouble, kind)),
        Outcome::Foreign(_) | Outcome::Mutilated(_) | Outcome::Late => false,
    }
}

// === impl Kind ===

impl Kind {
    /// Whether the gateway sends such a request again where the workspace refuses a cached token.
    fn may_be_repeated(self) -> bool {
        matches!(self, Self::Get | Self::Download | Self::Crowd)
    }
}

/// Whether this trouble may be seen as this status.
fn shows(trouble: Trouble, kind: Kind, status: u16) -> bool {
    match (kind, trouble) {
        // gRPC has one word for all ways in which a connection ends.
        (Kind::Grpc, Trouble::Reset | Trouble::HalfHead | Trouble::HalfBody | Trouble::HangUp) => {
            status == 503
        }
        // The workspace says in its terms that the token is none.
        (Kind::Grpc, Trouble::Revoked) => status == 401,
        // Half an answer instead of a tunnel.
        (Kind::Tunnel, Trouble::HalfBody) => status == 200,
        _ => statuses(trouble).contains(&status),
    }
}

fn statuses(trouble: Trouble) -> &'static [u16] {
    match trouble {
        Trouble::TokenReset
        | Trouble::TokenHalfHead
        | Trouble::TokenError
        | Trouble::TokenHang
        | Trouble::TokenGarbage => &[503],
        Trouble::TokenThrottled => &[429],
        Trouble::TokenDenied => &[401],
        Trouble::TokenForbidden => &[403],
        Trouble::Reset | Trouble::HalfHead => &[502],
        // Exchanges are hung up on as well.
        Trouble::HangUp => &[502, 503],
        Trouble::Error => &[503],
        Trouble::Hang => &[504],
        Trouble::Revoked => &[403],
        Trouble::TokenSlow | Trouble::Slow | Trouble::HalfBody => &[],
    }
}

/// Whether a connection may end for it: an answer breaks off, or a refusal comes in the middle of an upload, whose client may
/// find its connection closed before it has read why.
fn breaks(trouble: Trouble, kind: Kind) -> bool {
    matches!(trouble, Trouble::HalfBody | Trouble::HangUp)
        || kind == Kind::Upload && !statuses(trouble).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_fair_weather_nothing_but_service_is_explained() {
        let broken = Outcome::Broken(String::new());
        for kind in KINDS.into_iter().filter(|&kind| kind != Kind::Refused) {
            assert!(explains(&[], kind, &Outcome::Served));
            for outcome in [401, 403, 429, 500, 502, 503, 504].map(Outcome::Status) {
                assert!(!explains(&[], kind, &outcome), "{kind:?}: {outcome:?}");
            }
            assert!(!explains(&[], kind, &broken), "{kind:?}");
        }
    }

    #[test]
    fn a_trouble_explains_its_own_failure_and_no_other() {
        let cases = [
            (Trouble::TokenHang, 503),
            (Trouble::Error, 503),
            (Trouble::TokenThrottled, 429),
            (Trouble::TokenDenied, 401),
            (Trouble::Reset, 502),
            (Trouble::Hang, 504),
        ];
        for (trouble, status) in cases {
            for other in [401, 403, 429, 500, 502, 503, 504] {
                let explained = explains(&[trouble], Kind::Get, &Outcome::Status(other));
                assert_eq!(explained, other == status, "{trouble:?}: {other}");
            }
        }
    }

    #[test]
    fn a_refused_token_shows_only_where_the_request_may_not_be_repeated() {
        let refused = Outcome::Status(403);
        assert!(!explains(&[Trouble::Revoked], Kind::Get, &refused));
        assert!(explains(&[Trouble::Revoked], Kind::Post, &refused));
        assert!(explains(
            &[Trouble::Revoked, Trouble::TokenHang],
            Kind::Get,
            &refused
        ));
    }

    #[test]
    fn nothing_explains_the_answer_of_another_or_a_credential_that_should_be_refused() {
        let every = [
            Trouble::HalfBody,
            Trouble::HangUp,
            Trouble::TokenHang,
            Trouble::Revoked,
        ];
        for outcome in [
            Outcome::Foreign(String::new()),
            Outcome::Mutilated(String::new()),
            Outcome::Late,
            Outcome::Status(500),
        ] {
            assert!(!explains(&every, Kind::Get, &outcome), "{outcome:?}");
        }
        assert!(explains(&every, Kind::Refused, &Outcome::Status(401)));
        assert!(!explains(&every, Kind::Refused, &Outcome::Served));
        assert!(!explains(&every, Kind::Refused, &Outcome::Status(503)));
    }
}
