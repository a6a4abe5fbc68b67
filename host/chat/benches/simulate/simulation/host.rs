//! One host process: the hub and the outbox. Everything in it ends with the process.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use cordboard_chat::outbox::{Outbox, Post};
use cordboard_core::{
    hub::{Action, Call, Dispatch, Hub, HubEvent, HubFacts, PlaceSettings},
    messages,
    route::{ActiveCommand, CommandTable},
    updates_and_posts::{InboxRow, MessagePart, NewPost, Origin, Update, UpdateKind},
};
use tokio::task::JoinHandle;

use super::{
    Simulation,
    agenda::{Event, between},
    people,
    ports::Ports,
    update_order::Arrivals,
    world::World,
};
use crate::{
    session::{Input, Prompt, PromptKind, QueuedPrompts, SessionCommand},
    types::{Caller, Place, Reply, Role, UserId},
};

/// The commands that the host's own plugin offers. It is always active.
const CONTROLS: [&str; 8] = ["stop", "retry", "fresh", "leave", "yes", "no", "suspend", "model"];

pub struct Host {
    pub number: u64,
    pub hub: Hub,
    pub outbox: Outbox,
    pub order: BTreeMap<Place, Arrivals>,
    handled: BTreeMap<i64, Dispatch<Command>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Clone)]
pub struct Command {
    name: String,
    /// The index of the plugin, or `None` for [`CONTROLS`].
    plugin: Option<usize>,
}

pub struct Commands(Vec<Command>);

impl ActiveCommand for Command {
    fn name(&self) -> &str {
        &self.name
    }

    fn plugin(&self) -> &str {
        if self.plugin.is_some() { &self.name } else { "control" }
    }

    fn min_role(&self) -> Role {
        Role::Member
    }

    fn is_immediate(&self) -> bool {
        self.name == "stop"
    }
}

impl CommandTable for Commands {
    type Command = Command;

    fn command(&self, name: &str) -> Option<&Command> {
        self.0.iter().find(|command| command.name == name)
    }

    fn commands(&self) -> impl Iterator<Item = &Command> {
        self.0.iter()
    }
}

impl Simulation {
    // ---- Start and end ----

    /// Starts a host from the stored state. The session of `restored` has already been restored.
    pub fn start_host(&mut self, restored: Option<usize>) {
        self.hosts += 1;
        let (unsent, unreachable, unhandled) = {
            let mut world = self.world.lock();
            world.host = self.hosts;
            let World { store, server, .. } = &mut *world;
            server.on_kill();
            store.mark_interrupted_answers(server);
            (store.unsent(), store.unreachable.iter().cloned().collect(), store.unhandled())
        };
        let ports = Arc::new(Ports { world: self.world.clone(), host: self.hosts });
        let (outbox, work) = Outbox::new(Arc::<Ports>::clone(&ports), ports);
        let task = tokio::spawn(work);
        outbox.restore(unreachable, unsent);
        let (hub, order, handled) = (Hub::default(), BTreeMap::new(), BTreeMap::new());
        self.host = Some(Host { number: self.hosts, hub, outbox, order, handled, task });
        for plugin in 0..self.plugins.len() {
            self.restart_plugin(plugin);
        }
        for chat in (0..self.chats.len()).filter(|chat| Some(*chat) != restored) {
            self.restore_session(chat);
        }
        self.accept_order(&unhandled);
        self.pass_to_hub(HubEvent::Restored(unhandled));
        self.poll();
    }

    pub fn plan_kill(&mut self) {
        let at = self.now().after(between(&mut self.dice, people::DAY / 24, 2 * people::DAY));
        let kill = people::by_day(&mut self.dice, at);
        self.agenda.add(kill, Event::Kill);
    }

    /// Kills the host. Another one starts within ten minutes.
    pub fn kill(&mut self) {
        if self.host.is_some() {
            self.end_host();
            let at = self.now().after(between(&mut self.dice, 100, 600_000));
            self.agenda.add(at, Event::Start);
        }
        self.plan_kill();
    }

    /// Ends the host in the middle of a step of the session in `chat`, which the next host has already restored.
    pub fn restart_during_step(&mut self, chat: usize) {
        self.end_host();
        self.chats[chat].session.agent = None;
        self.start_host(Some(chat));
    }

    fn end_host(&mut self) {
        let Some(host) = self.host.take() else { return };
        host.task.abort();
        let mut world = self.world.lock();
        world.host = 0;
        world.tally.kills += 1;
    }

    // ---- Updates ----

    /// Sends a user's message to the chat server, which offers it to the host.
    pub fn say(&mut self, chat: usize, text: String) {
        self.messages += 1;
        let (place, now) = (self.chats[chat].place.clone(), self.now());
        let caller = Caller { id: UserId(format!("telegram:{chat}")), name: "ann".to_owned(), role: Role::Member };
        let origin = Origin { part: MessagePart::Alone, ..Origin::default() };
        let (key, what) = (self.messages.to_string(), UpdateKind::Text(text));
        let update = Update { key, caller, place, what, at: now, locale: None, origin };
        self.chats[chat].unconfirmed.push_back(update);
        self.world.lock().tally.messages += 1;
        self.agenda.add(now.after(Duration::from_millis(80)), Event::Poll);
    }

