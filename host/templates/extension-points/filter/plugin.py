"""Changes messages before an agent gets them: expands shortcuts such as `!tests`, and rejects private keys."""

from wit_world import exports
from wit_world.exports.filter import Change, Outcome_Pass, Outcome_Reject, Outcome_Replace

# The shortcuts, each with the text that replaces it.
SHORTCUTS = {
    "!tests": "Run the tests, and fix what fails.",
    "!review": "Review the changes since the last commit.",
}

# The reason for a rejection, which the author sees.
NO_KEYS = "It contains a private key. Save the key in a file, and name the file."


class Filter(exports.Filter):
    def kinds(self):
        """Called during the trial of a version. This filter sees all messages."""
        return ["*"]

    def prompt(self, message):
        """Called before the agent gets the message."""
        if "PRIVATE KEY-----" in message.text:
            return Outcome_Reject(NO_KEYS)
        expanded = SHORTCUTS.get(message.text.strip())
        if expanded is None:
            return Outcome_Pass()
        return Outcome_Replace(Change(expanded, f"Sent: {expanded}", []))
