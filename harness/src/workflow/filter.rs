//! Which events start a workflow.

/// What a trigger says of refs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) branches: Option<Vec<String>>,
    pub(super) branches_ignore: Option<Vec<String>>,
    pub(super) tags: Option<Vec<String>>,
}

impl Filter {
    /// Whether a push to this ref passes.
    pub(super) fn passes(&self, git_ref: &str) -> bool {
        if let Some(tag) = git_ref.strip_prefix("refs/tags/") {
            return match &self.tags {
                Some(patterns) => any(patterns, tag),
                // A filter for branches alone leaves tags out.
                None => self.branches.is_none() && self.branches_ignore.is_none(),
            };
        }
        let branch = git_ref.strip_prefix("refs/heads/").unwrap_or(git_ref);
        match (&self.branches, &self.branches_ignore) {
            (Some(patterns), _) => any(patterns, branch),
            (None, Some(patterns)) => !any(patterns, branch),
            (None, None) => self.tags.is_none(),
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

/// GitHub's patterns: `*` is anything but a slash, `**` anything.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.find('*') {
        None => pattern == name,
        Some(at) => {
            let (before, star) = pattern.split_at(at);
            let Some(rest) = name.strip_prefix(before) else { return false };
            let (deep, after) = match star.strip_prefix("**") {
                Some(after) => (true, after),
                None => (false, star.strip_prefix('*').unwrap_or_default()),
            };
            let end = if deep { rest.len() } else { rest.find('/').unwrap_or(rest.len()) };
            (0..=end)
                .filter(|at| rest.is_char_boundary(*at))
                .any(|at| rest.get(at..).is_some_and(|tail| matches(after, tail)))
        }
    }
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
}
