"""`/{{command}} [name]`: greets a person, and counts the greetings per name."""

import re

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.command import Order, Spec
from wit_world.imports import context, state
from wit_world.imports.types import Button, Reply


class Command(exports.Command):
    def specs(self):
        return [Spec("{{command}}", "Greet a person", "/{{command}} [name]", "member", Order.IN_ORDER)]

    def run(self, command, args, text):
        caller = context.current_caller()
        name = args[0] if args else caller.name if caller else "you"
        if not name.isprintable():
            raise Err("That is not a name.")  # shown to the caller
        key = f"greeted/{name}"
        times = int(state.get(key) or b"0") + 1
        state.set(key, str(times).encode())
        again = Button("Again", f'/{{command}} "{name}"' if " " in name else f"/{{command}} {name}")
        return Reply(greeting(name, times), [[again]], [], False)


def greeting(name, times):
    return f"Hello, {escape(name)}! I have greeted you {times} {'time' if times == 1 else 'times'}."


def escape(text):
    """Escapes Markdown, because replies are Markdown and the text is untrusted."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~-])", r"\\\1", text)
