//! Tests with the real binary that plugin requests ignore the proxies in the environment.

use super::{echo_server::Echo, support::Home};

#[test]
fn proxies_of_the_environment_are_ignored() {
    let (echo, proxy) = (Echo::start(), Echo::start());
    let home = Home::with(&format!(
        "[plugins.http_client]\nsecrets = [\"token\"]\ntcp = [\"{0}\"]\nhttp = [\"http://{0}/*\", \"https://{0}/*\"]\n[secrets]\ntoken = \"/nowhere\"\n",
        echo.address
    ));
    home.plug("http_client", "http_client");
    let url = format!("http://{}", proxy.address);
    let names = ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
    let mut variables: Vec<(&str, &str)> = names.iter().map(|&name| (name, url.as_str())).collect();
    variables.extend([("no_proxy", ""), ("NO_PROXY", "")]);
    let mut host = home.start_with(&variables);
    host.say(&format!("/fetch http://{}/x", echo.address));
    host.expect("200 ");
    // The server doesn't speak TLS. If the host used the proxy, the proxy would receive a CONNECT request.
    host.say(&format!("/fetch https://{}/y", echo.address));
    host.expect("TLS");
    let (name, port) = echo.address.split_once(':').unwrap();
    host.say(&format!("/knock {name} {port}"));
    host.expect("connected, sound");
    assert!(echo.requests().iter().any(|request| request.starts_with("GET /x HTTP/1.1\r\n")), "{:?}", echo.requests());
    assert_eq!(proxy.requests(), Vec::<String>::new());
}
