mod documentation;
mod files;
mod form;
mod issuers;
mod report;
mod robustness;
mod sections;
mod workspaces;

use super::*;

/// The least that is accepted.
pub(super) const MINIMAL: &str = r#"
[[issuer]]
url = "https://login.example.com"
audiences = ["databricks-gateway"]

[[workspace]]
url = "https://dbc-1.cloud.databricks.com"
"#;

fn read_in(folder: &Path, text: &str) -> Result<Config, Faults> {
    let source = Source::File {
        path: "lakegate.toml".into(),
        text: text.to_owned(),
    };
    Config::parse(
        text,
        &Folder::of(&folder.join("lakegate.toml")),
        Faults::of(source),
    )
}

fn read(text: &str) -> Result<Config, Faults> {
    read_in(Path::new(""), text)
}

/// The minimal configuration, and more before it.
fn with(sections: &str) -> Result<Config, Faults> {
    read(&format!("{sections}\n{MINIMAL}"))
}

pub(super) fn accepted(text: &str) -> Config {
    read(text).unwrap_or_else(|faults| panic!("{faults}"))
}

/// What is said, each with the text that the caret stands under.
fn complaints(text: &str) -> Vec<(String, String)> {
    let faults = read(text).expect_err("a fault");
    let under = |fault: &Fault| match &fault.place {
        Place::File(span) => text[span.clone()].to_owned(),
        Place::Flag(_) | Place::Whole => String::new(),
    };
    faults
        .list()
        .iter()
        .map(|fault| (fault.message.clone(), under(fault)))
        .collect()
}

/// The one thing that is said about `sections` before the minimal configuration.
#[track_caller]
fn complaint(sections: &str) -> (String, String) {
    only(complaints(&format!("{sections}\n{MINIMAL}")))
}

#[track_caller]
fn only(mut complaints: Vec<(String, String)>) -> (String, String) {
    assert_eq!(complaints.len(), 1, "{complaints:#?}");
    complaints.remove(0)
}

/// One `[[issuer]]` with these lines, and a good workspace.
fn issuer(lines: &str) -> String {
    format!("[[issuer]]\n{lines}\n[[workspace]]\nurl = \"https://dbc-1.cloud.databricks.com\"\n")
}

/// One `[[workspace]]` with these lines, and a good issuer.
fn workspace(lines: &str) -> String {
    format!("[[issuer]]\nurl = \"https://login.example.com\"\naudiences = [\"a\"]\n[[workspace]]\n{lines}\n")
}
