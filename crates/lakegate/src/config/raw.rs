//! What the user typed: the right keys with the right TOML types, and nothing understood yet.
//!
//! Strings that have a grammar live here and nowhere else. The command line's flags become the
//! same [`Raw`], so that file and flags obey the same rules.

use proxy::NextHop;

use super::document::Section;
use super::fault::{Faults, Place};
use super::given::{Given, Setting};

/// A whole configuration.
#[derive(Debug, Default)]
pub(crate) struct Raw {
    pub(crate) server: Server,
    pub(crate) admin: Option<Admin>,
    pub(crate) issuers: Setting<Vec<Issuer>>,
    pub(crate) workspaces: Setting<Vec<Workspace>>,
    pub(crate) exchange: Exchange,
    pub(crate) outbound: Outbound,
    pub(crate) log: Log,
}

/// `lakegate agent`, which flags alone say: a [`Raw`] of one workspace, and what only an agent has.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) base: Raw,
    pub(crate) next_hop: NextHop,
    pub(crate) socket: Setting<String>,
    pub(crate) socket_mode: Setting<String>,
    pub(crate) token_file: Setting<String>,
    pub(crate) token_command: Setting<String>,
    pub(crate) token_shell: Setting<bool>,
    pub(crate) token_timeout: Setting<String>,
    pub(crate) token_margin: Setting<String>,
    pub(crate) token_wait: Setting<String>,
    pub(crate) require_token: Setting<String>,
}

/// `[server]`
#[derive(Debug, Default)]
pub(crate) struct Server {
    pub(crate) listen: Setting<Vec<Given<String>>>,
    pub(crate) tls: Setting<Tls>,
    pub(crate) workers: Setting<u64>,
    pub(crate) header_timeout: Setting<String>,
    pub(crate) idle_timeout: Setting<String>,
    pub(crate) tls_handshake_timeout: Setting<String>,
    pub(crate) tunnel_idle_timeout: Setting<String>,
    pub(crate) drain_delay: Setting<String>,
    pub(crate) drain_timeout: Setting<String>,
    pub(crate) body_idle_timeout: Setting<String>,
    pub(crate) max_header_size: Setting<u64>,
    pub(crate) max_headers: Setting<u64>,
    pub(crate) max_target_size: Setting<u64>,
    pub(crate) max_body_size: Setting<u64>,
    pub(crate) max_connections: Setting<u64>,
    pub(crate) forwarded: Setting<bool>,
    pub(crate) max_concurrent_streams: Setting<u64>,
    pub(crate) h2c: Setting<bool>,
    pub(crate) max_connections_per_client: Setting<u64>,
    pub(crate) max_requests_in_flight: Setting<u64>,
    pub(crate) requests_per_second_per_subject: Setting<u64>,
    pub(crate) burst_per_subject: Setting<u64>,
    pub(crate) proxy_protocol: Setting<Vec<Given<String>>>,
}

/// `tls = { cert, key }`; kept, to be read again when the files change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tls {
    pub(crate) cert: Setting<String>,
    pub(crate) key: Setting<String>,
    pub(crate) min_version: Setting<String>,
    pub(crate) client_ca: Setting<String>,
    pub(crate) client_auth: Setting<String>,
}

/// `[admin]`
#[derive(Debug)]
pub(crate) struct Admin {
    pub(crate) place: Place,
    pub(crate) listen: Setting<String>,
}

/// `[[issuer]]`
#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) place: Place,
    pub(crate) url: Setting<String>,
    pub(crate) audiences: Setting<Vec<Given<String>>>,
    pub(crate) jwks: Setting<Jwks>,
    pub(crate) identity_claims: Setting<Vec<Given<String>>>,
    pub(crate) insecure_http: Setting<bool>,
}

/// `jwks = { url }` or `jwks = { file }`
#[derive(Debug, Default)]
pub(crate) struct Jwks {
    pub(crate) url: Setting<String>,
    pub(crate) file: Setting<String>,
}

