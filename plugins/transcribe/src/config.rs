//! The `[plugins.transcribe.config]` table.

use serde::Deserialize;

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The address of the endpoint, such as `http://127.0.0.1:8000/v1/audio/transcriptions`.
    pub url: String,
    /// The model, as the server names it.
    #[serde(default = "model")]
    pub model: String,
    /// The language of the recordings, such as `de`. Without it, the server detects the language.
    pub language: Option<String>,
    /// A text that helps the server with names and technical terms.
    pub prompt: Option<String>,
    /// The name of the secret that contains the server's API key.
    pub token: Option<String>,
    /// The kinds of files to transcribe.
    #[serde(default = "kinds")]
    pub kinds: Vec<String>,
}

fn model() -> String {
    "whisper-1".to_owned()
}

fn kinds() -> Vec<String> {
    vec!["voice message".to_owned()]
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::config::parse_text;

    use super::*;

    #[test]
    fn only_the_address_is_required() {
        let config: Config = parse_text(r#"{"url":"http://127.0.0.1:1/x"}"#).expect("it is valid");
        assert_eq!((config.model.as_str(), config.kinds), ("whisper-1", vec!["voice message".to_owned()]));
        assert_eq!(parse_text::<Config>("{}").unwrap_err(), "missing field `url`");
        assert!(parse_text::<Config>(r#"{"url":"x","langauge":"de"}"#).is_err());
    }
}
