//! Secrets that a plugin may send and never sees. A call gets a random placeholder for each; the value is put in on the way to a granted
//! host, and taken out of everything that comes back.

mod spelling;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use cordboard_core::{config::SecretSource, egress::grant_line};
use memchr::memmem;
use rustix::fs::OFlags;
use uuid::Uuid;

/// The shortest secret, in bytes: a shorter one would be found, and taken out, in texts that have nothing to do with it.
const SHORTEST: usize = 6;

/// The longest one, in bytes: more than any token has.
const LONGEST: usize = 8 << 10;

/// The secrets of one call. Clones share them.
#[derive(Clone, Default)]
pub struct Vault(Arc<Vec<Secret>>);

struct Secret {
    name: String,
    placeholder: String,
    value: Result<String, String>,
    /// How the value may come back, the longest first.
    forms: Vec<Vec<u8>>,
}

impl Vault {
    /// Reads them as they are now. One that can't be read is told to the log, and to who asks for it.
    pub async fn open(plugin: &str, sources: &Arc<BTreeMap<String, SecretSource>>) -> Self {
        if sources.is_empty() {
            return Self::default();
        }
        let sources = Arc::clone(sources);
        let read = move || sources.iter().map(|(name, source)| (name.clone(), value(source))).collect();
        let read: Vec<(String, Result<String, String>)> = tokio::task::spawn_blocking(read).await.unwrap_or_default();
        let mut secrets: Vec<_> = read.into_iter().map(|(name, value)| Secret::new(plugin, name, value)).collect();
        // A secret that is part of another one would be taken out of it, and leave the rest to be read.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.value.as_ref().map_or(0, String::len)));
        Self(Arc::new(secrets))
    }

    /// What stands for the secret `name` in this call of `plugin`.
    pub fn placeholder(&self, plugin: &str, name: &str) -> Result<String, String> {
        let secret = self.0.iter().find(|secret| secret.name == name).ok_or_else(|| {
            // Not as they are kept: that would tell how long they are.
            let listed: BTreeSet<_> = self.0.iter().map(|secret| &secret.name).collect();
            let line = grant_line((plugin, "secrets"), listed, name);
            format!("the secret {name:?} was not granted; add to {line}")
        })?;
        secret.value.as_ref().map(|_| secret.placeholder.clone()).map_err(Clone::clone)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a placeholder stands in `text`.
    pub fn stands_in(&self, text: &[u8]) -> bool {
        self.0.iter().any(|secret| memmem::find(text, secret.placeholder.as_bytes()).is_some())
    }

    /// How long `text` is with values for placeholders, in bytes. A value may be two hundred times as long as what stands for it.
    pub fn filled_length(&self, text: &[u8]) -> usize {
        let longer = |secret: &Secret| {
            let value = secret.value.as_ref().ok()?;
            let more = value.len().checked_sub(secret.placeholder.len())?;
            Some(memmem::find_iter(text, secret.placeholder.as_bytes()).count().saturating_mul(more))
        };
        self.0.iter().filter_map(longer).fold(text.len(), usize::saturating_add)
    }

    /// `text` with values for placeholders.
    pub fn fill<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        self.replace(text, |secret, text| match &secret.value {
            Ok(value) => replaced(text, secret.placeholder.as_bytes(), value.as_bytes()),
            Err(_) => None,
        })
    }

    /// As [`Self::fill`], for the value of a header: also in what `Basic` has encoded.
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

    /// `text` with placeholders for values, for the guest.
    pub fn veil<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        self.replace(text, |secret, text| secret.without(text, secret.placeholder.as_bytes()))
    }

    /// `text` without values, for people.
    pub fn scrub(&self, text: String) -> String {
        match self.scrub_bytes(text.as_bytes()) {
            Cow::Borrowed(_) => text,
            Cow::Owned(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub fn scrub_bytes<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        self.replace(text, |secret, text| secret.without(text, format!("(secret {})", secret.name).as_bytes()))
    }

    fn replace<'t>(&self, text: &'t [u8], with: impl Fn(&Secret, &[u8]) -> Option<Vec<u8>>) -> Cow<'t, [u8]> {
        let mut now = Cow::Borrowed(text);
        for secret in self.0.iter() {
            if let Some(next) = with(secret, &now) {
                now = Cow::Owned(next);
            }
        }
        now
    }
}

impl Secret {
    fn new(plugin: &str, name: String, value: Result<String, String>) -> Self {
        let value = value.map_err(|why| {
            tracing::warn!(plugin, secret = name, %why, "a secret cannot be used");
            format!("the secret '{name}' cannot be used: the log says why, and [secrets] {name} where it should be")
        });
        let forms = value.as_deref().map(forms).unwrap_or_default();
        Self { name, placeholder: format!("secret-{}", Uuid::new_v4().simple()), value, forms }
    }

    /// None where it does not stand in `text`.
    fn without(&self, text: &[u8], instead: &[u8]) -> Option<Vec<u8>> {
        let mut changed = None;
        for form in &self.forms {
            if let Some(next) = replaced(changed.as_deref().unwrap_or(text), form, instead) {
                changed = Some(next);
            }
        }
        let Ok(value) = &self.value else { return changed };
        spelling::without(changed.as_deref().unwrap_or(text), value, instead).or(changed)
    }
}

fn replaced(text: &[u8], what: &[u8], with: &[u8]) -> Option<Vec<u8>> {
    let mut places = memmem::find_iter(text, what).peekable();
    places.peek()?;
    let mut next = Vec::with_capacity(text.len());
    let mut from = 0;
    for at in places {
        next.extend_from_slice(&text[from..at]);
        next.extend_from_slice(with);
        from = at + what.len();
    }
    next.extend_from_slice(&text[from..]);
    Some(next)
}

