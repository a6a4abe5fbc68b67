//! A status page: its groups, monitors, heartbeats and announcements. Pure: nothing here calls the host.

use cordboard_plugin::{Timestamp, text::escape};
use homelab::{
    Json,
    kuma::{Monitor, MonitorState, line, summary},
    time::parse_timestamp,
};

#[derive(Debug)]
pub struct Page {
    title: String,
    /// The titles of the current incidents and maintenances.
    notices: Vec<String>,
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    name: String,
    /// The monitors with their ids. `Page::beat` adds the heartbeats.
    monitors: Vec<(i64, Monitor)>,
}

/// Reads a status page.
///
/// # Errors
/// A value is missing or has an unexpected type. The text contains its path.
pub fn read(page: &Json) -> Result<Page, String> {
    let title = page.at("config")?.at("title")?.text()?.to_owned();
    let mut notices = Vec::new();
    // Version 2 has a list of incidents. Version 1 has one incident or null.
    let incidents = page.find("incidents").map(|incidents| incidents.items()).transpose()?.unwrap_or_default();
    for incident in incidents.into_iter().chain(page.find("incident")) {
        notices.push(format!("⚠️ {}", escape(incident.at("title")?.text()?)));
    }
    let maintenance = page.find("maintenanceList").map(|list| list.items()).transpose()?.unwrap_or_default();
    for maintenance in maintenance {
        if maintenance.find("status").map(|status| status.text()).transpose()? == Some("under-maintenance") {
            notices.push(format!("🔧 {}", escape(maintenance.at("title")?.text()?)));
        }
    }
    let groups = page.at("publicGroupList")?.items()?.iter().map(group).collect::<Result<_, _>>()?;
    Ok(Page { title, notices, groups })
}

fn group(group: &Json) -> Result<Group, String> {
    let monitors = group.at("monitorList")?.items()?.iter().map(monitor).collect::<Result<_, _>>()?;
    Ok(Group { name: group.at("name")?.text()?.to_owned(), monitors })
}

fn monitor(monitor: &Json) -> Result<(i64, Monitor), String> {
    let name = monitor.at("name")?.text()?.to_owned();
    // The value is an empty text if there is no certificate, and missing unless the page shows certificates.
    let certificate = monitor.find("certExpiryDaysRemaining").and_then(|days| days.integer().ok());
    let bare = Monitor { name, state: MonitorState::Unknown, ping: None, uptime: None, certificate, last_beat: None };
    Ok((monitor.at("id")?.integer()?, bare))
}

impl Page {
    /// Adds the heartbeats to the monitors.
    ///
    /// # Errors
    /// A value is missing or has an unexpected type. The text contains its path.
    pub fn beat(&mut self, beats: &Json) -> Result<(), String> {
        let (lists, uptimes) = (beats.at("heartbeatList")?, beats.at("uptimeList")?);
        for (id, monitor) in self.groups.iter_mut().flat_map(|group| &mut group.monitors) {
            monitor.uptime = uptimes.find(&format!("{id}_24")).map(|share| share.number()).transpose()?;
            let list = lists.find(&id.to_string()).map(|list| list.items()).transpose()?.unwrap_or_default();
            let Some(last) = list.last() else { continue };
            monitor.state = MonitorState::of(last.at("status")?.integer()?);
            monitor.ping = last.find("ping").map(|ping| ping.number()).transpose()?;
            monitor.last_beat = parse_timestamp(last.at("time")?.text()?);
        }
        Ok(())
    }

    #[must_use]
    pub fn lines(&self, now: Timestamp) -> Vec<String> {
        let monitors = self.groups.iter().flat_map(|group| group.monitors.iter().map(|(_, monitor)| monitor));
        let mut lines = vec![format!("{}, {}", escape(&self.title), summary(monitors))];
        lines.extend(self.notices.iter().cloned());
        for group in self.groups.iter().filter(|group| !group.monitors.is_empty()) {
            lines.extend([String::new(), escape(&group.name)]);
            lines.extend(group.monitors.iter().map(|(_, monitor)| line(monitor, now)));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(page: &str, beats: &str, now: Timestamp) -> Result<Vec<String>, String> {
        let [page, beats] = [page, beats].map(|text| serde_json::from_str(text).expect("it is JSON"));
        let mut page = read(&Json::root(&page))?;
        page.beat(&Json::root(&beats))?;
        Ok(page.lines(now))
    }

    #[test]
    fn a_recorded_page_is_shown() {
        let (page, beats) = (include_str!("../tests/data/page.json"), include_str!("../tests/data/beats.json"));
        let recorded = parse_timestamp("2026-11-21 13:46:51").expect("it is a moment");
        assert_eq!(
            shown(page, beats, recorded).expect("a known format"),
            [
                "Homelab, 6 monitors: 3 up, 2 down, 1 in maintenance",
                "⚠️ Fibre is cut",
                "🔧 Disks are swapped",
                "",
                "Services",
                "🟢 NAS, 2 ms, 24 h uptime 100%",
                "🔴 Git \"forge\" \\\\ one, down, 24 h uptime 0%",
                "⚪ Media, in maintenance, 24 h uptime 100%",
                "🟢 Lab, 7 ms, 24 h uptime 100%",
                "",
                "Network",
                "🟢 SSH, 0 ms, 24 h uptime 100%",
                "🔴 Printer, down, 24 h uptime 0%",
            ]
        );
        let later = shown(page, beats, recorded + 7_200_000).expect("a known format");
        assert_eq!(later[8], "🟢 Lab, 7 ms, 24 h uptime 100%, last heartbeat 2h ago");
    }

    #[test]
    fn a_page_of_version_1_is_parsed_too() {
        let page = include_str!("../tests/data/page-1.23.json");
        let beats = r#"{"heartbeatList":{"1":[]},"uptimeList":{}}"#;
        let lines = shown(page, beats, 0).expect("a known format");
        let expected = [
            "Homelab, 1 monitor: 1 without a heartbeat",
            "⚠️ Fibre is cut",
            "",
            "Services",
            "⚪ NAS, no heartbeat yet",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn invalid_fields_name_their_path() {
        let empty = r#"{"heartbeatList":{},"uptimeList":{}}"#;
        assert_eq!(shown("{}", empty, 0), Err("`config` is missing".into()));
        let group = r#"{"config":{"title":"a"},"publicGroupList":[{"name":"b","monitorList":[{"id":1,"name":5}]}]}"#;
        assert_eq!(
            shown(group, empty, 0),
            Err("`publicGroupList[0].monitorList[0].name` is not a string but 5".into())
        );
        let one = r#"{"config":{"title":"a"},"publicGroupList":[{"name":"b","monitorList":[{"id":1,"name":"c"}]}]}"#;
        assert_eq!(shown(one, "{}", 0), Err("`heartbeatList` is missing".into()));
        let beat = r#"{"heartbeatList":{"1":[{"time":"now"}]},"uptimeList":{}}"#;
        assert_eq!(shown(one, beat, 0), Err("`heartbeatList.1[0].status` is missing".into()));
    }
}
