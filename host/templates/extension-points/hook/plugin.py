"""Posts session events. `/{{command}} here` turns posts on in this place, and `/{{command}} off` turns them off."""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.command import Order, Spec
from wit_world.imports import chat, context, log, state
from wit_world.imports.types import Button, Place, Reply

USAGE = "/{{command}} <here|off>"


class Command(exports.Command):
    def specs(self):
        return [Spec("{{command}}", "Post session events here", USAGE, "admin", Order.IN_ORDER)]

    def run(self, command, args, text):
        if args == ["here"]:
            place = context.current_place()
            state.set("place", json.dumps([place.front_end, place.chat, place.topic]).encode())
            return Reply("Session events are posted here.", [[Button("Off", "/{{command}} off")]], [], False)
        if args == ["off"]:
            state.delete("place")
            return Reply("Session events are no longer posted.", [], [], False)
        raise Err(f"Usage: {USAGE}")  # shown to the caller


class Hook(exports.Hook):
    def on_event(self, event):
        place, text = state.get("place"), event_text(event)
        if place and text:
            try:
                chat.post(Place(*json.loads(place)), Reply(text, [], [], False))
            except Err as why:
                log.write(log.Level.WARN, why.value)


def event_text(event):
    """Returns the text to post for an event, or `None` if it isn't posted. The contract lists all event kinds."""
    if event.session is None:
        return None
    became = {"created": "was created", "archived": "was archived", "asking": "needs you", "broken": "needs you"}
    return f"`{event.session.name}` {became[event.kind]}." if event.kind in became else None
