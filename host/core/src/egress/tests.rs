//! Tests which requests grants cover and how addresses are classified, with tables and property tests.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;

fn grant(text: &str) -> HttpGrant {
    text.parse().unwrap_or_else(|why| panic!("{text}: {why}"))
}

/// Parses a request such as `POST https://host/path`; the default method is GET. Returns `None` if the URL is invalid.
fn request(text: &str) -> Option<(String, Target)> {
    let (method, url) = text.split_once(' ').unwrap_or(("GET", text));
    let (scheme, rest) = url.split_once("://")?;
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    Target::new(scheme, &rest[..at], &rest[at..]).ok().map(|target| (method.to_owned(), target))
}

fn may(grants: &[&str], text: &str) -> bool {
    let grants: Vec<_> = grants.iter().map(|text| grant(text)).collect();
    request(text).is_some_and(|(method, target)| may_request(&grants, &method, &target))
}

#[test]
fn a_grant_covers_scheme_host_port_and_path() {
    let grants =
        ["https://pbs.lan:8007/api2/*", "http://bücher.example/list", "https://[fd00::1]/*", "https://10.0.0.7/*"];
    for good in [
        "https://pbs.lan:8007/api2/",
        "https://PBS.lan.:8007/api2/json?x=../..",
        "HEAD https://pbs.lan:8007/api2/%6ason",
        "HTTPS://pbs.lan:08007/api2/a",
        "http://xn--bcher-kva.example/list?page=2",
        "http://bücher.example:80/list",
        "https://[FD00:0:0::1]:443/anything",
        "https://10.0.0.7/x",
        // Resolvers interpret these forms as the address 10.0.0.7.
        "https://0x0a.7/x",
        "https://167772167/x",
    ] {
        assert!(may(&grants, good), "{good}");
    }
    for bad in [
        "http://pbs.lan:8007/api2/x",
        "https://pbs.lan/api2/x",
        "https://pbs.lan:8008/api2/x",
        "https://pbs.lan.evil.example:8007/api2/x",
        "https://evil.pbs.lan:8007/api2/x",
        "https://pbs.lan@evil.example:8007/api2/x",
        "https://evil.example@pbs.lan:8007/api2/x",
        "https://pbs.lan:8007@evil.example/api2/x",
        "https://pbs.lan:8007/api2",
        "https://pbs.lan:8007/api20/x",
        "https://pbs.lan:8007/API2/x",
        "https://pbs.lan:8007/",
        "https://pbs.lan:8007/x?/api2/",
        "http://bücher.example/list/",
        "http://bücher.example/lists",
        "POST https://pbs.lan:8007/api2/x",
        "get https://pbs.lan:8007/api2/x",
        "https://10.0.0.70/x",
        "https://pbs.lan%2eevil.example:8007/api2/x",
        "https://pbs.lan..:8007/api2/x",
        "https://pbs.lan:80070/api2/x",
        "https://pbs.lan:+8007/api2/x",
        "https://pbs.lan:/api2/x",
        "https://pbs.lan\\evil:8007/api2/x",
        "https:///api2/x",
        "ftp://pbs.lan:8007/api2/x",
    ] {
        assert!(!may(&grants, bad), "{bad}");
    }
}

#[test]
fn an_ambiguous_path_needs_a_grant_for_the_host() {
    for odd in [
        "/api/../admin",
        "/api/./x",
        "/api/..",
        "/api/%2e%2e/admin",
        "/api/%2E./admin",
        "/api/..%2fadmin",
        "/api/x%2Fy",
        "/api/%5c..%5cadmin",
        "/api/..;/admin",
        "/api/..;x=1/admin",
        "/api//x",
        "/api/x\\..\\y",
        "/api/%252e%252e/x",
        "/api/%25252e/x",
        "/api/%00x",
        "/api/%0d%0ax",
        "/api/%zz",
        "/api/%2",
    ] {
        let url = format!("https://pbs.lan{odd}");
        assert!(!may(&["https://pbs.lan/api/*"], &url), "{odd}");
        assert!(url.parse::<HttpGrant>().is_err(), "{odd} cannot be granted by itself");
        assert!(may(&["https://pbs.lan/*"], &url), "{odd} stays on its host");
    }
    for plain in ["/api/x.y/..z", "/api/a%20b", "/api/%7Euser", "/api/a:b@c", "/api/ä"] {
        assert!(may(&["https://pbs.lan/api/*"], &format!("https://pbs.lan{plain}")), "{plain}");
    }
}

