//! `/permissions`: shows, suggests, saves and removes rules, and sets the permission mode, with the rights of the
//! caller.

use cordboard_plugin::{Caller, Reply, Session, context, requests, session_control, text::usage, tr};

use crate::{
    answer_arguments, open_requests_page,
    permissions_arguments::{Arguments, Scope, parse},
    permissions_page,
    rights::{can_save_for, is_admin},
    rule_list::{List, RuleText},
    saved_rule::SavedRule,
    store::{self, Saved},
    suggestion::{AllSessions, Suggestion},
};

pub fn permissions_usage() -> String {
    tr!("/permissions [allow|ask|deny [session] <rule>|remove <number>|mode [<mode>]]")
}

pub fn run(text: &str) -> Result<Reply, String> {
    let caller = context::current_caller().ok_or_else(|| tr!("This works only in a chat."))?;
    match parse(text) {
        Arguments::Show => page(&context::session()?, &caller),
        Arguments::Save { list, scope, rule } => {
            let rule = RuleText::try_from(rule.to_owned())?;
            Ok(Reply::plain(&save(&caller, scope, list, rule)?))
        }
        Arguments::Remove(number) => remove(number, &caller),
        Arguments::Mode(mode) => set_mode(mode),
        Arguments::Suggest(number) => {
            let Suggested { request, suggestion, .. } = suggest(number)?;
            Ok(suggestion.page(&request, offer(&caller)))
        }
        Arguments::SaveSuggested { request, scope, seen } => save_suggested(&caller, request, scope, seen),
        Arguments::Invalid => Ok(Reply::plain(&usage(&permissions_usage()))),
    }
}

fn page(session: &Session, caller: &Caller) -> Result<Reply, String> {
    Ok(permissions_page::page(session, &store::rules_of(session)?, caller))
}

/// Sets the permission mode of the active session. `None` restores the configured mode.
fn set_mode(mode: Option<&str>) -> Result<Reply, String> {
    let session = session_control::set_permission_mode(&context::session()?.name, mode)?;
    let mode = session.fact("permission-mode").unwrap_or_default();
    Ok(Reply::plain(&tr!("Permission mode of session '{name}': {mode}.", name = session.name, mode)))
}

/// Removes the rule. The reply, which contains the updated page, replaces the message whose button was pressed.
fn remove(number: u32, caller: &Caller) -> Result<Reply, String> {
    let removed = match store::remove(number, caller)? {
        Some(rule) => tr!("Removed rule {number}: {rule}.", number, rule = rule.description()),
        None => tr!("Removed rule {number}.", number),
    };
    let removed = Reply::plain(&removed);
    let Some(session) = context::active_session() else { return Ok(removed) };
    // Even if another rule can't be read, the reply must say that this rule was removed.
    let page = page(&session, caller).unwrap_or_else(|why| Reply::plain(&why));
    Ok(Reply { text: format!("{}\n\n{}", removed.text, page.text), ..page }.in_place())
}

/// Saves a rule, and returns a sentence that describes the saved rule.
fn save(caller: &Caller, scope: Scope, list: List, rule: RuleText) -> Result<String, String> {
    let session = match scope {
        Scope::All if !is_admin(caller) => {
            let example = format!("/permissions {} session {rule}", list.as_str());
            return Err(tr!("Only admins can save a rule for all sessions. For this session, use {example}", example));
        }
        Scope::All => None,
        Scope::Session => Some(own_session(caller)?.name),
    };
    let (by, by_id) = (caller.name.clone(), caller.id.clone());
    let saved = store::save(&SavedRule { number: 0, list, rule, session, by, by_id, at: context::now() })?;
    Ok(match saved {
        Saved::New(rule) => tr!("Saved as rule {}: {}.", rule.number, rule.description()),
        Saved::Existing(rule) => tr!("Rule {} already exists: {}.", rule.number, rule.description()),
    })
}

/// Returns the active session, or an error if the caller may not save rules for it.
fn own_session(caller: &Caller) -> Result<Session, String> {
    let session = context::session()?;
    if can_save_for(caller, &session) {
        return Ok(session);
    }
    Err(tr!("Only the owner of session '{}' and admins can save rules for it.", session.name))
}

/// An open request of the active session, and the suggestion for it.
struct Suggested {
    session: Session,
    request: requests::Request,
    suggestion: Suggestion,
}

fn suggest(number: u64) -> Result<Suggested, String> {
    let session = context::session()?;
    let open = requests::open();
    let request = answer_arguments::find(&open, &session.name, Some(number))
        .ok_or_else(|| open_requests_page::not_open(&session.name, Some(number)))?;
    let suggestion = Suggestion::of(request, &session, &store::rules_of(&session)?);
    Ok(Suggested { request: request.clone(), session, suggestion })
}

/// Saves the suggested rule and allows the request. If the caller saw a different rule, shows the current suggestion
/// instead.
fn save_suggested(caller: &Caller, number: u64, scope: Scope, seen: Option<&str>) -> Result<Reply, String> {
    let Suggested { session, request, suggestion } = suggest(number)?;
    let rule = match &suggestion {
        Suggestion::Rule(rule) if seen.is_none_or(|seen| seen == rule.to_string()) => rule.clone(),
        Suggestion::Rule(_) | Suggestion::Nothing | Suggestion::AskedFirst(_) | Suggestion::NoTool => {
            return Ok(suggestion.page(&request, offer(caller)));
        }
    };
    let saved = save(caller, scope, List::Allow, RuleText(rule))?;
    // Save the rule first: even if the request was closed in the meantime, the rule applies to later requests.
    let allow = answer_arguments::Answer::of("allow");
    let answered = match requests::answer(&session.name, Some(number), &allow.choices, None) {
        Ok(()) => allow.report(Some(&request)),
        Err(error) => error.message,
    };
    Ok(Reply::plain(&format!("{saved}\n{answered}")))
}

fn offer(caller: &Caller) -> AllSessions {
    if is_admin(caller) { AllSessions::Offered } else { AllSessions::Hidden }
}
