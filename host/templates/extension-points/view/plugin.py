"""Shows progress while the agent works, and the answer only once it is complete. `/{{command}}` turns this view on and
off for a session."""

import re

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.command import Order, Spec
from wit_world.exports.view import Part_Action, Part_Text, Summary, TurnFrame
from wit_world.imports import context, session_control
from wit_world.imports.types import Reply

MODE = "{{name}}"  # the name of the view mode


class Command(exports.Command):
    def specs(self):
        summary = "Switch between complete answers and the usual view"
        return [Spec("{{command}}", summary, "/{{command}}", "member", Order.IN_ORDER)]

    def run(self, command, args, text):
        session = context.active_session()
        if session is None:
            raise Err("No active session. Use /new to start one.")  # shown to the caller
        mode = None if session.mode == MODE else MODE
        session_control.set_mode(session.name, mode)
        return message(f"Answers of `{session.name}` are shown {'when they are complete' if mode else 'as usual'}.")


class View(exports.View):
    def modes(self):
        return [Summary(MODE, "The answer, once it is complete")]

    def render(self, mode, turn, limits):
        """Called for each frame, with the whole turn so far. Each message replaces the one at its index in the previous frame."""
        if not turn.done:
            return TurnFrame(progress(turn), [])
        # The agent's texts, which are separated by its actions.
        answer = [part.value.strip() for part in turn.parts if isinstance(part, Part_Text) and part.value.strip()]
        if turn.error:
            answer.append(f"⚠ {escape(turn.error)}")
        return TurnFrame(None, [message("\n\n".join(answer) or "Done.")])


def progress(turn):
    steps = sum(isinstance(part, Part_Action) for part in turn.parts)
    return f"Working… {counted(steps, 'step')}, {counted(turn.elapsed, 'second')}" if steps else "Working…"


def counted(number, noun):
    return f"{number} {noun}{'' if number == 1 else 's'}"


def message(text):
    return Reply(text, [], [], False)


def escape(text):
    """Escapes Markdown, because replies are Markdown and the text is untrusted."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~-])", r"\\\1", text)
