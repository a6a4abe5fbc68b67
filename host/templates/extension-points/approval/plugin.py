"""Decides on the permission requests of agents: allows tools that only read, denies `rm -rf`, and leaves other requests
to a user."""

import re

from wit_world import exports
from wit_world.exports.approval import Decision, Outcome_Allow, Outcome_Ask, Outcome_Deny

# The tools that only read.
READERS = ["Read", "Grep", "Glob"]

# A git command that only reads. Other characters could start a second command, and an option such as `--output` writes
# a file.
GIT_READER = re.compile(r"git (status|diff|log)( [A-Za-z0-9./_~][A-Za-z0-9./_~-]*)*")

# The command that is denied. A user decides about other ways to delete a folder.
RM_RF = re.compile(r"(?<!\S)rm\s+-rf(?!\S)")


class Approval(exports.Approval):
    def decide(self, permission):
        """Called before a user is asked. `permission.input` contains all arguments of the tool, as JSON."""
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
