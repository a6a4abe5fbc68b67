//! Explains the CLI's failed API requests: what happened, and what the user can do. Keeps the CLI's own wording where
//! it adds information. Leaves the text of an unknown error unchanged.

use cordboard_core::{
    agent_event::Outcome,
    json_repair,
    messages::api_problem::{ApiProblem, send_after_reset},
    render::{is_blank, one_line},
    types::Timestamp,
};
use serde_json::Value;

use super::text;

/// The maximum length of the CLI's own wording in an explanation, in characters.
const LONGEST_WORDS: usize = 200;

/// Parts of the CLI's texts that identify an error, in lower case. They differ between releases, and some older
/// releases print no other details. The first match decides.
const PHRASES: [(&str, ApiProblem); 16] = [
    ("prompt is too long", ApiProblem::TooLong),
    ("limit reached", ApiProblem::PlanLimit),
    ("hit your ", ApiProblem::PlanLimit),
    ("out of extra usage", ApiProblem::PlanLimit),
    ("credit balance", ApiProblem::Credit),
    ("usage credits", ApiProblem::Credit),
    ("out of usage", ApiProblem::Credit),
    ("please run /login", ApiProblem::Login),
    ("invalid api key", ApiProblem::Login),
    ("invalid auth token", ApiProblem::Login),
    ("oauth token", ApiProblem::Login),
    ("experiencing high load", ApiProblem::Overloaded),
    ("api error: connection", ApiProblem::Unreachable),
    ("api error: request timed out", ApiProblem::Unreachable),
    ("api error: no response", ApiProblem::Unreachable),
    ("unable to connect to api", ApiProblem::Unreachable),
];

/// Prefixes of CLI texts that repeat the explanation's summary.
const PREFIXES: [&str; 6] = [
    "Failed to authenticate",
    "Please run /login",
    "API Error",
    "Request rejected",
    "Prompt is too long",
    "Claude AI usage limit reached|",
];

/// Prefixes of advice that helps only in a terminal, or that the explanation repeats.
const ADVICE: [&str; 4] = [" · Please run /login", " Run --model", " This is a server-side issue", " If it persists"];

/// Facts about a process's failed requests that arrive before the turn's `result`.
#[derive(Debug, Default)]
pub(super) struct ApiErrors {
    /// The CLI's name for the kind of the last error, such as `billing_error`. Empty if there was none, or if a
    /// response followed it.
    kind: String,
    /// The time at which the account's exhausted plan limit resets.
    reset: Option<Timestamp>,
}

/// Returns whether an `assistant` message contains the text of an API error instead of the model's output.
pub(super) fn is_api_error(message: &Value) -> bool {
    message["is_api_error_message"] == true
}

impl ApiErrors {
    /// Reads an `assistant` message.
    pub(super) fn on_assistant(&mut self, message: &Value) {
        self.kind = if is_api_error(message) { text(message, "error").to_owned() } else { String::new() };
    }

    /// Reads a `rate_limit_event`, which reports changes to a plan's limits.
    pub(super) fn on_rate_limit(&mut self, message: &Value) {
        let info = &message["rate_limit_info"];
        let seconds = info["resetsAt"].as_u64().filter(|_| text(info, "status") == "rejected");
        self.reset = seconds.map(from_seconds);
    }

    /// Replaces the text of a failed turn with an explanation if it recognizes the API error.
    pub(super) fn explain(&mut self, outcome: Outcome, result: &Value) -> Outcome {
        let kind = std::mem::take(&mut self.kind);
        match outcome {
            Outcome::Failed(why) => Outcome::Failed(self.explanation(&kind, result, &why).unwrap_or(why)),
            Outcome::Done | Outcome::Interrupted => outcome,
        }
    }

    fn explanation(&self, kind: &str, result: &Value, why: &str) -> Option<String> {
        // The CLI reports API errors with this subtype, and its own errors with other subtypes.
        if text(result, "subtype") != "success" {
            return None;
        }
        let status = result["api_error_status"].as_u64().or_else(|| status_in(why));
        let problem = if text(result, "terminal_reason") == "prompt_too_long" {
            ApiProblem::TooLong
        } else {
            by_phrase(why).or_else(|| by_kind(kind, status)).or_else(|| by_status(status?))?
        };
        // The error text doesn't always say that a plan limit is exhausted.
        let problem =
            if problem == ApiProblem::RateLimit && self.reset.is_some() { ApiProblem::PlanLimit } else { problem };
        let words = if problem == ApiProblem::Overloaded { String::new() } else { own_words(why) };
        let words = if is_blank(&words) { ".".to_owned() } else { format!(": {words}") };
        // Omit the status 400, which the API uses for many kinds of errors.
        let status = status.filter(|status| *status != 400).map(|status| format!(" ({status})")).unwrap_or_default();
        Some(format!("{}{status}{words}\n{}", problem.summary(), self.remedy(problem, why)))
    }

