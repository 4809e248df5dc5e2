use crate::Args;
use crate::explain::KINDS;
use crate::judge::{Bounded, Findings};
use crate::tally::Sheet;

/// The findings as a table.
pub(crate) fn print(args: &Args, findings: &Findings) {
    let Findings { sheet, memory, .. } = findings;
    let row = |name: &str, value: String| println!("{name:<28}{value}");
    let mib = |bytes: u64| bytes >> 20;
    let of = |bounded: Bounded| format!("{} of {} at most", bounded.count, bounded.most);

    row("seed", args.seed.to_string());
    row("clients were there for", format!("{} s", findings.took.as_secs()));
    for kind in KINDS {
        row(&format!("{kind:?}"), outcomes(sheet, kind));
    }
    row("in fair weather", format!("{} requests", sheet.fair));
    row("in foul weather", format!("{} requests", sheet.foul));
    row("clients that left", sheet.left.to_string());
    let events = findings.events;
    row(
        "rotated, forgotten, SIGHUPs",
        format!("{}, {}, {}", events.rotations, events.revocations, events.hangups),
    );
    row("answers of others", sheet.strays.count.to_string());
    row("failures unexplained", sheet.unexplained.count.to_string());
    row(
        "JWTs, strangers, expired",
        format!(
            "{}, {}, {} at the workspaces' APIs",
            findings.leaked_jwts, findings.strangers, findings.expired_tokens
        ),
    );
    row("exchanges of regulars", of(findings.regular_exchanges));
    row("exchanges of the crowd", of(findings.crowd_exchanges));
    row("fetches of keys", of(findings.key_fetches));
    row(
        "resident, MiB",
        format!(
            "{} at the start; at most {}, {}, {} in each third; {} at rest",
            mib(findings.start.resident),
            mib(memory.first_third),
            mib(memory.second_third),
            mib(memory.last_third),
            mib(findings.rest.resident)
        ),
    );
    let (start, rest) = (findings.start, findings.rest);
    row(
        "open files",
        format!("{} at the start, {} at rest", start.files, rest.files),
    );
    row(
        "threads",
        format!("{} at the start, {} at rest", start.threads, rest.threads),
    );
    let (before, after) = (findings.gauges_at_start, findings.gauges);
    row(
        "tasks",
        format!(
            "{} + {} at the start, {} + {} at rest",
            before.data_tasks, before.control_tasks, after.data_tasks, after.control_tasks
        ),
    );
    row("ended in", format!("{} ms", findings.drained_in.as_millis()));
    row(
        "log",
        format!(
            "{} lines, searched for {} parts of credentials",
            findings.log.lines, findings.secrets
        ),
    );
}

fn outcomes(sheet: &Sheet, kind: crate::explain::Kind) -> String {
    let of_this_kind = sheet.counts.iter().filter(|((asked, _), _)| *asked == kind);
    let each: Vec<_> = of_this_kind
        .map(|((_, outcome), count)| format!("{count} {outcome}"))
        .collect();
    each.join(", ")
}
