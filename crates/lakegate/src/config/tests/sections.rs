//! `[server]`, `[admin]`, `[exchange]`, `[outbound]`, `[log]`.

use std::time::Duration;

use tracing::Level;

use super::{complaint, with};
use crate::config::{LogFormat, SubjectKey, Subjects};

#[test]
fn one_address_or_a_list_may_be_listened_on() {
    let one = with("[server]\nlisten = \"0.0.0.0:8443\"").expect("accepted");
    assert_eq!(one.server.listen, ["0.0.0.0:8443".parse().expect("an address")]);
    let two = with("[server]\nlisten = [\"0.0.0.0:8443\", \"[::1]:80\"]").expect("accepted");
    assert_eq!(two.server.listen.len(), 2);
}

#[test]
fn listening_nowhere_or_twice_at_one_place_is_a_fault() {
    assert_eq!(
        complaint("[server]\nlisten = []").0,
        "there must be an address to listen on"
    );
    let (message, under) = complaint("[server]\nlisten = [\"127.0.0.1:80\", \"127.0.0.1:80\"]");
    assert_eq!(
        (message.as_str(), under.as_str()),
        ("127.0.0.1:80 is listed twice", "\"127.0.0.1:80\"")
    );
    let (message, _) = complaint("[server]\nlisten = \"127.0.0.1:9901\"\n[admin]");
    assert_eq!(message, "the server listens on 127.0.0.1:9901 already");
    let (message, under) = complaint("[server]\nlisten = \"127.0.0.1:1\"\n[admin]\nlisten = \"127.0.0.1:1\"");
    assert_eq!(
        (message.as_str(), under.as_str()),
        ("the server listens on 127.0.0.1:1 already", "\"127.0.0.1:1\"")
    );
}

#[test]
fn any_free_port_may_be_asked_for_repeatedly() {
    let config =
        with("[server]\nlisten = [\"127.0.0.1:0\", \"127.0.0.1:0\"]\n[admin]\nlisten = \"127.0.0.1:0\"");
    assert!(config.is_ok(), "{config:?}");
}

#[test]
fn a_host_name_is_not_an_address_to_listen_on() {
    assert_eq!(
        complaint("[server]\nlisten = \"localhost:80\"").0,
        "`localhost:80` is not an IP address with a port"
    );
    assert_eq!(
        complaint("[admin]\nlisten = \":9901\"").0,
        "`:9901` is not an IP address with a port"
    );
}

#[test]
fn there_is_no_admin_listener_unless_it_is_asked_for() {
    assert!(with("").expect("accepted").admin.is_none());
    let admin = with("[admin]").expect("accepted").admin.expect("a listener");
    assert_eq!(admin.listen.to_string(), "127.0.0.1:9901");
}

#[test]
fn durations_need_a_unit_and_are_neither_nothing_nor_endless() {
    assert_eq!(
        complaint("[exchange]\ntimeout = \"10\"").0,
        "`10` is not a duration"
    );
    assert_eq!(
        complaint("[exchange]\ntimeout = \"0s\"").0,
        "a duration of zero would refuse everything"
    );
    assert_eq!(
        complaint("[exchange]\ntimeout = \"25h\"").0,
        "a duration must not be longer than a day"
    );
    assert_eq!(
        complaint("[server]\nidle_timeout = \"9000years\"").0,
        "a duration must not be longer than a day"
    );
    let config = with("[server]\nidle_timeout = \"1m 30s\"").expect("accepted");
    assert_eq!(config.server.idle_timeout, Duration::from_secs(90));
}

#[test]
fn what_waits_for_people_or_balancers_can_be_switched_off_and_nothing_else() {
    let config = with("[outbound]\nfirst_byte_timeout = \"0s\"").expect("accepted");
    assert_eq!(config.outbound.first_byte_timeout, None);
    let config = with("[server]\ntunnel_idle_timeout = \"0s\"").expect("accepted");
    assert_eq!(config.server.tunnel_idle_timeout, None);
    let config = with("[server]\ndrain_delay = \"0s\"").expect("accepted");
    assert_eq!(config.server.drain_delay, Duration::ZERO);
    for key in ["connect_timeout", "pool_idle_timeout"] {
        complaint(&format!("[outbound]\n{key} = \"0s\""));
    }
    for key in [
        "header_timeout",
        "idle_timeout",
        "tls_handshake_timeout",
        "drain_timeout",
    ] {
        complaint(&format!("[server]\n{key} = \"0s\""));
    }
}

