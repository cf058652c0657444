//! What the forgers of workflow steps and those of functions share: the start
//! of their scripts, and how what they print is judged.

/// What every script in Python begins with.
pub(crate) const PRELUDE: &str = include_str!("attempts.py");

/// Asserts that nothing was forged and that each attempt was stopped as its line
/// says: `NAME stopped ERROR`, where `|` parts errors that stop it in different
/// mechanisms.
pub(crate) fn assert_stopped(said: &str, stopped: &[&str]) {
    assert!(!said.contains("forged"), "{said}");
    for line in stopped {
        let mut alternatives = line.split('|');
        let first = alternatives.next().unwrap_or_default();
        let stem = first.rsplit_once(' ').map_or("", |(stem, _)| stem);
        let found = said.lines().any(|it| it == first)
            || alternatives.any(|error| said.lines().any(|it| it == format!("{stem} {error}")));
        assert!(found, "{line} in {said}");
    }
}
