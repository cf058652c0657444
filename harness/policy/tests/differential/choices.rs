//! Random choices that can be repeated and made simpler: a case is what a list
//! of numbers makes of it, so that a shorter list, or one of smaller numbers,
//! is a simpler case. Choices past the end of a list are 0.

/// Where the choices of a case come from.
pub(crate) struct Choices {
    random: Option<u64>,
    made: Vec<u32>,
    next: usize,
}

impl Choices {
    /// New choices, the same for the same seed.
    pub(crate) fn random(seed: u64) -> Self {
        Self { random: Some(seed), made: Vec::new(), next: 0 }
    }

    /// Choices made before.
    pub(crate) fn repeat(made: &[u32]) -> Self {
        Self { random: None, made: made.to_vec(), next: 0 }
    }

    /// What was chosen.
    pub(crate) fn made(self) -> Vec<u32> {
        self.made
    }

    /// A number below `count`.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        let choice = match &mut self.random {
            Some(state) => {
                let choice = u32::try_from(splitmix(state) >> 32).unwrap();
                self.made.push(choice % u32::try_from(count).unwrap());
                choice
            }
            None => self.made.get(self.next).copied().unwrap_or(0),
        };
        self.next += 1;
        usize::try_from(choice).unwrap() % count
    }

    /// One of them; the first is the simplest.
    pub(crate) fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    /// True once in `times`.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    /// So many of them, in their order.
    pub(crate) fn list<T>(
        &mut self,
        least: usize,
        most: usize,
        mut one: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        let count = least + self.below(most - least + 1);
        (0..count).map(|_| one(self)).collect()
    }
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators".
pub(crate) fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The simplest list that still fails: parts are left out, then numbers made
/// smaller, until nothing helps.
pub(crate) fn simplest(mut made: Vec<u32>, fails: impl Fn(&[u32]) -> bool) -> Vec<u32> {
    loop {
        let before = made.clone();
        let mut length = made.len().next_power_of_two();
        while length > 0 {
            let mut at = 0;
            while at < made.len() {
                let end = (at + length).min(made.len());
                let shorter: Vec<u32> = [&made[..at], &made[end..]].concat();
                if fails(&shorter) {
                    made = shorter;
                } else {
                    at += length;
                }
            }
            length /= 2;
        }
        for at in 0..made.len() {
            for smaller in 0..made[at] {
                let mut simpler = made.clone();
                simpler[at] = smaller;
                if fails(&simpler) {
                    made = simpler;
                    break;
                }
            }
        }
        if made == before {
            return made;
        }
    }
}
