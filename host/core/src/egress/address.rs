//! Classifies the addresses that a name may resolve to. The operator grants names but does not control their DNS
//! records, so a granted name alone gives no access to private networks.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The kind of an address, which determines whether a plugin may connect to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// A public address, to which any granted name may resolve.
    Public,
    /// An address of this machine or of a network that is not public. A name that resolves to it must also be listed
    /// under `private` in `[plugins.NAME]`.
    Private(&'static str),
    /// A cloud metadata service, which serves credentials. No name may resolve to it, and no grant may name it.
    Metadata,
    /// A reserved address, or one that can't identify a machine, such as a multicast address. No name may resolve to
    /// it, and no grant may name it.
    Invalid(&'static str),
}

/// The IPv4 addresses of cloud metadata services, which serve credentials to the cloud's machines.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(169, 254, 169, 254), Ipv4Addr::new(169, 254, 170, 2), Ipv4Addr::new(100, 100, 100, 200)];
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

impl AddressKind {
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => kind_of_v4(address),
            IpAddr::V6(address) => kind_of_v6(address),
        }
    }
}

fn kind_of_v4(address: Ipv4Addr) -> AddressKind {
    if METADATA_V4.contains(&address) {
        return AddressKind::Metadata;
    }
    match address.octets() {
        [0, ..] => AddressKind::Invalid("not the address of a host"),
        [127, ..] => AddressKind::Private("this machine"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressKind::Private("a private network"),
        [100, 64..=127, ..] => AddressKind::Private("a provider's private network"),
        [169, 254, ..] => AddressKind::Private("link-local"),
        [198, 18..=19, ..] => AddressKind::Private("a network for benchmarks"),
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] => {
            AddressKind::Invalid("reserved")
        }
        [224..=239, ..] => AddressKind::Invalid("multicast"),
        [240..=255, ..] => AddressKind::Invalid("reserved"),
        _ => AddressKind::Public,
    }
}

/// Classifies an IPv6 address. If it embeds an IPv4 address, that address is classified instead.
fn kind_of_v6(address: Ipv6Addr) -> AddressKind {
    if address == METADATA_V6 {
        return AddressKind::Metadata;
    }
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        kind_of_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressKind::Private("this machine"),
        // IPv4-mapped, IPv4-translated (SIIT) and NAT64 addresses.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        // 6to4.
        [0x2002, high, low, ..] => embedded(high, low),
        [0x64, 0xff9b, 1, ..] => AddressKind::Private("a private NAT64 prefix"),
        [0xfe80..=0xfebf, ..] => AddressKind::Private("link-local"),
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => AddressKind::Private("a private network"),
        [0xff00..=0xffff, ..] => AddressKind::Invalid("multicast"),
        // 2001::/23, which is reserved for protocols such as Teredo, and the prefixes for documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => AddressKind::Invalid("reserved"),
        [0x2000..=0x3fff, ..] => AddressKind::Public,
        _ => AddressKind::Invalid("reserved"),
    }
}
