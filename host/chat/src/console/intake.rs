//! Stores input lines in the inbox, each as an update from the local owner. If the store fails, retries while new lines
//! wait in the queue, so no line is lost.

use std::{sync::Arc, time::Duration};

use cordboard_core::{
    messages,
    types::{Caller, Role, TimeSource, UserId},
    updates_and_posts::Origin,
};
use tokio::sync::mpsc;

use super::{
    super::{Inbox, Update, UpdateKind},
    ConsoleEvent, Events, FRONT_END, LOCAL, OutputRequest,
    pipe_reader::{InputLine, MAX_LINE_LENGTH},
    place, print,
};

/// The maximum number of input lines that are stored at once.
const BATCH: usize = 64;

/// The delay before the next attempt to store lines.
const RETRY_DELAY: Duration = Duration::from_secs(1);

pub(super) struct Intake {
    inbox: Arc<dyn Inbox>,
    clock: TimeSource,
    /// Makes update keys unique across runs. Otherwise, the store would drop lines as duplicates.
    run: String,
    count: u64,
    caller: Caller,
    locale: Option<String>,
    requests: mpsc::Sender<OutputRequest>,
}

impl Intake {
    pub(super) fn new(
        inbox: Arc<dyn Inbox>,
        clock: TimeSource,
        run: &str,
        requests: mpsc::Sender<OutputRequest>,
    ) -> Self {
        let name = std::env::var("USER").ok().filter(|name| !name.is_empty());
        let caller = Caller {
            id: UserId(format!("{FRONT_END}:{LOCAL}")),
            name: name.unwrap_or_else(|| LOCAL.to_owned()),
            role: Role::Owner,
        };
        Self {
            inbox,
            clock,
            run: run.to_owned(),
            count: 0,
            caller,
            locale: locale(&|name| std::env::var(name).ok()),
            requests,
        }
    }

    /// Runs until the input ends, then sends [`ConsoleEvent::InputEnded`].
    pub(super) async fn run(mut self, mut lines: mpsc::Receiver<InputLine>, events: Events) {
        let mut batch = Vec::with_capacity(BATCH);
        while lines.recv_many(&mut batch, BATCH).await > 0 {
            let mut updates = Vec::with_capacity(batch.len());
            for line in batch.drain(..) {
                match line {
                    InputLine::Text(text) if text.trim().is_empty() => {}
                    InputLine::Text(text) => updates.push(self.update(text)),
                    InputLine::TooLong => self.print_notice(&too_long_notice()).await,
                }
            }
            self.accept(updates).await;
        }
        events.send(ConsoleEvent::InputEnded);
    }

    fn update(&mut self, text: String) -> Update {
        self.count += 1;
        Update {
            key: format!("{}-{}", self.run, self.count),
            caller: self.caller.clone(),
            place: place().clone(),
            what: UpdateKind::Text(text),
            at: (self.clock)(),
            locale: self.locale.clone(),
            origin: Origin::default(),
        }
    }

    async fn accept(&self, updates: Vec<Update>) {
        while !updates.is_empty() {
            let Err(error) = self.inbox.accept(updates.clone(), None).await else { return };
            tracing::error!(%error, retry_in = ?RETRY_DELAY, "failed to store lines of the input");
            if self.inbox.record_failure(place()) {
                self.print_notice(&format!("{}\n", messages::not_stored_yet(error))).await;
            }
            tokio::time::sleep(RETRY_DELAY).await;
        }
    }

    async fn print_notice(&self, text: &str) {
        // Ignore an error: if stdout is closed, the notice has no reader.
        drop(print(&self.requests, text.to_owned()).await);
    }
}

/// Returns the language of the environment, such as `de-AT`. Of the variables, the first one that is set counts, as in
/// POSIX.
fn locale(variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut values = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(variable);
    let value = values.find(|value| !value.is_empty())?;
    let locale = value.split(['.', '@']).next().unwrap_or_default().replace('_', "-");
    (!matches!(locale.as_str(), "" | "C" | "POSIX")).then_some(locale)
}

fn too_long_notice() -> String {
    format!("Not sent: the line is longer than {} MiB.\n", MAX_LINE_LENGTH >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale_of(variables: &[(&str, &str)]) -> Option<String> {
        let find = |name: &str| variables.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).to_owned());
        locale(&find)
    }

    #[test]
    fn the_first_variable_names_the_language() {
        assert_eq!(locale_of(&[("LANG", "de_AT.UTF-8")]).as_deref(), Some("de-AT"));
        assert_eq!(locale_of(&[("LANG", "de_DE@euro"), ("LC_MESSAGES", "en_GB")]).as_deref(), Some("en-GB"));
        assert_eq!(locale_of(&[("LANG", "de_DE"), ("LC_ALL", "C.UTF-8")]), None);
        assert_eq!(locale_of(&[("LANG", "fr"), ("LC_ALL", "")]).as_deref(), Some("fr"));
        for none in ["", "C", "POSIX", ".UTF-8"] {
            assert_eq!(locale_of(&[("LANG", none)]), None, "{none:?}");
        }
        assert_eq!(locale_of(&[]), None);
    }
}
