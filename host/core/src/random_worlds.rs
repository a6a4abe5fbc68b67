//! Random numbers and seeds for tests that feed a state machine with random inputs. A run of such a test with one seed
//! is called a world. `CORDBOARD_WORLDS` sets the number of worlds, and `CORDBOARD_SEED` the first seed.

use std::ops::Range;

/// The random number generator SplitMix64, which is small and returns the same numbers on every platform.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    pub fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }

    pub fn pick<T: Clone>(&mut self, among: &[T]) -> T {
        let index = usize::try_from(self.roll(among.len() as u64)).expect("a small number");
        among[index].clone()
    }
}

/// Returns the seeds of the worlds to run. Their number is the value of `CORDBOARD_WORLDS`, or `default` if it isn't
/// set.
pub fn seeds(default: u64) -> Range<u64> {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let first = number("CORDBOARD_SEED", 0);
    first..first + number("CORDBOARD_WORLDS", default)
}
