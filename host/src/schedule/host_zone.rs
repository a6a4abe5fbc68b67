//! Owns the host's time zone and detects changes to it. `TZ` names a file or a rule; without `TZ`, the file is
//! `/etc/localtime`.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use cordboard_core::{time_zone::Zone, types::Timestamp};

/// The zone file that is used if `TZ` is not set.
const LOCAL: &str = "/etc/localtime";

/// The folders that contain the zones `TZ` can name.
const ZONES: [&str; 3] = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/etc/zoneinfo"];

/// Identifies a file's state by its device, inode, size and change time.
type Stamp = (u64, u64, u64, (i64, i64));

pub struct HostZone {
    source: Source,
    /// The stamp of the file at the last successful read.
    last_read: Option<Stamp>,
    zone: Option<Zone>,
}

enum Source {
    Rule(Zone),
    File(PathBuf),
}

impl HostZone {
    #[must_use]
    pub fn new() -> Self {
        Self::from_variable(std::env::var("TZ").ok().as_deref())
    }

    fn from_variable(name: Option<&str>) -> Self {
        let source = match name {
            None => Source::File(LOCAL.into()),
            Some("") => Source::Rule(Zone::utc()),
            Some(name) => match Zone::posix(name) {
                Some(rule) => Source::Rule(rule),
                None => Source::File(file(name.strip_prefix(':').unwrap_or(name))),
            },
        };
        Self { source, last_read: None, zone: None }
    }

    /// Returns the zone if it has changed since the last call. An unreadable file counts as no change.
    pub fn poll_change(&mut self) -> Option<Zone> {
        let zone = match &self.source {
            Source::Rule(zone) => zone.clone(),
            Source::File(path) => {
                let stamp = stamp(path)?;
                if self.last_read == Some(stamp) {
                    return None;
                }
                // Read the file after taking the stamp, so that the next call detects a change made in between.
                let zone = Zone::tzif(&fs::read(path).ok()?)?;
                self.last_read = Some(stamp);
                zone
            }
        };
        if self.zone.as_ref() == Some(&zone) {
            return None;
        }
        self.zone = Some(zone.clone());
        Some(zone)
    }

    /// Returns the current zone, or UTC if no zone could be read.
    pub fn current(&mut self) -> Zone {
        self.poll_change().or_else(|| self.zone.clone()).unwrap_or(Zone::utc())
    }
}

impl Default for HostZone {
    fn default() -> Self {
        Self::new()
    }
}

fn file(name: &str) -> PathBuf {
    let zones = std::env::var_os("TZDIR").map(PathBuf::from).into_iter().chain(ZONES.map(PathBuf::from));
    // `join` keeps an absolute path as it is.
    let paths = zones.map(|zones| zones.join(name));
    paths.clone().find(|path| path.is_file()).or_else(|| paths.clone().next()).unwrap_or_default()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = path.metadata().ok()?;
    Some((metadata.dev(), metadata.ino(), metadata.len(), (metadata.ctime(), metadata.ctime_nsec())))
}

/// Formats a time in the host's time zone, to the minute.
pub fn local_minute(at: Timestamp) -> String {
    HostZone::new().current().minute(at)
}

#[cfg(test)]
mod tests {
    use cordboard_core::{cron::Cron, types::Timestamp};

    use super::*;

    /// Returns a zone file of version 2 that contains only this rule.
    fn zone_file(rule: &str) -> Vec<u8> {
        let block = |text: &[u8]| {
            let counts: [u32; 6] = [0, 0, 0, 0, 1, 4];
            let mut block = [b"TZif2".as_slice(), &[0; 15]].concat();
            block.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
            // The only local time type has the offset 0 and the name "UTC".
            [&block, &[0; 6][..], b"UTC\0", text].concat()
        };
        [block(b""), block(format!("\n{rule}\n").as_bytes())].concat()
    }

    /// Returns the UTC hour at which a job for seven o'clock is first due.
    fn seven(zone: &Zone) -> u64 {
        Cron::parse("0 7 * * *").expect("an expression").next(zone, Timestamp(0)).expect("it comes").0 / 3_600_000
    }

    #[test]
    fn a_changed_zone_file_is_returned_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("one"), zone_file("AAA-1")).expect("written");
        fs::write(at("two"), zone_file("BBB-3")).expect("written");
        std::os::unix::fs::symlink("one", at("localtime")).expect("a link");
        let mut host = HostZone::from_variable(Some(&format!(":{}", at("localtime").display())));
        assert_eq!(host.poll_change().as_ref().map(seven), Some(6));
        assert_eq!(host.poll_change(), None);
        // `timedatectl` replaces the link.
        std::os::unix::fs::symlink("two", at("next")).expect("a link");
        fs::rename(at("next"), at("localtime")).expect("renamed");
        assert_eq!(host.poll_change().as_ref().map(seven), Some(4));
        // An upgrade of the time zone data changes the rules, in place or with a new file.
        fs::write(at("two"), zone_file("BBBB-4")).expect("written");
        assert_eq!(host.poll_change().as_ref().map(seven), Some(3));
        fs::write(at("three"), zone_file("BBB-5")).expect("written");
        fs::rename(at("three"), at("two")).expect("renamed");
        assert_eq!(host.poll_change().as_ref().map(seven), Some(2));
        // A truncated or missing file counts as no change.
        fs::write(at("two"), "TZif2").expect("written");
        assert_eq!(host.poll_change(), None);
        fs::remove_file(at("two")).expect("removed");
        assert_eq!(host.poll_change(), None);
        fs::write(at("two"), zone_file("BBB-6")).expect("written");
        assert_eq!(host.poll_change().as_ref().map(seven), Some(1));
    }

    #[test]
    fn a_rule_and_a_name_are_parsed() {
        let first = |name: Option<&str>| HostZone::from_variable(name).poll_change().as_ref().map(seven);
        assert_eq!(first(Some("")), Some(7));
        assert_eq!(first(Some("CET-1")), Some(6));
        assert_eq!(first(Some("No/Such")), None);
        assert!(matches!(HostZone::from_variable(None).source, Source::File(path) if path == Path::new(LOCAL)));
    }
}
