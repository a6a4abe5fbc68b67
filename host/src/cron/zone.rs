//! The host's own time zone, followed while it changes: `TZ` names a file or a rule, `/etc/localtime` is that file without it.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;

use super::Zone;

/// Where the zone lies that `TZ` does not name.
const LOCAL: &str = "/etc/localtime";

/// Where the zones lie that `TZ` calls by their names.
const ZONES: [&str; 3] = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/etc/zoneinfo"];

/// What tells one state of a file from another: its device, inode and size, and when it was changed.
type Stamp = (u64, u64, u64, (i64, i64));

pub struct HostZone {
    source: Source,
    /// What lay there at the last call.
    seen: Option<Stamp>,
    zone: Option<Zone>,
}

enum Source {
    Rule(Zone),
    File(PathBuf),
}

impl HostZone {
    #[must_use]
    pub fn new() -> Self {
        Self::named(std::env::var("TZ").ok().as_deref())
    }

    fn named(name: Option<&str>) -> Self {
        let source = match name {
            None => Source::File(LOCAL.into()),
            Some("") => Source::Rule(Zone::utc()),
            Some(name) => match TimeZone::posix(name) {
                Ok(rule) => Source::Rule(Zone(rule)),
                Err(_) => Source::File(file(name.strip_prefix(':').unwrap_or(name))),
            },
        };
        Self { source, seen: None, zone: None }
    }

    /// The zone, where it is another one than at the last call. A file that cannot be read is none.
    pub fn new_one(&mut self) -> Option<Zone> {
        let zone = match &self.source {
            Source::Rule(zone) => zone.clone(),
            Source::File(path) => {
                let stamp = stamp(path)?;
                if self.seen == Some(stamp) {
                    return None;
                }
                // Read after the stamp: what changes meanwhile has another one at the next call.
                let zone = TimeZone::tzif("", &fs::read(path).ok()?).ok()?;
                self.seen = Some(stamp);
                Zone(zone)
            }
        };
        if self.zone.as_ref() == Some(&zone) {
            return None;
        }
        self.zone = Some(zone.clone());
        Some(zone)
    }
}

impl Default for HostZone {
    fn default() -> Self {
        Self::new()
    }
}

fn file(name: &str) -> PathBuf {
    let zones = std::env::var_os("TZDIR").map(PathBuf::from).into_iter().chain(ZONES.map(PathBuf::from));
    // A path that is absolute stays what it is.
    let paths = zones.map(|zones| zones.join(name));
    paths.clone().find(|path| path.is_file()).or_else(|| paths.clone().next()).unwrap_or_default()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let about = path.metadata().ok()?;
    Some((about.dev(), about.ino(), about.len(), (about.ctime(), about.ctime_nsec())))
}

#[cfg(test)]
mod tests {
    use cordboard_core::types::Moment;

    use super::*;
    use crate::cron::Cron;

    /// A zone file of version 2 whose only content is this rule.
    fn zone_file(rule: &str) -> Vec<u8> {
        let block = |text: &[u8]| {
            let counts: [u32; 6] = [0, 0, 0, 0, 1, 4];
            let mut block = [b"TZif2".as_slice(), &[0; 15]].concat();
            block.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
            // One local time type: UTC, "UTC".
            [&block, &[0; 6][..], b"UTC\0", text].concat()
        };
        [block(b""), block(format!("\n{rule}\n").as_bytes())].concat()
    }

    /// When a job of seven o'clock is due first, in hours of UTC.
    fn seven(zone: &Zone) -> u64 {
        Cron::parse("0 7 * * *").expect("an expression").next(zone, Moment(0)).expect("it comes").0 / 3_600_000
    }

    #[test]
    fn a_file_that_changes_is_followed_and_told_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("one"), zone_file("AAA-1")).expect("written");
        fs::write(at("two"), zone_file("BBB-3")).expect("written");
        std::os::unix::fs::symlink("one", at("localtime")).expect("a link");
        let mut host = HostZone::named(Some(&format!(":{}", at("localtime").display())));
        assert_eq!(host.new_one().as_ref().map(seven), Some(6));
        assert_eq!(host.new_one(), None);
        // Another link, as `timedatectl` makes it.
        std::os::unix::fs::symlink("two", at("next")).expect("a link");
        fs::rename(at("next"), at("localtime")).expect("renamed");
        assert_eq!(host.new_one().as_ref().map(seven), Some(4));
        // Other rules, as an upgrade brings them, in place and anew.
        fs::write(at("two"), zone_file("BBBB-4")).expect("written");
        assert_eq!(host.new_one().as_ref().map(seven), Some(3));
        fs::write(at("three"), zone_file("BBB-5")).expect("written");
        fs::rename(at("three"), at("two")).expect("renamed");
        assert_eq!(host.new_one().as_ref().map(seven), Some(2));
        // Half a file, and none, change nothing.
        fs::write(at("two"), "TZif2").expect("written");
        assert_eq!(host.new_one(), None);
        fs::remove_file(at("two")).expect("removed");
        assert_eq!(host.new_one(), None);
        fs::write(at("two"), zone_file("BBB-6")).expect("written");
        assert_eq!(host.new_one().as_ref().map(seven), Some(1));
    }

    #[test]
    fn a_rule_and_a_name_are_understood() {
        let first = |name: Option<&str>| HostZone::named(name).new_one().as_ref().map(seven);
        assert_eq!(first(Some("")), Some(7));
        assert_eq!(first(Some("CET-1")), Some(6));
        assert_eq!(first(Some("No/Such")), None);
        assert!(matches!(HostZone::named(None).source, Source::File(path) if path == Path::new(LOCAL)));
    }
}