    /// Stores the updates that the chat server offers, and passes them to the hub. Sometimes the confirmation is lost, so
    /// the server offers them again.
    pub fn poll(&mut self) {
        let now = self.now();
        if self.host.is_none() || now < self.world.lock().server.disconnected_until {
            return;
        }
        let is_lost = self.dice.one_in(40);
        let mut updates = Vec::new();
        for chat in &mut self.chats {
            updates.extend(chat.unconfirmed.iter().cloned());
            if !is_lost {
                chat.unconfirmed.clear();
            }
        }
        if is_lost {
            self.agenda.add(now.after(Duration::from_secs(3)), Event::Poll);
        }
        let rows = self.world.lock().store.accept(updates);
        if let Some(host) = &self.host {
            rows.iter().for_each(|row| host.outbox.on_user_message(&row.update.place));
        }
        self.accept_order(&rows);
        self.pass_to_hub(HubEvent::Accepted(rows));
    }

    fn accept_order(&mut self, rows: &[InboxRow]) {
        let Some(host) = &mut self.host else { return };
        for row in rows {
            let is_immediate = row.update.what.text().starts_with("/stop");
            host.order.entry(row.update.place.clone()).or_default().accept(row.id.0, is_immediate);
        }
    }

    fn pass_to_hub(&mut self, event: HubEvent) {
        let active = self.plugins.iter().enumerate().filter(|(_, plugin)| plugin.witness.active().is_some());
        let active = active.map(|(at, plugin)| Command { name: plugin.name.to_owned(), plugin: Some(at) });
        let controls = CONTROLS.iter().map(|name| Command { name: (*name).to_owned(), plugin: None });
        let commands = Commands(controls.chain(active).collect());
        let now = self.now();
        let Some(host) = &mut self.host else { return };
        let settings = PlaceSettings { patience: Duration::from_millis(300), per_minute: None };
        let facts = HubFacts {
            now,
            has_filters: false,
            settings: &|_| settings,
            commands: &commands,
            role: &|_, _| Some(Role::Member),
        };
        for dispatch in host.hub.handle(event, &facts) {
            let row = &dispatch.update.row;
            let started = host.order.entry(row.update.place.clone()).or_default().start(row.id.0);
            started.unwrap_or_else(|rule| panic!("{rule}: update {}", row.id.0));
            let longest = if matches!(dispatch.action, Action::Call(_)) { 20_000 } else { 100 };
            let takes = between(&mut self.dice, 1, longest);
            self.agenda.add(now.after(takes), Event::Handled { host: host.number, update: row.id.0 });
            host.handled.insert(row.id.0, dispatch);
        }
    }

    /// Performs the action of an update, and lets the hub start the next one.
    pub fn finish_update(&mut self, number: u64, update: i64) {
        let Some(host) = self.host.as_mut().filter(|host| host.number == number) else { return };
        let Some(Dispatch { slot, update, action }) = host.handled.remove(&update) else { return };
        let row = update.row;
        let chat = self.chats.iter().position(|chat| chat.place == row.update.place).expect("a known chat");
        let reply = match action {
            Action::Prompt => {
                self.world.lock().store.complete_update(row.id);
                self.world.lock().tally.prompts += 1;
                self.open_prompts.insert(row.prompt.clone());
                let (kind, text) = (PromptKind::Text, row.update.what.text().to_owned());
                let (id, place, mode, files) = (row.prompt, row.update.place.clone(), None, Vec::new());
                self.act(chat, |witness| witness.feed(Input::Prompt(Prompt { id, place, kind, text, mode, files })));
                None
            }
            Action::Call(call) => Some(self.call(chat, &call)),
            Action::Reply(reply) => Some(reply.reply()),
            Action::Press(_) | Action::Edit(_) => panic!("nobody presses buttons or edits messages"),
            Action::DropWithoutAccess | Action::DropStale | Action::DropExcess => None,
        };
        // The host may have been killed during the action. If so, the next host handles the update again.
        let Some(host) = self.host.as_mut().filter(|host| host.number == number) else { return };
        let mut world = self.world.lock();
        world.store.complete_update(row.id);
        if let Some(reply) = reply {
            let post = world.store.insert(NewPost::new(row.update.place.clone(), reply));
            host.outbox.post(Post::Final(post));
        }
        drop(world);
        host.order.entry(row.update.place).or_default().running.retain(|running| *running != row.id.0);
        self.pass_to_hub(HubEvent::Finished(slot));
    }

    fn call(&mut self, chat: usize, call: &Call<Command>) -> Reply {
        if let Some(plugin) = call.command.plugin {
            return self.call_plugin(plugin);
        }
        let from = Some(self.chats[chat].place.clone());
        let answer =
            |option: &str| SessionCommand::Answer { number: None, options: vec![option.to_owned()], text: None };
        let command = match call.command.name.as_str() {
            "stop" if call.invocation.text == "all" => SessionCommand::Interrupt { queued: QueuedPrompts::Drop, from },
            "stop" => SessionCommand::Interrupt { queued: QueuedPrompts::Keep, from },
            "retry" => SessionCommand::Retry(self.new_prompt_id()),
            "fresh" => SessionCommand::Fresh,
            "leave" => SessionCommand::Leave,
            "yes" => answer("allow"),
            "no" => answer("deny"),
            "suspend" => SessionCommand::Suspend,
            _ => SessionCommand::SetModel(self.dice.pick(&[None, Some("opus".to_owned())])),
        };
        match self.act(chat, |witness| witness.command(command)) {
            Ok(()) => messages::plain("Done."),
            Err(refusal) => messages::plain(&refusal.text),
        }
    }
}
