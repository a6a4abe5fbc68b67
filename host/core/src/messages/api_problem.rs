//! The explanations of failed requests to the API of an agent's model: what happened, and what the user can do.

use tr::tr;

/// A failed request that has an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiProblem {
    Login,
    Access,
    Credit,
    PlanLimit,
    RateLimit,
    Overloaded,
    Server,
    Unreachable,
    TooLong,
    TooLarge,
    UnknownModel,
}

impl ApiProblem {
    /// Returns a description of what happened, without a final period.
    #[must_use]
    pub fn summary(self) -> String {
        match self {
            Self::Login => tr!("The agent could not log in to the API"),
            Self::Access => tr!("The API denied the agent access"),
            Self::Credit => tr!("The account of the agent has no credit"),
            Self::PlanLimit => tr!("The account of the agent has reached its usage limit"),
            Self::RateLimit => tr!("The API received too many requests"),
            Self::Overloaded => tr!("The API is overloaded"),
            Self::Server => tr!("The API has a problem"),
            Self::Unreachable => tr!("The agent can't reach the API"),
            Self::TooLong => tr!("The conversation is too long for the model"),
            Self::TooLarge => tr!("The request is too large for the API"),
            Self::UnknownModel => tr!("The model is not available"),
        }
    }

    /// Returns what the user can do. `/retry` doesn't help, because the prompt of a failed turn counts as answered.
    #[must_use]
    pub fn remedy(self) -> String {
        match self {
            Self::Login => tr!(
                "On the host, run claude as the user that runs Cordboard, and log in with /login there. Or set an API key with pass_env or env in the configuration of the agent. Then use /suspend and send the message again."
            ),
            Self::Access => tr!("Check the account or the API key of the agent, or use another one."),
            Self::Credit => tr!(
                "Add credit (for an API key at platform.claude.com/settings/billing) or use another account. Then send the message again."
            ),
            Self::PlanLimit => tr!("Send the message again after the limit resets, or use another account."),
            Self::RateLimit => tr!("The agent has stopped trying. Send the message again in a few minutes."),
            Self::Overloaded => tr!(
                "The agent has stopped trying. Send the message again in a few minutes, or choose another model with /model."
            ),
            Self::Server => tr!("This is usually temporary. Send the message again in a few minutes."),
            Self::Unreachable => tr!("Check the network of the host. Then send the message again."),
            Self::TooLong | Self::TooLarge => {
                tr!("Shorten the conversation with //compact, or start a new one with /fresh.")
            }
            Self::UnknownModel => tr!("Choose another model with /model."),
        }
    }
}

/// Returns the remedy for an exhausted plan limit that resets at `time`. `None` if the text above already contains the
/// time.
#[must_use]
pub fn send_after_reset(time: Option<&str>) -> String {
    match time {
        Some(time) => tr!("Send the message again after {time}.", time),
        None => tr!("Send the message again after that time."),
    }
}

/// Returns the title of a request that the agent will repeat after `wait`. `status` is the HTTP status, or `None` if
/// there was no response.
#[must_use]
pub fn retry(status: Option<u64>, attempt: u64, most: u64, wait: &str) -> String {
    let reason = match status {
        None => tr!("No response from the API"),
        Some(401) => tr!("The API rejected the login"),
        Some(429) => tr!("Too many requests to the API"),
        Some(529) => tr!("API overloaded"),
        Some(500..=599) => tr!("API server error"),
        Some(_) => tr!("Error from the API"),
    };
    let status = status.map(|status| format!(" ({status})")).unwrap_or_default();
    tr!("{reason}{status}; retry {attempt} of {most} in {wait}", reason, status, attempt, most, wait)
}