/// `[[workspace]]`
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) place: Place,
    pub(crate) name: Setting<String>,
    pub(crate) url: Setting<String>,
    pub(crate) hosts: Setting<Vec<Given<String>>>,
    pub(crate) scope: Setting<String>,
    pub(crate) client_id: Setting<String>,
    pub(crate) account_id: Setting<String>,
    pub(crate) token_url: Setting<String>,
    pub(crate) cookies: Setting<bool>,
    pub(crate) api_key_carriers: Setting<bool>,
    pub(crate) allow_databricks_tokens: Setting<bool>,
    pub(crate) insecure_http: Setting<bool>,
}

/// `[exchange]`
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    pub(crate) timeout: Setting<String>,
    pub(crate) cache_capacity: Setting<u64>,
    pub(crate) overlap: Setting<bool>,
}

/// `[outbound]`
#[derive(Debug, Default)]
pub(crate) struct Outbound {
    pub(crate) ca: Setting<String>,
    pub(crate) connect_timeout: Setting<String>,
    pub(crate) first_byte_timeout: Setting<String>,
    pub(crate) body_idle_timeout: Setting<String>,
    pub(crate) pool_idle_timeout: Setting<String>,
}

/// `[log]`
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) level: Setting<String>,
    pub(crate) format: Setting<String>,
    pub(crate) subjects: Setting<String>,
    pub(crate) subject_key: Setting<String>,
}

// === impl Raw ===

impl Raw {
    /// Reads a document; every key that is unknown or of the wrong type becomes a fault.
    pub(super) fn read(text: &str, faults: &mut Faults) -> Option<Self> {
        let mut root = Section::root(text, faults)?;
        let raw = Self {
            server: table(&mut root, faults, "server", Server::read).unwrap_or_default(),
            admin: table(&mut root, faults, "admin", Admin::read),
            issuers: tables(&mut root, faults, "issuer", Issuer::read),
            workspaces: tables(&mut root, faults, "workspace", Workspace::read),
            exchange: table(&mut root, faults, "exchange", Exchange::read).unwrap_or_default(),
            outbound: table(&mut root, faults, "outbound", Outbound::read).unwrap_or_default(),
            log: table(&mut root, faults, "log", Log::read).unwrap_or_default(),
        };
        root.finish(faults);
        Some(raw)
    }
}

// === impl Server ===

impl Server {
    fn read(section: &mut Section<'_>, faults: &mut Faults) -> Self {
        Self {
            listen: section.strings("listen", true),
            tls: inline(section, faults, "tls", Tls::read),
            workers: section.number("workers"),
            header_timeout: section.string("header_timeout"),
            idle_timeout: section.string("idle_timeout"),
            tls_handshake_timeout: section.string("tls_handshake_timeout"),
            tunnel_idle_timeout: section.string("tunnel_idle_timeout"),
            drain_delay: section.string("drain_delay"),
            drain_timeout: section.string("drain_timeout"),
            body_idle_timeout: section.string("body_idle_timeout"),
            max_header_size: section.number("max_header_size"),
            max_headers: section.number("max_headers"),
            max_target_size: section.number("max_target_size"),
            max_body_size: section.number("max_body_size"),
            max_connections: section.number("max_connections"),
            forwarded: section.boolean("forwarded"),
            max_concurrent_streams: section.number("max_concurrent_streams"),
            h2c: section.boolean("h2c"),
            max_connections_per_client: section.number("max_connections_per_client"),
            max_requests_in_flight: section.number("max_requests_in_flight"),
            requests_per_second_per_subject: section.number("requests_per_second_per_subject"),
            burst_per_subject: section.number("burst_per_subject"),
            proxy_protocol: section.strings("proxy_protocol", false),
        }
    }
}

// === impl Tls ===

impl Tls {
    fn read(section: &mut Section<'_>, _: &mut Faults) -> Self {
        Self {
            cert: section.string("cert"),
            key: section.string("key"),
            min_version: section.string("min_version"),
            client_ca: section.string("client_ca"),
            client_auth: section.string("client_auth"),
        }
    }
}

// === impl Admin ===

impl Admin {
    fn read(section: &mut Section<'_>, _: &mut Faults) -> Self {
        Self {
            place: section.place(),
            listen: section.string("listen"),
        }
    }
}

// === impl Issuer ===

