//! The systems of a hub, with their load, usage and uptime. Pure: nothing here calls the host.

use cordboard_plugin::{
    Timestamp,
    text::{code, escape, short_span},
    tr,
};
use homelab::{
    Json,
    format::{Light, percent},
    time::parse_timestamp,
};

/// A system in the hub's list.
#[derive(Debug)]
pub struct System {
    name: String,
    status: String,
    /// The time at which the hub last changed the record: for a running system, the time of its latest figures;
    /// otherwise, usually the time of its last status change.
    changed: Option<Timestamp>,
    /// Set only if the system is up, because the figures of other systems are outdated.
    figures: Option<Figures>,
}

#[derive(Debug)]
struct Figures {
    cpu: f64,
    memory: f64,
    disk: f64,
    uptime: u64,
    /// Degrees Celsius, if the agent reports a temperature.
    temperature: Option<f64>,
    /// Additional file systems, with their usage in percent.
    disks: Vec<(String, f64)>,
    failed_services: u64,
}

/// Reads a page of systems.
///
/// # Errors
/// A value is missing or has an unexpected type. The text contains its path.
pub fn read(page: &Json) -> Result<Vec<System>, String> {
    page.at("items")?.items()?.iter().map(system).collect()
}

fn system(item: &Json) -> Result<System, String> {
    let status = item.at("status")?.text()?.to_owned();
    let figures = if status == "up" { Some(figures(&item.at("info")?)?) } else { None };
    let changed = item.find("updated").map(|updated| updated.text()).transpose()?.and_then(parse_timestamp);
    Ok(System { name: item.at("name")?.text()?.to_owned(), status, changed, figures })
}

fn figures(info: &Json) -> Result<Figures, String> {
    let mut disks = Vec::new();
    if let Some(more) = info.find("efs") {
        for (name, share) in more.entries()? {
            disks.push((name.to_owned(), share.number()?));
        }
    }
    let services = info.find("sv").map(|services| services.items()).transpose()?;
    let failed = services.and_then(|services| services.get(1).map(|failed| failed.integer())).transpose()?;
    Ok(Figures {
        cpu: info.at("cpu")?.number()?,
        memory: info.at("mp")?.number()?,
        disk: info.at("dp")?.number()?,
        uptime: u64::try_from(info.at("u")?.integer()?).unwrap_or_default(),
        temperature: info.find("dt").map(|degrees| degrees.number()).transpose()?,
        disks,
        failed_services: failed.and_then(|failed| u64::try_from(failed).ok()).unwrap_or_default(),
    })
}

/// Returns a line with the number of systems, then a line for each, in the hub's order.
pub fn lines(systems: &[System], warn_at: f64, now: Timestamp) -> Vec<String> {
    let down = systems.iter().filter(|system| system.status == "down").count();
    let all = tr!("{n} system" | "{n} systems" % systems.len());
    let head = if down == 0 { tr!("{all}, none down.", all) } else { tr!("{all}, {down} down:", all, down) };
    [head].into_iter().chain(systems.iter().map(|system| line(system, warn_at, now))).collect()
}

fn line(system: &System, warn_at: f64, now: Timestamp) -> String {
    let name = code(&system.name);
    if let Some(figures) = &system.figures {
        return up(&name, figures, warn_at);
    }
    let span = system.changed.map(|changed| short_span(now.saturating_sub(changed) / 1000));
    let (light, status) = match system.status.as_str() {
        "pending" => (Light::Inactive, tr!("pending")),
        "down" => (Light::Bad, tr!("down")),
        "paused" => (Light::Inactive, tr!("paused")),
        other => (Light::Warning, escape(other)),
    };
    let state = match span {
        Some(span) => tr!("has been {status} for {span}", status, span),
        None => tr!("is {status}", status),
    };
    format!("{} {name} {state}", light.symbol())
}

fn up(name: &str, figures: &Figures, warn_at: f64) -> String {
    let full: Vec<_> = figures.disks.iter().filter(|(_, share)| *share >= warn_at).collect();
    let busy = [figures.cpu, figures.memory, figures.disk].into_iter().any(|share| share >= warn_at);
    let warned = busy || !full.is_empty() || figures.failed_services > 0;
    let light = if warned { Light::Warning } else { Light::Good };
    let mut parts = vec![
        format!("{} {name} CPU {}", light.symbol(), percent(figures.cpu)),
        tr!("memory {}", percent(figures.memory)),
        tr!("disk {}", percent(figures.disk)),
    ];
    parts.extend(full.iter().map(|(disk, share)| format!("{} {}", code(disk), percent(*share))));
    parts.extend(figures.temperature.map(|degrees| format!("{degrees:.0} °C")));
    if figures.failed_services > 0 {
        parts.push(tr!("{n} failed service" | "{n} failed services" % figures.failed_services));
    }
    parts.push(tr!("up {}", short_span(figures.uptime)));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = 1_795_268_736_000;

    fn shown(text: &str) -> Vec<String> {
        let value = serde_json::from_str(text).expect("it is JSON");
        lines(&read(&Json::root(&value)).expect("a known format"), 90.0, NOW)
    }

    #[test]
    fn each_system_is_shown_with_its_figures() {
        assert_eq!(
            shown(include_str!("../tests/data/systems.json")),
            [
                "5 systems, 1 down:",
                "🟡 `nas` CPU 12%, memory 63%, disk 72%, `tank` 93%, 54 °C, 2 failed services, up 12 d",
                "🟢 `pve1` CPU <1%, memory 31%, disk 40%, up 1 d",
                "🔴 `pve2` has been down for 3 h",
                "⚪ `lab` has been paused for 20 d",
                "⚪ `new` has been pending for 5 min",
            ]
        );
    }

    #[test]
    fn the_response_of_an_old_hub_is_parsed_too() {
        let old = shown(include_str!("../tests/data/systems-old.json"));
        assert_eq!(old, ["1 system, none down.", "🟡 `nas` CPU 100%, memory 20%, disk 3%, up 1 min"]);
    }

    #[test]
    fn invalid_fields_name_their_path() {
        let error = |json| read(&Json::root(&json)).map(|_| ()).expect_err("invalid input");
        assert_eq!(error(serde_json::json!({})), "`items` is missing");
        assert_eq!(error(serde_json::json!({"items": [{"name": "a"}]})), "`items[0].status` is missing");
        let without = serde_json::json!({"items": [{"name": "a", "status": "up", "info": {"cpu": 1}}]});
        assert_eq!(error(without), "`items[0].info.mp` is missing");
        let disks = serde_json::json!({"items": [{"name": "a", "status": "up", "info": {"efs": {"tank": "full"}}}]});
        assert_eq!(error(disks), "`items[0].info.efs.tank` is not a number but \"full\"");
        let unknown = serde_json::json!({"items": [{"name": "a", "status": "asleep"}]});
        assert_eq!(lines(&read(&Json::root(&unknown)).expect("known"), 90.0, NOW)[1], "🟡 `a` is asleep");
    }
}
