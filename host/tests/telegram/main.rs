//! Tests the Telegram adapter alone and in the whole application, over HTTP, with a fake Bot API that checks every
//! call.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue panics here")]

mod application;
#[path = "../support/botapi.rs"]
mod botapi;
mod failures;
mod incoming;
mod outgoing;
mod rich_messages;
mod test_bot;
mod text_with_any_field;
mod webhook;
