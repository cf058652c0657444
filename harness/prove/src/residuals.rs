//! Values of a variable that make the text around it like what others say in its place.

use std::collections::{BTreeSet, HashMap};

use crate::encode::Scope;

/// Values that are looked for, at most: of more than are tried none counts.
const ENOUGH: usize = 1_024;

/// Values of a variable that make the text around it like what it is compared
/// with: what others say in its place.
pub(crate) fn residuals(lower: &str, scope: &Scope<'_, '_>, place: usize) -> Vec<String> {
    let mut words = BTreeSet::from([format!("v{place}q"), "x/x".to_owned(), String::new()]);
    let sources: Vec<&str> = scope
        .statements
        .iter()
        .flat_map(|one| one.resources())
        .map(|pattern| resource_part(pattern.source()))
        .collect();
    around(&sources, lower, &mut words);
    let mut by_key: HashMap<&str, Vec<&str>> = HashMap::new();
    for condition in scope.statements.iter().flat_map(|one| one.conditions()) {
        let values = by_key.entry(condition.lower_key()).or_default();
        values.extend(condition.values().iter().map(|text| &**text));
    }
    for sources in by_key.values() {
        around(sources, lower, &mut words);
    }
    words.into_iter().collect()
}

/// What follows the fifth colon that is not in a variable.
pub(crate) fn resource_part(source: &str) -> &str {
    let (mut inside, mut colons) = (false, 0);
    for (place, byte) in source.bytes().enumerate() {
        match byte {
            b'{' => inside = true,
            b'}' => inside = false,
            b':' if !inside => colons += 1,
            _ => {}
        }
        if colons == 5 {
            return source.get(place + 1..).unwrap_or("");
        }
    }
    source
}

fn around(sources: &[&str], lower: &str, words: &mut BTreeSet<String>) {
    for source in sources {
        let Some((before, after)) = split_at_variable(source, lower) else { continue };
        let before = before.rsplit(['*', '?', '}']).next().unwrap_or("");
        let after = after.split(['*', '?', '$']).next().unwrap_or("");
        for other in sources {
            if words.len() > ENOUGH {
                return;
            }
            let plain = without_variables(other);
            let starts = plain.match_indices(before).map(|(at, _)| at + before.len());
            for start in starts.take(8).collect::<Vec<_>>() {
                let rest = plain.get(start..).unwrap_or("");
                let mut ends = vec![rest.len()];
                if !after.is_empty() {
                    ends.extend(rest.match_indices(after).map(|(at, _)| at).take(8));
                }
                for end in ends {
                    let word = rest.get(..end).unwrap_or("");
                    words.insert(word.replace('*', "").replace('?', "x"));
                    words.insert(word.replace(['*', '?'], "x"));
                }
            }
        }
    }
}

/// What stands before and after a variable.
fn split_at_variable<'t>(text: &'t str, lower: &str) -> Option<(&'t str, &'t str)> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find("${").map(|at| at + from) {
        let rest = text.get(at + 2..)?;
        let end = rest.find('}')?;
        let name = rest.get(..end)?.split(',').next()?.trim();
        if name.eq_ignore_ascii_case(lower) {
            return Some((text.get(..at)?, rest.get(end + 1..)?));
        }
        from = at + 2;
    }
    None
}

/// Each variable stands for some text.
pub(crate) fn without_variables(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        out.push('*');
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    out + rest
}
