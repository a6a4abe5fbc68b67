//! Decides when and how each accepted update is handled, for example as a command call or a prompt. A place's updates
//! are handled one at a time, in order, with these exceptions: an edit is handled immediately, an update is refused
//! immediately if the queue is full or its author has exceeded the rate limit, and an immediate command such as `/stop`
//! usually overtakes earlier updates of its place. The hub does no I/O. The caller performs each [`Dispatch`] in a
//! separate task and reports its end with [`HubEvent::Finished`].

mod rate_limit;

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use self::rate_limit::{Excess, RateLimit};
use crate::{
    messages::{self, HostReply},
    part_joiner::{JoinedUpdate, PartJoiner},
    route::{self, ActiveCommand, ChatInput, CommandTable, Invocation, Resolution},
    types::{Place, Role, Timestamp, UserId},
    updates_and_posts::{InboxRow, MessagePart, Update, UpdateKind},
};

/// The maximum number of waiting updates per place, far more than people type. Updates beyond the limit get an error
/// reply.
pub const QUEUE: usize = 10_000;

#[derive(Debug)]
pub enum HubEvent {
    Accepted(Vec<InboxRow>),
    /// Updates that the previous host process accepted but did not handle.
    Restored(Vec<InboxRow>),
    /// The time returned by [`Hub::poll_timeout`] has been reached.
    Timeout,
    /// The task that handles an update has ended.
    Finished(Slot),
    /// No more updates will arrive.
    Closed,
}

/// The effect of an update on its place's queue while the update is being handled: `Queue` blocks the queue, `Bypass`
/// doesn't.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    Queue(Place),
    Bypass,
}

/// The facts that the hub's decisions depend on. The caller reads them again for each event, because the configuration
/// and the plugins may change while updates wait.
pub struct HubFacts<'a, T> {
    pub now: Timestamp,
    /// Whether prompts pass through filters before they are handled. Filtering may take a long time.
    pub has_filters: bool,
    /// Returns the settings of a place.
    pub settings: &'a dyn Fn(&Place) -> PlaceSettings,
    pub commands: &'a T,
    /// Returns the current role of a person in a place, or `None` if the person has no access there.
    pub role: &'a dyn Fn(&UserId, &Place) -> Option<Role>,
}

/// The settings of a place that the hub's decisions depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceSettings {
    /// The maximum time that a message part waits for the next part.
    pub patience: Duration,
    /// The maximum number of updates per member and minute.
    pub per_minute: Option<usize>,
}

/// An update that has to be handled now, in a separate task.
#[derive(Debug, Clone)]
#[must_use]
pub struct Dispatch<C> {
    pub slot: Slot,
    /// The update, with its caller's current role unless the update is dropped or refused.
    pub update: JoinedUpdate,
    pub action: Action<C>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action<C> {
    Call(Call<C>),
    /// A button press. It is handled like `Call` or `Reply`, unless the button is outdated, its request is already
    /// decided, or the stored message can't be read.
    Press(Result<Call<C>, HostReply>),
    Prompt,
    /// An edit to a message. Contains the new text.
    Edit(String),
    /// The host answers without calling a plugin.
    Reply(HostReply),
    /// The caller no longer has access.
    DropWithoutAccess,
    /// An immediate command without a message, such as `/stop`, that the previous host process accepted and that no
    /// longer applies.
    DropStale,
    /// The caller has sent too many updates, and was already notified.
    DropExcess,
}

/// A command and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call<C> {
    pub command: C,
    pub invocation: Invocation,
}

#[derive(Debug, Default)]
pub struct Hub {
    parts: PartJoiner,
    rate_limit: RateLimit,
    /// A separate limit for immediate commands. It lets members who have reached the other limit still use `/stop`.
    immediate_rate_limit: RateLimit,
    /// The queues of places with an update in progress.
    queues: HashMap<Place, PlaceQueue>,
    /// The number of dispatches that have not ended.
    running: usize,
    is_closed: bool,
}

/// The state of one place: its waiting updates, in order, and those being handled.
#[derive(Debug, Default)]
struct PlaceQueue {
    /// The number of updates being handled. It exceeds one only if immediate commands have overtaken an earlier update.
    running: usize,
    /// Whether the most recently started update is a prompt that is handled quickly.
    handles_prompt: bool,
    waiting: VecDeque<JoinedUpdate>,
}

