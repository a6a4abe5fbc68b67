//! Tests the schedule with a paused clock.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{sync::Semaphore, time::Instant};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// A wall clock that follows tokio's clock and can also be set.
struct Clocks {
    start: Instant,
    set_by: AtomicU64,
}

struct Fake {
    jobs: Mutex<Jobs>,
    changed: watch::Sender<u64>,
    stored: Mutex<BTreeMap<JobKey, Timestamp>>,
    ran: Mutex<VecDeque<DueRun>>,
    /// Each run consumes one permit.
    permits: Semaphore,
    wakeups: AtomicU64,
    clocks: Clocks,
    new_zone: Mutex<Option<Zone>>,
}

fn key(job: &str) -> JobKey {
    JobKey { plugin: "p".to_owned(), job: job.to_owned() }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no test panics with it")
}

impl Fake {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            jobs: Mutex::default(),
            changed: watch::Sender::new(0),
            stored: Mutex::default(),
            ran: Mutex::default(),
            permits: Semaphore::new(1000),
            wakeups: AtomicU64::new(0),
            clocks: Clocks { start: Instant::now(), set_by: AtomicU64::new(0) },
            new_zone: Mutex::new(Some(Zone::utc())),
        })
    }

    fn now(&self) -> Timestamp {
        let set_by = Duration::from_millis(self.clocks.set_by.load(Ordering::Relaxed));
        // The clock starts one hour after the beginning of 1970, at a full minute.
        Timestamp(3_600_000).after(self.clocks.start.elapsed() + set_by)
    }

    fn set_clock(&self, by: Duration) {
        self.clocks.set_by.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }

    fn set_clock_back(&self, by: Duration) {
        self.clocks.set_by.fetch_sub(u64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }

    fn set_jobs(&self, jobs: &[(&str, &str)]) {
        let jobs = jobs.iter().map(|(name, cron)| ((*name).to_owned(), Cron::parse(cron).unwrap())).collect();
        lock(&self.jobs).insert("p".to_owned(), jobs);
        self.changed.send_modify(|count| *count += 1);
    }

    fn remove_jobs(&self) {
        lock(&self.jobs).clear();
        self.changed.send_modify(|count| *count += 1);
    }

    fn start(self: &Arc<Self>) {
        let (runner, clock, zone) = (Arc::clone(self), Arc::clone(self), Arc::clone(self));
        let new_zone: NewZone = Box::new(move || lock(&zone.new_zone).take());
        let wall: Wall = Arc::new(move || {
            clock.wakeups.fetch_add(1, Ordering::Relaxed);
            clock.now()
        });
        tokio::spawn(Schedule::new(runner, new_zone, wall).run());
    }

    fn ran(&self) -> Vec<(String, u64, u32)> {
        let minute = |due: DueRun| (due.key.job, due.at.0 / 60_000, due.missed);
        lock(&self.ran).drain(..).map(minute).collect()
    }
}

