//! The exact text that people see.

use super::{MINIMAL, read};

#[test]
fn every_fault_is_shown_with_its_line_and_a_caret() {
    let faults = read(&format!(
        r#"[server]
listne = "0.0.0.0:8443"
header_timeout = "10 parsecs"
workers = "four"
{MINIMAL}
[log]
colour = true
"#
    ))
    .expect_err("faults");
    assert_eq!(
        faults.to_string(),
        r#"error: unknown key `listne` in [server]
 --> lakegate.toml:2:1
  |
2 | listne = "0.0.0.0:8443"
  | ^^^^^^
  |
  = help: did you mean `listen`?

error: `10 parsecs` is not a duration
 --> lakegate.toml:3:18
  |
3 | header_timeout = "10 parsecs"
  |                  ^^^^^^^^^^^^
  |
  = help: write a number with its unit, such as "500ms", "10s" or "5m"

error: `workers` must be a whole number that is not negative, not a string
 --> lakegate.toml:4:11
  |
4 | workers = "four"
  |           ^^^^^^

error: unknown key `colour` in [log]
  --> lakegate.toml:14:1
   |
14 | colour = true
   | ^^^^^^
   |
   = help: known here: level, format, subjects, subject_key

4 faults in lakegate.toml"#
    );
}

#[test]
fn what_is_not_toml_is_shown_in_the_same_form() {
    let faults = read("[server]\nlisten = \"127.0.0.1:80\nworkers = = 3\n").expect_err("faults");
    assert_eq!(
        faults.to_string(),
        r#"error: invalid basic string, expected `"`
 --> lakegate.toml:2:23
  |
2 | listen = "127.0.0.1:80
  |                       ^

error: extra `=`, expected nothing
 --> lakegate.toml:3:11
  |
3 | workers = = 3
  |           ^

error: unexpected key or value, expected newline, `#`
 --> lakegate.toml:3:13
  |
3 | workers = = 3
  |             ^

3 faults in lakegate.toml"#
    );
}

#[test]
fn what_is_missing_altogether_is_told_without_a_line() {
    let faults = read("").expect_err("faults");
    assert_eq!(
        faults.to_string(),
        r"error: there is no issuer
--> lakegate.toml
 = help: an [[issuer]] with its `url` and `audiences` says whose tokens are accepted

error: there is no workspace
--> lakegate.toml
 = help: a [[workspace]] with its `url` says where requests are forwarded to

2 faults in lakegate.toml"
    );
}

#[test]
fn a_fault_in_a_whole_table_points_at_its_header() {
    let faults =
        read("[[issuer]]\naudiences = [\n  \"a\",\n]\n\n[[workspace]]\nurl = \"https://a.example.com\"\n");
    assert_eq!(
        faults.expect_err("a fault").to_string(),
        r"error: the issuer has no `url`
 --> lakegate.toml:1:1
  |
1 | [[issuer]]
  | ^^^^^^^^^^

1 fault in lakegate.toml"
    );
}