impl Hub {
    /// Handles an event and returns the updates to handle now.
    pub fn handle<T>(&mut self, event: HubEvent, facts: &HubFacts<'_, T>) -> Vec<Dispatch<T::Command>>
    where
        T: CommandTable,
        T::Command: Clone,
    {
        let mut dispatches = Vec::new();
        let is_restored = matches!(event, HubEvent::Restored(_));
        let complete: Vec<JoinedUpdate> = match event {
            HubEvent::Accepted(rows) => rows.into_iter().flat_map(|row| self.join(row, facts)).collect(),
            HubEvent::Restored(rows) => {
                let (stale, rows): (Vec<_>, Vec<_>) =
                    rows.into_iter().map(JoinedUpdate::parse).partition(|update| is_stale(update, facts));
                dispatches.extend(stale.into_iter().map(|update| self.start(Slot::Bypass, update, Action::DropStale)));
                rows.into_iter().flat_map(|update| self.join(update.row, facts)).collect()
            }
            HubEvent::Timeout => self.parts.due(facts.now),
            HubEvent::Finished(slot) => {
                self.running = self.running.saturating_sub(1);
                dispatches.extend(self.next_of(&slot).map(|update| self.dispatch(slot, update, facts)));
                Vec::new()
            }
            HubEvent::Closed => {
                self.is_closed = true;
                self.parts.flush()
            }
        };
        for update in complete {
            let excess = if is_restored { None } else { self.excess(&update, facts) };
            match excess {
                Some(action) => dispatches.push(self.start(Slot::Bypass, update, action)),
                None => dispatches.extend(self.receive(update, facts)),
            }
        }
        dispatches
    }

    /// Counts a member's update. If it exceeds the limit, returns the action to take.
    fn excess<T: CommandTable>(
        &mut self,
        update: &JoinedUpdate,
        facts: &HubFacts<'_, T>,
    ) -> Option<Action<T::Command>> {
        let limit = (facts.settings)(&update.row.update.place).per_minute?;
        let limits = if is_immediate(update, facts) { &mut self.immediate_rate_limit } else { &mut self.rate_limit };
        let update = &update.row.update;
        if (facts.role)(&update.caller.id, &update.place) != Some(Role::Member) {
            return None;
        }
        Some(match limits.count(&update.caller.id, facts.now, limit)? {
            Excess::First => {
                let message = messages::beginning(update.what.text());
                Action::Reply(HostReply::TooManyMessages { limit, message })
            }
            Excess::Further => Action::DropExcess,
        })
    }

    /// Removes the selected prompts from a place's waiting updates and returns them. A prompt waits here while an
    /// earlier update of the place is being handled.
    pub fn take_prompts(&mut self, place: &Place, is_selected: impl Fn(&InboxRow) -> bool) -> Vec<JoinedUpdate> {
        let Some(queue) = self.queues.get_mut(place) else { return Vec::new() };
        let is_taken = |update: &JoinedUpdate| is_prompt(update) && is_selected(&update.row);
        let waiting = std::mem::take(&mut queue.waiting).into_iter();
        let (taken, waiting): (VecDeque<_>, VecDeque<_>) = waiting.partition(is_taken);
        queue.waiting = waiting;
        taken.into()
    }

    /// Returns the time at which [`HubEvent::Timeout`] is due, or `None` if no message part is waiting for its next
    /// part.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.parts.deadline()
    }

