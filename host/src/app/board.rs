//! The running board: its parts, wired once.

use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
};

use cordboard_core::{
    session::{Exit, Input, Machine, Run},
    types::{ProcessId, SessionName, SessionView},
};

use super::{AppError, front, plugin_folder, shutdown};
use crate::{
    changes::{self, Changes},
    chat::outbox::Outbox,
    cli::{ChatKind, Places},
    clock::Clock,
    control,
    hub::{self, Advisor, Desk, Doorway, Lines, Live, Lookout, Painter, Posts, Server},
    plugin::{self, Board, Plugs, ViewLimits},
    process::{self, Environment},
    reload::{self, Watched},
    roster::Roster,
    session::{Ports, Setup},
    store::{self, Contents},
    supply::{NO_STANDARD, STANDARD, Supply},
};

/// What was decided before the runtime started.
pub struct Plan {
    pub places: Places,
    pub config: Live,
    pub kind: ChatKind,
    pub environment: Environment,
}

/// Runs the board until a signal, the chat's end, or a failure.
pub async fn serve(plan: Plan) -> Result<(), AppError> {
    let clock = Clock::system();
    let config = plan.config.clone();
    let (store, contents) = store::open(&plan.places.state)?;
    let folder = plugin_folder(&plan.places, &config.now());
    // The watch begins before anything is read, so that nothing slips in between.
    let (watcher, changed) = reload::watch(Watched { config: plan.places.config.clone(), plugins: folder.clone() })?;
    let (cache, parallel) = (plan.places.state.join("cache"), config.now().plugins.parallel);
    let plugs = Arc::new(Plugs::start(cache, plugin::THIS_PROGRAM.into(), parallel)?);
    let supply = Supply { plugs: Arc::clone(&plugs), store: Some(store.clone()), folder: folder.clone() };
    plug_in(&supply, &config, clock).await;

    let (intake, accepted) = hub::intake();
    let front_end = front::name(plan.kind);
    let doorway = Arc::new(Doorway { store: store.clone(), intake: intake.clone(), front_end });
    let mut front = front::open(&plan, doorway, clock)?;
    front.greet(&plan.places, folder.as_deref());
    let (outbox, sending) = Outbox::new(Arc::clone(&front.chat), Arc::new(store.clone()));
    let sending = tokio::spawn(sending);
    let posts = Posts::new(store.clone(), Arc::new(outbox.clone()));
    let Contents { host_id, sessions, places, inbox, outbox: unsent } = contents;
    let known: Vec<(SessionName, ProcessId)> =
        sessions.iter().filter_map(|one| Some((one.name.clone(), one.process.clone()?))).collect();
    let views: Vec<SessionView> =
        sessions.into_iter().map(|record| Machine::new(record.clone(), config.settings(&record)).view()).collect();
    let roster = Arc::new(Roster::new(views, places));
    let advisor = Arc::new(Advisor {
        plugs: Arc::clone(&plugs),
        config: config.clone(),
        roster: Arc::clone(&roster),
        board: OnceLock::new(),
    });
    let ports = Ports {
        clock,
        environment: plan.environment.clone(),
        host_id: host_id.as_str().into(),
        ledger: Arc::new(store.clone()),
        advisor: Arc::new(Arc::clone(&advisor)),
        setup: Arc::new(config.clone()),
    };
    let limits = front.chat.limits();
    let painter = Painter {
        plugs: Arc::clone(&plugs),
        posts: posts.clone(),
        clock,
        limits: ViewLimits {
            front_end: front_end.to_owned(),
            text_units: u32::try_from(limits.text_units).unwrap_or(u32::MAX),
        },
    };
    let desk = Arc::new(Desk {
        clock,
        config: config.clone(),
        plugs: Arc::clone(&plugs),
        lines: Lines::new(Arc::clone(&roster), ports, painter),
        posts: posts.clone(),
        store: store.clone(),
        state: plan.places.state.clone(),
    });
    let board: Arc<dyn Board> = Arc::clone(&desk) as Arc<dyn Board>;
    drop(advisor.board.set(Arc::downgrade(&board)));

    let server = Arc::new(Server {
        plugs: Arc::clone(&plugs),
        desk: Arc::clone(&desk),
        posts: posts.clone(),
        store: store.clone(),
    });
    hub::Outlet::post(&outbox, unsent);
    let serving = hub::spawn(Arc::clone(&server), accepted);
    let (anew, revived) = hub::sort(inbox);
    let anew = server.drop_stale(anew).await;
    desk.lines().revive(revived).await;
    drop(intake.send(anew).await);
    tokio::spawn(sweep(Arc::clone(&desk), host_id, known));
    let control = control::serve(&plan.places.state, roster, Arc::clone(&plugs))?;

    outbox.menu(changes::menu(&plugs.table()));
    let changes = Changes {
        config: config.clone(),
        desk: Arc::clone(&desk),
        supply,
        posts,
        clock,
        front_end,
        config_path: plan.places.config.clone(),
        outbox: outbox.clone(),
        told: None,
    };
    tokio::spawn(changes.run(changed));

    let end = shutdown::wait(&mut front).await;
    front.hang_up();
    let lookout = Lookout { desk: Arc::clone(&desk) };
    let down = shutdown::Down { lookout, desk, outbox, sending, serving, drain: config.now().console.drain };
    let ended = down.take(end).await;
    front.close().await;
    drop(watcher);
    control.abort();
    store.close().await;
    ended
}

async fn plug_in(supply: &Supply, config: &Live, clock: Clock) {
    if STANDARD.is_empty() {
        tracing::error!("{NO_STANDARD}");
    }
    for (name, refused) in supply.plug_all(&|name| config.plugin(name), clock.now()).await {
        tracing::warn!(plugin = name, why = %refused, "not plugged in");
    }
}

/// Ends what a killed host left behind. Sessions whose old agent still dies queue meanwhile; nothing else waits.
async fn sweep(desk: Arc<Desk>, host_id: String, known: Vec<(SessionName, ProcessId)>) {
    let swept = process::sweep(&host_id, &known).await;
    if swept.ended + swept.left > 0 {
        tracing::warn!(ended = swept.ended, left = swept.left, "ended agents that a killed host had left behind");
    }
    let left: HashSet<SessionName> = known.into_iter().map(|(name, _)| name).collect();
    for name in left {
        if let Some(line) = desk.lines().get(&name) {
            let exit = Exit::Ended { status: "left behind by a killed host".to_owned(), last_words: None };
            line.send(Input::Exit { run: Run::LEFT_OVER, exit }).await;
        }
    }
}
