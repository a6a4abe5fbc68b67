//! For tests: runs the jobs of its configuration, `jobs = { NAME = "cron" }`. The job `time` logs the time, `trap`
//! panics, and `fail` returns an error.

use std::{collections::BTreeMap, time::SystemTime};

use cordboard_plugin::{
    Schedule, config, log,
    schedule::{DueJob, Job},
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

    fn run(job: DueJob) -> Result<(), String> {
        assert!(job.name != "trap", "the job panicked");
        log::info(&format!("ran {} at {}, missed {}", job.name, job.at, job.missed));
        if job.name == "time" {
            let since = SystemTime::UNIX_EPOCH.elapsed().map_err(|error| error.to_string())?;
            log::info(&format!("it is {} ms", since.as_millis()));
        }
        if job.name == "fail" { Err("the job failed".to_owned()) } else { Ok(()) }
    }
}

cordboard_plugin::export!(ScheduledJobs: schedule);
