//! Parses single values. An error names the expected value and, unless it may be a secret, the actual one.

use std::{fmt::Display, ops::Range, ops::RangeInclusive, path::PathBuf, time::Duration};

use serde_spanned::Spanned;
use toml::de::{DeString, DeValue};

use super::{duration, fault::CONTAINS_MARK, nearest::suggestion, size};
use crate::{render, text_file::BYTE_ORDER_MARK};

pub(super) type Value<'t> = Spanned<DeValue<'t>>;
pub(super) type Key<'t> = Spanned<DeString<'t>>;

/// A fault in a value. Its text continues a sentence that starts with the key's name, for example `must be …, not …`.
#[derive(Debug)]
pub(super) struct ValueError {
    pub text: String,
    /// The position of the fault. `None` means the whole value.
    pub at: Option<Range<usize>>,
}

impl ValueError {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), at: None }
    }

    /// Returns the complete message about the value of `key` in `[table]`. `place` is the position of the value.
    pub fn about(&self, key: &str, table: &str, place: &Range<usize>) -> String {
        let part = if self.at.as_ref().is_some_and(|at| at.start > place.start) { "an item of " } else { "" };
        format!("{part}'{key}' in [{table}] {}", self.text)
    }

    fn expected(what: impl Display, value: &Value<'_>) -> Self {
        Self::new(format!("must be {what}, not {}", kind_of(value.get_ref())))
    }

    /// Returns an error whose excerpt does not show the value, because the value may be a secret. `text` must not show
    /// it either.
    pub fn hidden(text: impl Into<String>, value: &Value<'_>) -> Self {
        let start = value.span().start;
        Self { text: text.into(), at: Some(start..start) }
    }

    /// Sets the position to `place` unless a more precise position is already set.
    pub fn at(mut self, place: Range<usize>) -> Self {
        self.at.get_or_insert(place);
        self
    }
}

