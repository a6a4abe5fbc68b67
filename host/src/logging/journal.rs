//! Sends log records to systemd's journal, in its native protocol:
//! <https://systemd.io/JOURNAL_NATIVE_PROTOCOL>. The journal adds the time and the process.

use std::{
    io::{self, Write},
    os::unix::net::UnixDatagram,
    sync::Arc,
};

use rustix::fs::fstat;
use serde::{Deserialize, Serialize};

use super::{line::one_json_line, record::LogRecord};

/// The address of the journal.
const SOCKET: &str = "/run/systemd/journal/socket";

/// The maximum length of a value, in bytes. Longer values are truncated, because the journal accepts about 200 KiB per
/// message.
const LONGEST_VALUE: usize = 32 * 1024;

/// The maximum length of the name of a field, in bytes. The journal ignores fields with longer names.
const LONGEST_NAME: usize = 64;

/// The field with the target of a record and the modules above it.
pub const PARENT_TARGET: &str = "TARGET_OR_PARENT";

/// Selects the records of a host in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JournalSource {
    /// The name of a unit of the machine's systemd instance.
    Unit(String),
    /// The name of a unit of a user's own systemd instance.
    UserUnit(String),
    /// The pid of a host that isn't a service.
    Process(u32),
}

impl JournalSource {
    /// Returns the source of this process's records.
    pub fn own() -> Self {
        let cgroups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self::of_cgroups(&cgroups).unwrap_or_else(|| Self::Process(std::process::id()))
    }

    /// Finds the unit in `/proc/self/cgroup`.
    fn of_cgroups(text: &str) -> Option<Self> {
        let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
        let is_manager = |part: &&str| part.starts_with("user@");
        let unit = path.split('/').rfind(|part| part.ends_with(".service") && !is_manager(part))?.to_owned();
        Some(if path.split('/').any(|part| is_manager(&part)) { Self::UserUnit(unit) } else { Self::Unit(unit) })
    }

    /// Returns the argument of `journalctl`.
    #[must_use]
    pub fn argument(&self) -> String {
        match self {
            Self::Unit(unit) => format!("--unit={unit}"),
            Self::UserUnit(unit) => format!("--user-unit={unit}"),
            Self::Process(pid) => format!("_PID={pid}"),
        }
    }
}

/// Returns whether standard error is connected to systemd's journal. `JOURNAL_STREAM` alone isn't proof, because child
/// processes inherit it.
pub fn is_stderr() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let Ok(stat) = fstat(io::stderr()) else { return false };
    stream == format!("{}:{}", stat.st_dev, stat.st_ino)
}

/// A connection to the journal.
#[derive(Debug)]
pub struct Journal(UnixDatagram);

impl Journal {
    /// # Errors
    /// No journal is running.
    pub fn connect() -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(SOCKET)?;
        Ok(Self(socket))
    }
}

/// Sends each record, which is a JSON object, as a message. Each record must be written in a single call.
pub struct JournalWriter(Arc<Journal>);

impl JournalWriter {
    pub fn new(journal: Arc<Journal>) -> Self {
        Self(journal)
    }
}

