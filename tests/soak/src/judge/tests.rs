use super::*;

/// A soak at whose end everything holds.
fn good() -> Findings {
    let mut sheet = Sheet {
        fair: 100,
        foul: 50,
        ..Sheet::default()
    };
    for kind in KINDS {
        sheet.counts.insert((kind, "served".to_owned()), 1);
    }
    let holdings = Holdings {
        resident: 40 << 20,
        files: 20,
        threads: 6,
    };
    Findings {
        sheet,
        memory: Memory {
            first_third: 45 << 20,
            second_third: 50 << 20,
            last_third: 51 << 20,
            allowance: 16 << 20,
        },
        start: holdings,
        rest: holdings,
        exit: Some(0),
        ..Findings::default()
    }
}

/// What is broken when this was done to a good soak.
fn broken(spoil: impl FnOnce(&mut Findings)) -> Vec<&'static str> {
    let mut findings = good();
    spoil(&mut findings);
    judge(&findings)
        .into_iter()
        .map(|breach| breach.invariant)
        .collect()
}

#[test]
fn a_good_soak_has_no_breach() {
    assert_eq!(judge(&good()), []);
}

#[test]
fn each_invariant_of_the_workspaces_fails_alone_when_it_is_broken() {
    let beyond = Bounded { count: 11, most: 10 };
    let cases = [
        (
            broken(|f| f.sheet.strays.add("bob".to_owned())),
            "every answer belongs to its caller",
        ),
        (
            broken(|f| f.sheet.unexplained.add("502".to_owned())),
            "every failure is explained by the weather",
        ),
        (broken(|f| f.leaked_jwts = 1), "no JWT reaches a workspace's API"),
        (
            broken(|f| f.strangers = 1),
            "no request reaches it without a token of its own",
        ),
        (
            broken(|f| f.expired_tokens = 1),
            "no token reaches it past its expiry",
        ),
        (
            broken(|f| f.regular_exchanges = beyond),
            "exchanges of regular callers are bounded",
        ),
        (
            broken(|f| f.crowd_exchanges = beyond),
            "exchanges of the crowd are bounded",
        ),
        (broken(|f| f.key_fetches = beyond), "fetches of keys are bounded"),
    ];
    for (found, invariant) in cases {
        assert_eq!(found, [invariant]);
    }
}

#[test]
fn each_invariant_of_the_process_fails_alone_when_it_is_broken() {
    let cases = [
        (broken(|f| f.memory.last_third = 67 << 20), "memory is flat"),
        (broken(|f| f.rest.resident = 67 << 20), "memory is flat"),
        (broken(|f| f.rest.files = 25), "files are closed"),
        (broken(|f| f.rest.threads = 9), "no thread is left"),
        (broken(|f| f.gauges.data_tasks = 1), "no task is left of a client"),
        (
            broken(|f| f.gauges.control_tasks = 5),
            "no task is left of an exchange",
        ),
        (
            broken(|f| f.gauges.client_connections = 1),
            "no client connection is left",
        ),
        (broken(|f| f.gauges.requests_in_flight = 1), "no request is left"),
        (
            broken(|f| f.gauges.lost_log_lines = 1),
            "no line of the log is lost",
        ),
        (broken(|f| f.events.hangups = 1), "every new configuration serves"),
        (broken(|f| f.exit = None), "it ends well on SIGTERM"),
        (broken(|f| f.exit = Some(101)), "it ends well on SIGTERM"),
        (
            broken(|f| f.drained_in = Duration::from_secs(14)),
            "it ends within its drain",
        ),
        (broken(|f| f.log.secrets = 1), "the log holds no credential"),
        (broken(|f| f.log.panics = 1), "nothing panics"),
        (broken(|f| f.log.sanitizer = 1), "the sanitizer reports nothing"),
    ];
    for (found, invariant) in cases {
        assert_eq!(found, [invariant]);
    }
}

#[test]
fn a_soak_in_which_too_little_happened_proves_nothing() {
    let missed = broken(|f| f.missed_troubles.push("Hang".to_owned()));
    assert_eq!(missed, ["every trouble comes"]);
    let unserved = broken(|f| {
        f.sheet.counts.remove(&(Kind::Tunnel, "served".to_owned()));
    });
    assert_eq!(unserved, ["every kind of request is served"]);
    let all_foul = broken(|f| f.sheet.fair = 0);
    assert_eq!(all_foul, ["requests are sent in fair weather and in foul"]);
}
