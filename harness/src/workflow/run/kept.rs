//! What is kept of a step's output: its beginning and its end.

use std::collections::VecDeque;
use std::mem::size_of;

/// How much of the beginning is kept, in bytes; each line counts with what it
/// takes in memory.
const HEAD: usize = 1024 * 1024;

/// How much of the end.
const TAIL: usize = 3 * 1024 * 1024;

/// The first and the last lines of an output, however much there is of it.
#[derive(Debug, Default)]
pub(super) struct Kept {
    head: Vec<String>,
    tail: VecDeque<String>,
    /// The size of the first lines; they are whole as soon as one found no place.
    first: usize,
    last: usize,
    lines: usize,
    bytes: usize,
}

impl Kept {
    /// Takes a line that was printed.
    pub(super) fn push(&mut self, line: &str) {
        let own = size(line);
        if self.tail.is_empty() && self.first.saturating_add(own) <= HEAD {
            self.first = self.first.saturating_add(own);
            self.head.push(line.to_owned());
            return;
        }
        self.last = self.last.saturating_add(own);
        self.tail.push_back(line.to_owned());
        while self.last > TAIL {
            let Some(oldest) = self.tail.pop_front() else { break };
            self.last = self.last.saturating_sub(size(&oldest));
            self.lines = self.lines.saturating_add(1);
            self.bytes = self.bytes.saturating_add(oldest.len());
        }
    }

    /// The lines in their order, with a note where some are left out.
    pub(super) fn into_lines(self) -> impl Iterator<Item = String> {
        let note = (self.lines > 0).then(|| {
            format!(
                "… {} lines ({} bytes) are left out: of a step's output Ringfence keeps the first \
                 {} MiB and the last {} MiB",
                self.lines,
                self.bytes,
                HEAD >> 20,
                TAIL >> 20
            )
        });
        self.head.into_iter().chain(note).chain(self.tail)
    }
}

fn size(line: &str) -> usize {
    line.len().saturating_add(size_of::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_output_is_kept_whole_and_in_order() {
        let mut kept = Kept::default();
        let lines: Vec<String> = (0..40_000).map(|each| format!("line {each}")).collect();
        lines.iter().for_each(|line| kept.push(line));
        assert!(!kept.tail.is_empty(), "more than the head");
        assert_eq!(kept.into_lines().collect::<Vec<_>>(), lines);
    }

    #[test]
    fn of_a_long_output_the_first_and_the_last_lines_are_kept_with_a_note_between() {
        let mut kept = Kept::default();
        let mut printed = 0;
        for each in 0..1_000_000 {
            let line = format!("{each:>40}");
            printed += line.len();
            kept.push(&line);
            assert!(kept.first <= HEAD && kept.last <= TAIL);
        }
        let (first, last, out) = (kept.head.len(), kept.tail.len(), kept.lines);
        assert_eq!((first, last, out), (16_384, 49_152, 934_464));
        let lines: Vec<String> = kept.into_lines().collect();
        assert_eq!(lines[0].trim(), "0");
        assert_eq!(
            lines[first],
            "… 934464 lines (37378560 bytes) are left out: of a step's output Ringfence keeps the \
             first 1 MiB and the last 3 MiB"
        );
        assert_eq!(lines[first + 1].trim(), "950848");
        assert_eq!(lines.last().unwrap().trim(), "999999");
        assert_eq!(printed, 40_000_000);
    }

    #[test]
    fn empty_lines_count_too() {
        let mut kept = Kept::default();
        (0..1_000_000).for_each(|_| kept.push(""));
        assert_eq!(kept.lines, 1_000_000 - (HEAD + TAIL) / size_of::<String>());
    }
}