    fn remedy(&self, problem: ApiProblem, why: &str) -> String {
        let ApiProblem::PlanLimit = problem else { return problem.remedy() };
        match reset_in(why).or(self.reset).and_then(in_utc) {
            // The CLI prints the time in its own time zone. Don't repeat it in another one.
            _ if why.contains("resets ") => send_after_reset(None),
            Some(time) => send_after_reset(Some(&time)),
            None => problem.remedy(),
        }
    }
}

fn by_phrase(why: &str) -> Option<ApiProblem> {
    let why = why.to_lowercase();
    PHRASES.iter().find(|(phrase, _)| why.contains(phrase)).map(|(_, problem)| *problem)
}

fn by_kind(kind: &str, status: Option<u64>) -> Option<ApiProblem> {
    match (kind, status) {
        ("authentication_failed", Some(403)) => Some(ApiProblem::Access),
        ("authentication_failed", _) => Some(ApiProblem::Login),
        ("oauth_org_not_allowed" | "account_on_hold" | "verification_required", _) => Some(ApiProblem::Access),
        ("billing_error", _) => Some(ApiProblem::Credit),
        ("rate_limit", _) => Some(ApiProblem::RateLimit),
        ("overloaded", _) => Some(ApiProblem::Overloaded),
        ("model_not_found", _) => Some(ApiProblem::UnknownModel),
        ("server_error", None) => Some(ApiProblem::Unreachable),
        _ => None,
    }
}

fn by_status(status: u64) -> Option<ApiProblem> {
    match status {
        401 => Some(ApiProblem::Login),
        402 => Some(ApiProblem::Credit),
        403 => Some(ApiProblem::Access),
        404 => Some(ApiProblem::UnknownModel),
        413 => Some(ApiProblem::TooLarge),
        429 => Some(ApiProblem::RateLimit),
        529 => Some(ApiProblem::Overloaded),
        500..=599 => Some(ApiProblem::Server),
        _ => None,
    }
}

/// Returns the status in a text such as `API Error: 529 {…}`.
fn status_in(why: &str) -> Option<u64> {
    let (_, rest) = why.split_once("API Error: ")?;
    let digits = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    rest[..digits].parse().ok().filter(|status| (400..600).contains(status))
}

/// Returns the time in a text such as `Claude AI usage limit reached|1700000000`.
fn reset_in(why: &str) -> Option<Timestamp> {
    why.rsplit_once('|')?.1.trim().parse().ok().map(from_seconds)
}

const fn from_seconds(seconds: u64) -> Timestamp {
    Timestamp(seconds.saturating_mul(1_000))
}

/// Formats a time to the minute.
fn in_utc(time: Timestamp) -> Option<String> {
    let time = time.to_rfc3339();
    Some(format!("{} {} UTC", time.get(..10)?, time.get(11..16)?))
}

/// Returns the part of the CLI's text that an explanation doesn't contain, on one line.
fn own_words(why: &str) -> String {
    let body = json_repair::objects(why.as_bytes()).into_iter().next().map(|body| Value::Object(body.fields));
    let message = body.as_ref().and_then(|body| body["error"]["message"].as_str().or(body["message"].as_str()));
    let words = message.unwrap_or_else(|| without_prefixes(why));
    let end = ADVICE.iter().filter_map(|advice| words.find(advice)).min().unwrap_or(words.len());
    one_line(&words[..end], LONGEST_WORDS)
}

