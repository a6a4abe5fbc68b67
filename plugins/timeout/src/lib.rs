//! `/timeout [minutes]`: shows or sets the idle timeout of the active session. The lifecycle policy, not this plugin,
//! decides when an agent is suspended.

mod german;

use cordboard_plugin::{Call, Command, Reply, Seconds, command::Spec, context, session_control, text::long_span, tr};

/// The valid idle timeouts, in minutes.
const RANGE: std::ops::RangeInclusive<Seconds> = 1..=120;

struct Timeout;

impl Command for Timeout {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("timeout", &tr!("Show or set the idle timeout"), &tr!("/timeout [minutes]"))])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let session = context::session()?;
        if call.args.is_empty() {
            return Ok(current_timeout(session.idle_timeout));
        }
        let minutes = match parse_minutes(&call.args.join(" ")) {
            Ok(minutes) => minutes,
            Err(refusal) => return Ok(Reply::plain(&refusal)),
        };
        session_control::set_idle_timeout(&session.name, Some(minutes * 60))?;
        let timeout = tr!("{n} minute" | "{n} minutes" % minutes);
        Ok(Reply::plain(&tr!("Idle timeout set to {timeout} for session '{name}'.", timeout, name = session.name)))
    }
}

fn current_timeout(timeout: Seconds) -> Reply {
    let usage = tr!("Usage: /timeout <minutes> (1-120)");
    Reply::plain(&format!("{}\n\n{usage}", tr!("Idle timeout: {}", long_span(timeout))))
}

/// Parses minutes within the range. Reports a negative or very long number as out of range rather than invalid.
fn parse_minutes(text: &str) -> Result<Seconds, String> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(tr!("Invalid number. Usage: /timeout <minutes>"));
    }
    let minutes = text.parse().ok().filter(|minutes| RANGE.contains(minutes));
    minutes.ok_or_else(|| tr!("Timeout must be between 1 and 120 minutes"))
}

cordboard_plugin::export!(Timeout: command; german::GERMAN);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeout_is_shown_with_the_usage() {
        let text = |seconds| current_timeout(seconds).text.replace('\\', "");
        assert_eq!(text(600), "Idle timeout: 10 minutes\n\nUsage: /timeout <minutes> (1-120)");
        assert!(text(2).starts_with("Idle timeout: 2 seconds\n"));
        assert!(text(60).starts_with("Idle timeout: 1 minute\n"));
    }

    #[test]
    fn minutes_are_a_number_in_range() {
        assert_eq!([parse_minutes("1"), parse_minutes("5"), parse_minutes("120")], [Ok(1), Ok(5), Ok(120)]);
        for number in ["0", "121", "-5", "99999999999999999999"] {
            assert_eq!(parse_minutes(number).unwrap_err(), "Timeout must be between 1 and 120 minutes", "{number}");
        }
        for text in ["five", "1.5", "5 6", "-", "5m"] {
            assert_eq!(parse_minutes(text).unwrap_err(), "Invalid number. Usage: /timeout <minutes>", "{text}");
        }
    }
}
