/// What a server said, made fit to be repeated in an error: on one line, printable, at most 300
/// characters, and with everything that looks like a token replaced by `[redacted]`.
///
/// `secret` is the token that was sent: it is recognised even in pieces. Empty when the words are
/// among those that Databricks SDKs take for a request to try again, whatever the status.
pub(crate) fn tame(said: &str, secret: &str) -> String {
    let printable: String = said.chars().take(CONSIDERED).filter_map(printable).collect();
    let one_line = printable.split_whitespace().collect::<Vec<_>>().join(" ");
    let bounded = bound(redact(&one_line, secret));
    if asks_for_retry(&bounded) {
        String::new()
    } else {
        bounded
    }
}

/// Whether an SDK would retry a response because its message holds these words (Go:
/// `apierr/error_overrides.go`, Python: `_base_client.py`). In any case of letters, to be on the safe side.
pub(crate) fn asks_for_retry(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    let no_worker = message
        .split_once("worker env ")
        .is_some_and(|(_, rest)| rest.contains("not found"));
    no_worker || RETRY_WORDS.iter().any(|words| message.contains(words))
}

/// Control characters become spaces. Invisible ones, and those that turn the direction of writing, go.
fn printable(c: char) -> Option<char> {
    match c {
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => None,
        '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() => Some(' '),
        c => Some(c),
    }
}

fn redact(text: &str, secret: &str) -> String {
    let mut redacted = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c| !is_token_char(c)) {
        let word = piece.trim_end_matches(|c| !is_token_char(c));
        let after = piece.strip_prefix(word).unwrap_or_default();
        redacted.push_str(if looks_like_token(word, secret) {
            REDACTED
        } else {
            word
        });
        redacted.push_str(after);
    }
    redacted
}

/// Dots and slashes are not among them, so that host names and paths are not mistaken for tokens.
fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '~' | '+' | '=')
}

/// A JWT's segment, a Databricks token, a piece of what was sent, or anything too long to be a word or a UUID.
fn looks_like_token(word: &str, secret: &str) -> bool {
    word.contains("eyJ") || word.contains("dapi") || word.len() >= LONGEST_WORD || has_piece_of(secret, word)
}

/// A word is ASCII, so that every window of its bytes is text again.
fn has_piece_of(secret: &str, word: &str) -> bool {
    let mut pieces = word.as_bytes().windows(SHORTEST_PIECE);
    pieces.any(|piece| str::from_utf8(piece).is_ok_and(|piece| secret.contains(piece)))
}

fn bound(text: String) -> String {
    if text.chars().count() <= LONGEST {
        return text;
    }
    let mut bounded: String = text.chars().take(LONGEST - 1).collect();
    bounded.push('…');
    bounded
}

const REDACTED: &str = "[redacted]";

/// The most characters that are repeated.
const LONGEST: usize = 300;

/// The most characters that are looked at: enough to fill [`LONGEST`], little enough to search.
const CONSIDERED: usize = 2 * 1024;

/// A UUID has 36 characters.
const LONGEST_WORD: usize = 40;

/// Fewer characters in common with the token that was sent prove nothing.
const SHORTEST_PIECE: usize = 8;

const RETRY_WORDS: [&str; 7] = [
    "deadline exceeded",
    "timed out after ",
    "clusternotreadyexception",
    "request_limit_exceeded",
    "unexpected error",
    "please try again later or try a faster operation.",
    "rpc token bucket limit has been exceeded",
];

#[cfg(test)]
mod tests;
