//! Finds the file in which an agent stores the transcript of a conversation, and parses the exchanges in it. claude and
//! the demo agent store one JSON object per line. The caller reads the file.

use std::path::{Path, PathBuf};

use cordboard_core::{
    config::{Agent, AgentKind},
    types::{Exchange, Timestamp},
};
use serde_json::Value;

use crate::{
    claude::stored_transcript::{TranscriptError, stored_transcript},
    demo,
    json_fields::text,
    process::Environment,
};

/// Prefixes of "user" messages that a user didn't write: command output and CLI notices.
const NOT_PROMPTS: [&str; 5] =
    ["<command-", "<local-command-", "<task-notification", "<system-reminder", "[Request interrupted"];

/// Returns the file in which an agent with this configuration stores the conversation `id` of a session in `folder`.
///
/// # Errors
/// Agents of this kind store no transcripts, or claude's transcript can't be found.
pub fn transcript(
    agent: &Agent,
    environment: &Environment,
    folder: &Path,
    id: &str,
) -> Result<PathBuf, TranscriptError> {
    match agent.kind {
        AgentKind::Claude => stored_transcript(agent, environment, id),
        AgentKind::Demo => Ok(demo::transcript(folder, id)),
        AgentKind::Acp | AgentKind::Plain => Err(TranscriptError::NoTranscripts),
    }
}

/// Returns the exchanges in a part of a transcript, the oldest first. Skips all other lines, including those that are
/// not JSON.
#[must_use]
pub fn exchanges(transcript: &[u8]) -> Vec<Exchange> {
    let mut found = Vec::new();
    // Text after a tool call replaces the text before it.
    let mut is_after_tool = false;
    for line in transcript.split(|byte| *byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<Value>(line) else { continue };
        if message["isSidechain"] == true || message["isMeta"] == true || message["isCompactSummary"] == true {
            continue;
        }
        let content = &message["message"]["content"];
        match text(&message, "type") {
            "user" => {
                if let Some(prompt) = prompt(content) {
                    is_after_tool = false;
                    found.push(Exchange {
                        prompt,
                        answer: String::new(),
                        at: Timestamp::parse(text(&message, "timestamp")),
                    });
                }
            }
            "assistant" => {
                if let Some(exchange) = found.last_mut() {
                    for block in content.as_array().into_iter().flatten() {
                        match text(block, "type") {
                            "text" => {
                                if std::mem::take(&mut is_after_tool) {
                                    exchange.answer.clear();
                                }
                                add_paragraph(&mut exchange.answer, text(block, "text").trim());
                            }
                            "tool_use" => is_after_tool = true,
                            _ => {}
                        }
                    }
                }
            }
            _ => {}
        }
    }
    found
}

fn add_paragraph(answer: &mut String, text: &str) {
    if !answer.is_empty() {
        answer.push_str("\n\n");
    }
    answer.push_str(text);
}

/// Returns the text of a user message. Returns `None` for tool results and CLI messages.
fn prompt(content: &Value) -> Option<String> {
    let blocks = content.as_array().into_iter().flatten();
    let texts = blocks.filter(|block| text(block, "type") == "text").map(|block| text(block, "text"));
    let prompt = content.as_str().into_iter().chain(texts).collect::<Vec<_>>().join("\n");
    let prompt = prompt.trim();
    let is_prompt = !prompt.is_empty() && !NOT_PROMPTS.iter().any(|start| prompt.starts_with(start));
    is_prompt.then(|| prompt.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines in claude 2.1.332's format, without most of their fields.
    const TRANSCRIPT: &str = r#"
{"type":"queue-operation","operation":"enqueue","timestamp":"2026-11-28T22:41:35.999Z"}
{"isSidechain":false,"type":"user","timestamp":"2026-11-28T22:41:36.046Z","message":{"role":"user","content":[{"type":"text","text":"ada: fix it"}]}}
{"type":"api-request-blob","message":{"content":[{"type":"text","text":"<system-reminder>"}]}}
{"isSidechain":false,"type":"assistant","message":{"id":"m1","content":[{"type":"thinking","thinking":"hm"}]}}
{"isSidechain":false,"type":"assistant","message":{"id":"m1","content":[{"type":"text","text":"Let me look."}]}}
{"isSidechain":false,"type":"assistant","message":{"id":"m1","content":[{"type":"tool_use","name":"Bash"}]}}
{"isSidechain":true,"type":"assistant","message":{"id":"m2","content":[{"type":"text","text":"a subagent"}]}}
{"isSidechain":false,"type":"user","message":{"content":[{"type":"tool_result","content":"ok"}]}}
{"isSidechain":false,"type":"assistant","message":{"id":"m3","content":[{"type":"text","text":"It is fixed."}]}}
no json
{"isSidechain":false,"type":"assistant","message":{"id":"m3","content":[{"type":"text","text":"Anything else?"}]}}
{"isSidechain":false,"type":"user","isMeta":true,"message":{"content":"Caveat: generated"}}
{"isSidechain":false,"type":"user","message":{"content":"<command-name>/compact</command-name>"}}
{"isSidechain":false,"type":"user","isCompactSummary":true,"message":{"content":"This session is continued"}}
{"isSidechain":false,"type":"user","message":{"content":"and now?"}}
{"isSidechain":false,"type":"user","message":{"content":[{"type":"text","text":"[Request interrupted by user]"}]}}
"#;

    #[test]
    fn exchanges_are_prompts_with_the_last_text_of_their_answers() {
        let found = exchanges(TRANSCRIPT.as_bytes());
        let texts: Vec<_> = found.iter().map(|one| (one.prompt.as_str(), one.answer.as_str())).collect();
        assert_eq!(texts, [("ada: fix it", "It is fixed.\n\nAnything else?"), ("and now?", "")]);
        assert_eq!(found[0].at, Some(Timestamp(1_795_905_696_046)));
        assert_eq!(found[1].at, None);
    }

    #[test]
    fn the_answer_before_the_first_prompt_of_a_part_is_skipped() {
        let answer = r#"{"type":"assistant","message":{"content":[{"type":"text","text":"the end of an answer"}]}}"#;
        assert_eq!(exchanges(answer.as_bytes()), []);
    }
}
