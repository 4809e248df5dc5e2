//! Files that the configuration names.

use std::fs;
use std::path::Path;

use identity::KeySource;
use tempfile::TempDir;
use testbed::Authority;

use super::{MINIMAL, issuer, read_in};
use crate::config::{ClientAuth, Config, Faults, MinVersion, SubjectKey, Subjects};

/// RFC 7515 appendix A.3.1, the public part.
const JWKS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"a",
    "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (name, content) in files {
        fs::write(folder.path().join(name), content).expect("written");
    }
    folder
}

fn with(folder: &Path, sections: &str) -> Result<Config, Faults> {
    read_in(folder, &format!("{sections}\n{MINIMAL}"))
}

#[track_caller]
fn complaint(folder: &Path, sections: &str) -> String {
    let faults = with(folder, sections).expect_err("a fault");
    assert_eq!(faults.list().len(), 1, "{faults}");
    faults.list()[0]
        .message
        .replace(&folder.display().to_string(), "FOLDER")
}

const TLS: &str = "[server]\ntls = { cert = \"tls.crt\", key = \"tls.key\" }";

#[test]
fn a_certificate_and_its_key_are_read_from_beside_the_configuration() {
    let (cert, key) = Authority::new().server_pem(&[]);
    let folder = folder(&[("tls.crt", &cert), ("tls.key", &key)]);
    let tls = with(folder.path(), TLS)
        .expect("accepted")
        .server
        .tls
        .expect("TLS");
    assert_eq!(tls.cert, folder.path().join("tls.crt"));
}

#[test]
fn a_private_key_appears_in_no_debug_output() {
    let (cert, key) = Authority::new().server_pem(&[]);
    let folder = folder(&[("tls.crt", &cert), ("tls.key", &key)]);
    let config = with(folder.path(), TLS).expect("accepted");
    let shown = format!("{config:?}{config:#?}");
    for line in key.lines().filter(|line| !line.starts_with("-----")) {
        assert!(!shown.contains(line));
    }
    assert!(!shown.contains("PRIVATE") && !shown.contains("pair"), "{shown}");
}

#[test]
fn a_key_that_belongs_to_another_certificate_is_a_fault() {
    let authority = Authority::new();
    let folder = folder(&[
        ("tls.crt", &authority.server_pem(&[]).0),
        ("tls.key", &authority.server_pem(&[]).1),
    ]);
    assert!(complaint(folder.path(), TLS).starts_with("does not fit FOLDER/tls.crt"));
}

#[test]
fn a_certificate_and_a_key_need_each_other() {
    let (cert, key) = Authority::new().server_pem(&[]);
    let folder = folder(&[("tls.crt", &cert), ("tls.key", &key)]);
    let said = complaint(folder.path(), "[server]\ntls = { cert = \"tls.crt\" }");
    assert_eq!(said, "the certificate has no private key");
    let said = complaint(folder.path(), "[server]\ntls = { key = \"tls.key\" }");
    assert_eq!(said, "the private key has no certificate");
}

#[test]
fn faults_in_both_tls_files_are_told_at_once_and_show_nothing_of_them() {
    let folder = folder(&[("tls.crt", "s3cret"), ("tls.key", "s3cret")]);
    let faults = with(folder.path(), TLS).expect_err("faults");
    assert_eq!(faults.list().len(), 2, "{faults}");
    assert!(!faults.to_string().contains("s3cret"), "{faults}");
    assert!(
        faults.list()[0]
            .message
            .starts_with("there is no PEM certificate in"),
        "{faults}"
    );
    assert!(
        faults.list()[1]
            .message
            .starts_with("there is no usable private key in"),
        "{faults}"
    );
}

#[test]
fn files_that_are_not_there_are_told_all_at_once() {
    let folder = folder(&[]);
    let faults = with(folder.path(), &format!("{TLS}\n[outbound]\nca = \"ca.pem\"")).expect_err("faults");
    assert_eq!(faults.list().len(), 3, "{faults}");
    assert!(
        faults
            .list()
            .iter()
            .all(|fault| fault.message.starts_with("cannot read")),
        "{faults}"
    );
}