/// The secret as it is now; the error is for the operator.
pub fn value(source: &SecretSource) -> Result<String, String> {
    let path = path(source)?;
    let shown = path.display();
    let text = read_private(&path).map_err(|error| format!("failed to read {shown}: {error}"))?;
    let value = text.trim();
    if !(SHORTEST..=LONGEST).contains(&value.len()) {
        return Err(format!("{shown} must hold a secret of {SHORTEST} to {LONGEST} bytes, not {}", value.len()));
    }
    if value.contains(char::is_control) {
        return Err(format!("{shown} must hold the secret alone, on one line"));
    }
    Ok(value.to_owned())
}

fn path(source: &SecretSource) -> Result<PathBuf, String> {
    match source {
        SecretSource::File(path) => Ok(path.clone()),
        SecretSource::Credential(name) => {
            let folder = std::env::var_os("CREDENTIALS_DIRECTORY");
            let folder =
                folder.ok_or("there is no CREDENTIALS_DIRECTORY: start the host by systemd, with LoadCredential=")?;
            Ok(Path::new(&folder).join(name))
        }
    }
}

/// A file that everybody can read keeps no secret.
fn read_private(path: &Path) -> io::Result<String> {
    use io::Read;
    // A pipe that nobody writes to is opened at once, and seen to be none.
    let at_once = OFlags::NONBLOCK.bits().cast_signed();
    let file = fs::File::options().read(true).custom_flags(at_once).open(path)?;
    let about = file.metadata()?;
    let mode = about.permissions().mode();
    if !about.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    if mode & 0o007 != 0 {
        return Err(io::Error::other(format!("everybody may use it (mode {:o}): chmod 600 it", mode & 0o777)));
    }
    let mut text = String::new();
    // A little more than is taken, so that what is too long is seen to be.
    file.take(4 * LONGEST as u64).read_to_string(&mut text)?;
    Ok(text)
}

/// The value, and what it becomes in addresses, in forms, in JSON, in HTML, in hex and, wherever it begins, in base64.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut forms: BTreeSet<Vec<u8>> = BTreeSet::from([value.as_bytes().to_vec()]);
    for address in [percent(value, |byte| format!("%{byte:02X}")), percent(value, |byte| format!("%{byte:02x}"))] {
        forms.insert(address.replace("%20", "+").into_bytes());
        forms.insert(address.into_bytes());
    }
    let json = serde_json::Value::from(value).to_string();
    let json = json.trim_start_matches('"');
    let json = json.strip_suffix('"').unwrap_or(json).to_owned();
    forms.insert(spelt(&json, &JSON_OF_HTML).into_bytes());
    forms.insert(json.replace('/', "\\/").into_bytes());
    forms.insert(json.into_bytes());
    for marks in [[("'", "&#39;"), ("\"", "&quot;")], [("'", "&#x27;"), ("\"", "&#34;")]] {
        let html = spelt(value, &[("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")]);
        forms.insert(spelt(&html, &marks).into_bytes());
    }
    forms.insert(value.bytes().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes());
    forms.insert(value.bytes().map(|byte| format!("{byte:02X}")).collect::<String>().into_bytes());
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        forms.extend((0..3).map(|before| encoded(&engine, value.as_bytes(), before)));
    }
    let mut forms: Vec<_> = forms.into_iter().collect();
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms
}

/// What some servers write in JSON, so that it can stand in HTML.
const JSON_OF_HTML: [(&str, &str); 3] = [("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e")];

fn spelt(text: &str, marks: &[(&str, &str)]) -> String {
    marks.iter().fold(text.to_owned(), |text, (mark, name)| text.replace(mark, name))
}

fn percent(value: &str, coded: impl Fn(u8) -> String) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let spell = |byte: u8| if plain(&byte) { char::from(byte).to_string() } else { coded(byte) };
    value.bytes().map(spell).collect()
}

/// The digits of base64 that `value` alone decides, where `before` bytes stand before it.
fn encoded(engine: &impl Engine, value: &[u8], before: usize) -> Vec<u8> {
    let padded: Vec<u8> = std::iter::repeat_n(0, before).chain(value.iter().copied()).collect();
    let digits = engine.encode(&padded).into_bytes();
    let (first, end) = ((8 * before).div_ceil(6), 8 * padded.len() / 6);
    digits[first..end].to_vec()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[tokio::test]
    async fn a_secret_that_is_part_of_another_leaves_nothing_of_it_to_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = |(name, value): (&str, &str)| {
            let path = folder.path().join(name);
            let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(&path).unwrap();
            file.write_all(value.as_bytes()).unwrap();
            (name.to_owned(), SecretSource::File(path))
        };
        let sources = [("a", "hunter2"), ("b", "hunter2-admin-xyz"), ("c", "admin-xyz")].map(file);
        let vault = Vault::open("p", &Arc::new(BTreeMap::from(sources))).await;
        let text = "hunter2-admin-xyz, hunter2, admin-xyz".to_owned();
        assert_eq!(vault.scrub(text.clone()), "(secret b), (secret a), (secret c)");
        let [a, b, c] = ["a", "b", "c"].map(|name| vault.placeholder("p", name).unwrap());
        assert_eq!(vault.veil(text.as_bytes()), format!("{b}, {a}, {c}").as_bytes());
        assert_eq!(vault.fill(format!("{b}, {a}, {c}").as_bytes()), text.as_bytes());
    }
}
