//! Converts a plugin's own configuration table from TOML to the JSON that the plugin reads. The host does not interpret
//! the keys.

use serde_json::{Map, Number, Value as Json};
use toml::de::{DeInteger, DeValue};

use super::value::{Value, ValueError};

/// Converts a value. Dates become strings. The TOML parser limits the nesting of values, so the recursion is bounded.
pub(super) fn from_toml(value: &Value<'_>) -> Result<Json, ValueError> {
    let read = match value.get_ref() {
        DeValue::String(text) => Some(Json::String(text.to_string())),
        DeValue::Integer(number) => whole(number).map(Json::Number),
        DeValue::Float(number) => number.as_str().parse().ok().and_then(Number::from_f64).map(Json::Number),
        DeValue::Boolean(truth) => Some(Json::Bool(*truth)),
        DeValue::Datetime(datetime) => Some(Json::String(datetime.to_string())),
        DeValue::Array(items) => return items.iter().map(from_toml).collect::<Result<_, _>>().map(Json::Array),
        DeValue::Table(entries) => {
            let pairs = entries.iter().map(|(key, value)| Ok((key.get_ref().to_string(), from_toml(value)?)));
            return pairs.collect::<Result<_, _>>().map(Json::Object);
        }
    };
    read.ok_or_else(|| ValueError {
        text: "must be a number that JSON can represent: inf, nan and integers beyond 64 bits are not allowed"
            .to_owned(),
        at: Some(value.span()),
    })
}

fn whole(number: &DeInteger<'_>) -> Option<Number> {
    i64::from_str_radix(number.as_str(), number.radix()).ok().map(Number::from)
}

/// Sets `key` in `under` to `over`. Tables are merged key by key; other values are replaced.
pub(super) fn overlay(under: &mut Map<String, Json>, key: &str, over: Json) {
    match (under.get_mut(key), over) {
        (Some(Json::Object(under)), Json::Object(over)) => {
            for (key, value) in over {
                overlay(under, &key, value);
            }
        }
        (Some(slot), over) => *slot = over,
        (None, over) => {
            under.insert(key.to_owned(), over);
        }
    }
}

/// Formats the table with sorted keys, so that the text doesn't depend on the map's order.
pub(super) fn spell(table: &Map<String, Json>) -> String {
    let mut table = Json::Object(table.clone());
    table.sort_all_objects();
    table.to_string()
}
