//! Sets of numbers below a bound: of the classes of one variable.

/// A set of numbers below its size.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Set {
    /// The first 64 of them: most sets need no more.
    first: u64,
    rest: Box<[u64]>,
    size: u32,
}

impl Set {
    pub(crate) fn empty(size: usize) -> Self {
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        let words = (size.div_ceil(64) as usize).saturating_sub(1);
        Self { first: 0, rest: vec![0; words].into(), size }
    }

    pub(crate) fn full(size: usize) -> Self {
        Self::empty(size).complement()
    }

    pub(crate) fn of(size: usize, members: impl IntoIterator<Item = usize>) -> Self {
        let mut set = Self::empty(size);
        for member in members {
            set.insert(member);
        }
        set
    }

    pub(crate) fn insert(&mut self, member: usize) {
        let word = match member / 64 {
            0 => Some(&mut self.first),
            word => self.rest.get_mut(word - 1),
        };
        if let Some(word) = word.filter(|_| member < self.size as usize) {
            *word |= 1 << (member % 64);
        }
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        std::iter::once(self.first).chain(self.rest.iter().copied())
    }

    pub(crate) fn contains(&self, member: usize) -> bool {
        let word = match member / 64 {
            0 => Some(&self.first),
            word => self.rest.get(word - 1),
        };
        word.is_some_and(|word| word >> (member % 64) & 1 == 1)
    }

    fn zip(&self, other: &Self, word: impl Fn(u64, u64) -> u64) -> Self {
        let rest = self.rest.iter().zip(&other.rest).map(|(a, b)| word(*a, *b));
        Self { first: word(self.first, other.first), rest: rest.collect(), size: self.size }
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    pub(crate) fn complement(&self) -> Self {
        let mut out = self.zip(self, |word, _| !word);
        let rest = self.size % 64;
        let last = out.rest.last_mut().unwrap_or(&mut out.first);
        if rest > 0 {
            *last &= (1 << rest) - 1;
        } else if self.size == 0 {
            *last = 0;
        }
        out
    }

    /// The number that every member is below.
    pub(crate) fn bound(&self) -> usize {
        self.size as usize
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words().all(|word| word == 0)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() == self.size as usize
    }

    pub(crate) fn is_subset(&self, other: &Self) -> bool {
        self.words().zip(other.words()).all(|(a, b)| a & !b == 0)
    }

    pub(crate) fn is_disjoint(&self, other: &Self) -> bool {
        self.words().zip(other.words()).all(|(a, b)| a & b == 0)
    }

    pub(crate) fn len(&self) -> usize {
        self.words().map(|word| word.count_ones() as usize).sum()
    }

    /// The members, the smallest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        (0..self.size as usize).filter(|member| self.contains(*member))
    }

    pub(crate) fn first(&self) -> Option<usize> {
        self.iter().next()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    fn what_is_in_a_set_is_not_in_its_complement(
        #[values(0, 1, 63, 64, 65, 128, 130)] size: usize,
    ) {
        let set = Set::of(size, (0..size + 9).filter(|member| member % 3 == 0));
        let rest = set.complement();
        assert_eq!(set.iter().collect::<Vec<_>>(), (0..size).step_by(3).collect::<Vec<_>>());
        assert!(set.is_disjoint(&rest) && set.union(&rest).is_full());
        assert_eq!(set.len() + rest.len(), size);
        assert_eq!(rest.complement(), set);
        assert_eq!(rest.first(), (1 < size).then_some(1));
    }
}
