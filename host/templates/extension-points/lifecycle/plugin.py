"""Decides when to stop idle agents: after their idle timeout, or earlier if memory is scarce."""

from wit_world import exports
from wit_world.exports.lifecycle import Verdict_ReviewIn, Verdict_Suspend

# Memory is scarce if fewer than this many bytes are free.
SCARCE = 1 << 30

# The maximum idle timeout while memory is scarce, and the maximum time between reviews, in seconds.
SHORT = 60


class Lifecycle(exports.Lifecycle):
    def review(self, status):
        timeout = status.session.idle_timeout
        limit = min(SHORT, timeout) if status.free_memory < SCARCE else timeout
        left = limit - status.idle_for
        # Request another review within `SHORT`, because memory may become scarce.
        return Verdict_ReviewIn(min(left, SHORT)) if left > 0 else Verdict_Suspend()

    def resume_notice(self, status):
        minutes = status.idle_for // 60
        return f"Good to see you again, after {minutes} minute{'s' if minutes > 1 else ''}." if minutes else None
