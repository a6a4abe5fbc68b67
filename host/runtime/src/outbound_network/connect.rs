//! Resolves a host and connects to it. The name is resolved once, each address is checked, and the connection uses a
//! checked address. A second lookup must not happen, because it could return another address.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use cordboard_core::egress::{AddressKind, Host, grant_line};
use tokio::net::{TcpStream, lookup_host};

use super::{Network, request_error::RequestError};

/// The timeout for connecting, shared by all addresses of a name. A reachable server answers in a fraction of this
/// time, and the plugin may have other servers to query.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The timeout for resolving a name.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum number of addresses to try for a name.
const MAX_ADDRESSES: usize = 4;

pub struct Connection {
    pub stream: TcpStream,
    /// The duration of the successful connection attempt, excluding name resolution and failed attempts.
    pub took: Duration,
}

pub async fn connect(network: &Network, host: &Host, port: u16) -> Result<Connection, RequestError> {
    let addresses = addresses(network, host, port).await?;
    let each = CONNECT_TIMEOUT / u32::try_from(addresses.len()).unwrap_or(1).max(1);
    let mut last = None;
    for address in addresses {
        let began = Instant::now();
        match tokio::time::timeout(each, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(Connection { stream, took: began.elapsed() }),
            Ok(Err(error)) => last = Some(reason(&error)),
            Err(_) => last = Some(format!("no response within {} s", each.as_secs_f32())),
        }
    }
    let why = last.unwrap_or_else(|| "it resolves to no address".to_owned());
    Err(RequestError::Unreachable(format!("failed to connect to {host}:{port}: {why}")))
}

fn reason(error: &io::Error) -> String {
    let kind = error.kind();
    if kind == io::ErrorKind::ConnectionRefused {
        "connection refused".to_owned()
    } else if matches!(kind, io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) {
        "no route to it".to_owned()
    } else {
        error.to_string()
    }
}

/// Returns the addresses that the connection may use. A granted host that is an IP address needs no further check.
async fn addresses(network: &Network, host: &Host, port: u16) -> Result<Vec<SocketAddr>, RequestError> {
    let name = match host {
        Host::Ipv4(address) => return Ok(vec![SocketAddr::new(IpAddr::V4(*address), port)]),
        Host::Ipv6(address) => return Ok(vec![SocketAddr::new(IpAddr::V6(*address), port)]),
        Host::Domain(name) => name,
    };
    let found = tokio::time::timeout(RESOLVE_TIMEOUT, lookup_host((name.as_str(), port))).await;
    let unknown = |why: String| RequestError::Unreachable(format!("failed to resolve {name}: {why}"));
    let found = found.map_err(|_| unknown("the name server does not respond".to_owned()))?;
    let found: Vec<_> = found.map_err(|error| unknown(error.to_string()))?.collect();
    permitted(network, name, &found)
}

fn permitted(network: &Network, name: &str, found: &[SocketAddr]) -> Result<Vec<SocketAddr>, RequestError> {
    let is_permitted = |address: &&SocketAddr| match AddressKind::of(address.ip()) {
        AddressKind::Public => true,
        AddressKind::Private(_) => network.is_private(name),
        AddressKind::Metadata | AddressKind::Invalid(_) => false,
    };
    let allowed: Vec<_> = found.iter().filter(is_permitted).take(MAX_ADDRESSES).copied().collect();
    match found.first() {
        Some(first) if allowed.is_empty() => Err(RequestError::Refused(not_permitted(network, name, first.ip()))),
        Some(_) | None => Ok(allowed),
    }
}

fn not_permitted(network: &Network, name: &str, address: IpAddr) -> String {
    match AddressKind::of(address) {
        AddressKind::Invalid(why) => format!("{name} resolves to {address}, which is never allowed ({why})"),
        AddressKind::Metadata => format!(
            "{name} resolves to {address}, the metadata address where clouds provide credentials, which is never allowed"
        ),
        AddressKind::Private(why) => {
            let line = grant_line(&network.plugin, "private", &network.grants.private, name);
            format!("{name} resolves to {address} ({why}); to allow that, add to {line}")
        }
        AddressKind::Public => format!("{name} resolves to no address"),
    }
}
