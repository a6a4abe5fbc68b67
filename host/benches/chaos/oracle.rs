//! Judges a chaos test by the Bot API calls that the stand-in recorded and the prompts that the agents recorded. Must
//! not read anything that the host stored.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::plan::{Kind, Message};

/// Everything that the stand-in and the agents have recorded. A run is identified by its number: the first start of the
/// host is run 1.
#[derive(Debug, Default)]
pub struct Record {
    /// The messages that users have sent, in the order of delivery, each with the run in which it was sent.
    pub messages: Vec<(usize, Message)>,
    pub shown: Shown,
    /// The calls of `sendMessage`, in order.
    pub sends: Vec<SendCall>,
    /// The numbers of the prompts that agents have received, in order.
    pub prompts: Vec<u64>,
}

#[derive(Debug)]
pub struct SendCall {
    pub run: usize,
    pub chat: i64,
    pub text: String,
    pub outcome: SendOutcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendOutcome {
    /// The chat shows the message, and the host got the response unless it was killed first.
    Taken,
    /// The chat shows the message, but the host got an error.
    TakenWithoutResponse,
    NotTaken,
}

/// The reaction to a user's message that one of the bot's messages shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Answer(u64),
    /// The bot reports that the message was not answered.
    Report(u64),
    /// The message shows a part of an answer.
    Part,
}

/// A violated guarantee. The test fails if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Violation {
    /// A message was neither answered nor reported.
    Lost,
    /// A message was both answered and reported, or was answered or reported again although the host knew of the first
    /// answer or report.
    Twice,
    /// An agent received a prompt twice.
    PromptTwice,
    /// An answer comes before that of an earlier message of the same kind in the same chat.
    OutOfOrder,
    /// One of an agent's processes was still running 10 seconds after the next start that is not followed by a kill.
    Orphan,
    /// The database was damaged after a kill.
    Damaged,
    /// The host exited by itself.
    Exited,
}

impl Violation {
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Lost, "lost"),
        (Self::Twice, "twice"),
        (Self::PromptTwice, "prompt twice"),
        (Self::OutOfOrder, "disorder"),
        (Self::Orphan, "orphans"),
        (Self::Damaged, "damaged"),
        (Self::Exited, "exits"),
    ];
}

/// A flaw that the host can't prevent, because the Bot API has no idempotency keys and no way to search for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Allowed {
    /// A message was sent again, because the response to the first call was lost, or the host was killed before it had
    /// stored the response.
    Resent,
    /// A partial answer stays in the chat, because the host was killed before it had stored the message's id.
    PartLeft,
}

