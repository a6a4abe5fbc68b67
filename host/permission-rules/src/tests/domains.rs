//! Tests of rules for the hosts of URLs.

use super::{allow, deny, fetch};

const RULE: [&str; 1] = ["WebFetch(domain:Example.org)"];

#[test]
fn a_domain_covers_its_hosts() {
    for url in [
        "https://example.org",
        "https://example.org/",
        "http://example.org/a?b#c",
        "https://www.example.org/",
        "https://a.b.example.org/",
        "https://EXAMPLE.org:8443/",
        "HTTPS://example.org",
        "https://user:pass@example.org/",
        "https://evil.org@example.org/",
        "https://example.org./",
        "https://example.org:/",
        "https://example.org/@evil.org",
        "https://example.org?@evil.org",
        "https://example.org/a\\b",
    ] {
        assert!(allow(&RULE, &fetch(url)).is_some(), "{url}");
        assert!(deny(&RULE, &fetch(url)).is_some(), "{url}");
    }
}

#[test]
fn a_domain_covers_no_other_host() {
    for url in [
        "https://example.org@evil.org/",
        "https://example.org:80@evil.org/",
        "https://example.org.evil.org",
        "https://evilexample.org",
        "https://evil.org/example.org",
        "https://evil.org?example.org",
        "https://evil.org#.example.org",
        "https://org",
        "https://evil.org/https://example.org",
        "https://[::1]/",
        "http://127.0.0.1/",
    ] {
        assert_eq!(allow(&RULE, &fetch(url)), None, "{url}");
        assert_eq!(deny(&RULE, &fetch(url)), None, "{url}");
    }
}

#[test]
fn unclear_addresses_are_denied_and_not_allowed() {
    for url in [
        "",
        "example.org",
        "//example.org",
        "https:example.org",
        "https:/example.org",
        "https:///example.org",
        "ftp://example.org",
        "file://example.org",
        "https://example.org\\@evil.org",
        "https://evil.org\\.example.org",
        "https://a@b@example.org",
        "https://example.org:x/",
        "https://example.org:123456/",
        "https://exa%6dple.org/",
        "https://example.org%2eevil.org/",
        "https://ex\u{e4}mple.org",
        "https://example\u{3002}org",
        "https://example.org /",
        " https://example.org",
        "https://example.org\n",
        "https://exam\tple.org",
        "https://example.org\0.evil.org",
        "https://.example.org",
        "https://a..example.org",
        "https://",
        "https://[example.org]/",
        "https://[::1/",
        "https://example.org..",
        "https://*.example.org",
        "javascript://example.org/%0aalert(1)",
    ] {
        for rule in [RULE[0], "WebFetch(domain:*)"] {
            assert_eq!(allow(&[rule], &fetch(url)), None, "{url}");
            assert!(deny(&[rule], &fetch(url)).is_some(), "{url}");
        }
        assert!(allow(&["WebFetch"], &fetch(url)).is_some(), "{url}");
    }
}

#[test]
fn wildcards_and_addresses_are_exact() {
    for (rule, url, expected) in [
        ("WebFetch(domain:*.example.org)", "https://a.example.org", true),
        ("WebFetch(domain:*.example.org)", "https://example.org", false),
        ("WebFetch(domain:*)", "https://a.b", true),
        ("WebFetch(domain:0.0.1)", "http://127.0.0.1", false),
        ("WebFetch(domain:127.0.0.1)", "http://127.0.0.1:80", true),
        ("WebFetch(domain:[::1])", "http://[::1]:80/", true),
        ("WebFetch(domain:localhost)", "http://localhost", true),
    ] {
        assert_eq!(allow(&[rule], &fetch(url)).is_some(), expected, "{rule} {url}");
    }
}
