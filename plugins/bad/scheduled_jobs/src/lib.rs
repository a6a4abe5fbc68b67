//! For tests: runs the jobs of its configuration, such as `jobs = { NAME = "cron" }`. A job named `time` reads the
//! clock.

use std::{collections::BTreeMap, time::SystemTime};

use cordboard_plugin::{
    Schedule, config, log,
    schedule::{Due, Job},
};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    jobs: BTreeMap<String, String>,
}

struct ScheduledJobs;

impl Schedule for ScheduledJobs {
    fn jobs() -> Result<Vec<Job>, String> {
        let Config { jobs } = config::parse()?;
        Ok(jobs.iter().map(|(name, cron)| Job::new(name, cron)).collect())
    }

    fn run(due: Due) -> Result<(), String> {
        assert!(due.job != "trap", "the spring broke");
        log::info(&format!("ran {} at {}, missed {}", due.job, due.at, due.missed));
        if due.job == "time" {
            let since = SystemTime::UNIX_EPOCH.elapsed().map_err(|error| error.to_string())?;
            log::info(&format!("it is {} ms", since.as_millis()));
        }
        if due.job == "fail" { Err("out of oil".to_owned()) } else { Ok(()) }
    }
}

cordboard_plugin::export!(ScheduledJobs: schedule);
