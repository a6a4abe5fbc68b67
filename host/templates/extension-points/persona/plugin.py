"""The `{{name}}` persona, which gives an agent its instructions."""

from wit_world import exports
from wit_world.exports.persona import PersonaSettings, Summary


class Persona(exports.Persona):
    def summaries(self):
        return [Summary("{{name}}", "Answers in three sentences at most")]

    def resolve(self, name, session):
        """Called each time an agent with this persona starts. The settings may depend on the session."""
        return PersonaSettings(
            instructions="Answer in three sentences at most, and say what you left out. "
            f"You work in {session.folder}. Don't touch other folders.",
            model=None,
            idle_timeout=30 * 60,
            greeting=None,
        )
