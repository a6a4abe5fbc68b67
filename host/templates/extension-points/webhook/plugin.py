"""Posts text from HTTP requests. `/{{command}} here` turns posts on in this place, and `/{{command}} off` turns them off."""

import json
import re

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.command import Order, Spec
from wit_world.exports.webhook import Response
from wit_world.imports import chat, context, state
from wit_world.imports.types import Button, Place, Reply

USAGE = "/{{command}} <here|off>"
LONGEST = 1000  # the maximum number of posted characters


class Command(exports.Command):
    def specs(self):
        return [Spec("{{command}}", "Post the text of HTTP requests here", USAGE, "admin", Order.IN_ORDER)]

    def run(self, command, args, text):
        if args == ["here"]:
            place = context.current_place()
            state.set("place", json.dumps([place.front_end, place.chat, place.topic]).encode())
            return Reply("HTTP requests are posted here.", [[Button("Off", "/{{command}} off")]], [], False)
        if args == ["off"]:
            state.delete("place")
            return Reply("HTTP requests are no longer posted.", [], [], False)
        raise Err(f"Usage: {USAGE}")  # shown to the caller


class Webhook(exports.Webhook):
    def receive(self, request):
        """Called after the host has checked the token or signature. The text is untrusted, so Markdown is escaped."""
        text = request.body.decode(errors="replace").strip()[:LONGEST]
        if request.method != "POST" or not text:
            return answer(405, "send the text with POST")
        place = state.get("place")
        if not place:
            return answer(409, "no chat is set: send `/{{command}} here` in the chat that should get the posts")
        chat.post(Place(*json.loads(place)), Reply(escaped(text), [], [], False))
        return answer(200, "posted")


def answer(status, text):
    return Response(status, [("content-type", "text/plain; charset=utf-8")], f"{text}\n".encode())


def escaped(text):
    """Escapes Markdown."""
    return re.sub(r"([\\`*_~|\[\]#>&+-])", r"\\\1", text)
