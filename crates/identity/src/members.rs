use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of one JSON object, sorted by name; every name occurs once.
///
/// JOSE header, claims set and JWK must not repeat a member (RFC 7515 section 4, RFC 7519 section 4,
/// RFC 7517 section 4), and a parser that keeps the first or the last of two lets the gateway and the
/// next reader see different tokens. Names are compared decoded, so `"\u0069ss"` repeats `"iss"`.
///
/// Values stay raw: `serde_json` skips over them without recursion, so nesting cannot overflow the stack.
#[derive(Debug)]
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A member is there, but its value has another type than it must have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WrongType;

impl<'a> Members<'a> {
    /// `None`: not one JSON object, or a member occurs twice.
    pub(crate) fn parse(json: &'a [u8]) -> Option<Self> {
        let Self(mut members) = serde_json::from_slice(json).ok()?;
        members.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let unique = members
            .iter()
            .zip(members.iter().skip(1))
            .all(|((a, _), (b, _))| a != b);
        unique.then_some(Self(members))
    }

    /// Sorted by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), *value))
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    pub(crate) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        let found = self
            .0
            .binary_search_by(|(candidate, _)| candidate.as_ref().cmp(name))
            .ok()?;
        self.0.get(found).map(|(_, value)| *value)
    }

    /// A member of the wrong type is an error, never an absent one (CVE-2026-25537).
    pub(crate) fn string(&self, name: &str) -> Result<Option<Cow<'a, str>>, WrongType> {
        self.typed::<Text<'a>>(name)
            .map(|text| text.map(|Text(text)| text))
    }

    pub(crate) fn strings(&self, name: &str) -> Result<Option<Vec<Cow<'a, str>>>, WrongType> {
        let texts = self.typed::<Vec<Text<'a>>>(name)?;
        Ok(texts.map(|texts| texts.into_iter().map(|Text(text)| text).collect()))
    }

    /// Integer or finite fraction: JSON has no other number, and one beyond `f64` is refused.
    pub(crate) fn number(&self, name: &str) -> Result<Option<f64>, WrongType> {
        self.typed(name)
    }

    fn typed<T: Deserialize<'a>>(&self, name: &str) -> Result<Option<T>, WrongType> {
        self.raw(name)
            .map(|raw| serde_json::from_str(raw.get()).map_err(|_| WrongType))
            .transpose()
    }
}

// === Deserialization ===

/// A string that is borrowed unless it holds escapes; a bare `Cow` would always be copied.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct ObjectVisitor;

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Text(name), value)) = object.next_entry()? {
            members.push((name, value));
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests;