fn kind_of(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("\"{}\"", shorten(text)),
        DeValue::Integer(number) => format!("the number {}", shorten(number.as_str())),
        DeValue::Float(number) => format!("the number {}", shorten(number.as_str())),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// Returns `text` on one line, truncated to 60 characters.
pub(super) fn shorten(text: &str) -> String {
    render::shorten(text, 60)
}

pub(super) fn text(value: &Value<'_>) -> Result<String, ValueError> {
    let DeValue::String(text) = value.get_ref() else { return Err(ValueError::expected("text in quotes", value)) };
    if text.contains('\0') {
        Err(ValueError::new("must not contain a NUL character"))
    } else if text.contains(BYTE_ORDER_MARK) {
        Err(ValueError::new(CONTAINS_MARK))
    } else {
        Ok(text.to_string())
    }
}

/// Parses a string that may be a secret, so errors don't show it.
pub(super) fn secret_text(value: &Value<'_>) -> Result<String, ValueError> {
    text(value).map_err(|error| {
        let is_text = matches!(value.get_ref(), DeValue::String(_));
        ValueError::hidden(if is_text { &error.text } else { "must be text in quotes" }, value)
    })
}

/// Parses a string that is not blank.
pub(super) fn non_blank(value: &Value<'_>) -> Result<String, ValueError> {
    let text = text(value)?;
    if text.trim().is_empty() {
        Err(ValueError::new("must not be empty; delete the line to use the default"))
    } else {
        Ok(text)
    }
}

/// Parses a path, which may be absolute or relative to the configuration's folder.
pub(super) fn path(value: &Value<'_>) -> Result<PathBuf, ValueError> {
    let text = non_blank(value)?;
    if text.starts_with('~') {
        return Err(ValueError::new(format!("must be a full path: '~' in \"{}\" is not expanded", shorten(&text))));
    }
    Ok(PathBuf::from(text))
}

pub(super) fn absolute_path(value: &Value<'_>) -> Result<PathBuf, ValueError> {
    let path = path(value)?;
    if path.is_absolute() {
        return Ok(path);
    }
    let path = shorten(&path.to_string_lossy());
    Err(ValueError::new(format!("must be an absolute path, such as \"/home/me/project\", not \"{path}\"")))
}

pub(super) fn boolean(value: &Value<'_>) -> Result<bool, ValueError> {
    let DeValue::Boolean(truth) = value.get_ref() else { return Err(ValueError::expected("true or false", value)) };
    Ok(*truth)
}

pub(super) fn number<N>(range: RangeInclusive<N>) -> impl Fn(&Value<'_>) -> Result<N, ValueError>
where
    N: TryFrom<i128> + PartialOrd + Display,
{
    move |value| {
        let DeValue::Integer(written) = value.get_ref() else {
            return Err(ValueError::expected("a whole number", value));
        };
        i128::from_str_radix(written.as_str(), written.radix())
            .ok()
            .and_then(|number| N::try_from(number).ok())
            .filter(|number| range.contains(number))
            .ok_or_else(|| ValueError::new(format!("must be from {} to {}, not {written}", range.start(), range.end())))
    }
}

/// Parses an amount of US dollars, such as `10` or `2.5`.
pub(super) fn dollars(range: RangeInclusive<f64>) -> impl Fn(&Value<'_>) -> Result<f64, ValueError> {
    move |value| {
        let written = match value.get_ref() {
            DeValue::Float(written) => written.as_str(),
            DeValue::Integer(written) if written.radix() == 10 => written.as_str(),
            DeValue::Integer(_) | DeValue::String(_) | DeValue::Boolean(_) => "",
            DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => "",
        };
        let dollars =
            written.parse().map_err(|_| ValueError::expected("a number of US dollars, such as 10.0", value))?;
        if range.contains(&dollars) {
            return Ok(dollars);
        }
        Err(ValueError::new(format!("must be from {} to {}, not {written}", range.start(), range.end())))
    }
}

pub(super) fn span(range: RangeInclusive<Duration>) -> impl Fn(&Value<'_>) -> Result<Duration, ValueError> {
    move |value| {
        let sort = "a duration such as \"10m\" or \"1h30m\" (units: ms, s, m, h, d)";
        let DeValue::String(written) = value.get_ref() else { return Err(ValueError::expected(sort, value)) };
        let span = duration::parse(written).ok_or_else(|| ValueError::expected(sort, value))?;
        let bounds = || format!("from {} to {}", duration::spell(*range.start()), duration::spell(*range.end()));
        if range.contains(&span) { Ok(span) } else { Err(ValueError::expected(bounds(), value)) }
    }
}

/// Parses a size such as `64KiB` into a number of bytes.
pub(super) fn bytes<N: TryFrom<u64>>(range: RangeInclusive<u64>) -> impl Fn(&Value<'_>) -> Result<N, ValueError> {
    move |value| {
        let sort = "a size such as \"64KiB\" (units: B, KiB, MiB, GiB)";
        let DeValue::String(written) = value.get_ref() else { return Err(ValueError::expected(sort, value)) };
        let size = size::parse(written).ok_or_else(|| ValueError::expected(sort, value))?;
        let bounds = || format!("from {} to {}", size::spell(*range.start()), size::spell(*range.end()));
        let fits = N::try_from(size).ok().filter(|_| range.contains(&size));
        fits.ok_or_else(|| ValueError::expected(bounds(), value))
    }
}

/// Parses one of the names in `choices`.
pub(super) fn one_of<T: Copy>(
    choices: impl AsRef<[T]>,
    name: fn(T) -> &'static str,
) -> impl Fn(&Value<'_>) -> Result<T, ValueError> {
    move |value| {
        let choices = choices.as_ref();
        let names = || choices.iter().map(|choice| name(*choice));
        let listed = names().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let sort = if choices.len() == 1 { listed } else { format!("one of {listed}") };
        let DeValue::String(written) = value.get_ref() else { return Err(ValueError::expected(sort, value)) };
        let found = choices.iter().copied().find(|choice| name(*choice) == *written);
        found.ok_or_else(|| {
            let mut error = ValueError::expected(sort, value);
            error.text.push_str(&suggestion(written, names()));
            error
        })
    }
}

/// Parses a list, using `item` for each entry. Faults in an entry are reported at its position.
pub(super) fn list<'t, T, L: FromIterator<T>>(
    item: impl Fn(&Value<'t>) -> Result<T, ValueError>,
) -> impl Fn(&Value<'t>) -> Result<L, ValueError> {
    move |value| {
        let DeValue::Array(items) = value.get_ref() else {
            return Err(ValueError::expected("a list, such as [\"a\", \"b\"]", value));
        };
        let read = |value: &Value<'t>| item(value).map_err(|error| error.at(value.span()));
        items.iter().map(read).collect()
    }
}

/// Like [`list`], for items that may be secrets. If the value is not a list, the error does not show it.
pub(super) fn secret_list<'t, T, L: FromIterator<T>>(
    item: impl Fn(&Value<'t>) -> Result<T, ValueError>,
) -> impl Fn(&Value<'t>) -> Result<L, ValueError> {
    let read = list(item);
    move |value| {
        if matches!(value.get_ref(), DeValue::Array(_)) {
            read(value)
        } else {
            Err(ValueError::hidden("must be a list, such as [\"a\", \"b\"]", value))
        }
    }
}
