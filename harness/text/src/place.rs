//! Places in a text.

use std::fmt;

/// Line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl Place {
    /// The start of a text.
    pub const START: Self = Self { line: 1, column: 1 };

    /// The place of an offset in bytes. To place many, see [`Lines`].
    #[must_use]
    pub fn of(text: &str, at: usize) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Self { line, column }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Gives the places of many offsets of one text. Offsets in rising order cost
/// one pass over the text, even where it is one long line.
#[derive(Debug)]
pub struct Lines<'a> {
    text: &'a str,
    /// Where lines start.
    starts: Vec<usize>,
    /// The last offset that was placed, with its place.
    last: (usize, Place),
}

impl<'a> Lines<'a> {
    /// Of a text.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
        Self { text, starts: starts.collect(), last: (0, Place::START) }
    }

    /// The place of an offset in bytes.
    pub fn place(&mut self, at: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|line| self.starts.get(line)).copied();
        let (known, column) = match self.last {
            (known, place) if place.line == line && known <= at => (known, place.column),
            _ => (start.unwrap_or(0), 1),
        };
        let between = self.text.get(known..at).unwrap_or("");
        let place = Place { line, column: column + between.chars().count() };
        self.last = (at, place);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_give_the_same_place_in_any_order() {
        let text = "aé\n\n漢字 b\nc";
        let offsets: Vec<usize> =
            text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let mut lines = Lines::new(text);
        for at in offsets.iter().chain(offsets.iter().rev()).copied() {
            assert_eq!(lines.place(at), Place::of(text, at), "at {at}");
        }
        assert_eq!(lines.place(text.find('b').unwrap_or_default()), Place { line: 3, column: 4 });
    }
}