#[test]
fn methods_are_granted_one_by_one_or_all() {
    let url = "https://pbs.lan/x";
    let may = |grant: &str, method: &str| may(&[&format!("{grant}https://pbs.lan/*")], &format!("{method} {url}"));
    assert!(may("", "GET") && may("", "HEAD") && !may("", "POST") && !may("", "DELETE"));
    assert!(may("POST ", "POST") && !may("POST ", "GET") && !may("GET ", "HEAD"));
    assert!(may("* ", "GET") && may("* ", "DELETE") && may("* ", "PROPFIND"));
    for method in ["CONNECT", "TRACE"] {
        assert!(!may("* ", method), "{method}");
        let why = format!("{method} {url}").parse::<HttpGrant>().unwrap_err().to_string();
        assert!(why.ends_with(&format!(": plugins may not use {method}")), "{why}");
    }
    for (slip, meant) in [("GOT", "GET"), ("PSOT", "POST"), ("post", "POST"), ("PUTT", "PUT")] {
        let why = format!("{slip} {url}").parse::<HttpGrant>().unwrap_err().to_string();
        assert!(why.ends_with(&format!(": that is not an HTTP method; did you mean {meant}?")), "{why}");
    }
    for odd in ["", "Fetch", "A_B"] {
        let why = format!("{odd} {url}").parse::<HttpGrant>().unwrap_err().to_string();
        assert!(why.ends_with(": a method consists of 1 to 20 capital letters or dashes"), "{why}");
    }
    for rare in ["ACL", "FETCH", "M-SEARCH", "PROPFIND", "PURGE"] {
        let (method, target) = request(&format!("{rare} {url}")).unwrap();
        let line = suggested_grant("pbs", &[], &method, &target);
        assert!(line.ends_with(&format!("[\"{rare} {url}\"]")) && may(&format!("{rare} "), rare), "{line}");
    }
}

#[test]
fn incomplete_and_overbroad_grants_are_refused() {
    for bad in [
        "pbs.lan",
        "pbs.lan/*",
        "ftp://pbs.lan/*",
        "https://pbs.lan",
        "https://pbs.lan:8007",
        "https://*/*",
        "https://*.lan/*",
        "https://pbs.lan/*/x",
        "https://pbs.lan/x?y=1",
        "https://pbs.lan/x#y",
        "https://user@pbs.lan/*",
        "https://user:pass@pbs.lan/*",
        "https://pbs.lan:0/*",
        "https://pbs.lan:99999/*",
        "https://pbs.lan/a/../b/*",
        "https://pbs.lan//b/*",
        "https:///*",
        "https:// pbs.lan/*",
        "post https://pbs.lan/*",
        "GET  https://pbs.lan/*",
        "https://0.0.0.0/*",
        "https://224.0.0.1/*",
        "https://[::]/*",
        "https://[::ffff:0.0.0.0]/*",
        "",
    ] {
        let why = bad.parse::<HttpGrant>().expect_err(bad).to_string();
        assert!(why.starts_with("must look like "), "{bad}: {why}");
    }
}

#[test]
fn ports_are_granted_with_their_host() {
    let grant = |text: &str| text.parse::<TcpGrant>().ok();
    let needed = |host: &str, port| TcpGrant::needed(host, port).ok().map(|(grant, _)| grant);
    assert_eq!(grant("PBS.lan.:8007"), needed("pbs.LAN", 8007));
    assert_eq!(grant("[fd00::1]:22"), needed("fd00::1", 22));
    assert_eq!(grant("[fd00::1]:22"), needed("[fd00:0::1]", 22));
    assert_eq!(grant("10.0.0.7:22"), needed("0x0a000007", 22));
    assert_ne!(grant("pbs.lan:8007"), needed("pbs.lan", 8008));
    for bad in ["pbs.lan", "pbs.lan:", "pbs.lan:x", ":22", "a/b:22", "u@h:22", "224.0.0.1:5353", "*:22"] {
        assert_eq!(grant(bad), None, "{bad}");
    }
    assert!(needed("a b", 1).is_none() && needed("", 1).is_none() && needed("a:1", 1).is_none());
}

