//! Secrets that a plugin may send but not read. Each call gets a random placeholder for each secret. The host replaces
//! the placeholder with the value in requests to granted hosts, and removes the value from the responses.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use cordboard_core::{
    config::SecretSource,
    egress::grant_line,
    messages::system_error,
    scrub::{self, Extent, MIN_LENGTH, Scrubber},
    text_file::{self, NotText},
};
use memchr::memmem;
use rustix::fs::OFlags;
use uuid::Uuid;

use super::guest_log::LOG_TARGET;

/// The maximum length of a secret, in bytes. Tokens are shorter than this.
const MAX_SECRET: usize = 8 << 10;

/// The maximum size of a file that contains a secret, in bytes. The file may contain white space around the secret, or
/// use an encoding that takes more bytes.
const MAX_FILE: usize = 4 * MAX_SECRET;

/// The text that replaces part of a secret in responses.
const PARTIAL: &[u8] = b"(part of a secret)";

/// The secrets of one call. Clones share them.
#[derive(Clone, Default)]
pub struct CallSecrets(Arc<Secrets>);

#[derive(Default)]
struct Secrets {
    list: Vec<Secret>,
    /// Finds secret values in text. The label of each value is its placeholder.
    scrubber: Scrubber,
}

struct Secret {
    name: String,
    placeholder: String,
    /// `None` if the secret can't be read.
    value: Option<String>,
}

/// The reason why a secret can't be read, for the operator.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("CREDENTIALS_DIRECTORY is not set: start the host with systemd and LoadCredential=")]
    NoCredentials,
    #[error("{}", system_error(format!("failed to read {}: {error}", path.display())))]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("failed to read {}: {error}", path.display())]
    NotText { path: PathBuf, error: NotText },
    #[error("{} must contain a secret of {MIN_LENGTH} to {MAX_SECRET} bytes, not {length}", path.display())]
    Length { path: PathBuf, length: usize },
    #[error("{} must contain a secret of {MIN_LENGTH} to {MAX_SECRET} bytes, but the file is larger than {} KiB", .0.display(), MAX_FILE >> 10)]
    FileTooLarge(PathBuf),
    /// Contains the error of the task that reads the secrets.
    #[error("failed to read it: {0}")]
    Task(String),
    #[error("{} must contain only the secret, on one line", .0.display())]
    NotOneLine(PathBuf),
}

/// The reason why a plugin doesn't receive a placeholder, for the plugin's author.
#[derive(Debug, thiserror::Error)]
pub enum PlaceholderError {
    #[error("the secret {name:?} was not granted; add to {line}")]
    NotGranted { name: String, line: String },
    #[error("the secret '{name}' cannot be read: see the log, and [secrets] {name} in the configuration")]
    Unreadable { name: String },
}

impl CallSecrets {
    /// Reads the current values of the secrets. If a secret can't be read, logs the reason, and the plugin gets an
    /// error when it asks for that secret.
    pub async fn open(plugin: &str, sources: &Arc<BTreeMap<String, SecretSource>>) -> Self {
        Self::open_with(plugin, sources, read).await
    }

    async fn open_with(
        plugin: &str,
        sources: &Arc<BTreeMap<String, SecretSource>>,
        read: fn(&str, &SecretSource) -> Result<String, SecretError>,
    ) -> Self {
        if sources.is_empty() {
            return Self::default();
        }
        let of_task = Arc::clone(sources);
        let read_all = move || of_task.iter().map(|(name, source)| (name.clone(), read(name, source))).collect();
        let values: Vec<(String, Result<String, SecretError>)> =
            tokio::task::spawn_blocking(read_all).await.unwrap_or_else(|error| {
                let failed = |name: &String| (name.clone(), Err(SecretError::Task(error.to_string())));
                sources.keys().map(failed).collect()
            });
        let list: Vec<_> = values.into_iter().map(|(name, value)| Secret::new(plugin, name, value)).collect();
        let values = list.iter().filter_map(|one| Some((one.placeholder.clone(), one.value.clone()?)));
        let scrubber = Scrubber::new(values.collect());
        Self(Arc::new(Secrets { list, scrubber }))
    }

