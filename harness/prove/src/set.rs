//! Sets of numbers below a bound: of the classes of one variable.

/// A set of numbers below its size.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Set {
    bits: Box<[u64]>,
    size: u32,
}

impl Set {
    pub(crate) fn empty(size: usize) -> Self {
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        Self { bits: vec![0; size.div_ceil(64) as usize].into(), size }
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
        if member < self.size as usize
            && let Some(word) = self.bits.get_mut(member / 64)
        {
            *word |= 1 << (member % 64);
        }
    }

    pub(crate) fn contains(&self, member: usize) -> bool {
        self.bits.get(member / 64).is_some_and(|word| word >> (member % 64) & 1 == 1)
    }

    fn zip(&self, other: &Self, word: impl Fn(u64, u64) -> u64) -> Self {
        let bits = self.bits.iter().zip(&other.bits).map(|(a, b)| word(*a, *b));
        Self { bits: bits.collect(), size: self.size }
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a & !b)
    }

    pub(crate) fn complement(&self) -> Self {
        let mut bits: Box<[u64]> = self.bits.iter().map(|word| !word).collect();
        let rest = self.size % 64;
        if let (Some(last), true) = (bits.last_mut(), rest > 0) {
            *last &= (1 << rest) - 1;
        }
        Self { bits, size: self.size }
    }

    /// The number that every member is below.
    pub(crate) fn bound(&self) -> usize {
        self.size as usize
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bits.iter().all(|word| *word == 0)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() == self.size as usize
    }

    pub(crate) fn is_subset(&self, other: &Self) -> bool {
        self.bits.iter().zip(&other.bits).all(|(a, b)| a & !b == 0)
    }

    pub(crate) fn is_disjoint(&self, other: &Self) -> bool {
        self.bits.iter().zip(&other.bits).all(|(a, b)| a & b == 0)
    }

    pub(crate) fn len(&self) -> usize {
        self.bits.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The members, the smallest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        (0..self.size as usize).filter(|member| self.contains(*member))
    }

    pub(crate) fn first(&self) -> Option<usize> {
        self.iter().next()
    }
}
