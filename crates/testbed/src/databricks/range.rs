use std::ops::Range;

/// What a `Range` field asks of a representation of `length` bytes (RFC 9110 section 14).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// No range, several, or a field that is not understood and so ignored (section 14.2): `200`.
    Whole,
    /// `206`.
    Part(Range<usize>),
    /// `416`.
    Unsatisfiable,
}

pub(super) fn wanted(field: Option<&str>, length: usize) -> Wanted {
    let spec = field.and_then(|field| field.trim().strip_prefix("bytes="));
    let Some((first, last)) = spec.and_then(|spec| spec.trim().split_once('-')) else {
        return Wanted::Whole;
    };
    match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first <= last => part(first, last.saturating_add(1).min(length)),
        (Ok(first), Err(_)) if last.is_empty() => part(first, length),
        (Err(_), Ok(suffix)) if first.is_empty() => part(length - suffix.min(length), length),
        _ => Wanted::Whole,
    }
}

fn part(start: usize, end: usize) -> Wanted {
    if start < end {
        Wanted::Part(start..end)
    } else {
        Wanted::Unsatisfiable
    }
}