    /// Returns the placeholder of the secret `name` for this call of `plugin`.
    pub fn placeholder(&self, plugin: &str, name: &str) -> Result<String, PlaceholderError> {
        match self.0.list.iter().find(|secret| secret.name == name) {
            Some(secret) if secret.value.is_some() => Ok(secret.placeholder.clone()),
            Some(_) => Err(PlaceholderError::Unreadable { name: name.to_owned() }),
            None => {
                let granted: BTreeSet<_> = self.0.list.iter().map(|secret| &secret.name).collect();
                let line = grant_line(plugin, "secrets", granted, name);
                Err(PlaceholderError::NotGranted { name: name.to_owned(), line })
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.list.is_empty()
    }

    /// Returns whether `text` contains a placeholder.
    pub fn has_placeholder(&self, text: &[u8]) -> bool {
        self.0.list.iter().any(|secret| memmem::find(text, secret.placeholder.as_bytes()).is_some())
    }

    /// Returns an upper bound on the length of `text` with values in place of placeholders, in bytes. A value may be
    /// two hundred times as long as its placeholder. A value shorter than its placeholder counts as having the
    /// placeholder's length.
    pub fn filled_length(&self, text: &[u8]) -> usize {
        let longer = |secret: &Secret| {
            let value = secret.value.as_ref()?;
            let more = value.len().checked_sub(secret.placeholder.len())?;
            Some(memmem::find_iter(text, secret.placeholder.as_bytes()).count().saturating_mul(more))
        };
        self.0.list.iter().filter_map(longer).fold(text.len(), usize::saturating_add)
    }

    /// Replaces placeholders in `text` with values.
    pub fn fill<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let mut filled = Cow::Borrowed(text);
        for Secret { placeholder, value, .. } in &self.0.list {
            let replaced = value.as_ref().and_then(|value| replace(&filled, placeholder.as_bytes(), value.as_bytes()));
            if let Some(replaced) = replaced {
                filled = Cow::Owned(replaced);
            }
        }
        filled
    }

    /// Like [`Self::fill`], but for a header value: also replaces placeholders inside the Base64 credentials of the
    /// `Basic` scheme.
    pub fn fill_header<'t>(&self, value: &'t [u8]) -> Cow<'t, [u8]> {
        if let Some((scheme, encoded)) = value.split_at_checked(6)
            && scheme.eq_ignore_ascii_case(b"basic ")
            && let Ok(pair) = STANDARD.decode(encoded.trim_ascii())
            && let Cow::Owned(filled) = self.fill(&pair)
        {
            return Cow::Owned(format!("Basic {}", STANDARD.encode(filled)).into_bytes());
        }
        self.fill(value)
    }

    /// Replaces values in `text` with placeholders before the guest reads it. A partial value is replaced with a fixed
    /// text, and any other secret that this process has read is replaced with its label.
    pub fn mask(&self, text: &[u8]) -> Vec<u8> {
        let own = self.0.scrubber.replace(text, |found| match found.extent {
            Extent::Whole => found.label.as_bytes().to_vec(),
            Extent::Part => PARTIAL.to_vec(),
        });
        scrub::bytes(&own).into_owned()
    }
}

impl Secret {
    fn new(plugin: &str, name: String, value: Result<String, SecretError>) -> Self {
        if let Err(why) = &value {
            tracing::warn!(target: LOG_TARGET, plugin, secret = name, %why, "failed to read a secret");
        }
        Self { name, placeholder: format!("secret-{}", Uuid::new_v4().simple()), value: value.ok() }
    }
}

/// Returns `text` with each occurrence of `what` replaced by `with`, or `None` if `text` doesn't contain `what`.
fn replace(text: &[u8], what: &[u8], with: &[u8]) -> Option<Vec<u8>> {
    let mut places = memmem::find_iter(text, what).peekable();
    places.peek()?;
    let mut replaced = Vec::with_capacity(text.len());
    let mut from = 0;
    for at in places {
        replaced.extend_from_slice(&text[from..at]);
        replaced.extend_from_slice(with);
        from = at + what.len();
    }
    replaced.extend_from_slice(&text[from..]);
    Some(replaced)
}

