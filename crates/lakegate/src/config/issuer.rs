use std::collections::HashSet;

use identity::{Audience, FixedKeys, Issuer, KeySource};

use super::fault::{Fault, Faults, Place};
use super::folder::Folder;
use super::given::{Given, Setting};
use super::grammar::{self, Cleartext};
use super::raw;

/// Every `[[issuer]]`: at least one, none twice.
pub(super) fn issuers(
    raw: Setting<Vec<raw::Issuer>>,
    folder: &Folder,
    faults: &mut Faults,
) -> Option<Vec<Issuer>> {
    let none = || {
        Fault::new(&Place::Whole, "there is no issuer")
            .help("an [[issuer]] with its `url` and `audiences` says whose tokens are accepted")
    };
    let given = raw.required(faults, none).given()?;
    if given.value.is_empty() {
        faults.record(none());
    }
    let mut seen = HashSet::new();
    let issuers = given
        .value
        .into_iter()
        .map(|raw| issuer(raw, &mut seen, folder, faults));
    issuers.collect::<Vec<_>>().into_iter().collect()
}

fn issuer(
    raw: raw::Issuer,
    seen: &mut HashSet<String>,
    folder: &Folder,
    faults: &mut Faults,
) -> Option<Issuer> {
    let place = raw.place;
    let cleartext = Cleartext::from_switch(&raw.insecure_http);
    let url = raw
        .url
        .required(faults, || Fault::new(&place, "the issuer has no `url`"));
    let url = url.parse(faults, |given| issuer_url(given, cleartext, seen));
    let none = || {
        Fault::new(&place, "the issuer has no `audiences`")
            .help("a token is for this gateway when its `aud` is one of them; without, any token would do")
    };
    let audiences = raw.audiences.required(faults, none);
    let audiences = audiences.parse(faults, |given| names(given, "audience"));
    let keys = raw.jwks.given().map_or(Some(KeySource::Discovery), |jwks| {
        key_source(jwks, cleartext, folder, faults)
    });
    let identity_claims = raw.identity_claims.parse(faults, |given| names(given, "claim"));
    Some(Issuer {
        url: url?,
        audiences: audiences?.into_iter().map(Audience).collect(),
        keys: keys?,
        identity_claims,
    })
}

/// Kept as it was written: `iss` is compared byte for byte, and a URL type would add a slash.
fn issuer_url(
    given: &Given<String>,
    cleartext: Cleartext,
    seen: &mut HashSet<String>,
) -> Result<String, Fault> {
    let url = grammar::web_url(given, cleartext)?;
    if url.query().is_some() {
        return Err(given.fault("an issuer must not have a query (OpenID Connect Discovery 1.0 section 3)"));
    }
    if !seen.insert(given.value.clone()) {
        return Err(given
            .fault("this issuer is configured twice")
            .help("list all of its `audiences` in one"));
    }
    Ok(given.value.clone())
}

fn names(given: &Given<Vec<Given<String>>>, what: &str) -> Result<Vec<String>, Fault> {
    if given.value.is_empty() {
        return Err(given.fault(format!("there must be at least one {what}")));
    }
    if let Some(blank) = given.value.iter().find(|name| name.value.trim().is_empty()) {
        return Err(blank.fault(format!("the name of the {what} is empty")));
    }
    Ok(given.value.iter().map(|name| name.value.clone()).collect())
}

fn key_source(
    jwks: Given<raw::Jwks>,
    cleartext: Cleartext,
    folder: &Folder,
    faults: &mut Faults,
) -> Option<KeySource> {
    let Given {
        value: raw::Jwks { url, file },
        place,
    } = jwks;
    match (url, file) {
        (Setting::Absent, Setting::Absent) => {
            let fault = Fault::new(&place, "`jwks` names neither a `url` nor a `file`");
            faults.record(fault.help("leave `jwks` out to find the keys by OpenID Connect discovery"));
            None
        }
        (url, Setting::Absent) => url
            .parse(faults, |given| grammar::web_url(given, cleartext))
            .map(KeySource::Url),
        (Setting::Absent, file) => file
            .parse(faults, |given| fixed_keys(given, folder))
            .map(KeySource::Fixed),
        (_, file) => {
            let place = file.place().unwrap_or(&place);
            faults.record(Fault::new(
                place,
                "keys come from a URL or from a file, not from both",
            ));
            None
        }
    }
}

fn fixed_keys(given: &Given<String>, folder: &Folder) -> Result<FixedKeys, Fault> {
    let (path, document) = folder.read(given)?;
    FixedKeys::parse(&document).map_err(|why| given.fault(format!("{} cannot serve: {why}", path.display())))
}