fn without_prefixes(why: &str) -> &str {
    let mut words = why;
    loop {
        let rest = words.trim_start_matches([' ', '·', '∙', ':', '.', '(', ')']);
        let rest = PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix)).unwrap_or(rest);
        let number = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
        // Skip a status, because the explanation contains it if it is useful. Also skip a number of at least 10 digits,
        // which is the reset time. Any other number is part of the text.
        let rest = if matches!(rest.len() - number.len(), 3 | 10..) { number } else { rest };
        if rest.len() == words.len() {
            return words;
        }
        words = rest;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn explained(mut errors: ApiErrors, result: Value) -> String {
        let mut message = json!({ "subtype": "success", "is_error": true });
        result.as_object().unwrap().iter().for_each(|(name, value)| message[name] = value.clone());
        match errors.explain(super::super::result::outcome(&message), &message) {
            Outcome::Failed(why) => why,
            other @ (Outcome::Done | Outcome::Interrupted) => panic!("{other:?}"),
        }
    }

    /// Explains an error given only its text, as printed by older CLI releases.
    fn explained_text(why: &str) -> String {
        explained(ApiErrors::default(), json!({ "result": why }))
    }

    fn of_kind(kind: &str) -> ApiErrors {
        let mut errors = ApiErrors::default();
        errors.on_assistant(&json!({ "is_api_error_message": true, "error": kind }));
        errors
    }

    fn assert_explained(why: &str, summary: &str, problem: ApiProblem) {
        assert_eq!(explained_text(why), format!("{summary}\n{}", problem.remedy()), "{why}");
    }

    #[test]
    fn texts_without_details_are_explained() {
        let overloaded =
            r#"API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        assert_explained(overloaded, "The API is overloaded (529).", ApiProblem::Overloaded);
        let expired = r#"API Error: 401 {"type":"error","error":{"type":"authentication_error","message":"OAuth token has expired."}} · Please run /login"#;
        let rejected = "The agent could not log in to the API";
        assert_explained(expired, &format!("{rejected} (401): OAuth token has expired."), ApiProblem::Login);
        assert_explained(
            "Invalid API key · Please run /login",
            &format!("{rejected}: Invalid API key"),
            ApiProblem::Login,
        );
        assert_explained("Not logged in · Please run /login", &format!("{rejected}: Not logged in"), ApiProblem::Login);
        assert_explained(
            "Please run /login · API Error: 401 bad",
            &format!("{rejected} (401): bad"),
            ApiProblem::Login,
        );
        assert_explained("Prompt is too long", "The conversation is too long for the model.", ApiProblem::TooLong);
        let credit = "The account of the agent has no credit: Credit balance is too low";
        assert_explained("Credit balance is too low", credit, ApiProblem::Credit);
        let rejected =
            r#"API Error: 500 {"type":"error","error":{"type":"api_error","message":"Internal server error"}}"#;
        assert_explained(rejected, "The API has a problem (500): Internal server error", ApiProblem::Server);
    }

    #[test]
    fn a_plan_limit_names_the_reset_once() {
        let limit = "The account of the agent has reached its usage limit";
        assert_eq!(
            explained_text("Claude AI usage limit reached|1700000000"),
            format!("{limit}.\nSend the message again after 2023-11-14 22:13 UTC.")
        );
        for words in [
            "You've hit your limit · resets 3am (Europe/Berlin)",
            "5-hour limit reached ∙ resets 3am",
            "You've hit your weekly limit · resets Nov 3, 3am (Europe/Berlin)",
            "You're out of extra usage · resets 3am (Europe/Berlin)",
        ] {
            assert_eq!(explained_text(words), format!("{limit}: {words}\nSend the message again after that time."));
        }
        let words = "You've hit your monthly spend limit · visit claude.ai/settings/usage to raise it";
        assert_explained(words, &format!("{limit}: {words}"), ApiProblem::PlanLimit);
    }

    #[test]
    fn an_event_gives_the_reset_of_a_rejected_request() {
        let event = |status: &str| json!({ "rate_limit_info": { "status": status, "resetsAt": 1_700_000_000 } });
        let rejected = || json!({ "api_error_status": 429, "result": "API Error: Request rejected (429) · busy" });
        let mut errors = of_kind("rate_limit");
        errors.on_rate_limit(&event("rejected"));
        assert_eq!(
            explained(errors, rejected()),
            "The account of the agent has reached its usage limit (429): busy\n\
             Send the message again after 2023-11-14 22:13 UTC."
        );
        let mut errors = of_kind("rate_limit");
        errors.on_rate_limit(&event("rejected"));
        errors.on_rate_limit(&event("allowed"));
        let summary = "The API received too many requests (429): busy";
        assert_eq!(explained(errors, rejected()), format!("{summary}\n{}", ApiProblem::RateLimit.remedy()));
    }

    #[test]
    fn a_kind_explains_a_text_in_new_words() {
        let texts = |kind: &str| explained(of_kind(kind), json!({ "result": "New words" }));
        let of = |problem: ApiProblem| format!("{}: New words\n{}", problem.summary(), problem.remedy());
        assert_eq!(texts("billing_error"), of(ApiProblem::Credit));
        assert_eq!(texts("authentication_failed"), of(ApiProblem::Login));
        assert_eq!(texts("account_on_hold"), of(ApiProblem::Access));
        assert_eq!(texts("server_error"), of(ApiProblem::Unreachable));
        assert_eq!(texts("unknown"), "New words");
        let mut recovered = of_kind("billing_error");
        recovered.on_assistant(&json!({ "message": {} }));
        assert_eq!(explained(recovered, json!({ "result": "New words" })), "New words");
    }

    #[test]
    fn an_unknown_error_stays_as_it_is() {
        for why in ["API Error: 400 bad field", "no credits for you", "API Error: 4", "API Error: 99999 x"] {
            assert_eq!(explained_text(why), why);
        }
        let own = json!({ "subtype": "error_max_turns", "errors": ["limit reached"] });
        assert_eq!(explained(of_kind("rate_limit"), own), "limit reached");
    }

    #[test]
    fn long_words_are_cut_to_one_line() {
        let shown = explained_text(&format!("API Error: 500 a\nb {}", "x".repeat(500)));
        let (summary, remedy) = shown.split_once('\n').unwrap();
        assert!(summary.starts_with("The API has a problem (500): a b xxx") && summary.ends_with("x…"), "{summary}");
        assert_eq!(remedy, ApiProblem::Server.remedy());
    }
}