impl Issuer {
    fn read(section: &mut Section<'_>, faults: &mut Faults) -> Self {
        Self {
            place: section.place(),
            url: section.string("url"),
            audiences: section.strings("audiences", false),
            jwks: inline(section, faults, "jwks", Jwks::read),
            identity_claims: section.strings("identity_claims", false),
            insecure_http: section.boolean("insecure_http"),
        }
    }
}

// === impl Jwks ===

impl Jwks {
    fn read(section: &mut Section<'_>, _: &mut Faults) -> Self {
        Self {
            url: section.string("url"),
            file: section.string("file"),
        }
    }
}

// === impl Workspace ===

impl Workspace {
    fn read(section: &mut Section<'_>, _: &mut Faults) -> Self {
        section.refuse(
            "service_principal",
            "rules that choose a service principal by claims are not supported by this version of lakegate",
            "`client_id` in [[workspace]] names one service principal for every caller of the workspace",
        );
        Self {
            place: section.place(),
            name: section.string("name"),
            url: section.string("url"),
            hosts: section.strings("hosts", false),
            scope: section.string("scope"),
            client_id: section.string("client_id"),
            account_id: section.string("account_id"),
            token_url: section.string("token_url"),
            cookies: section.boolean("cookies"),
            api_key_carriers: section.boolean("api_key_carriers"),
            allow_databricks_tokens: section.boolean("allow_databricks_tokens"),
            insecure_http: section.boolean("insecure_http"),
        }
    }
}

// === impl Exchange ===

impl Exchange {
    fn read(section: &mut Section<'_>, _: &mut Faults) -> Self {
        Self {
            timeout: section.string("timeout"),
            cache_capacity: section.number("cache_capacity"),
            overlap: section.boolean("overlap"),
        }
    }
}

// === impl Outbound ===

impl Outbound {
    fn read(section: &mut Section<'_>, _: &mut Faults) -> Self {
        Self {
            ca: section.string("ca"),
            connect_timeout: section.string("connect_timeout"),
            first_byte_timeout: section.string("first_byte_timeout"),
            body_idle_timeout: section.string("body_idle_timeout"),
            pool_idle_timeout: section.string("pool_idle_timeout"),
        }
    }
}

// === impl Log ===

impl Log {
    fn read(section: &mut Section<'_>, _: &mut Faults) -> Self {
        Self {
            level: section.string("level"),
            format: section.string("format"),
            subjects: section.string("subjects"),
            subject_key: section.string("subject_key"),
        }
    }
}

/// A table inside another, as a setting with a place.
fn inline<T>(
    parent: &mut Section<'_>,
    faults: &mut Faults,
    key: &'static str,
    read: fn(&mut Section<'_>, &mut Faults) -> T,
) -> Setting<T> {
    match parent.section(key) {
        Setting::Absent => Setting::Absent,
        Setting::Faulty => Setting::Faulty,
        Setting::Given(Given {
            value: section,
            place,
        }) => Setting::Given(Given {
            value: whole(section, faults, read),
            place,
        }),
    }
}

/// A table of the root; `None` when it is absent or no table.
fn table<T>(
    root: &mut Section<'_>,
    faults: &mut Faults,
    key: &'static str,
    read: fn(&mut Section<'_>, &mut Faults) -> T,
) -> Option<T> {
    inline(root, faults, key, read).given().map(|given| given.value)
}

/// An array of tables of the root.
fn tables<T>(
    root: &mut Section<'_>,
    faults: &mut Faults,
    key: &'static str,
    read: fn(&mut Section<'_>, &mut Faults) -> T,
) -> Setting<Vec<T>> {
    match root.sections(key) {
        Setting::Absent => Setting::Absent,
        Setting::Faulty => Setting::Faulty,
        Setting::Given(Given {
            value: sections,
            place,
        }) => {
            let value = sections
                .into_iter()
                .map(|section| whole(section, faults, read))
                .collect();
            Setting::Given(Given { value, place })
        }
    }
}

fn whole<T>(
    mut section: Section<'_>,
    faults: &mut Faults,
    read: fn(&mut Section<'_>, &mut Faults) -> T,
) -> T {
    let value = read(&mut section, faults);
    section.finish(faults);
    value
}
