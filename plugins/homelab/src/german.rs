//! The German texts that the homelab plugins share.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        ("24 h uptime {}%", "24-h-Verfügbarkeit {} %"),
        ("Again", "Noch einmal"),
        ("down", "ausgefallen"),
        ("in maintenance", "in Wartung"),
        ("its certificate expires in {n} day", "sein Zertifikat läuft in {n} Tag ab"),
        ("its certificate expires in {n} days", "sein Zertifikat läuft in {n} Tagen ab"),
        ("its certificate has expired", "sein Zertifikat ist abgelaufen"),
        ("last heartbeat {}", "letzter Heartbeat {}"),
        ("no heartbeat yet", "noch kein Heartbeat"),
        ("pending", "wird geprüft"),
        ("up", "erreichbar"),
        ("without a heartbeat", "ohne Heartbeat"),
        ("{n} monitor", "{n} Monitor"),
        ("{n} monitors", "{n} Monitore"),
    ],
};
