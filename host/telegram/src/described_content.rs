//! Describes messages that consist of data instead of text or a file, such as locations and polls, so that agents
//! receive them as text.

use cordboard_core::render::one_line;
use serde_json::{Map, Value};

/// The maximum length of a name, title, address, question or item, in characters. Telegram's own limits are lower.
const LONGEST: usize = 500;

/// Returns the description, or `None` if the message has no such data, or if the data is malformed.
pub(super) fn describe(content: &Map<String, Value>) -> Option<String> {
    // Check for a venue first: a venue message also contains the `location` field.
    let venue = || {
        let venue = content.get("venue")?;
        let (title, address) = (line(&venue["title"])?, line(&venue["address"])?);
        Some(format!("[Venue: {title}, {address}, at {}]", position(&venue["location"])?))
    };
    let location = || {
        let location = content.get("location")?;
        let live = if location["live_period"].is_u64() { "Live location" } else { "Location" };
        Some(format!("[{live}: {}]", position(location)?))
    };
    let contact = || {
        let contact = content.get("contact")?;
        let names = [&contact["first_name"], &contact["last_name"]].into_iter().filter_map(line);
        Some(format!("[Contact: {}, {}]", names.collect::<Vec<_>>().join(" "), line(&contact["phone_number"])?))
    };
    let poll = || {
        let poll = content.get("poll")?;
        Some(format!("[Poll: {}]\n{}", line(&poll["question"])?, items(&poll["options"], |_| "-")))
    };
    let checklist = || {
        let checklist = content.get("checklist")?;
        let mark = |task: &Value| if task["completion_date"].as_u64().unwrap_or(0) > 0 { "- [x]" } else { "- [ ]" };
        Some(format!("[Checklist: {}]\n{}", line(&checklist["title"])?, items(&checklist["tasks"], mark)))
    };
    let dice = || {
        let dice = content.get("dice")?;
        Some(format!("[Dice: {} {}]", line(&dice["emoji"])?, dice["value"].as_u64()?))
    };
    let sticker = || content.get("sticker")?["emoji"].as_str().filter(|emoji| !emoji.is_empty()).map(str::to_owned);
    venue().or_else(location).or_else(contact).or_else(poll).or_else(checklist).or_else(dice).or_else(sticker)
}

/// Returns a position in degrees, as latitude and longitude.
fn position(location: &Value) -> Option<String> {
    Some(format!("{}, {}", location["latitude"].as_f64()?, location["longitude"].as_f64()?))
}

fn items(list: &Value, mark: impl Fn(&Value) -> &'static str) -> String {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|item| Some(format!("{} {}", mark(item), line(&item["text"])?))).collect::<Vec<_>>().join("\n")
}

fn line(text: &Value) -> Option<String> {
    Some(one_line(text.as_str()?, LONGEST)).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn data_is_described() {
        let place = json!({ "latitude": 52.520_008, "longitude": 13.404_954 });
        let cases = [
            (json!({ "location": place }), "[Location: 52.520008, 13.404954]"),
            (
                json!({ "location": { "latitude": -1, "longitude": 0.5, "live_period": 60 } }),
                "[Live location: -1, 0.5]",
            ),
            (
                json!({ "location": place, "venue": { "location": place, "title": "Café\nA", "address": "Street 1" } }),
                "[Venue: Café A, Street 1, at 52.520008, 13.404954]",
            ),
            (
                json!({ "contact": { "phone_number": "+491", "first_name": "Ada", "last_name": "Lovelace" } }),
                "[Contact: Ada Lovelace, +491]",
            ),
            (json!({ "contact": { "phone_number": "+491", "first_name": "Ada" } }), "[Contact: Ada, +491]"),
            (
                json!({ "poll": { "question": "Tabs?", "options": [{ "text": "yes" }, { "text": "no" }] } }),
                "[Poll: Tabs?]\n- yes\n- no",
            ),
            (
                json!({ "checklist": { "title": "Release", "tasks": [{ "text": "test", "completion_date": 5 }, { "text": "tag" }] } }),
                "[Checklist: Release]\n- [x] test\n- [ ] tag",
            ),
            (json!({ "dice": { "emoji": "🎲", "value": 5 } }), "[Dice: 🎲 5]"),
            (json!({ "sticker": { "file_id": "f", "emoji": "👩\u{200d}💻" } }), "👩\u{200d}💻"),
        ];
        for (content, expected) in cases {
            assert_eq!(describe(content.as_object().unwrap()).as_deref(), Some(expected));
        }
    }

    #[test]
    fn files_and_malformed_data_are_not_described() {
        for content in [
            json!({ "document": { "file_id": "f" } }),
            json!({ "sticker": { "file_id": "f" } }),
            json!({ "location": { "latitude": "north" } }),
            json!({ "venue": [], "contact": 5, "poll": null, "checklist": "", "dice": { "emoji": "🎲" } }),
            json!({}),
        ] {
            assert_eq!(describe(content.as_object().unwrap()), None, "{content}");
        }
    }
}
