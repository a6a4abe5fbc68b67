//! Whatever leaves a call is without the secrets of its plugin: what is not known here cannot be given back by [`run`](super::call::run).

use super::{
    bindings::{
        lifecycle::exports::cordboard::plugin::lifecycle, persona::exports::cordboard::plugin::persona, types,
        view::exports::cordboard::plugin::view, webhook::exports::cordboard::plugin::webhook,
    },
    secrets::Vault,
};

/// What a call may give.
pub trait Told: Sized {
    /// Without the values of `vault` in its texts. Not asked where there are none.
    #[must_use]
    fn scrubbed(self, vault: &Vault) -> Self;
}

impl Told for () {
    fn scrubbed(self, _vault: &Vault) -> Self {}
}

impl Told for String {
    fn scrubbed(self, vault: &Vault) -> Self {
        vault.scrub(self)
    }
}

impl Told for Vec<u8> {
    fn scrubbed(self, vault: &Vault) -> Self {
        vault.scrub_bytes(&self).into_owned()
    }
}

impl<T: Told> Told for Option<T> {
    fn scrubbed(self, vault: &Vault) -> Self {
        self.map(|told| told.scrubbed(vault))
    }
}

impl<T: Told, E: Told> Told for Result<T, E> {
    fn scrubbed(self, vault: &Vault) -> Self {
        self.map(|told| told.scrubbed(vault)).map_err(|error| error.scrubbed(vault))
    }
}

impl Told for lifecycle::Verdict {
    fn scrubbed(self, _vault: &Vault) -> Self {
        self
    }
}

impl Told for persona::Brief {
    fn scrubbed(self, vault: &Vault) -> Self {
        Self {
            instructions: self.instructions.scrubbed(vault),
            model: self.model.scrubbed(vault),
            greeting: self.greeting.scrubbed(vault),
            ..self
        }
    }
}

impl Told for view::Screen {
    fn scrubbed(self, vault: &Vault) -> Self {
        let messages = self.messages.into_iter().map(|message| message.scrubbed(vault)).collect();
        Self { live: self.live.scrubbed(vault), messages }
    }
}

impl Told for webhook::Response {
    fn scrubbed(self, vault: &Vault) -> Self {
        let header = |(name, value): (String, String)| (name.scrubbed(vault), value.scrubbed(vault));
        Self {
            status: self.status,
            headers: self.headers.into_iter().map(header).collect(),
            body: self.body.scrubbed(vault),
        }
    }
}

impl Told for types::Reply {
    fn scrubbed(self, vault: &Vault) -> Self {
        let button = |one: types::Button| types::Button {
            label: one.label.scrubbed(vault),
            command: one.command.scrubbed(vault),
        };
        let row = |row: Vec<types::Button>| row.into_iter().map(button).collect();
        Self {
            text: self.text.scrubbed(vault),
            buttons: self.buttons.into_iter().map(row).collect(),
            attachments: self.attachments.into_iter().map(|one| one.scrubbed(vault)).collect(),
            in_place: self.in_place,
        }
    }
}

impl Told for types::Attachment {
    fn scrubbed(self, vault: &Vault) -> Self {
        let content = match self.content {
            types::Content::Text(text) => types::Content::Text(text.scrubbed(vault)),
            types::Content::Bytes(bytes) => types::Content::Bytes(bytes.scrubbed(vault)),
            types::Content::File(path) => types::Content::File(path),
        };
        Self { name: self.name.scrubbed(vault), content, ..self }
    }
}
