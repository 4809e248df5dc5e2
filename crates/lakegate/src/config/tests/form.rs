//! Keys and TOML types.

use super::{complaint, complaints, only, read, with, workspace};

#[test]
fn every_table_refuses_unknown_keys() {
    for table in ["server", "admin", "exchange", "outbound", "log"] {
        let (message, under) = complaint(&format!("[{table}]\nbogus = 1"));
        assert_eq!(
            (message, under.as_str()),
            (format!("unknown key `bogus` in [{table}]"), "bogus")
        );
    }
    let (message, _) = complaint("bogus = 1");
    assert_eq!(message, "unknown key `bogus` in the file");
    let (message, _) = complaint("[bogus]");
    assert_eq!(message, "unknown key `bogus` in the file");
}

#[test]
fn nested_tables_refuse_unknown_keys() {
    let text = super::issuer("url = \"https://a\"\naudiences = [\"a\"]\njwks = { uri = \"https://a\" }");
    let found = complaints(&text);
    assert!(
        found.contains(&("unknown key `uri` in `jwks`".to_owned(), "uri".to_owned())),
        "{found:?}"
    );
    let (message, _) = only(complaints(&workspace("url = \"https://a\"\nhost = [\"a\"]")));
    assert_eq!(message, "unknown key `host` in [[workspace]]");
}

#[test]
fn a_misspelt_key_is_told_the_right_one() {
    let help = |text| with(text).expect_err("a fault").list()[0].help.clone();
    assert_eq!(
        help("[server]\nlisen = 1").as_deref(),
        Some("did you mean `listen`?")
    );
    assert_eq!(help("[serve]").as_deref(), Some("did you mean `server`?"));
    assert_eq!(
        help("[exchange]\nkey = 1").as_deref(),
        Some("known here: timeout, cache_capacity, overlap")
    );
}

#[test]
fn a_wrong_type_is_told_with_what_was_found() {
    for (text, message) in [
        (
            "[server]\nlisten = 8443",
            "`listen` must be a string or a list of strings, not 8443",
        ),
        (
            "[server]\nlisten = [true]",
            "every item of `listen` must be a string, not a boolean",
        ),
        ("[server]\ntls = true", "`tls` must be a table, not a boolean"),
        (
            "[server]\nworkers = -1",
            "`workers` must be a whole number that is not negative, not -1",
        ),
        (
            "[server]\nworkers = 1.5",
            "`workers` must be a whole number that is not negative, not a float",
        ),
        ("[exchange]\ntimeout = 10", "`timeout` must be a string, not 10"),
        ("server = 1", "`server` must be a table, not 1"),
        ("admin = []", "`admin` must be a table, not an array"),
    ] {
        assert_eq!(complaint(text).0, message);
    }
}

#[test]
fn single_brackets_around_a_list_are_told_apart() {
    let text = "[issuer]\nurl = \"https://a\"\n[[workspace]]\nurl = \"https://b\"";
    let faults = read(text).expect_err("a fault");
    assert_eq!(
        faults.list()[0].message,
        "`issuer` must be a list of tables, not a table"
    );
    assert_eq!(
        faults.list()[0].help.as_deref(),
        Some("write [[issuer]], with two pairs of brackets")
    );
    assert_eq!(faults.list().len(), 1);
}

#[test]
fn a_setting_of_the_wrong_type_is_not_called_missing_as_well() {
    let (message, _) = only(complaints(&super::issuer("url = 1\naudiences = [\"a\"]")));
    assert_eq!(message, "`url` must be a string, not 1");
    let (message, _) = only(complaints(&super::issuer("url = \"https://a\"\naudiences = [1]")));
    assert_eq!(message, "every item of `audiences` must be a string, not 1");
}

#[test]
fn faults_of_form_and_of_meaning_come_in_one_run_in_the_order_of_the_file() {
    let text =
        "[server]\nlisten = \"nowhere\"\nbogus = 1\n[exchange]\ntimeout = 5\n[log]\nlevel = \"loud\"\n";
    let found: Vec<_> = complaints(text).into_iter().map(|(_, under)| under).collect();
    assert_eq!(found, ["\"nowhere\"", "bogus", "5", "\"loud\"", "", ""]);
}

#[test]
fn service_principal_rules_are_refused_not_ignored() {
    let rule = "url = \"https://a\"\n[[workspace.service_principal]]\nclient_id = \"b\"\nwhen = 'true'";
    let (message, under) = only(complaints(&workspace(rule)));
    assert!(
        message.ends_with("not supported by this version of lakegate"),
        "{message}"
    );
    assert_eq!(under, "service_principal");
}

#[test]
fn an_empty_list_of_tables_is_none_at_all() {
    let found = complaints("issuer = []\nworkspace = []\n");
    let messages: Vec<_> = found.into_iter().map(|(message, _)| message).collect();
    assert_eq!(messages, ["there is no issuer", "there is no workspace"]);
}
