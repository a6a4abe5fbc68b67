"""Processes messages before an agent receives them: expands shortcuts such as `!tests`, and rejects private keys."""

from wit_world import exports
from wit_world.exports.filter import Change, Outcome_Pass, Outcome_Reject, Outcome_Replace

# The shortcuts and their replacement texts.
SHORTCUTS = {
    "!tests": "Run the tests, and fix what fails.",
    "!review": "Review the changes since the last commit.",
}

# The rejection reason that the author sees.
NO_KEYS = "It contains a private key. Save the key in a file, and name the file."


class Filter(exports.Filter):
    def kinds(self):
        """Called during a version's trial. This filter handles all messages."""
        return ["*"]

    def prompt(self, message):
        """Called before the agent receives the message."""
        if "PRIVATE KEY-----" in message.text:
            return Outcome_Reject(NO_KEYS)
        expanded = SHORTCUTS.get(message.text.strip())
        if expanded is None:
            return Outcome_Pass()
        return Outcome_Replace(Change(expanded, f"Sent: {expanded}", []))
