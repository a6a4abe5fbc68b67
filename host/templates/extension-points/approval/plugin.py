"""Decides permission requests: allows read-only tools, denies `rm -rf`, and leaves all others to a user."""

import re

from wit_world import exports
from wit_world.exports.approval import Decision, Outcome_Allow, Outcome_Ask, Outcome_Deny

# The read-only tools.
READERS = ["Read", "Grep", "Glob"]

# A read-only git command. Excludes other characters, which could start a second command, and options, because some of
# them, such as `--output`, write files.
GIT_READER = re.compile(r"git (status|diff|log)( [A-Za-z0-9./_~][A-Za-z0-9./_~-]*)*")

# The denied command. Other ways to delete a folder are left to a user.
RM_RF = re.compile(r"(?<!\S)rm\s+-rf(?!\S)")


class Approval(exports.Approval):
    def decide(self, permission):
        """Called before a user is asked. `permission.input` contains all of the tool's arguments as JSON."""
        if permission.command is None:
            return allow("tools that only read") if permission.tool in READERS else ask()
        if RM_RF.search(permission.command):
            why = "Delete single files, or ask a user to delete the folder."  # for the agent and the user
            return Decision(Outcome_Deny(why), "rm -rf")
        return allow("git commands that only read") if GIT_READER.fullmatch(permission.command) else ask()


def allow(rule):
    return Decision(Outcome_Allow(), rule)


def ask():
    return Decision(Outcome_Ask(), None)
