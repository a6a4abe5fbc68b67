//! Reads and writes the saved rules in the plugin's state.

use cordboard_plugin::{Caller, Session, config::parse, state, tr};

use crate::{
    rights,
    rules::Rules,
    saved_rule::{self, PREFIX, REMOVED, SavedRule},
};

/// The maximum number of attempts to save a rule when other calls save rules at the same time.
const ATTEMPTS: usize = 20;

/// The result of saving a rule.
pub enum Saved {
    New(SavedRule),
    /// The state already contained this rule, with the same list, text and session.
    Existing(SavedRule),
}

/// Returns all rules that apply to the session.
pub fn rules_of(session: &Session) -> Result<Rules, String> {
    let saved = state::keys(PREFIX).iter().filter_map(|key| read(key).transpose()).collect::<Result<Vec<_>, _>>()?;
    Ok(Rules::of_session(session, &parse()?, &saved))
}

/// Returns the rule stored under a key, or `None` if it was removed.
fn read(key: &str) -> Result<Option<SavedRule>, String> {
    let value = state::get(key).filter(|value| value != REMOVED);
    let numbered = saved_rule::number(key).zip(value);
    numbered.map(|(number, value)| SavedRule::parse(number, &value)).transpose()
}

/// Saves the rule under the next number, unless the state already contains the same rule.
pub fn save(rule: &SavedRule) -> Result<Saved, String> {
    let value = rule.value()?;
    for _ in 0..ATTEMPTS {
        let keys = state::keys(PREFIX);
        let existing = keys.iter().filter_map(|key| read(key).ok().flatten()).find(|other| other.is_same(rule));
        if let Some(existing) = existing {
            return Ok(Saved::Existing(existing));
        }
        let number = keys.iter().filter_map(|key| saved_rule::number(key)).max().map_or(1, |last| last + 1);
        // If two calls save rules at the same time, only one of them gets the number. The other call starts again,
        // because the rule that was just saved may be the same.
        match state::compare_and_swap(&saved_rule::key(number), None, Some(&value)) {
            Ok(()) => return Ok(Saved::New(SavedRule { number, ..rule.clone() })),
            Err(state::SwapError::Changed(_)) => {}
            Err(state::SwapError::Failed(why)) => return Err(why),
        }
    }
    Err(tr!("Others are saving rules at the same time. Try again."))
}

/// Moves the rules of a session to its new name.
pub fn rename_session(from: &str, to: &str) -> Result<(), String> {
    for key in state::keys(PREFIX) {
        let Some(number) = saved_rule::number(&key) else { continue };
        let Some(old) = state::get(&key).filter(|value| value != REMOVED) else { continue };
        // A rule that can't be read is kept. Commands and decisions that read the rules report it.
        let Ok(rule) = SavedRule::parse(number, &old) else { continue };
        if rule.session.as_deref() != Some(from) {
            continue;
        }
        let new = SavedRule { session: Some(to.to_owned()), ..rule }.value()?;
        match state::compare_and_swap(&key, Some(&old), Some(&new)) {
            // Rules are never edited, so `Changed` means that the rule was removed.
            Ok(()) | Err(state::SwapError::Changed(_)) => {}
            Err(state::SwapError::Failed(why)) => return Err(why),
        }
    }
    Ok(())
}

/// Removes a rule. Returns it, or `None` if it could not be read.
pub fn remove(number: u32, caller: &Caller) -> Result<Option<SavedRule>, String> {
    let unknown = || tr!("There is no saved rule {number}. Use /permissions to list them.", number);
    let key = saved_rule::key(number);
    let value = state::get(&key).filter(|value| value != REMOVED).ok_or_else(unknown)?;
    let rule = SavedRule::parse(number, &value).ok();
    let may_remove = rule.as_ref().map_or(rights::is_admin(caller), |rule| rights::can_remove(caller, rule));
    if !may_remove {
        return Err(tr!("You can remove only rules that you saved for a session. Ask an admin."));
    }
    match state::compare_and_swap(&key, Some(&value), Some(REMOVED)) {
        Ok(()) => Ok(rule),
        Err(state::SwapError::Changed(_)) => Err(unknown()),
        Err(state::SwapError::Failed(why)) => Err(why),
    }
}
