use std::sync::{Mutex, PoisonError};

use identity::{Identity, SubjectDigest};

use super::line::field;
use super::object::{Member, Object, member};
use super::text::{LONGEST, LONGEST_PATH, Text};
use crate::config::LogFormat;
use crate::telemetry::subject::Naming;

/// What a line says of who called: made once, and copied into all further lines of the same caller, for as long as nobody else needs
/// its place. Most requests come from somebody who has just made one.
#[derive(Debug)]
pub(in crate::telemetry) struct Callers {
    naming: Naming,
    format: LogFormat,
    places: Box<[Mutex<Option<Caller>>]>,
}

#[derive(Debug)]
struct Caller {
    /// Who it is: issuer and subject are always a part of it.
    digest: SubjectDigest,
    text: Box<[u8]>,
}

/// Callers who are remembered at most; each has one place, from which another may push it.
const PLACES: usize = 512;

// === impl Callers ===

impl Callers {
    pub(in crate::telemetry) fn new(naming: Naming, format: LogFormat) -> Self {
        Self {
            naming,
            format,
            places: (0..PLACES).map(|_| Mutex::default()).collect(),
        }
    }

    /// Adds who it was.
    pub(in crate::telemetry) fn tell(&self, who: &Identity, out: &mut Vec<u8>) {
        let digest = who.digest();
        let Some(place) = self.places.get(place_of(&digest)) else {
            return self.render(who, out);
        };
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(caller) = &*place
            && caller.digest == digest
        {
            return out.extend_from_slice(&caller.text);
        }
        let mut text = Vec::new();
        self.render(who, &mut text);
        out.extend_from_slice(&text);
        // Without the room that it was given in advance.
        let text = text.into();
        *place = Some(Caller { digest, text });
    }

    fn render(&self, who: &Identity, out: &mut Vec<u8>) {
        let name = self.naming.name(who);
        let subject = name.as_ref().map(|name| Text::of(name.as_bytes(), LONGEST));
        let issuer = Text::of(who.issuer().as_bytes(), LONGEST_PATH);
        match self.format {
            LogFormat::Json => {
                let mut line = Object::within(out);
                line.text(member!("issuer"), &issuer);
                line.text_if(member!("subject"), subject);
            }
            LogFormat::Text => {
                for (name, value) in [("subject", subject.as_ref()), ("issuer", Some(&issuer))] {
                    // Into memory: this cannot fail.
                    field(out, name, value.map(Text::quoted)).unwrap_or_default();
                }
            }
        }
    }
}

/// Of all bytes of a digest, any two are as good.
pub(in crate::telemetry) fn place_of(digest: &SubjectDigest) -> usize {
    let [.., high, low] = *digest.as_bytes();
    usize::from(u16::from_be_bytes([high, low])) % PLACES
}
