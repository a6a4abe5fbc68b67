//! Transcribes recordings in messages to agents, then calls the filter plugins on the messages, in the configured
//! order. If a filter fails, the message isn't sent to the agent, because the filter might have rejected it.

use std::{iter, sync::Arc};

use cordboard_core::{
    messages::{self, FilterRefusal},
    types::{Alert, FilterChange, FilterInput, FilterOutcome, PromptKind, Reply, SessionView},
    updates_and_posts::{NewPost, Origin, Update, UpdateKind},
};
use cordboard_runtime::{CallContext, FilterCall, HostApi, Registry};

use super::{
    host_api::{HostService, files::FilterAttachments},
    sessions::supervisor::prompt_text,
    transcription::TranscribedText,
};

/// The text of a message after filtering, and the filters' notices for the author, as Markdown.
#[derive(Debug, PartialEq, Eq)]
pub struct FilteredText {
    pub text: String,
    pub notices: Vec<String>,
}

/// A message for a session's agent, and the filters to call on it.
pub struct FilterCalls<'a> {
    pub plugins: &'a Registry,
    /// The names of the plugins, in the order in which they are called.
    pub filters: &'a [String],
    pub host: Arc<dyn HostApi>,
    pub view: &'a SessionView,
    /// The message's author and place.
    pub context: CallContext,
}

impl FilterCalls<'_> {
    /// Calls the filters, and returns the message's text after filtering.
    pub async fn apply(&self, mut message: FilterInput) -> Result<FilteredText, FilterRefusal> {
        let beginning = messages::beginning(&message.text);
        let mut notices = Vec::new();
        for plugin in self.filters {
            let call = FilterCall { host: &self.host, view: self.view, context: &self.context, message: &message };
            match self.plugins.filter(plugin, call).await {
                Ok(FilterOutcome::Pass) => {}
                Ok(FilterOutcome::Replace(FilterChange { text, notice })) => {
                    message.text = text;
                    notices.extend(notice);
                }
                Ok(FilterOutcome::Annotate(FilterChange { text, notice })) => {
                    message.text = annotated(&message.text, &text);
                    notices.extend(notice);
                }
                Ok(FilterOutcome::Reject(why)) => {
                    return Err(FilterRefusal::Rejected { why, message: beginning });
                }
                Err(error) => {
                    tracing::warn!(plugin, %error, "a filter failed: its message was not sent to the agent");
                    let (plugin, why) = (plugin.clone(), error.to_string());
                    return Err(FilterRefusal::Failed { plugin, why, message: beginning });
                }
            }
        }
        if message.text.trim().is_empty() && message.files.is_empty() {
            let why = messages::no_text_left();
            return Err(FilterRefusal::Rejected { why, message: beginning });
        }
        Ok(FilteredText { text: message.text, notices })
    }
}

/// A message that has passed the filters.
pub(super) struct Filtered {
    pub update: Update,
    notices: Vec<String>,
}

impl HostService {
    /// Transcribes the recordings of a message for the session's agent, and applies the filters to its text. Agent
    /// commands are not filtered.
    pub(super) async fn filter(&self, update: &Update, view: &SessionView) -> Result<Filtered, FilterRefusal> {
        let config = self.config();
        let mut message = filter_input(&update.what);
        let is_filtered = matches!(prompt_text(update), Some((PromptKind::Text, _)));
        let transcribed = if is_filtered {
            self.transcriber.transcribe(&config.voice, &message, &view.record.folder).await
        } else {
            None
        };
        if !is_filtered || (config.plugins.filters.is_empty() && transcribed.is_none()) {
            return Ok(Filtered { update: update.clone(), notices: Vec::new() });
        }
        let mut notices = Vec::new();
        if let Some(TranscribedText { text, notice }) = transcribed {
            message.text = text;
            notices.push(notice);
        }
        let files = FilterAttachments::new(view.record.folder.clone(), &message.files);
        let calls = FilterCalls {
            plugins: &self.plugins,
            filters: &config.plugins.filters,
            host: Arc::new(self.for_filter(&update.place, files)),
            view,
            context: CallContext {
                caller: Some(update.caller.clone()),
                place: Some(update.place.clone()),
                active: None,
                locale: config.language.texts.locale(update.locale.as_deref()),
            },
        };
        let filtered = calls.apply(message).await?;
        notices.extend(filtered.notices);
        Ok(Filtered { update: with_text(update, filtered.text), notices })
    }

    /// Shows the filters' notices to the message's author.
    pub(super) async fn show_notices(&self, filtered: Filtered) {
        let Filtered { update, notices } = filtered;
        let post = |text| {
            let reply_to = update.origin.message.clone();
            NewPost::new(update.place.clone(), Reply { alert: Alert::Silent, reply_to, ..Reply::text(text) })
        };
        let posts: Vec<NewPost> = notices.into_iter().map(post).collect();
        if !posts.is_empty() {
            self.outbound.finish(Vec::new(), posts).await;
        }
    }
}

fn filter_input(what: &UpdateKind) -> FilterInput {
    match what {
        UpdateKind::Text(text) | UpdateKind::Edited(text) => FilterInput { text: text.clone(), files: Vec::new() },
        UpdateKind::NotText { caption, files, .. } => {
            FilterInput { text: caption.clone().unwrap_or_default(), files: files.clone() }
        }
        UpdateKind::Press { line, .. } => FilterInput { text: line.command.clone(), files: Vec::new() },
    }
}

/// Returns the update with the text that the filters returned. Keeps the text that the author wrote, so that a later
/// edit can be compared with it.
fn with_text(update: &Update, text: String) -> Update {
    let old = filter_input(&update.what).text;
    if old == text {
        return update.clone();
    }
    let what = match &update.what {
        UpdateKind::NotText { kind, files, .. } => {
            let caption = Some(text).filter(|text| !text.trim().is_empty());
            UpdateKind::NotText { kind: kind.clone(), caption, files: files.clone() }
        }
        UpdateKind::Text(_) | UpdateKind::Edited(_) | UpdateKind::Press { .. } => UpdateKind::Text(text),
    };
    let origin = Origin { unfiltered: Some(old), prompt_kind: Some(PromptKind::Text), ..update.origin.clone() };
    Update { what, origin, ..update.clone() }
}

fn annotated(text: &str, note: &str) -> String {
    let parts = iter::once(text).chain(iter::once(note)).filter(|part| !part.trim().is_empty());
    parts.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_added_below_the_text() {
        assert_eq!(annotated("text", "note"), "text\n\nnote");
        assert_eq!(annotated("", "note"), "note");
        assert_eq!(annotated("text", " "), "text");
    }
}