#[test]
fn counts_and_sizes_have_bounds() {
    assert_eq!(complaint("[server]\nworkers = 0").0, "must be between 1 and 1024");
    assert_eq!(
        complaint("[server]\nmax_connections = 0").0,
        "must be between 1 and 1000000"
    );
    assert_eq!(
        complaint("[server]\nmax_header_size = 100").0,
        "must be between 8192 and 1048576 bytes"
    );
    assert_eq!(
        complaint("[exchange]\ncache_capacity = 0").0,
        "must be between 1 and 100000000"
    );
    assert_eq!(
        with("[server]\nworkers = 3")
            .expect("accepted")
            .server
            .workers
            .get(),
        3
    );
}

#[test]
fn only_these_limits_can_be_switched_off() {
    let config = with("[server]\nmax_connections_per_client = 0\nmax_body_size = 0").expect("accepted");
    assert_eq!(config.server.max_connections_per_client, None);
    assert_eq!(config.server.max_body_size, None);
    let config = with("[outbound]\nbody_idle_timeout = \"0s\"").expect("accepted");
    assert_eq!(config.outbound.body_idle_timeout, None);
    for key in [
        "max_headers",
        "max_target_size",
        "max_requests_in_flight",
        "max_streams",
    ] {
        complaint(&format!("[server]\n{key} = 0"));
    }
    complaint("[server]\nbody_idle_timeout = \"0s\"");
}

#[test]
fn a_burst_is_as_many_as_a_second_brings_unless_it_is_said() {
    let share = |lines: &str| {
        let share = with(&format!("[server]\n{lines}"))
            .expect("accepted")
            .server
            .share;
        share.map(|share| (share.per_second.get(), share.burst.get()))
    };
    assert_eq!(share(""), None);
    assert_eq!(
        share("requests_per_second_per_subject = 0\nburst_per_subject = 9"),
        None
    );
    assert_eq!(share("requests_per_second_per_subject = 50"), Some((50, 50)));
    assert_eq!(
        share("requests_per_second_per_subject = 50\nburst_per_subject = 9"),
        Some((50, 9))
    );
    assert_eq!(
        complaint("[server]\nburst_per_subject = 9"),
        (
            "`burst_per_subject` has no effect without `requests_per_second_per_subject`".to_owned(),
            "9".to_owned()
        )
    );
    assert_eq!(
        complaint("[server]\nrequests_per_second_per_subject = 1000001").0,
        "must be between 0 and 1000000"
    );
}

#[test]
fn a_network_is_an_address_or_a_prefix_without_bits_beyond_it() {
    let config = with("[server]\nproxy_protocol = [\"10.0.0.0/8\", \"192.0.2.7\", \"2001:db8::/32\"]");
    let networks = config.expect("accepted").server.proxy_protocol;
    let networks: Vec<_> = networks.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"]);
    assert_eq!(
        complaint("[server]\nproxy_protocol = [\"10.1.2.3/8\"]").0,
        "`10.1.2.3/8` has bits beyond its prefix"
    );
    assert_eq!(
        complaint("[server]\nproxy_protocol = [\"lb.example.com\"]").0,
        "`lb.example.com` is not a network"
    );
}

#[test]
fn a_log_level_may_differ_by_target() {
    let level = with("[log]\nlevel = \"warn, access=info\"")
        .expect("accepted")
        .log
        .level;
    assert!(level.would_enable("access", &Level::INFO));
    assert!(!level.would_enable("proxy", &Level::INFO));
    assert!(level.would_enable("proxy", &Level::WARN));
}

#[test]
fn a_misspelt_log_level_is_a_fault_not_silence() {
    assert_eq!(
        complaint("[log]\nlevel = \"inof\"").0,
        "`inof` is not a log level"
    );
    assert_eq!(
        complaint("[log]\nlevel = \"access=loud\"").0,
        "`access=loud` is not a log level"
    );
    assert_eq!(complaint("[log]\nlevel = \"\"").0, "`` is not a log level");
}

#[test]
fn words_of_the_log_section_are_known_ones() {
    assert_eq!(
        complaint("[log]\nformat = \"xml\"").0,
        "`xml` is not a log format"
    );
    assert_eq!(
        complaint("[log]\nsubjects = \"plain\"").0,
        "`plain` is no way to log subjects"
    );
    let log = with("[log]\nformat = \"json\"\nsubjects = \"clear\"")
        .expect("accepted")
        .log;
    assert_eq!((log.format, log.subjects), (LogFormat::Json, Subjects::Clear));
}

#[test]
fn subjects_are_hashed_unless_told_otherwise() {
    assert_eq!(
        with("").expect("accepted").log.subjects,
        Subjects::Hash(SubjectKey::Random)
    );
}