/// Reads the secret `name` and registers it for scrubbing, so that it never appears in a log or a reply.
pub fn read(name: &str, source: &SecretSource) -> Result<String, SecretError> {
    let path = path(source)?;
    let bytes = match read_private(&path) {
        Ok(bytes) => bytes,
        Err(error) => return Err(SecretError::Unreadable { path, error }),
    };
    if bytes.len() > MAX_FILE {
        return Err(SecretError::FileTooLarge(path));
    }
    let value = match text_file::value(bytes) {
        Ok(value) => value,
        Err(error) => return Err(SecretError::NotText { path, error }),
    };
    if !(MIN_LENGTH..=MAX_SECRET).contains(&value.len()) {
        return Err(SecretError::Length { path, length: value.len() });
    }
    if value.contains(char::is_control) {
        return Err(SecretError::NotOneLine(path));
    }
    scrub::remember(&format!("(secret {name})"), &value);
    Ok(value)
}

fn path(source: &SecretSource) -> Result<PathBuf, SecretError> {
    match source {
        SecretSource::File(path) => Ok(path.clone()),
        SecretSource::Credential(name) => {
            let folder = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or(SecretError::NoCredentials)?;
            Ok(Path::new(&folder).join(name))
        }
    }
}

/// Reads a secret file. Refuses a file that users other than its owner and group can access.
fn read_private(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read;
    // Without `O_NONBLOCK`, opening a FIFO would wait for a writer. With it, the check below rejects the FIFO.
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    let file = fs::File::options().read(true).custom_flags(nonblocking).open(path)?;
    let metadata = file.metadata()?;
    let mode = metadata.permissions().mode();
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if mode & 0o007 != 0 {
        return Err(io::Error::other(format!("other users can read it (mode {:o}): run chmod 600", mode & 0o777)));
    }
    let mut bytes = Vec::new();
    // Read one byte more than the limit, so that a longer file is rejected instead of truncated.
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[tokio::test]
    async fn a_secret_inside_another_is_scrubbed_completely() {
        let folder = tempfile::tempdir().unwrap();
        let file = |(name, value): (&str, &str)| {
            let path = folder.path().join(name);
            let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(&path).unwrap();
            file.write_all(value.as_bytes()).unwrap();
            (name.to_owned(), SecretSource::File(path))
        };
        let sources = [("a", "hunter2"), ("b", "hunter2-admin-xyz"), ("c", "admin-xyz")].map(file);
        let secrets = CallSecrets::open("p", &Arc::new(BTreeMap::from(sources))).await;
        let text = "hunter2-admin-xyz, hunter2, admin-xyz".to_owned();
        assert_eq!(scrub::text(text.clone()), "(secret b), (secret a), (secret c)");
        let [a, b, c] = ["a", "b", "c"].map(|name| secrets.placeholder("p", name).unwrap());
        assert_eq!(secrets.mask(text.as_bytes()), format!("{b}, {a}, {c}").as_bytes());
        assert_eq!(secrets.fill(format!("{b}, {a}, {c}").as_bytes()), text.as_bytes());
    }

    #[tokio::test]
    async fn a_failed_task_makes_granted_secrets_unreadable() {
        let sources = BTreeMap::from([("a".to_owned(), SecretSource::File("/a".into()))]);
        let secrets = CallSecrets::open_with("p", &Arc::new(sources), |_, _| panic!("a bug")).await;
        assert!(matches!(secrets.placeholder("p", "a"), Err(PlaceholderError::Unreadable { name }) if name == "a"));
        assert!(matches!(secrets.placeholder("p", "b"), Err(PlaceholderError::NotGranted { .. })));
    }

    #[test]
    fn the_error_about_a_large_file_states_no_exact_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(&path).unwrap();
        let mut fails = |bytes: usize| {
            file.write_all(&vec![b'x'; bytes]).unwrap();
            read("large", &SecretSource::File(path.clone())).unwrap_err().to_string()
        };
        assert!(fails(MAX_FILE).ends_with("must contain a secret of 6 to 8192 bytes, not 32768"));
        assert!(fails(1).ends_with("must contain a secret of 6 to 8192 bytes, but the file is larger than 32 KiB"));
    }
}