impl Allowed {
    pub const ALL: [(Self, &'static str); 2] = [(Self::Resent, "resent"), (Self::PartLeft, "parts left")];
}

#[derive(Debug, Default)]
pub struct Verdict {
    /// Each violation with its run, and the number of the user's message if there is one.
    pub violations: Vec<(Violation, usize, Option<u64>)>,
    pub allowed: Vec<(Allowed, usize)>,
    pub answered: usize,
    pub reported: usize,
}

/// The bot's answers to, and reports about, one user message.
#[derive(Default)]
struct Seen {
    answers: usize,
    reports: usize,
    first: Option<i64>,
}

/// The prefix of a live message that the host marked as interrupted after a restart.
const INTERRUPTED: &str = "⚠";

fn mark(text: &str) -> Option<Mark> {
    let number = |after: &str| {
        let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
        let rest = after[digits.len()..].to_owned();
        digits.parse::<u64>().ok().map(|number| (number, rest))
    };
    if let Some((number, rest)) = text.strip_prefix("v1: ").or(text.strip_prefix("v2: ")).and_then(number) {
        return rest.is_empty().then_some(Mark::Answer(number));
    }
    if let Some((_, after)) = text.split_once("answer ")
        && let Some((found, rest)) = number(after)
    {
        let is_complete = rest.contains(&format!("answer {found} done")) && !text.starts_with(INTERRUPTED);
        return Some(if is_complete { Mark::Answer(found) } else { Mark::Part });
    }
    let (found, rest) = text.split_once("prompt ").and_then(|(_, after)| number(after))?;
    rest.starts_with(" takes").then_some(Mark::Report(found))
}

/// The texts of the messages that exist in the chats, by chat and message id.
pub type Shown = BTreeMap<(i64, i64), String>;

/// Returns the numbers of the messages that are neither answered nor reported.
pub fn missing(messages: &[(usize, Message)], shown: &Shown) -> Vec<u64> {
    let seen = seen(shown);
    messages.iter().map(|(_, message)| message.number).filter(|number| !seen.contains_key(number)).collect()
}

fn seen(shown: &Shown) -> HashMap<u64, Seen> {
    let mut seen: HashMap<u64, Seen> = HashMap::new();
    for ((_, id), text) in shown {
        let (number, is_answer) = match mark(text) {
            Some(Mark::Answer(number)) => (number, true),
            Some(Mark::Report(number)) => (number, false),
            Some(Mark::Part) | None => continue,
        };
        let one = seen.entry(number).or_default();
        one.first = Some(one.first.map_or(*id, |first| first.min(*id)));
        one.answers += usize::from(is_answer);
        one.reports += usize::from(!is_answer);
    }
    seen
}

impl Record {
    /// Judges the record. `killed` contains the runs in which the host was killed while it worked.
    pub fn judge(&self, killed: &HashSet<usize>) -> Verdict {
        let (seen, excused) = (seen(&self.shown), self.excused(killed));
        let mut verdict = Verdict::default();
        for (run, message) in &self.messages {
            let Some(one) = seen.get(&message.number) else {
                verdict.violations.push((Violation::Lost, *run, Some(message.number)));
                continue;
            };
            verdict.answered += usize::from(one.answers > 0);
            verdict.reported += usize::from(one.answers == 0);
            self.judge_copies(message.number, one, excused.get(&message.number), &mut verdict);
        }
        self.judge_prompts(&mut verdict);
        self.judge_order(&seen, &mut verdict);
        for text in self.shown.values().filter(|text| mark(text) == Some(Mark::Part) && !text.starts_with(INTERRUPTED))
        {
            let number = text.split_once("answer ").and_then(|(_, after)| after.split(' ').next()?.parse().ok());
            verdict.allowed.push((Allowed::PartLeft, self.run_of(number)));
        }
        verdict
    }

    fn judge_copies(&self, number: u64, seen: &Seen, excused: Option<&Vec<usize>>, verdict: &mut Verdict) {
        let excused = excused.map_or(&[][..], Vec::as_slice);
        let again = seen.answers + seen.reports - 1;
        let is_contradictory = seen.answers > 0 && seen.reports > 0;
        if is_contradictory || again > excused.len() {
            verdict.violations.push((Violation::Twice, self.last_send(number), Some(number)));
        } else {
            verdict.allowed.extend(excused.iter().take(again).map(|run| (Allowed::Resent, *run)));
        }
    }

    fn judge_prompts(&self, verdict: &mut Verdict) {
        let mut received = HashSet::new();
        for number in self.prompts.iter().filter(|number| !received.insert(**number)) {
            verdict.violations.push((Violation::PromptTwice, self.run_of(Some(*number)), Some(*number)));
        }
    }

    /// Commands don't wait for the agent, so the answers to commands and to prompts have separate orders.
    fn judge_order(&self, seen: &HashMap<u64, Seen>, verdict: &mut Verdict) {
        let mut latest: HashMap<(i64, bool), i64> = HashMap::new();
        for (run, message) in &self.messages {
            let Some(first) = seen.get(&message.number).and_then(|one| one.first) else { continue };
            let latest = latest.entry((message.chat, message.kind == Kind::Command)).or_default();
            if first < *latest {
                verdict.violations.push((Violation::OutOfOrder, *run, Some(message.number)));
            }
            *latest = first.max(*latest);
        }
    }

    /// Returns the runs of the sends that may be repeated, by the number of the user's message: the host got no
    /// response, or it was killed while this was the last message that it had sent to the chat, so that it may not have
    /// stored the response.
    fn excused(&self, killed: &HashSet<usize>) -> HashMap<u64, Vec<usize>> {
        let mut last: HashMap<(i64, usize), usize> = HashMap::new();
        for (at, send) in self.sends.iter().enumerate().filter(|(_, send)| send.outcome != SendOutcome::NotTaken) {
            last.insert((send.chat, send.run), at);
        }
        let mut excused: HashMap<u64, Vec<usize>> = HashMap::new();
        for (at, send) in self.sends.iter().enumerate() {
            let was_last = killed.contains(&send.run) && last.get(&(send.chat, send.run)) == Some(&at);
            let is_excused = send.outcome == SendOutcome::TakenWithoutResponse || was_last;
            if let (true, Some(Mark::Answer(number) | Mark::Report(number))) = (is_excused, mark(&send.text)) {
                excused.entry(number).or_default().push(send.run);
            }
        }
        excused
    }

    fn last_send(&self, number: u64) -> usize {
        let concerns = |send: &&SendCall| matches!(mark(&send.text), Some(Mark::Answer(found) | Mark::Report(found)) if found == number);
        self.sends.iter().rfind(concerns).map_or_else(|| self.run_of(Some(number)), |send| send.run)
    }

    /// Returns the run in which a message was sent.
    fn run_of(&self, number: Option<u64>) -> usize {
        let found = self.messages.iter().find(|(_, message)| Some(message.number) == number);
        found.map_or(0, |(run, _)| *run)
    }
}