    /// Returns whether updates may still arrive.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !self.is_closed
    }

    /// Returns whether no more updates will arrive and all accepted updates have been handled.
    #[must_use]
    pub const fn is_drained(&self) -> bool {
        self.is_closed && self.running == 0
    }

    fn join<T>(&mut self, row: InboxRow, facts: &HubFacts<'_, T>) -> Vec<JoinedUpdate> {
        match row.update.what {
            // An edit changes waiting updates, so it must not wait with them.
            UpdateKind::Edited(_) => vec![JoinedUpdate::parse(row)],
            UpdateKind::Text(_) | UpdateKind::NotText { .. } | UpdateKind::Press { .. } => {
                let patience = (facts.settings)(&row.update.place).patience;
                self.parts.push(row, facts.now, patience)
            }
        }
    }

    /// Returns the update's dispatch, or `None` if the update has to wait.
    fn receive<T>(&mut self, update: JoinedUpdate, facts: &HubFacts<'_, T>) -> Option<Dispatch<T::Command>>
    where
        T: CommandTable,
        T::Command: Clone,
    {
        if matches!(update.row.update.what, UpdateKind::Edited(_)) {
            return Some(self.dispatch(Slot::Bypass, update, facts));
        }
        let place = update.row.update.place.clone();
        let overtakes = is_immediate(&update, facts) && !self.follows_prompts(&place);
        match self.queues.get_mut(&place) {
            None => Some(self.dispatch(Slot::Queue(place), update, facts)),
            Some(_) if overtakes => Some(self.dispatch(Slot::Queue(place), update, facts)),
            Some(queue) if queue.waiting.len() < QUEUE => {
                queue.waiting.push_back(update);
                None
            }
            Some(_) => {
                let message = messages::beginning(update.row.update.what.text());
                Some(self.start(Slot::Bypass, update, Action::Reply(HostReply::QueueFull { message })))
            }
        }
    }

    /// Returns whether the place is handling a quick prompt and only prompts are waiting. An immediate command waits
    /// for such prompts, because a command such as `/stop all` must find them in their session's queue. The wait is
    /// short: handling a prompt only appends it to that queue. If the prompt that is being handled has files or passes
    /// filters, the command doesn't wait, because that may take longer.
    fn follows_prompts(&self, place: &Place) -> bool {
        self.queues.get(place).is_some_and(|queue| queue.handles_prompt && queue.waiting.iter().all(is_prompt))
    }

    fn next_of(&mut self, slot: &Slot) -> Option<JoinedUpdate> {
        let Slot::Queue(place) = slot else { return None };
        let queue = self.queues.get_mut(place)?;
        queue.running = queue.running.saturating_sub(1);
        if queue.running > 0 {
            return None;
        }
        let next = queue.waiting.pop_front();
        if next.is_none() {
            self.queues.remove(place);
        }
        next
    }

    fn dispatch<T>(&mut self, slot: Slot, mut update: JoinedUpdate, facts: &HubFacts<'_, T>) -> Dispatch<T::Command>
    where
        T: CommandTable,
        T::Command: Clone,
    {
        let Update { caller, place, .. } = &mut update.row.update;
        let action = match (facts.role)(&caller.id, place) {
            Some(role) => {
                caller.role = role;
                action(&update, facts.commands)
            }
            None => Action::DropWithoutAccess,
        };
        if let Slot::Queue(place) = &slot {
            let queue = self.queues.entry(place.clone()).or_default();
            let is_brief = !facts.has_filters && !has_files(&update.row.update);
            queue.handles_prompt = is_brief && matches!(action, Action::Prompt);
            queue.running += 1;
        }
        self.start(slot, update, action)
    }

    const fn start<C>(&mut self, slot: Slot, update: JoinedUpdate, action: Action<C>) -> Dispatch<C> {
        self.running += 1;
        Dispatch { slot, update, action }
    }
}

/// Returns whether an update calls an immediate command, which does not wait for earlier commands.
fn is_immediate<T: CommandTable>(update: &JoinedUpdate, facts: &HubFacts<'_, T>) -> bool {
    let Update { caller, place, .. } = &update.row.update;
    let (Some(role), Some(input)) = ((facts.role)(&caller.id, place), &update.input) else { return false };
    let resolution = route::resolve(input, role, facts.commands);
    matches!(resolution, Resolution::Command { command, .. } if command.is_immediate())
}

/// Returns whether an update left over from the previous host process no longer applies. This is the case for immediate
/// commands without a message. A command with a message, such as `/now`, is handled now, because otherwise its message
/// would be lost.
fn is_stale<T: CommandTable>(update: &JoinedUpdate, facts: &HubFacts<'_, T>) -> bool {
    let has_text = match &update.input {
        Some(ChatInput::Command(line) | ChatInput::AgentCommand(Some(line))) => !line.invocation.text.is_empty(),
        Some(ChatInput::Button { .. } | ChatInput::AgentCommand(None) | ChatInput::Prompt) | None => false,
    };
    is_immediate(update, facts) && !has_text && !has_files(&update.row.update)
}

fn is_prompt(update: &JoinedUpdate) -> bool {
    update.input.as_ref().is_some_and(ChatInput::is_prompt) || is_only_files(&update.row.update)
}

fn has_files(update: &Update) -> bool {
    matches!(&update.what, UpdateKind::NotText { files, .. } if !files.is_empty())
}

/// Returns whether an update is a prompt that consists only of files. In a group, an album without a caption is not a
/// prompt: its caption may have been dropped because it was addressed to other people.
fn is_only_files(update: &Update) -> bool {
    let is_album = matches!(update.origin.part, MessagePart::Album(_) | MessagePart::Joined);
    let is_for_others = is_album && update.origin.speaker.is_some();
    matches!(update.what, UpdateKind::NotText { caption: None, .. }) && has_files(update) && !is_for_others
}

fn action<T>(update: &JoinedUpdate, commands: &T) -> Action<T::Command>
where
    T: CommandTable,
    T::Command: Clone,
{
    let (what, role) = (&update.row.update.what, update.row.update.caller.role);
    let Some(input) = &update.input else {
        return match what {
            UpdateKind::Edited(text) => Action::Edit(text.clone()),
            UpdateKind::NotText { .. } if is_only_files(&update.row.update) => Action::Prompt,
            UpdateKind::NotText { files, .. } if !files.is_empty() => Action::Reply(HostReply::AlbumWithoutCaption),
            UpdateKind::NotText { .. } | UpdateKind::Text(_) | UpdateKind::Press { .. } => {
                Action::Reply(HostReply::UnsupportedContent { kind: what.text().to_owned() })
            }
        };
    };
    let call = match route::resolve(input, role, commands) {
        Resolution::Prompt => return Action::Prompt,
        Resolution::Command { command, invocation } => {
            Ok(Call { command: command.clone(), invocation: invocation.clone() })
        }
        Resolution::Rejected(answer) => Err(answer),
    };
    match (call, what) {
        (call, UpdateKind::Press { .. }) => Action::Press(call),
        (Ok(call), UpdateKind::Text(_) | UpdateKind::NotText { .. } | UpdateKind::Edited(_)) => Action::Call(call),
        (Err(answer), UpdateKind::Text(_) | UpdateKind::NotText { .. } | UpdateKind::Edited(_)) => {
            Action::Reply(answer)
        }
    }
}

#[cfg(test)]
mod tests;