#[test]
fn the_suggested_line_keeps_grants_and_adds_the_request() {
    let had = [grant("https://a.example/*")];
    let (method, target) = request("POST https://PBS.lan:8007/api2/x?y").unwrap();
    let line = suggested_grant("pbs", &had, &method, &target);
    assert_eq!(
        line,
        r#"[plugins.pbs] in the configuration: http = ["https://a.example/*", "POST https://pbs.lan:8007/api2/x"]"#
    );
    assert!(may_request(&[grant("POST https://pbs.lan:8007/api2/x")], &method, &target));
    for (path, line) in [("/", "/"), ("/a%2Ab/%C3%A4", "/a%2Ab/%C3%A4"), ("/a*", "/a%2A"), ("/a//b", "/*")] {
        let (method, target) = request(&format!("GET https://pbs.lan{path}")).unwrap();
        let line = format!("https://pbs.lan{line}");
        assert_eq!(
            suggested_grant("pbs", &[], &method, &target),
            format!("[plugins.pbs] in the configuration: http = [\"{line}\"]")
        );
        assert!(may_request(&[grant(&line)], &method, &target), "{line}");
    }
    let (method, wider) = request("GET https://pbs.lan/ab").unwrap();
    assert!(!may_request(&[grant("https://pbs.lan/a%2A")], &method, &wider), "the star is part of the path");
}

#[test]
fn the_unfilled_suggested_line_is_not_a_grant() {
    for template in ["https://HOST/*", "POST https://HOST:8007/x"] {
        let why = template.parse::<HttpGrant>().expect_err(template).to_string();
        assert!(why.ends_with("replace HOST with the server's name"), "{why}");
    }
    for template in ["HOST:PORT", "HOST:22"] {
        let why = template.parse::<TcpGrant>().expect_err(template).to_string();
        assert!(why.ends_with("fill in the server's name and port"), "{why}");
    }
}

#[test]
fn cloud_metadata_addresses_cannot_be_granted() {
    for host in ["169.254.169.254", "0xa9fea9fe", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "100.100.100.200"] {
        let why = format!("* http://{host}/*").parse::<HttpGrant>().expect_err(host).to_string();
        assert!(why.ends_with("this is the metadata address where clouds provide credentials"), "{why}");
        assert!(format!("{host}:80").parse::<TcpGrant>().is_err(), "{host}");
        let (_, target) = request(&format!("GET http://{host}/latest/")).unwrap();
        assert!(check_host(&target.host).is_err(), "{host}");
    }
    assert!("http://169.254.1.1/*".parse::<HttpGrant>().is_ok());
}

#[test]
fn only_host_names_can_be_allowed_as_private() {
    assert_eq!(read_host("PBS.Lan."), Ok("pbs.lan".to_owned()));
    for bad in ["10.0.0.7", "[::1]", "pbs.lan:80", "https://pbs.lan", "", "*.lan"] {
        assert!(read_host(bad).is_err(), "{bad}");
    }
}

fn sort(address: &str) -> &'static str {
    match AddressKind::of(address.parse::<IpAddr>().unwrap()) {
        AddressKind::Public => "public",
        AddressKind::Private(_) => "private",
        AddressKind::Metadata => "metadata",
        AddressKind::Invalid(_) => "never",
    }
}

