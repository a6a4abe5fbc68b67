//! Checks the order in which the hub starts the updates of one place.

/// The updates of one place.
#[derive(Default)]
pub struct Arrivals {
    /// The updates that were accepted but not started, in order. The flag marks immediate commands.
    waiting: Vec<(i64, bool)>,
    /// The updates that are being handled, in the order of their start.
    pub running: Vec<i64>,
    /// The last started update that isn't an immediate command.
    last: Option<i64>,
}

impl Arrivals {
    pub fn accept(&mut self, id: i64, is_immediate: bool) {
        self.waiting.push((id, is_immediate));
    }

    /// Records that the hub has started an update. Updates other than immediate commands must start in order, and only
    /// while no other update of the place is being handled.
    ///
    /// # Errors
    /// Returns the rule that the start violates.
    pub fn start(&mut self, id: i64) -> Result<(), &'static str> {
        let at = self.waiting.iter().position(|(waiting, _)| *waiting == id);
        let at = at.ok_or("an accepted update starts once")?;
        let (_, is_immediate) = self.waiting.remove(at);
        if !is_immediate {
            if !self.running.is_empty() {
                return Err("the updates of a place are handled one at a time");
            }
            if self.last.is_some_and(|last| last > id) {
                return Err("the updates of a place start in order");
            }
            self.last = Some(id);
        }
        self.running.push(id);
        Ok(())
    }

    /// Returns whether each accepted update has started.
    pub fn all_have_started(&self) -> bool {
        self.waiting.is_empty()
    }
}
