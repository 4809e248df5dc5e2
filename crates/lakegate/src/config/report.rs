//! Faults as diagnostics in the compiler's form.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::fault::{Fault, Faults, Place, Source};

impl Faults {
    /// The diagnostics, for a terminal with colours or without.
    pub fn render(&self, colours: bool) -> String {
        let renderer = if colours {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut report = String::new();
        for fault in &self.list {
            report.push_str(&renderer.render(&[self.group(fault)]));
            report.push_str("\n\n");
        }
        report.push_str(&self.count());
        report
    }

    /// Each fault as one line for a log: where, and what.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (String, &str)> {
        self.list
            .iter()
            .map(|fault| (self.at(fault), fault.message.as_str()))
    }

    fn at(&self, fault: &Fault) -> String {
        match (&fault.place, &self.source) {
            (Place::File(span), Source::File { path, text }) => {
                let before = text.get(..span.start).unwrap_or(text);
                format!("{}:{}", path.display(), before.matches('\n').count() + 1)
            }
            (Place::Flag(flag), _) => (*flag).to_owned(),
            (_, Source::File { path, .. }) => path.display().to_string(),
            (_, Source::Flags) => "the command line".to_owned(),
        }
    }

    fn group<'a>(&'a self, fault: &'a Fault) -> Group<'a> {
        let title = Level::ERROR.primary_title(fault.message.as_str());
        let group = match (&fault.place, &self.source) {
            (Place::File(span), Source::File { path, text }) => title.element(
                Snippet::source(text.as_str())
                    .path(path.to_string_lossy().into_owned())
                    .annotation(AnnotationKind::Primary.span(within(span, text))),
            ),
            (Place::Flag(flag), _) => title.element(Origin::path(*flag)),
            (_, Source::File { path, .. }) => {
                title.element(Origin::path(path.to_string_lossy().into_owned()))
            }
            (_, Source::Flags) => Group::with_title(title),
        };
        match &fault.help {
            Some(help) => group.element(Level::HELP.message(help.as_str())),
            None => group,
        }
    }

    /// How many, and in what.
    pub(crate) fn count(&self) -> String {
        let from = match &self.source {
            Source::File { path, .. } => path.to_string_lossy().into_owned(),
            Source::Flags => "the command line".to_owned(),
        };
        match self.list.len() {
            1 => format!("1 fault in {from}"),
            faults => format!("{faults} faults in {from}"),
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// The first line of `span`: a fault in a whole table points at its header, not at a page of text.
fn within(span: &Range<usize>, text: &str) -> Range<usize> {
    let start = span.start.min(text.len());
    let end = span.end.clamp(start, text.len());
    let line = text.get(start..end).and_then(|spanned| spanned.find('\n'));
    start..line.map_or(end, |newline| start + newline)
}
