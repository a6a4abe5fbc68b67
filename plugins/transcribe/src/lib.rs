//! Transcribes voice messages before an agent gets them, using an OpenAI-compatible endpoint, such as a local whisper
//! server. The agent receives the text, and the chat shows it.

mod config;
mod form;
mod german;

use std::time::Duration;

use cordboard_plugin::{
    Filter, attachments,
    config::parse,
    filter::{Change, File, Message, Outcome},
    http::{Request, Response},
    secrets,
    text::escape,
    tr,
};
use serde::Deserialize;

use config::Config;
use form::Form;

/// The maximum length of the transcript shown in the chat, in characters.
const SHOWN: usize = 1000;

/// The maximum time of a request. The host's limit `http_time` is usually shorter.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5 * 60);

struct Transcribe;

impl Filter for Transcribe {
    fn kinds() -> Result<Vec<String>, String> {
        let config: Config = parse()?;
        Ok(config.kinds)
    }

    fn prompt(message: Message) -> Outcome {
        let config: Config = match parse() {
            Ok(config) => config,
            Err(why) => return not_transcribed(&why),
        };
        let recordings = message.files.iter().filter(|file| config.kinds.contains(&file.kind));
        let results: Vec<Result<String, String>> = recordings.map(|file| transcribe(&config, file)).collect();
        outcome(&message.text, &results)
    }
}

/// Returns the outcome for a message with this caption, given the transcript or error of each recording.
fn outcome(caption: &str, results: &[Result<String, String>]) -> Outcome {
    let spoken: Vec<&str> = results.iter().flatten().map(String::as_str).collect();
    let why = results.iter().find_map(|result| result.as_ref().err());
    match (spoken.is_empty(), why) {
        (true, None) => Outcome::Pass,
        (true, Some(why)) => not_transcribed(why),
        (false, why) => {
            let spoken = spoken.join("\n\n");
            let shown: String = spoken.chars().take(SHOWN).collect();
            let end = if shown.len() < spoken.len() { "…" } else { "" };
            let rest =
                why.map_or_else(String::new, |why| format!("\n{}", tr!("A part was not transcribed: {}", escape(why))));
            let notice = format!("🎤 {}{end}{rest}", escape(&shown));
            let note = why.map_or_else(String::new, |why| format!("\n\n{}", note(why)));
            Outcome::Replace(Change::with_notice(format!("{}{note}", joined(caption, &spoken)), notice))
        }
    }
}

/// Returns the outcome for a message whose recordings were not transcribed: the agent gets them with a note.
fn not_transcribed(why: &str) -> Outcome {
    Outcome::Annotate(Change::with_notice(
        note(why),
        format!("🎤 {}", tr!("Not transcribed, so the agent gets the recording itself: {}", escape(why))),
    ))
}

/// Tells the agent that a recording was not transcribed.
fn note(why: &str) -> String {
    format!("[The recording could not be transcribed: {why}]")
}

fn transcribe(config: &Config, file: &File) -> Result<String, String> {
    let name = file.path.rsplit('/').next().unwrap_or("recording");
    let mut form = Form::new();
    form.file("file", name, &attachments::read_all(file)?);
    form.text("model", &config.model);
    form.text("response_format", "json");
    for (field, value) in [("language", &config.language), ("prompt", &config.prompt)] {
        if let Some(value) = value {
            form.text(field, value);
        }
    }
    let (content_type, body) = form.finish();
    let mut request =
        Request::post(&config.url).timeout(REQUEST_TIMEOUT).header("content-type", &content_type).body(body);
    if let Some(token) = &config.token {
        request = request.header("authorization", &format!("Bearer {}", secrets::placeholder(token)?));
    }
    text_of(&request.send()?)
}

#[derive(Deserialize)]
struct Transcription {
    text: String,
}

/// Returns the text in a response of the endpoint.
fn text_of(response: &Response) -> Result<String, String> {
    let body = response.text();
    if response.status != 200 {
        let start: String = body.trim().chars().take(200).collect();
        return Err(format!("the server answered with status {}: {start}", response.status));
    }
    let parsed: Result<Transcription, _> = serde_json::from_str(&body);
    let transcription = parsed.map_err(|_| "the server's answer is not a transcription".to_owned())?;
    match transcription.text.trim() {
        "" => Err("the server recognized no speech".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// Returns a message's caption with the spoken text below it.
fn joined(caption: &str, spoken: &str) -> String {
    if caption.trim().is_empty() { spoken.to_owned() } else { format!("{caption}\n\n{spoken}") }
}

cordboard_plugin::export!(Transcribe: filter; german::GERMAN);

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn a_failed_second_recording_is_reported() {
        let results = [Ok("Buy *milk*.".to_owned()), Err("the server is down".to_owned())];
        let Outcome::Replace(change) = outcome("Note:", &results) else { panic!("the text is replaced") };
        assert_eq!(change.text, "Note:\n\nBuy *milk*.\n\n[The recording could not be transcribed: the server is down]");
        let notice = "🎤 Buy \\*milk\\*.\nA part was not transcribed: the server is down";
        assert_eq!(change.notice.as_deref(), Some(notice));
    }

    #[test]
    fn only_a_transcription_is_accepted() {
        assert_eq!(text_of(&response(200, r#"{"text":" Hello. ","duration":3}"#)), Ok("Hello.".to_owned()));
        for (status, body, why) in [
            (200, r#"{"text":" "}"#, "the server recognized no speech"),
            (200, "<html>", "the server's answer is not a transcription"),
            (401, "no key\n", "the server answered with status 401: no key"),
        ] {
            assert_eq!(text_of(&response(status, body)), Err(why.to_owned()));
        }
    }

    #[test]
    fn a_caption_precedes_the_spoken_text() {
        assert_eq!(joined("Note this:", "Buy milk."), "Note this:\n\nBuy milk.");
        assert_eq!(joined(" ", "Buy milk."), "Buy milk.");
    }
}
