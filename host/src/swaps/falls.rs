//! Versions that fail in their probation: rolled back by themselves, and tried again after growing pauses.

use cordboard_core::config::spell_duration;

use super::{
    Plugged, Swaps,
    jobs::{Purpose, Tell},
};
use crate::{
    plugin::{Generation, Refused, short},
    supply::{held_off, next_chance},
};

/// What failed, and how.
pub struct Fallen {
    digest: String,
    /// How many of its calls failed within how long, and the last one's words.
    how: String,
}

/// How many calls failed, and the last one's words: before a restart too.
fn mishaps(generation: &Generation) -> (u32, String) {
    let counted = generation.probation.as_ref().map_or(0, |probation| probation.failed());
    let (seen, last) = generation.mishaps().unwrap_or_else(|| (0, "before the host's last start".to_owned()));
    (seen.max(counted), last)
}

impl Swaps {
    /// Calls of versions on probation failed: that is kept, so that no restart forgives it, and what fell is rolled back.
    pub(super) async fn on_failed(&mut self) {
        for (name, digest, failed) in self.plugs().take_failed() {
            self.stand(&name, |standing| standing.on_failed(&digest, failed)).await;
        }
        self.on_fallen().await;
    }

    async fn on_fallen(&mut self) {
        for generation in self.plugs().take_fallen() {
            let (count, last) = mishaps(&generation);
            let probation = generation.terms.probation;
            let how = format!(
                "{count} call{} failed within {} of its swap, the last one {last}",
                if count == 1 { "" } else { "s" },
                spell_duration(probation)
            );
            let (name, digest) = (generation.name.as_str(), generation.digest.as_str());
            tracing::warn!(plugin = name, digest = short(digest), how, "fell in its probation");
            match self.supply.before(name, digest).await {
                Some(version) => {
                    let now = self.clock.now();
                    let digests = (digest, version.digest.as_str());
                    let gives_way = self.jobs.is_other_file(name, digest);
                    self.stand(name, |standing| {
                        standing.on_fall(digests, &last, (now, probation));
                        if gives_way {
                            standing.on_put_off();
                        }
                    })
                    .await;
                    let fallen = Fallen { digest: digest.to_owned(), how };
                    self.start(name, version, Purpose::Fall(fallen)).await;
                }
                None => {
                    let text = format!(
                        "Plugin '{name}', version {}: {how}. There is no version to go back to, so it goes on; \
                         /plugins disable {name} switches it off.",
                        short(digest)
                    );
                    self.audience.tell(text, None).await;
                }
            }
        }
    }

    pub(super) async fn on_rolled_back(&mut self, plugged: Plugged, fallen: Fallen) {
        let Plugged { name, outcome, .. } = plugged;
        let Fallen { digest, how } = fallen;
        let (version, now) = (short(&digest).to_owned(), self.clock.now());
        if let Err(refused) = outcome {
            let text = format!(
                "Plugin '{name}', version {version}: {how}. It could not be rolled back, because the version before it was refused: \
                 {refused}.{}",
                self.goes_on(&name)
            );
            self.audience.tell(text, None).await;
            return self.audience.changed(&name).await;
        }
        let admission = self.supply.decided.standing(&name).admits(&digest, now);
        let chance = next_chance(&name, &digest, (&admission, now));
        let why = held_off(&name, &digest, (&admission, now)).unwrap_or_else(|| chance.clone());
        self.plugs().turn_away(&name, &digest, (&Refused::HeldOff(why), now)).await;
        let serving = self.serving(&name).unwrap_or_default();
        tracing::warn!(plugin = name, serving, "rolled back by itself");
        let text =
            format!("Plugin '{name}', version {version}, is rolled back: {how}.\nNow serves {serving}; {chance}.");
        self.audience.tell(text, None).await;
        self.audience.changed(&name).await;
    }

    /// The pause after a fall is over.
    pub(super) async fn on_due(&mut self, name: &str) {
        self.stand(name, |standing| standing.on_tried()).await;
        if self.supply.folder_fault().is_some() {
            return;
        }
        let serving = self.plugs().table().generation(name).map(|one| one.digest.clone());
        let Some(version) = self.supply.newest(name).filter(|one| serving.as_deref() != Some(&one.digest)) else {
            return;
        };
        if self.jobs.is_running(name) {
            return;
        }
        tracing::info!(plugin = name, digest = short(&version.digest), "tried again after a pause");
        self.start(name, version, Purpose::File(Tell::All)).await;
    }
}
