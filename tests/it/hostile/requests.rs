use super::attack::{Attack, run};

#[tokio::test]
async fn a_target_is_a_path_and_nothing_else() {
    let targets: [&[u8]; 24] = [
        b"",
        b"a",
        b"*",
        b"x:80",
        b"?q",
        b"../a",
        b"%2Fa",
        b"\\a",
        b"/a\\b",
        b"/a#b",
        b"/a#",
        b"#",
        b"/a b",
        b"/a\tb",
        b"/a\0b",
        b"/a\x01b",
        b"/a\x7fb",
        b"/a\xffb",
        b"/\xc3",
        b"/a\x0bb",
        b"/a\rb",
        b"/a\nb",
        b"/a HTTP/1.1\r\nX: y\r\n\r\nGET /b",
        b"javascript:/a",
    ];
    let attacks = targets.into_iter().map(|target| {
        let bytes = [
            b"GET ".as_slice(),
            target,
            b" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n",
        ]
        .concat();
        Attack::new(target.escape_ascii().to_string(), bytes)
    });
    run(attacks).await;
}

#[tokio::test]
async fn a_path_goes_on_byte_for_byte() {
    let targets = [
        "/",
        "//",
        "//evil.example/a",
        "/a/../b",
        "/a/./b",
        "/..",
        "/%2e%2e/a",
        "/a%2Fb",
        "/a%00b",
        "/a%0d%0aHost:%20evil",
        "/a;b=c",
        "/a?b=c?d",
        "/a?b=/../c",
        "/a?b=%23c",
        "/a?filter={b:[1]}",
        "/a|b",
        "/a?",
        "/~a",
        "/\u{e9}",
        "/%",
        "/a%zz",
        "/http://evil.example/",
        "/@evil.example/",
        "/:80",
        "/a:b@c",
    ];
    let attacks = targets.map(|target| {
        let start = format!("GET {target} HTTP/1.1");
        Attack::new(
            target,
            format!("{start}\r\nHost: x\r\nAuthorization: Bearer {{token}}\r\n\r\n"),
        )
        .is(&start, "")
    });
    run(attacks).await;
}

#[tokio::test]
async fn an_absolute_target_names_the_host_again() {
    let refused = [
        ("http://y/a", "x"),
        ("http://x@y/a", "x"),
        ("http://y@x/a", "x"),
        ("http://x:81/a", "x"),
        ("http://x,y/a", "x"),
        ("http:///a", "x"),
        ("http://", "x"),
        ("http:/a", "x"),
        ("http:a", "x"),
        ("http://x/a", "x:80"),
        ("http://x#y/a", "x"),
        ("http://x\\y/a", "x"),
        ("http://[::1/a", "x"),
        ("http://x/a#b", "x"),
        ("http://x:y/a", "x:y"),
        ("ftp://x/a", "x"),
        ("file://x/a", "x"),
    ];
    let refused = refused.map(|(target, host)| Attack::new(format!("{target} at {host}"), get(target, host)));
    let forwarded = [
        ("http://x/a", "/a"),
        ("http://X/a?b", "/a?b"),
        ("http://x//y/a", "//y/a"),
        ("http://x", "/"),
        ("http://x?b", "/?b"),
        ("https://x/a", "/a"),
    ];
    let forwarded = forwarded
        .map(|(target, path)| Attack::new(target, get(target, "x")).is(&format!("GET {path} HTTP/1.1"), ""));
    run(refused.into_iter().chain(forwarded)).await;
}

#[tokio::test]
async fn a_host_is_a_host_and_there_is_one() {
    let hosts = [
        "",
        "Host:\r\n",
        "Host: \r\n",
        "Host: x\r\nHost: x\r\n",
        "Host: x\r\nHost: y\r\n",
        "Host: x\r\nhOsT: x\r\n",
        "Host: x y\r\n",
        "Host: x,y\r\n",
        "Host: x, y\r\n",
        "Host: x/y\r\n",
        "Host: x?y\r\n",
        "Host: x#y\r\n",
        "Host: user@x\r\n",
        "Host: user:pass@x\r\n",
        "Host: x@\r\n",
        "Host: http://x\r\n",
        "Host: x:\r\n",
        "Host: x:y\r\n",
        "Host: x:80:80\r\n",
        "Host: x:-1\r\n",
        "Host: x:99999\r\n",
        "Host: x:0x50\r\n",
        "Host: x:8 0\r\n",
        "Host: :80\r\n",
        "Host: [::1\r\n",
        "Host: ::1]\r\n",
        "Host: [x]y\r\n",
        "Host: [::1]x\r\n",
        "Host: x%00\r\n",
        "Host: x%2fy\r\n",
        "Host: x\\y\r\n",
        "Host: \"x\"\r\n",
        "Host: x\0y\r\n",
        "Host: x\ty\r\n",
        "Host: x\u{e9}\r\n",
        "Host : x\r\n",
        " Host: x\r\n",
        "Host: x;y\r\n",
        "Host: x'\r\n",
        "Host: (x)\r\n",
    ];
    let attacks = hosts.map(|host| {
        let bytes = format!("GET /a HTTP/1.1\r\n{host}Authorization: Bearer {{token}}\r\n\r\n");
        Attack::new(host.escape_debug().to_string(), bytes)
    });
    run(attacks).await;
}

