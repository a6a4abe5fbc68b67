//! `access-control`: lists and changes who has access, with the rights of the caller. Like `plugin-control`, it doesn't
//! use `acts_as`: a call that no user made has no rights here.

use cordboard_core::{
    access_entries::{AccessRequest, AccessScope, ListedPerson},
    session::ApiError,
};

use super::super::{
    bindings::access_control::{Error, Host, Person},
    call::CallState,
    call_output::CallOutput,
};

fn failed(ApiError { code, text }: ApiError) -> Error {
    Error { code: code.as_str().to_owned(), message: text }
}

fn person(person: ListedPerson) -> Person {
    let overridden = person.is_overridden.then(|| ("overridden".to_owned(), "true".to_owned()));
    let chat = person.chat.as_ref().map(|chat| ("chat".to_owned(), chat.to_string()));
    let bot = person.bot.clone().map(|bot| ("bot".to_owned(), bot));
    let facts = overridden.into_iter().chain(chat).chain(bot).collect();
    Person {
        id: person.user_id().0,
        name: person.name,
        role: person.role.as_str().to_owned(),
        source: person.source.as_str().to_owned(),
        facts,
    }
}

impl CallState {
    async fn change_access(&mut self, request: AccessRequest) -> wasmtime::Result<Result<String, Error>> {
        let host = self.host()?;
        Ok(host.api.change_access(self.context.caller.as_ref(), request).await.map_err(failed))
    }
}

impl Host for CallState {
    async fn people(&mut self) -> wasmtime::Result<Result<Vec<Person>, Error>> {
        let host = self.host()?;
        let people = host.api.people(self.context.caller.as_ref()).await;
        Ok(people.map(|people| people.into_iter().map(person).collect()).map_err(failed))
    }

    async fn add(&mut self, id: Option<String>, role: String) -> wasmtime::Result<Result<String, Error>> {
        let scope = AccessScope::Everywhere;
        self.change_access(AccessRequest::Add { who: id.scrubbed(), role: role.scrubbed(), scope }).await
    }

    async fn remove(&mut self, id: Option<String>) -> wasmtime::Result<Result<String, Error>> {
        self.change_access(AccessRequest::Remove { who: id.scrubbed(), scope: AccessScope::Everywhere }).await
    }

    async fn add_here(&mut self, id: Option<String>, role: String) -> wasmtime::Result<Result<String, Error>> {
        let scope = AccessScope::Here;
        self.change_access(AccessRequest::Add { who: id.scrubbed(), role: role.scrubbed(), scope }).await
    }

    async fn remove_here(&mut self, id: Option<String>) -> wasmtime::Result<Result<String, Error>> {
        self.change_access(AccessRequest::Remove { who: id.scrubbed(), scope: AccessScope::Here }).await
    }
}
