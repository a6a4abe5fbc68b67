"""Decides when to let go of idle agents: after their idle timeout, and sooner while memory is scarce."""

from wit_world import exports
from wit_world.exports.lifecycle import Verdict_ReviewIn, Verdict_Suspend

# With less free memory than this, in bytes, nobody idles for long.
SCARCE = 1 << 30

# How long an agent may idle then, in seconds; also how often it is looked at, and the shortest idleness that is told.
SHORT = 60


class Lifecycle(exports.Lifecycle):
    def review(self, moment):
        timeout = moment.session.idle_timeout
        patience = min(SHORT, timeout) if moment.free_memory < SCARCE else timeout
        left = patience - moment.idle_for
        # Memory may get scarce meanwhile.
        return Verdict_ReviewIn(min(left, SHORT)) if left > 0 else Verdict_Suspend()

    def resume_notice(self, moment):
        minutes = moment.idle_for // 60
        return f"Good to see you again, after {minutes} minute{'s' if minutes > 1 else ''}." if minutes else None
