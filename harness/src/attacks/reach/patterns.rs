//! Resource patterns: where a grant and a limit overlap.

use ringfence_policy::Wildcard;
use ringfence_policy::catalog::{self, Action};

use super::grants::Grant;

/// The six parts of two ARNs, where both are ARNs: IAM compares them part by
/// part, so that a `*` does not reach over a colon but in the last.
fn parts<'a>(one: &'a str, other: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let split = |text: &'a str| text.splitn(6, ':').collect::<Vec<_>>();
    let (one, other) = (split(one), split(other));
    (one.len() == 6 && other.len() == 6).then(|| one.into_iter().zip(other).collect())
}

fn fits(pattern: &str, text: &str) -> bool {
    Wildcard::of_text(pattern).matches(text)
}

/// Whether a resource pattern covers another.
fn covers(pattern: &str, other: &str) -> bool {
    match parts(pattern, other) {
        Some(parts) => parts.into_iter().all(|(pattern, part)| fits(pattern, part)),
        None => fits(pattern, other),
    }
}

/// Whether some resource fits both patterns.
fn overlap(one: &str, other: &str) -> bool {
    match parts(one, other) {
        Some(parts) => parts.into_iter().all(|(one, other)| meet(one, other)),
        None => meet(one, other),
    }
}

/// Whether some text fits both patterns.
fn meet(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    // reached[i][j]: whether a text can use up i of the one and j of the other.
    let mut reached = vec![vec![false; other.len() + 1]; one.len() + 1];
    let mut open = vec![(0, 0)];
    while let Some((i, j)) = open.pop() {
        let Some(seen) = reached.get_mut(i).and_then(|row| row.get_mut(j)) else { continue };
        if std::mem::replace(seen, true) {
            continue;
        }
        match (one.get(i), other.get(j)) {
            (Some('*'), Some(_)) => open.extend([(i + 1, j), (i, j + 1)]),
            (Some(_), Some('*')) => open.extend([(i, j + 1), (i + 1, j)]),
            (Some('*'), None) => open.push((i + 1, j)),
            (None, Some('*')) => open.push((i, j + 1)),
            (Some('?'), Some(_)) | (Some(_), Some('?')) => open.push((i + 1, j + 1)),
            (Some(a), Some(b)) if a == b => open.push((i + 1, j + 1)),
            (Some(_) | None, _) => {}
        }
    }
    reached.last().and_then(|row| row.last()) == Some(&true)
}

/// The patterns on which a grant, and a limit where there is one, allow an
/// action that acts upon these [`kinds`].
pub(super) fn within(grant: &Grant, limit: Option<&Grant>, kinds: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for kind in kinds {
        for own in resources(grant) {
            let Some(own) = narrower(kind, own) else { continue };
            let limits = limit.map_or_else(|| vec!["*"], resources);
            found.extend(limits.into_iter().filter_map(|limit| narrower(&own, limit)));
        }
    }
    found
}

/// The ARNs that an action acts upon; `*` for one that takes no resource.
pub(super) fn kinds(action: &Action, name: &str) -> Vec<String> {
    if action.takes_only_everything() {
        return vec!["*".to_owned()];
    }
    let service = name.split_once(':').and_then(|(prefix, _)| catalog::service(prefix));
    let types = action.resources.iter().filter_map(|used| service?.resource_type(used.name));
    types.flat_map(|kind| kind.arn.iter().map(|arn| starred(arn))).collect()
}

/// An ARN of the catalogue with `*` for its variables.
fn starred(arn: &str) -> String {
    let mut out = String::new();
    let mut rest = arn;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        out.push('*');
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out
}

/// What a statement says of resources; one that excludes some says `*`, and
/// the engine sorts out the rest.
fn resources(grant: &Grant) -> Vec<&str> {
    match grant.all_but_resources {
        true => vec!["*"],
        false => grant.resources.iter().map(String::as_str).collect(),
    }
}

/// The narrower of two patterns that overlap. Of two that overlap only in part
/// the second is taken, which is the policies'.
fn narrower(one: &str, other: &str) -> Option<String> {
    if one == other || covers(other, one) {
        return Some(one.to_owned());
    }
    overlap(one, other).then(|| other.to_owned())
}

/// Whether a Deny speaks of some of a pattern.
pub(super) fn touches(deny: &Grant, pattern: &str) -> bool {
    if deny.all_but_resources {
        return !deny.resources.iter().any(|kept| covers(kept, pattern));
    }
    deny.resources.iter().any(|denied| overlap(denied, pattern))
}

/// Patterns without those that another covers.
pub(super) fn widest(patterns: Vec<String>) -> Vec<String> {
    let covered =
        |pattern: &String| patterns.iter().any(|other| other != pattern && covers(other, pattern));
    let mut kept: Vec<String> =
        patterns.iter().filter(|pattern| !covered(pattern)).cloned().collect();
    kept.sort();
    kept.dedup();
    kept
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("a*", "*z", true)]
    #[case("a*c", "ab*", true)]
    #[case("a", "b", false)]
    #[case("role/app-*", "role/Git*", false)]
    #[case("arn:*:lambda:*:*:function:*", "arn:aws:lambda:us-east-1:1:function:a:*", true)]
    #[case("arn:*:s3:::*/*", "arn:aws:lambda:*:*:function:a/b", false)]
    fn two_patterns_overlap(#[case] one: &str, #[case] other: &str, #[case] both: bool) {
        assert_eq!(overlap(one, other), both);
        assert_eq!(overlap(other, one), both);
    }
}