#[tokio::test]
async fn a_version_is_1_0_or_1_1() {
    let versions = [
        "",
        " ",
        " HTTP",
        " HTTP/",
        " HTTP/1",
        " HTTP/1.",
        " HTTP/1.2",
        " HTTP/1.10",
        " HTTP/1.1.1",
        " HTTP/01.1",
        " HTTP/0.9",
        " HTTP/2",
        " HTTP/2.0",
        " HTTP/3.0",
        " HTTP/9.9",
        " http/1.1",
        " HTTP/1,1",
        " HTTP /1.1",
        " HTTP/ 1.1",
        " HTTPS/1.1",
        " HTTP/1.1 ",
        " HTTP/1.1\t",
        "  HTTP/1.1",
        "\tHTTP/1.1",
        " HTTP/1.1 HTTP/1.1",
        " HTTP/1.1x",
        " ICAP/1.0",
        " HTTP/-1.1",
        " HTTP/1.+1",
    ];
    let attacks = versions.map(|version| {
        let bytes = format!("GET /a{version}\r\nHost: x\r\nAuthorization: Bearer {{token}}\r\n\r\n");
        Attack::new(version.escape_debug().to_string(), bytes)
    });
    let old = Attack::new(
        "HTTP/1.0",
        "GET /a HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n",
    );
    let preface = Attack::new("an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    run(attacks
        .into_iter()
        .chain([old.is("GET /a HTTP/1.1", ""), preface]))
    .await;
}

#[tokio::test]
async fn a_method_is_a_token() {
    let refused = [
        "",
        " GET",
        "G ET",
        "GET\t",
        "G\0T",
        "GET:",
        "(GET)",
        "G\u{e9}T",
        "GET\r\nGET",
        "\"GET\"",
        "GET,POST",
        "GET/",
    ];
    let refused = refused.map(|method| Attack::new(method.escape_debug().to_string(), request(method)));
    let denied = ["CONNECT", "TRACE"].map(|method| Attack::new(method, request(method)));
    let forwarded = [
        "get",
        "Get",
        "GETT",
        "M-SEARCH",
        "PROPFIND",
        "QUERY",
        "PRI",
        "A".repeat(64).leak(),
    ];
    let forwarded =
        forwarded.map(|method| Attack::new(method, request(method)).is(&format!("{method} /a HTTP/1.1"), ""));
    run(refused.into_iter().chain(denied).chain(forwarded)).await;
}

#[tokio::test]
async fn there_is_one_credential() {
    let fields = [
        "Authorization: Bearer {token}\r\nAuthorization: Bearer {token}\r\n",
        "Authorization: Bearer {token}\r\nAuthorization: Bearer evil\r\n",
        "Authorization: Bearer evil\r\nauthorization: Bearer {token}\r\n",
        "Authorization: Bearer {token}\r\nAuthorization:\r\n",
        "Authorization : Bearer {token}\r\n",
        "Authorization: Bearer {token}\r\n ,Bearer evil\r\n",
        "Authorization: Bearer {token}\nAuthorization: Bearer evil\r\n",
    ];
    let refused = fields.map(|fields| {
        Attack::new(
            fields.escape_debug().to_string(),
            format!("GET /a HTTP/1.1\r\nHost: x\r\n{fields}\r\n"),
        )
    });
    let fields = [
        "",
        "Authorization:\r\n",
        "Authorization: Bearer\r\n",
        "Authorization: Bearer {token}, Bearer {token}\r\n",
        "Authorization: Bearer {token} x\r\n",
        "Authorization: {token}\r\n",
        "Authorization: Digest {token}\r\n",
        "Authorization: Bearer\t{token}\r\n",
        "Proxy-Authorization: Bearer {token}\r\n",
        "X-Authorization: Bearer {token}\r\n",
        "Cookie: Authorization=Bearer {token}\r\n",
        "X-Forwarded-Access-Token: {token}\r\n",
    ];
    let denied = fields.map(|fields| {
        Attack::new(
            fields.escape_debug().to_string(),
            format!("GET /a HTTP/1.1\r\nHost: x\r\n{fields}\r\n"),
        )
        .denied(401)
    });
    run(refused.into_iter().chain(denied)).await;
}

fn get(target: &str, host: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {{token}}\r\n\r\n")
}

fn request(method: &str) -> String {
    format!("{method} /a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {{token}}\r\n\r\n")
}
