//! Which refs and files start a workflow
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet>).

/// What a trigger says of refs and of the files that changed. Which files did
/// is not known here: a filter of paths lets every push pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) branches: Option<Vec<String>>,
    pub(super) branches_ignore: Option<Vec<String>>,
    pub(super) tags: Option<Vec<String>>,
    pub(super) tags_ignore: Option<Vec<String>>,
    pub(super) paths: Option<Vec<String>>,
    pub(super) paths_ignore: Option<Vec<String>>,
}

impl Filter {
    /// Whether a push to this ref passes.
    pub(super) fn passes(&self, git_ref: &str) -> bool {
        let branches = (&self.branches, &self.branches_ignore);
        let tags = (&self.tags, &self.tags_ignore);
        let (own, other, name) = match git_ref.strip_prefix("refs/tags/") {
            Some(tag) => (tags, branches, tag),
            None => (branches, tags, git_ref.strip_prefix("refs/heads/").unwrap_or(git_ref)),
        };
        match own {
            (Some(patterns), _) => any(patterns, name),
            (None, Some(patterns)) => !any(patterns, name),
            // A filter for branches alone leaves tags out, and the reverse.
            (None, None) => other.0.is_none() && other.1.is_none(),
        }
    }
}

/// The last pattern that matches decides; `!` takes back.
fn any(patterns: &[String], name: &str) -> bool {
    patterns.iter().fold(false, |passes, pattern| match pattern.strip_prefix('!') {
        Some(pattern) if matches(pattern, name) => false,
        None if matches(pattern, name) => true,
        _ => passes,
    })
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    One(char),
    /// Any of these ranges.
    Class(Vec<(char, char)>),
    /// Anything but a slash.
    Star,
    /// Anything.
    Stars,
}

/// How often a piece may stand.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Times {
    Once,
    Maybe,
    Some,
}

/// GitHub's patterns: `*` is anything but a slash, `**` anything, `?` makes what
/// is before it optional, `+` repeats it, `[…]` is one of some letters, and a
/// backslash takes the meaning from what follows.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let pieces = pieces(pattern);
    let letters: Vec<char> = name.chars().collect();
    // All the places in the name that the pieces so far can lead to: of the
    // work there is no more than pieces times letters.
    let mut reached = vec![false; letters.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for (piece, times) in &pieces {
        reached = step(piece, *times, &letters, &reached);
    }
    reached.last().copied().unwrap_or_default()
}

fn step(piece: &Piece, times: Times, letters: &[char], from: &[bool]) -> Vec<bool> {
    let fits = |letter: char| match piece {
        Piece::One(one) => *one == letter,
        Piece::Class(ranges) => ranges.iter().any(|(low, high)| (*low..=*high).contains(&letter)),
        Piece::Star => letter != '/',
        Piece::Stars => true,
    };
    let many = matches!(piece, Piece::Star | Piece::Stars);
    let mut next = Vec::with_capacity(from.len());
    let mut before = false;
    for (at, here) in from.iter().enumerate() {
        let letter = at.checked_sub(1).and_then(|at| letters.get(at));
        let started = at.checked_sub(1).and_then(|at| from.get(at)).copied().unwrap_or_default();
        let repeats = many || times == Times::Some;
        let arrived = letter.is_some_and(|it| fits(*it)) && (started || (repeats && before));
        let reached = arrived || ((many || times == Times::Maybe) && *here);
        next.push(reached);
        before = reached;
    }
    next
}

fn pieces(pattern: &str) -> Vec<(Piece, Times)> {
    let mut found: Vec<(Piece, Times)> = Vec::new();
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        let piece = match letter {
            '*' if letters.next_if_eq(&'*').is_some() => {
                // `**/a` is `a` too.
                if letters.next_if_eq(&'/').is_some() {
                    found.push((Piece::Stars, Times::Once));
                    found.push((Piece::One('/'), Times::Maybe));
                    continue;
                }
                Piece::Stars
            }
            '*' => Piece::Star,
            '?' | '+' if !found.is_empty() => {
                if let Some((_, times)) = found.last_mut() {
                    *times = if letter == '?' { Times::Maybe } else { Times::Some };
                }
                continue;
            }
            '[' => {
                let class: String = letters.by_ref().take_while(|it| *it != ']').collect();
                Piece::Class(ranges(&class))
            }
            '\\' => Piece::One(letters.next().unwrap_or('\\')),
            other => Piece::One(other),
        };
        found.push((piece, Times::Once));
    }
    found
}

/// `CDM0-9`
fn ranges(class: &str) -> Vec<(char, char)> {
    let mut found = Vec::new();
    let mut letters = class.chars().peekable();
    while let Some(low) = letters.next() {
        let mut ahead = letters.clone();
        match (ahead.next(), ahead.next()) {
            (Some('-'), Some(high)) => {
                found.push((low, high));
                letters = ahead;
            }
            _ => found.push((low, low)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&["main"], "refs/heads/main", true)]
    #[case(&["main"], "refs/heads/feature", false)]
    #[case(&["main"], "refs/tags/main", false)]
    #[case(&["release/*"], "refs/heads/release/1", true)]
    #[case(&["release/*"], "refs/heads/release/1/2", false)]
    #[case(&["release/**"], "refs/heads/release/1/2", true)]
    #[case(&["**", "!main"], "refs/heads/main", false)]
    #[case(&["*feature"], "refs/heads/my-feature", true)]
    #[case(&["v2*"], "refs/heads/v2.0", true)]
    #[case(&["v[12].[0-9]+.[0-9]+"], "refs/heads/v1.10.1", true)]
    #[case(&["v[12].[0-9]+.[0-9]+"], "refs/heads/v3.1.1", false)]
    #[case(&["*.jsx?"], "refs/heads/page.js", true)]
    #[case(&["*.jsx?"], "refs/heads/page.jsx", true)]
    #[case(&["**/docs"], "refs/heads/docs", true)]
    #[case(&["**/docs"], "refs/heads/a/b/docs", true)]
    #[case(&["a\\*b"], "refs/heads/a*b", true)]
    #[case(&["a\\*b"], "refs/heads/acb", false)]
    fn branches_filter_pushes(
        #[case] branches: &[&str],
        #[case] git_ref: &str,
        #[case] passes: bool,
    ) {
        let branches = branches.iter().map(|branch| (*branch).to_owned()).collect();
        let filter = Filter { branches: Some(branches), ..Filter::default() };
        assert_eq!(filter.passes(git_ref), passes);
    }

    #[test]
    fn no_filter_lets_every_push_pass() {
        assert!(
            Filter::default().passes("refs/heads/x") && Filter::default().passes("refs/tags/y")
        );
    }

    #[test]
    fn a_filter_of_tags_leaves_branches_out() {
        let filter = Filter { tags_ignore: Some(vec!["v1".to_owned()]), ..Filter::default() };
        assert!(!filter.passes("refs/heads/main"));
        assert!(!filter.passes("refs/tags/v1") && filter.passes("refs/tags/v2"));
    }

    #[test]
    fn a_hostile_pattern_ends() {
        let pattern = "*a".repeat(2000);
        assert!(!matches(&pattern, &"a".repeat(1999)));
        assert!(matches(&pattern, &"a".repeat(2000)));
    }
}