#[async_trait]
impl JobRunner for Fake {
    fn jobs(&self) -> Jobs {
        lock(&self.jobs).clone()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    async fn sync_jobs(&self, plugin: &str, jobs: &[(String, Cron)], now: Timestamp) -> Vec<Timestamp> {
        assert_eq!(plugin, "p");
        jobs.iter().map(|(job, _)| *lock(&self.stored).entry(key(job)).or_insert(now)).collect()
    }

    async fn record_start(&self, key: &JobKey, at: Timestamp) -> Result<(), StoreError> {
        lock(&self.stored).insert(key.clone(), at);
        Ok(())
    }

    async fn run(&self, due: &DueRun) {
        lock(&self.ran).push_back(due.clone());
        assert_ne!(due.key.job, "broken", "the simulated bug");
        self.permits.acquire().await.expect("never closed").forget();
    }
}

/// Advances the time, and runs the tasks that are due.
async fn pass(span: Duration) {
    tokio::time::sleep(span + Duration::from_millis(1)).await;
}

fn of(job: &str, minute: u64, missed: u32) -> (String, u64, u32) {
    (job.to_owned(), minute, missed)
}

#[tokio::test(start_paused = true)]
async fn a_job_runs_at_its_times_and_not_before() {
    let fake = Fake::new();
    fake.set_jobs(&[("often", "*/2 * * * *"), ("late", "5 * * * *")]);
    fake.start();
    pass(MINUTE).await;
    assert_eq!(fake.ran(), []);
    pass(MINUTE * 4).await;
    assert_eq!(fake.ran(), [of("often", 62, 0), of("often", 64, 0), of("late", 65, 0)]);
}

#[tokio::test(start_paused = true)]
async fn missed_runs_are_made_up_once() {
    let fake = Fake::new();
    lock(&fake.stored).insert(key("hourly"), Timestamp(0));
    lock(&fake.stored).insert(key("often"), Timestamp(50 * 60_000));
    fake.set_jobs(&[("hourly", "0 * * * *"), ("often", "*/2 * * * *")]);
    fake.start();
    pass(Duration::ZERO).await;
    assert_eq!(fake.ran(), [of("hourly", 60, 0), of("often", 60, 4)]);
    assert_eq!(lock(&fake.stored)[&key("often")], Timestamp(3_600_000));
    pass(MINUTE).await;
    assert_eq!(fake.ran(), []);
}

#[tokio::test(start_paused = true)]
async fn runs_missed_in_sleep_are_made_up_within_a_minute() {
    let fake = Fake::new();
    fake.set_jobs(&[("daily", "0 7 * * *")]);
    fake.start();
    pass(MINUTE).await;
    fake.set_clock(Duration::from_secs(3 * 86_400));
    pass(MINUTE).await;
    assert_eq!(fake.ran(), [of("daily", (2 * 24 + 24 + 7) * 60 - 24 * 60, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_job_never_overlaps_itself_and_catches_up_once() {
    let fake = Fake::new();
    fake.permits.forget_permits(1000);
    fake.set_jobs(&[("slow", "* * * * *")]);
    fake.start();
    pass(MINUTE * 5).await;
    assert_eq!(fake.ran(), [of("slow", 61, 0)]);
    // The plugin is activated again while its job is still running.
    fake.remove_jobs();
    pass(MINUTE).await;
    fake.set_jobs(&[("slow", "* * * * *")]);
    pass(MINUTE * 2).await;
    assert_eq!(fake.ran(), []);
    fake.permits.add_permits(1);
    pass(Duration::ZERO).await;
    assert_eq!(fake.ran(), [of("slow", 68, 6)]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_run_does_not_block_its_job() {
    let fake = Fake::new();
    fake.set_jobs(&[("broken", "* * * * *"), ("other", "* * * * *")]);
    fake.start();
    pass(MINUTE * 2).await;
    assert_eq!(fake.ran(), [of("broken", 61, 0), of("other", 61, 0), of("broken", 62, 0), of("other", 62, 0)]);
}

#[tokio::test(start_paused = true)]
async fn the_scheduler_sleeps_without_jobs() {
    let fake = Fake::new();
    fake.start();
    pass(MINUTE).await;
    let wakeups = fake.wakeups.load(Ordering::Relaxed);
    pass(MINUTE * 10_000).await;
    assert_eq!(fake.wakeups.load(Ordering::Relaxed), wakeups);
    fake.set_jobs(&[("often", "* * * * *")]);
    pass(MINUTE).await;
    assert_eq!(fake.ran().len(), 1);
    fake.remove_jobs();
    pass(MINUTE).await;
    let wakeups = fake.wakeups.load(Ordering::Relaxed);
    pass(MINUTE * 10_000).await;
    assert_eq!((fake.wakeups.load(Ordering::Relaxed), fake.ran()), (wakeups, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_new_time_zone_is_followed_within_a_minute() {
    let fake = Fake::new();
    fake.set_jobs(&[("daily", "0 3 * * *"), ("jumped over", "1 2 * * *")]);
    fake.start();
    pass(MINUTE * 2).await;
    *lock(&fake.new_zone) = Some(Zone::posix("AAA-1").expect("a zone"));
    pass(MINUTE).await;
    assert_eq!(fake.ran(), [of("jumped over", 61, 0)]);
    pass(MINUTE * 56).await;
    assert_eq!(fake.ran(), []);
    pass(MINUTE).await;
    assert_eq!(fake.ran(), [of("daily", 120, 0)]);
}

#[tokio::test(start_paused = true)]
async fn setting_the_clock_back_a_day_repeats_no_daily_job() {
    let fake = Fake::new();
    fake.set_jobs(&[("daily", "0 7 * * *")]);
    fake.start();
    pass(MINUTE).await;
    fake.set_clock(DAY);
    pass(MINUTE).await;
    assert_eq!(fake.ran(), [of("daily", 7 * 60, 0)]);
    fake.set_clock_back(DAY);
    pass(DAY - MINUTE * 2).await;
    assert_eq!(fake.ran(), [], "the hour repeats");
    pass(DAY).await;
    assert_eq!(fake.ran(), [of("daily", (24 + 7) * 60, 0)]);
}

#[tokio::test(start_paused = true)]
async fn setting_the_clock_back_by_years_stops_no_job() {
    let fake = Fake::new();
    fake.set_jobs(&[("daily", "0 7 * * *"), ("often", "*/10 * * * *")]);
    fake.start();
    pass(MINUTE).await;
    fake.set_clock(DAY * 4000);
    pass(MINUTE).await;
    assert_eq!(fake.ran().len(), 2);
    fake.set_clock_back(DAY * 4000);
    pass(MINUTE * 9).await;
    assert_eq!(fake.ran(), [of("often", 70, 0)]);
    pass(DAY).await;
    assert_eq!(fake.ran().iter().filter(|(job, ..)| job == "daily").count(), 1);
}

#[test]
fn setting_the_clock_back_repeats_and_stops_no_job() {
    let mut table = Timetable::new(Zone::utc());
    let minutes = |count: u64| Timestamp(count * 60_000);
    table.replace("p", [(("j".to_owned(), Cron::parse("* * * * *").unwrap()), minutes(600))].into_iter());
    assert_eq!(table.due(minutes(590)), [], "until the clock has caught up");
    assert_eq!(table.next(minutes(590)), Some(minutes(601)));
    assert_eq!(table.due(minutes(300)), [], "a clock that was far ahead");
    assert_eq!(table.next(minutes(300)), Some(minutes(301)));
    assert_eq!(table.due(minutes(301)), [DueRun { key: key("j"), at: minutes(301), missed: 0 }]);
}