#[test]
fn addresses_are_classified_by_range() {
    let table = [
        (
            "public",
            &["1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "192.167.1.1", "193.0.0.1"][..],
        ),
        ("public", &["2606:4700::1111", "2a00:1450::1", "64:ff9b::101:101", "2002:101:101::1", "::ffff:1.1.1.1"]),
        ("private", &["127.0.0.1", "127.255.255.254", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"]),
        ("private", &["100.64.0.1", "100.127.255.254", "169.254.1.1", "198.18.0.1"]),
        ("private", &["::1", "fe80::1", "febf::1", "fc00::1", "fdff::1", "fec0::1", "64:ff9b:1::a00:1"]),
        ("private", &["::ffff:127.0.0.1", "::ffff:0:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::"]),
        (
            "metadata",
            &["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "fd00:ec2::254"],
        ),
        ("metadata", &["169.254.170.2", "100.100.100.200"]),
        ("never", &["0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"]),
        ("never", &["192.0.2.1", "198.51.100.1", "203.0.113.9", "192.0.0.8", "192.88.99.1"]),
        (
            "never",
            &[
                "::",
                "::2",
                "::127.0.0.1",
                "ff02::1",
                "2001:db8::1",
                "2001::1",
                "100::1",
                "3fff::1",
                "4000::1",
                "5f00::1",
            ],
        ),
    ];
    for (expected, addresses) in table {
        for address in addresses {
            assert_eq!(sort(address), expected, "{address}");
        }
    }
}

proptest! {
    /// An IPv4 address gets the same classification in every IPv6 form that embeds it.
    #[test]
    fn embedded_ipv4_addresses_are_classified_alike(bits in any::<u32>()) {
        let bare = AddressKind::of(IpAddr::from(bits.to_be_bytes()));
        let (high, low) = (bits >> 16, bits & 0xffff);
        for disguise in [format!("::ffff:{high:x}:{low:x}"), format!("64:ff9b::{high:x}:{low:x}"), format!("2002:{high:x}:{low:x}::")] {
            prop_assert_eq!(AddressKind::of(disguise.parse().unwrap()), bare, "{}", disguise);
        }
    }

    /// A granted path never escapes the granted folder, even if a server decodes it once or twice.
    #[test]
    fn no_path_encoding_escapes_the_granted_folder(path in "/api/(\\.|%2e|%2E|%252e|/|%2f|%5c|\\\\|;|a|%61){0,8}") {
        if may(&["https://h.example/api/*"], &format!("https://h.example{path}")) {
            let mut seen = path;
            for _ in 0..3 {
                let plain = seen.replace('\\', "/");
                let mut depth = 0;
                for segment in plain.trim_start_matches('/').split('/') {
                    depth += if segment.split(';').next() == Some("..") { -1 } else { 1 };
                    prop_assert!(depth > 0, "{}", plain);
                }
                seen = percent_decoded(&seen);
            }
        }
    }

    #[test]
    fn any_text_is_parsed_without_panic(a in ".*", b in ".*", c in ".*") {
        let _ = a.parse::<HttpGrant>();
        let _ = a.parse::<TcpGrant>();
        let _ = Target::new(&a, &b, &c);
        let _ = Target::new("https", &b, &c);
        let _ = TcpGrant::needed(&b, 1);
    }

    /// The suggested line is a valid grant that covers the request, unless the host is an address that can't be
    /// granted.
    #[test]
    fn the_suggested_line_grants_the_request(host in "[a-z0-9.:@%\\[\\]-]{1,12}", path in "(/[a-z.%0-9]{0,4}){1,3}") {
        if let Ok(target) = Target::new("https", &host, &path) {
            let line = suggested_grant("p", &[], "GET", &target);
            let text = line.split('"').nth(1).unwrap();
            if let Ok(grant) = text.parse::<HttpGrant>() {
                prop_assert!(may_request(&[grant], "GET", &target), "{}", line);
            } else {
                prop_assert!(matches!(target.host, url::Host::Ipv4(_) | url::Host::Ipv6(_)), "{}", line);
            }
        }
    }
}

fn percent_decoded(text: &str) -> String {
    let mut plain = text.to_owned();
    for (code, letter) in [("%252e", "%2e"), ("%2e", "."), ("%2E", "."), ("%2f", "/"), ("%5c", "\\"), ("%61", "a")] {
        plain = plain.replace(code, letter);
    }
    plain
}
