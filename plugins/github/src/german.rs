//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        (
            "**{sender}** asks for a review of pull request {link} in **{repository}**.",
            "**{sender}** bittet um ein Review von Pull Request {link} in **{repository}**.",
        ),
        (
            "**{sender}** closed issue {link} in **{repository}**.",
            "**{sender}** hat Issue {link} in **{repository}** geschlossen.",
        ),
        (
            "**{sender}** closed pull request {link} in **{repository}**.",
            "**{sender}** hat Pull Request {link} in **{repository}** geschlossen.",
        ),
        (
            "**{sender}** deleted {branch} of **{repository}**.",
            "**{sender}** hat {branch} von **{repository}** gelöscht.",
        ),
        (
            "**{sender}** force-pushed {commits} to {branch} of **{repository}**:",
            "**{sender}** hat {commits} mit Force nach {branch} von **{repository}** gepusht:",
        ),
        (
            "**{sender}** merged pull request {link} in **{repository}**.",
            "**{sender}** hat Pull Request {link} in **{repository}** gemergt.",
        ),
        (
            "**{sender}** opened issue {link} in **{repository}**.",
            "**{sender}** hat Issue {link} in **{repository}** geöffnet.",
        ),
        (
            "**{sender}** opened pull request {link} in **{repository}**.",
            "**{sender}** hat Pull Request {link} in **{repository}** geöffnet.",
        ),
        (
            "**{sender}** pushed {commits} to {branch} of **{repository}**:",
            "**{sender}** hat {commits} nach {branch} von **{repository}** gepusht:",
        ),
        (
            "**{sender}** released {link} of **{repository}**.",
            "**{sender}** hat {link} von **{repository}** veröffentlicht.",
        ),
        (
            "**{sender}** reopened issue {link} in **{repository}**.",
            "**{sender}** hat Issue {link} in **{repository}** wieder geöffnet.",
        ),
        (
            "**{sender}** reopened pull request {link} in **{repository}**.",
            "**{sender}** hat Pull Request {link} in **{repository}** wieder geöffnet.",
        ),
        (
            "GitHub is connected: events of **{}** are posted here.",
            "GitHub ist verbunden: Ereignisse von **{}** werden hier gemeldet.",
        ),
        ("GitHub's events are posted here.", "Ereignisse von GitHub werden hier gemeldet."),
        ("Off", "Aus"),
        ("Post GitHub's events here", "Ereignisse von GitHub hier melden"),
        ("Report here", "Hier melden"),
        ("Reports are off.", "Meldungen sind aus."),
        ("Reports are posted here.", "Meldungen kommen hier an."),
        ("Reports are posted in another chat.", "Meldungen kommen in einem anderen Chat an."),
        ("Someone", "Jemand"),
        ("and {} more", "und {} weitere"),
        ("did not start", "ist nicht gestartet"),
        ("failed", "ist fehlgeschlagen"),
        ("timed out", "hat das Zeitlimit überschritten"),
        ("{n} commit", "{n} Commit"),
        ("{n} commits", "{n} Commits"),
        ("{run} {how} of **{repository}**.", "{run} in **{repository}** {how}."),
        ("{run} {how} on {branch} of **{repository}**.", "{run} auf {branch} von **{repository}** {how}."),
    ],
};
