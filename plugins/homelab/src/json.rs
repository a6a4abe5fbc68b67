//! Reads values from a server's JSON. Errors name the full path of a missing or unexpected value, so that an operator
//! sees how an unsupported version of the server differs. Additional values are ignored.

use serde_json::Value;

/// The maximum number of characters of an unexpected value to show in an error.
const SHOWN: usize = 40;

/// A value and its path, such as `data[0].store`.
#[derive(Debug, Clone)]
pub struct Json<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Json<'a> {
    /// Returns the root of a document.
    #[must_use]
    pub const fn root(value: &'a Value) -> Self {
        Self { value, path: String::new() }
    }

    /// Returns the value of a required key.
    ///
    /// # Errors
    /// The key is missing.
    pub fn at(&self, key: &str) -> Result<Self, String> {
        self.find(key).ok_or_else(|| format!("`{}` is missing", self.below(key)))
    }

    /// Returns the value of a key. `None` if it is missing or null.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(Self { value, path: self.below(key) })
    }

    /// Returns the items of a list.
    ///
    /// # Errors
    /// The value isn't a list.
    pub fn items(&self) -> Result<Vec<Self>, String> {
        let items = self.value.as_array().ok_or_else(|| self.type_error("list"))?;
        Ok(items
            .iter()
            .enumerate()
            .map(|(place, value)| Self { value, path: format!("{}[{place}]", self.path) })
            .collect())
    }

    /// Returns a table's keys and values, excluding null values.
    ///
    /// # Errors
    /// The value isn't a table.
    pub fn entries(&self) -> Result<Vec<(&'a str, Self)>, String> {
        let table = self.value.as_object().ok_or_else(|| self.type_error("table"))?;
        Ok(table.keys().filter_map(|key| Some((key.as_str(), self.find(key)?))).collect())
    }

    /// Returns the value as text.
    ///
    /// # Errors
    /// The value isn't text.
    pub fn text(&self) -> Result<&'a str, String> {
        self.value.as_str().ok_or_else(|| self.type_error("string"))
    }

    /// Returns the value as a number.
    ///
    /// # Errors
    /// The value isn't a number.
    pub fn number(&self) -> Result<f64, String> {
        self.value.as_f64().ok_or_else(|| self.type_error("number"))
    }

    /// Returns the value as an integer.
    ///
    /// # Errors
    /// The value isn't an integer.
    pub fn integer(&self) -> Result<i64, String> {
        self.value.as_i64().ok_or_else(|| self.type_error("whole number"))
    }

    fn below(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn type_error(&self, kind: &str) -> String {
        let what = if self.path.is_empty() { "the response".to_owned() } else { format!("`{}`", self.path) };
        format!("{what} is not a {kind} but {}", crate::format::first_line(&self.value.to_string(), SHOWN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_mistyped_fields_name_their_path() {
        let value = serde_json::json!({ "data": [{ "note": null, "store": "main", "used": 5 }, { "store": 7 }] });
        let root = Json::root(&value);
        let items = root.at("data").expect("it exists").items().expect("it is a list");
        assert_eq!(items[0].at("store").and_then(|store| store.text()), Ok("main"));
        assert_eq!(items[0].at("used").and_then(|used| used.number()), Ok(5.0));
        assert_eq!(items[0].at("used").and_then(|used| used.integer()), Ok(5));
        assert!(items[0].find("note").is_none() && items[0].find("other").is_none());
        let error = |result: Result<&str, String>| result.expect_err("invalid input");
        assert_eq!(error(items[1].at("used").map(|_| "")), "`data[1].used` is missing");
        assert_eq!(error(items[1].at("store").and_then(|store| store.text())), "`data[1].store` is not a string but 7");
        assert_eq!(
            error(root.items().map(|_| "")),
            "the response is not a list but {\"data\":[{\"note\":null,\"store\":\"main\",\"us…"
        );
        assert_eq!(
            error(items[0].at("store").and_then(|it| it.integer()).map(|_| "")),
            "`data[0].store` is not a whole number but \"main\""
        );
        let keys: Vec<_> = items[0].entries().expect("a table").into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["store", "used"]);
    }
}
