//! Validates Bot API calls against the API's schema, and against length limits that the schema doesn't contain.

use std::collections::HashMap;

use jsonschema::Validator;
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../../data/botapi.json");

/// The validators, keyed by method name in lower case. `None` if the method has no parameters.
pub struct Schema(HashMap<String, Option<Validator>>);

impl Schema {
    pub fn load() -> Self {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let methods = schema["methods"].as_object().unwrap();
        let validator = |params: &str| {
            let of = json!({"$ref": format!("#/definitions/{params}"), "definitions": schema["definitions"]});
            jsonschema::validator_for(&of).unwrap()
        };
        let methods = methods.iter().map(|(name, of)| (name.to_lowercase(), of["params"].as_str().map(validator)));
        Self(methods.collect())
    }

    /// Returns the errors in a call's parameters.
    pub fn complaints(&self, method: &str, params: &Value) -> Vec<String> {
        let mut complaints: Vec<String> = match self.0.get(method) {
            None => vec![format!("{method} is not a method")],
            Some(None) => Vec::new(),
            Some(Some(validator)) => validator.iter_errors(params).map(|error| format!("{method}: {error}")).collect(),
        };
        complaints.extend(lengths(method, params));
        complaints
    }
}

fn lengths(method: &str, params: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    let units = |text: &Value| text.as_str().map_or(0, |text| text.encode_utf16().count());
    let length = units(&params["text"]);
    if method.ends_with("messagetext") || method == "sendmessage" || method == "sendmessagedraft" {
        if !(1..=4096).contains(&length) {
            complaints.push(format!("{method}: a text of {length} units"));
        }
        let text: Vec<u16> = params["text"].as_str().unwrap_or_default().encode_utf16().collect();
        for entity in params["entities"].as_array().into_iter().flatten() {
            let (offset, span) = (entity["offset"].as_u64().unwrap(), entity["length"].as_u64().unwrap());
            let cuts_a_character = |at: u64| text.get(at as usize).is_some_and(|unit| (0xdc00..0xe000).contains(unit));
            if span == 0
                || (offset + span) as usize > length
                || cuts_a_character(offset)
                || cuts_a_character(offset + span)
            {
                complaints.push(format!("{method}: an entity that is not in its text: {entity}"));
            }
        }
        if params["entities"].as_array().map_or(0, Vec::len) > 100 {
            complaints.push(format!("{method}: more than 100 entities"));
        }
    }
    let rich = params["rich_message"].to_string();
    if method == "sendrichmessage" && units(&rich.into()) > 2 * 32_768 {
        complaints.push(format!("{method}: a rich message that is too long"));
    }
    for button in params["reply_markup"]["inline_keyboard"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|row| row.as_array().unwrap())
    {
        let bytes = button["callback_data"].as_str().map_or(0, str::len);
        if !(1..=64).contains(&bytes) {
            complaints.push(format!("{method}: callback data of {bytes} bytes"));
        }
    }
    for command in params["commands"].as_array().into_iter().flatten() {
        if units(&command["description"]) > 256 {
            complaints.push(format!("{method}: a description of more than 256 units"));
        }
    }
    complaints
}
