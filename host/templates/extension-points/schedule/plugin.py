"""Posts a question every weekday. `/{{command}} here` turns posts on in this place, and `/{{command}} off` turns them off."""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.command import Order, Spec
from wit_world.exports.schedule import Job
from wit_world.imports import chat, context, state
from wit_world.imports.types import Button, Place, Reply

USAGE = "/{{command}} <here|off>"

# The job's schedule: minute, hour, day of month, month, day of week, in the host's time zone.
WHEN = "30 8 * * mon-fri"


class Command(exports.Command):
    def specs(self):
        return [Spec("{{command}}", "Ask a question here each working day", USAGE, "member", Order.IN_ORDER)]

    def run(self, command, args, text):
        if args == ["here"]:
            place = context.current_place()
            state.set("place", json.dumps([place.front_end, place.chat, place.topic]).encode())
            return Reply("I will ask here each working day at 8:30.", [[Button("Off", "/{{command}} off")]], [], False)
        if args == ["off"]:
            state.delete("place")
            return Reply("I won't ask again.", [], [], False)
        raise Err(f"Usage: {USAGE}")  # shown to the caller


class Schedule(exports.Schedule):
    def jobs(self):
        return [Job("ask", WHEN)]

    def run(self, job):
        """`job.missed` is the number of earlier runs that were missed, for example because the host was down."""
        place = state.get("place")
        if place:
            question = "Good morning! What is the one thing to get done today?"
            chat.post(Place(*json.loads(place)), Reply(question, [], [], False))