#[test]
fn certificate_authorities_are_read_and_must_be_certificates() {
    let authority = Authority::new().ca_pem();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let folder = folder(&[
        ("ca.pem", &(authority.clone() + &authority)),
        ("empty.pem", ""),
        ("broken.pem", broken),
    ]);
    let config = with(folder.path(), "[outbound]\nca = \"ca.pem\"").expect("accepted");
    assert_eq!(config.outbound.ca.expect("authorities").roots.len(), 2);
    let said = complaint(folder.path(), "[outbound]\nca = \"empty.pem\"");
    assert_eq!(said, "there is no PEM certificate in FOLDER/empty.pem");
    let said = complaint(folder.path(), "[outbound]\nca = \"broken.pem\"");
    assert!(
        said.starts_with("unusable certificate in FOLDER/broken.pem"),
        "{said}"
    );
}

#[test]
fn keys_of_an_issuer_may_come_from_a_file() {
    let folder = folder(&[("jwks.json", JWKS), ("empty.json", "{\"keys\":[]}")]);
    let with_jwks = |file| {
        issuer(&format!(
            "url = \"https://a\"\naudiences = [\"a\"]\njwks = {{ file = \"{file}\" }}"
        ))
    };
    let config = read_in(folder.path(), &with_jwks("jwks.json")).expect("accepted");
    assert!(matches!(config.issuers[0].keys, KeySource::Fixed(_)));
    let faults = read_in(folder.path(), &with_jwks("empty.json")).expect_err("a fault");
    assert!(
        faults.list()[0].message.contains("empty.json cannot serve: "),
        "{faults}"
    );
}

#[test]
fn subjects_may_be_hashed_under_a_key_from_a_file() {
    let folder = folder(&[("good", &"k".repeat(32)), ("short", "k")]);
    let config = with(folder.path(), "[log]\nsubject_key = \"good\"").expect("accepted");
    assert_eq!(
        config.log.subjects,
        Subjects::Hash(SubjectKey::Fixed(vec![b'k'; 32]))
    );
    assert!(!format!("{config:?}").contains("107, 107"), "the key is shown");
    let said = complaint(folder.path(), "[log]\nsubject_key = \"short\"");
    assert_eq!(said, "FOLDER/short holds fewer than 32 bytes");
    let said = complaint(folder.path(), "[log]\nsubject_key = \"good\"\nsubjects = \"off\"");
    assert_eq!(said, "`subject_key` has no effect unless `subjects` is \"hash\"");
}

#[test]
fn a_configuration_that_is_not_there_is_a_fault() {
    let faults = Config::load(Path::new("/nonexistent/lakegate.toml")).expect_err("a fault");
    assert!(
        faults.list()[0].message.starts_with("cannot read the file"),
        "{faults}"
    );
}

#[test]
fn the_shipped_examples_are_accepted() {
    for name in ["example.toml", "minimal.toml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../deploy")
            .join(name);
        Config::load(&path).unwrap_or_else(|faults| panic!("{faults}"));
    }
}

#[test]
fn what_is_asked_of_tls_clients_is_read_and_strict_by_default() {
    let authority = Authority::new();
    let (cert, key) = authority.server_pem(&[]);
    let folder = folder(&[
        ("tls.crt", &cert),
        ("tls.key", &key),
        ("ca.pem", &authority.ca_pem()),
    ]);
    let tls = |more: &str| format!("[server]\ntls = {{ cert = \"tls.crt\", key = \"tls.key\"{more} }}");
    let read = |more: &str| {
        with(folder.path(), &tls(more))
            .expect("accepted")
            .server
            .tls
            .expect("TLS")
    };
    let plain = read("");
    assert_eq!(plain.min_version, MinVersion::Tls12);
    assert!(plain.clients.is_none());
    let strict = read(", client_ca = \"ca.pem\", min_version = \"1.3\"");
    assert_eq!(strict.min_version, MinVersion::Tls13);
    assert_eq!(
        strict.clients.expect("client certificates").auth,
        ClientAuth::Required
    );
    let lax = read(", client_ca = \"ca.pem\", client_auth = \"optional\"");
    assert_eq!(
        lax.clients.expect("client certificates").auth,
        ClientAuth::Optional
    );

    for (more, said) in [
        (
            ", min_version = \"1.1\"",
            "the oldest version of TLS must be \"1.2\" or \"1.3\"",
        ),
        (
            ", client_auth = \"required\"",
            "`client_auth` has no effect without `client_ca`",
        ),
        (
            ", client_ca = \"ca.pem\", client_auth = \"no\"",
            "client certificates must be \"required\" or \"optional\"",
        ),
        (
            ", client_ca = \"tls.key\"",
            "there is no PEM certificate in FOLDER/tls.key",
        ),
    ] {
        assert_eq!(complaint(folder.path(), &tls(more)), said);
    }
}