impl Write for JournalWriter {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let line = one_json_line(record);
        // While the journal restarts, write to standard error instead: systemd keeps that stream open and the journal
        // reads it later.
        let sent = self.0.0.send(&message(&line));
        if sent.is_err() {
            io::stderr().write_all(line.as_bytes())?;
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the message for a record, which is JSON without secrets.
fn message(line: &str) -> Vec<u8> {
    let record = LogRecord::parse(line);
    let mut message = Vec::new();
    add(&mut message, "PRIORITY", priority(&record.level));
    add(&mut message, "SYSLOG_IDENTIFIER", "cordboard");
    add(&mut message, "TARGET", &record.target);
    // The journal compares only whole values, so the modules above are values too.
    let ends = record.target.match_indices("::").map(|(end, _)| end).chain([record.target.len()]);
    ends.for_each(|end| add(&mut message, PARENT_TARGET, &record.target[..end]));
    // `journalctl` shows only the message, so it also contains the fields.
    add(&mut message, "MESSAGE", &record.text());
    for (name, value) in record.fields() {
        add(&mut message, &field_name(name), &value);
    }
    message
}

/// Returns the syslog priority of a level.
fn priority(level: &str) -> &'static str {
    match level {
        "ERROR" => "3",
        "WARN" => "4",
        "INFO" => "6",
        _ => "7",
    }
}

/// Returns the journal's name for a field. The journal allows only uppercase letters, digits and underscores. The
/// prefix separates the host's fields from the journal's own.
fn field_name(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let letters = name.chars().map(letter);
    "CORDBOARD_".chars().chain(letters).take(LONGEST_NAME).collect()
}

/// Adds a field. A value with line breaks is preceded by its length.
fn add(message: &mut Vec<u8>, name: &str, value: &str) {
    let value = value.get(..value.floor_char_boundary(LONGEST_VALUE)).unwrap_or(value).as_bytes();
    message.extend_from_slice(name.as_bytes());
    if value.contains(&b'\n') {
        message.push(b'\n');
        message.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        message.push(b'=');
    }
    message.extend_from_slice(value);
    message.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cordboard_core::scrub;
    use tracing_subscriber::{fmt, layer::SubscriberExt as _};

    use super::*;

    /// Returns the message that reaches the journal.
    fn sent(log: impl FnOnce()) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let journal = UnixDatagram::bind(&path).unwrap();
        journal.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let socket = UnixDatagram::unbound().unwrap();
        socket.connect(&path).unwrap();
        let shared = Arc::new(Journal(socket));
        let layer = fmt::layer().json().without_time().with_writer(move || JournalWriter::new(Arc::clone(&shared)));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let mut message = vec![0; 64 * 1024];
        let length = journal.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    }

    #[test]
    fn a_record_has_fields_and_no_secret() {
        scrub::remember("<token>", "987654321:JrN-abcdefghijklmnop");
        let message = sent(|| {
            tracing::warn!(target: "cordboard::x", plugin = "echo", turns = 3, why = "987654321:JrN-abcdefghijklmnop", "failed");
        });
        let expected = "PRIORITY=4\nSYSLOG_IDENTIFIER=cordboard\nTARGET=cordboard::x\n\
                        TARGET_OR_PARENT=cordboard\nTARGET_OR_PARENT=cordboard::x\nMESSAGE=failed plugin=echo turns=3 why=<token>\n\
                        CORDBOARD_PLUGIN=echo\nCORDBOARD_TURNS=3\nCORDBOARD_WHY=<token>\n";
        assert_eq!(message, expected);
    }

    #[test]
    fn the_cgroup_names_the_unit() {
        let source = |path: &str| JournalSource::of_cgroups(&format!("1:name=x:/\n0::{path}\n"));
        let unit = |name: &str| Some(JournalSource::Unit(name.to_owned()));
        assert_eq!(source("/system.slice/cordboard.service/cordboard-host"), unit("cordboard.service"));
        let own = source("/user.slice/user-1000.slice/user@1000.service/app.slice/cordboard.service");
        assert_eq!(own, Some(JournalSource::UserUnit("cordboard.service".to_owned())));
        assert_eq!(source("/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope"), None);
        assert_eq!(source("/"), None);
    }

    #[test]
    fn line_breaks_add_no_field() {
        let message = sent(|| tracing::error!("one\nPRIORITY=7"));
        let length = "one\nPRIORITY=7".len();
        let expected = format!("MESSAGE\n{}\0\0\0\0\0\0\0one\nPRIORITY=7\n", char::from(u8::try_from(length).unwrap()));
        assert!(message.ends_with(&expected) && message.starts_with("PRIORITY=3\n"), "{message:?}");
    }

    #[test]
    fn names_and_values_are_valid_and_bounded() {
        assert_eq!(field_name("a.b-c é"), "CORDBOARD_A_B_C__");
        assert_eq!(field_name(&"x".repeat(100)).len(), LONGEST_NAME);
        let mut message = Vec::new();
        add(&mut message, "A", &"é".repeat(LONGEST_VALUE));
        assert_eq!(message.len(), "A=\n".len() + LONGEST_VALUE);
        assert!(String::from_utf8_lossy(&super::message("no json\n")).contains("\nMESSAGE=no json\n"));
    }
}
