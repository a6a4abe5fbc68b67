//! Tests that the host receives a text regardless of the message's other fields. Covers each optional field and entity
//! kind, with and without its own optional fields, and fields with malformed content.

use std::collections::BTreeMap;

use cordboard_chat::UpdateKind;
use serde_json::{Map, Value, json};

use crate::{
    botapi::message,
    test_bot::{ADA, TestBot},
};

/// The Bot API's types. An object maps each field name to its type; the names of optional fields end with `?`. A list
/// contains its item type, and `any` lists alternative types.
const SCHEMA: &str = include_str!("../data/message-schema.json");

/// The depth at which generated values begin to omit optional fields and list items. The limit is needed because
/// messages can contain messages.
const DEEPEST: usize = 5;

/// The number of texts that the test sends before it waits for them.
const PART: usize = 100;

/// The fields of a generated value: only the required ones, or all of them.
#[derive(Clone, Copy, PartialEq)]
enum Extent {
    Least,
    All,
}

struct Schema(BTreeMap<String, Value>);

impl Schema {
    fn load() -> Self {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        Self(serde_json::from_value(schema["types"].clone()).unwrap())
    }

    /// Returns one value for each of a type's alternatives.
    fn values(&self, of: &Value, extent: Extent) -> Vec<Value> {
        match of.get("any").and_then(Value::as_array) {
            Some(choices) => choices.iter().flat_map(|choice| self.values(choice, extent)).collect(),
            None => match of.as_str().and_then(|name| self.0.get(name)) {
                Some(named) if named.get("any").is_some() => self.values(named, extent),
                Some(_) | None => vec![self.value(of, extent, 0)],
            },
        }
    }

    fn value(&self, of: &Value, extent: Extent, depth: usize) -> Value {
        // Some types contain themselves in required fields, so the recursion must be limited.
        if depth > 2 * DEEPEST {
            return json!("text");
        }
        if let Some(choices) = of.get("any").and_then(Value::as_array) {
            return self.value(&choices[0], extent, depth);
        }
        if let Some(constant) = of.get("const") {
            return constant.clone();
        }
        if let Some(items) = of.as_array() {
            let item = |depth| self.value(&items[0], extent, depth);
            return if depth < DEEPEST { json!([item(depth + 1)]) } else { json!([]) };
        }
        match of.as_str() {
            Some("string") => json!("text"),
            Some("number") => json!(7),
            Some("boolean" | "true") => json!(true),
            Some("false") => json!(false),
            Some(name) => self.object(&self.0[name], extent, depth),
            None => self.object(of, extent, depth),
        }
    }

    fn object(&self, of: &Value, extent: Extent, depth: usize) -> Value {
        let fields = match of.as_object() {
            Some(fields) if !fields.contains_key("any") && !fields.contains_key("const") => fields,
            Some(_) | None => return self.value(of, extent, depth),
        };
        let wanted = |name: &str| !name.ends_with('?') || extent == Extent::All && depth < DEEPEST;
        let wanted = fields.iter().filter(|(name, _)| wanted(name));
        let value =
            |(name, of): (&String, &Value)| (name.trim_end_matches('?').to_owned(), self.value(of, extent, depth + 1));
        Value::Object(wanted.map(value).collect::<Map<_, _>>())
    }
}

/// Returns the other fields that a text message can have, as pairs of name and value. Each name occurs once for each of
/// its values.
fn other_fields() -> Vec<(String, Value)> {
    let schema = Schema::load();
    let fields = schema.0["Message"].as_object().unwrap();
    // The host ignores messages sent on behalf of a channel.
    let left_out = ["text?", "sender_chat?"];
    let optional = fields.iter().filter(|(name, _)| name.ends_with('?') && !left_out.contains(&name.as_str()));
    let mut other_fields = Vec::new();
    for (name, of) in optional.filter(|(name, _)| *name != "from?") {
        let name = name.trim_end_matches('?');
        for extent in [Extent::Least, Extent::All] {
            other_fields.extend(schema.values(of, extent).into_iter().map(|value| (name.to_owned(), value)));
        }
        // A malformed field must be treated as absent.
        other_fields
            .extend([json!(null), json!("text"), json!([{}, 3]), json!({"new": -1})].map(|odd| (name.to_owned(), odd)));
    }
    for kind in schema.values(&json!("MessageEntityType"), Extent::All).into_iter().chain([json!("of_the_future")]) {
        for extent in [Extent::Least, Extent::All] {
            let mut entity = schema.value(&json!("MessageEntity"), extent, 0);
            (entity["type"], entity["offset"], entity["length"]) = (kind.clone(), json!(0), json!(2));
            let list = json!([entity]);
            other_fields.push(("entities".to_owned(), list.clone()));
            other_fields.push(("quote".to_owned(), json!({"text": "quoted", "position": 0, "entities": list})));
        }
    }
    other_fields
}

#[tokio::test]
async fn a_text_arrives_with_any_other_field() {
    let other_fields = other_fields();
    assert!(other_fields.len() > 700, "only {} fields were found", other_fields.len());
    let bot = TestBot::new().await;
    let _poll = bot.poll();
    // Each part has its own deadline.
    for (part, texts) in other_fields.chunks(PART).enumerate() {
        for (number, (name, value)) in (part * PART..).zip(texts) {
            let more = json!({"text": format!("words {number} end"), name.as_str(): value});
            bot.api.push(json!({"message": message(ADA, ADA, more)}));
        }
        let last = format!("the last of part {part}");
        bot.api.says(ADA, &last);
        let is_stored = || bot.inbox.updates().iter().any(|update| update.what == UpdateKind::Text(last.clone()));
        bot.api.until(&last, |_| is_stored()).await;
    }
    let stored = bot.inbox.updates();
    let arrived = |number: usize| {
        let wanted = format!("ds {number} end");
        stored.iter().any(|update| matches!(&update.what, UpdateKind::Text(text) if text.contains(&wanted)))
    };
    let lost: Vec<_> =
        other_fields.iter().enumerate().filter(|(number, _)| !arrived(*number)).map(|(_, field)| field).collect();
    assert!(lost.is_empty(), "the host lost the texts of messages with these fields: {lost:#?}");
}
