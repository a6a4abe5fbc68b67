//! `sessions`: reads the sessions that the caller may see, with their histories, queues and agent usage, and the daily
//! budget. A call without a caller sees sessions only if `acts_as` is set.

use cordboard_core::types::{FolderPage, SessionView, UsageGroup, UsagePeriod};

use super::super::{
    bindings::{
        sessions::{AgentCommand, Budget, Exchange, FileEntry, Host, QueuedPrompt, Usage},
        types,
    },
    call::{CallState, HostHandle},
    convert,
    host_api::ArchiveFilter,
};

/// The maximum number of exchanges returned in one call.
const MOST_EXCHANGES: u32 = 20;

impl CallState {
    fn page(&mut self, filter: ArchiveFilter, offset: u32, limit: u32) -> wasmtime::Result<Vec<types::Session>> {
        let host = self.host()?;
        let Some(caller) = self.caller() else { return Ok(Vec::new()) };
        let current = self.context.place.as_ref().and_then(|place| host.api.current(caller, place));
        let current = current.map(|view| view.record.name);
        let session = |view: &SessionView| {
            let mut session = convert::session(view);
            if current.as_ref() == Some(&view.record.name) {
                session.facts.push(("active".to_owned(), "here".to_owned()));
            }
            session
        };
        Ok(host.api.page(caller, filter, offset as usize, limit as usize).iter().map(session).collect())
    }
}

impl CallState {
    async fn usage(&mut self, period: UsagePeriod, by: &str) -> wasmtime::Result<Result<Vec<Usage>, String>> {
        let host = self.host()?;
        let Some(group) = UsageGroup::parse(by) else {
            return Ok(Err(format!("'{by}' is not a group: use \"session\", \"persona\" or \"model\"")));
        };
        let Some(caller) = self.caller() else { return Ok(Ok(Vec::new())) };
        let usage = host.api.usage(caller, period).await;
        Ok(usage.map(|usage| group.sums(usage).into_iter().map(convert::usage).collect()).map_err(|error| error.text))
    }
}

impl Host for CallState {
    async fn count(&mut self) -> wasmtime::Result<u32> {
        let host = self.host()?;
        let count = self.caller().map_or(0, |caller| host.api.count(caller));
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    async fn recent(&mut self, offset: u32, limit: u32) -> wasmtime::Result<Vec<types::Session>> {
        self.page(ArchiveFilter::Current, offset, limit)
    }

    async fn archived(&mut self, offset: u32, limit: u32) -> wasmtime::Result<Vec<types::Session>> {
        self.page(ArchiveFilter::Archived, offset, limit)
    }

    async fn find(&mut self, name: String) -> wasmtime::Result<Option<types::Session>> {
        let host = self.host()?;
        let found: Option<SessionView> = self.caller().and_then(|caller| host.api.find(caller, &name));
        Ok(found.as_ref().map(convert::session))
    }

    async fn agent_commands(&mut self, name: String) -> wasmtime::Result<Option<Vec<AgentCommand>>> {
        let host = self.host()?;
        let found = self.caller().and_then(|caller| host.api.find(caller, &name));
        let command = |command: &cordboard_core::types::AgentCommand| AgentCommand {
            name: command.name.clone(),
            description: command.description.clone(),
        };
        Ok(found.and_then(|view| Some(view.commands?.iter().map(command).collect())))
    }

    async fn queued(&mut self, name: String) -> wasmtime::Result<Vec<QueuedPrompt>> {
        let host = self.host()?;
        let found = self.caller().and_then(|caller| host.api.find(caller, &name));
        let queue = found.map(|view| view.queue).unwrap_or_default();
        Ok(queue.into_iter().map(|prompt| QueuedPrompt { id: prompt.id.0, text: prompt.beginning }).collect())
    }

    async fn history(&mut self, name: String, count: u32) -> wasmtime::Result<Result<Vec<Exchange>, String>> {
        let count = count.min(MOST_EXCHANGES) as usize;
        let read = |host: HostHandle, caller, name| async move { host.api.history(&caller, &name, count).await };
        let history = self.on_session(&name, read).await?.map_err(|error| error.text);
        let exchange = |exchange: cordboard_core::types::Exchange| Exchange {
            prompt: exchange.prompt,
            answer: exchange.answer,
            at: exchange.at.map(|at| at.0),
        };
        Ok(history.map(|exchanges| exchanges.into_iter().map(exchange).collect()))
    }

    async fn files(
        &mut self,
        name: String,
        path: String,
        offset: u32,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<FileEntry>, String>> {
        let page = FolderPage { path, offset: offset as usize, limit: (limit as usize).min(FolderPage::MAX_ENTRIES) };
        let list = |host: HostHandle, caller, name| async move { host.api.files(&caller, &name, &page).await };
        let entries = self.on_session(&name, list).await?.map_err(|error| error.text);
        let entry = |entry: cordboard_core::types::FolderEntry| FileEntry {
            name: entry.name,
            kind: entry.kind.as_str().to_owned(),
            size: entry.size,
            modified: entry.modified.0,
            facts: Vec::new(),
        };
        Ok(entries.map(|entries| entries.into_iter().map(entry).collect()))
    }

    async fn usage_of_days(&mut self, days: u32, by: String) -> wasmtime::Result<Result<Vec<Usage>, String>> {
        self.usage(UsagePeriod::Days(days), &by).await
    }

    async fn usage_of_month(&mut self, by: String) -> wasmtime::Result<Result<Vec<Usage>, String>> {
        self.usage(UsagePeriod::Month, &by).await
    }

    async fn current_budget(&mut self) -> wasmtime::Result<Result<Option<Budget>, String>> {
        let budget = self.host()?.api.budget().await;
        Ok(budget.map(|budget| budget.as_ref().map(convert::budget)).map_err(|error| error.text))
    }
}
