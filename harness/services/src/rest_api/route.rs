//! Which resource a request's path is of.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html>

use std::collections::BTreeMap;

/// How well a part of a resource's path fits: as it is written, as a parameter, as
/// what a greedy parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Written,
    Parameter,
    Greedy,
}

/// A resource that fits, and the values of its path's parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken<'r> {
    pub(super) path: &'r str,
    pub(super) parameters: BTreeMap<String, String>,
}

/// The resource of a path, of all by theirs: the one that says most of it, from its
/// beginning.
pub(super) fn take<'r>(paths: impl Iterator<Item = &'r str>, asked: &str) -> Option<Taken<'r>> {
    let asked = parts(asked);
    let fitting = paths.filter_map(|path| {
        let (fits, parameters) = fits(&parts(path), &asked)?;
        Some((fits, Taken { path, parameters }))
    });
    fitting.min_by(|one, other| one.0.cmp(&other.0)).map(|(_, taken)| taken)
}

fn parts(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty()).collect()
}

fn fits(own: &[&str], asked: &[&str]) -> Option<(Vec<Fit>, BTreeMap<String, String>)> {
    let mut fits = Vec::new();
    let mut parameters = BTreeMap::new();
    let mut rest = asked;
    for part in own {
        let (first, further) = rest.split_first()?;
        match part.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            None if part == first => fits.push(Fit::Written),
            None => return None,
            Some(name) => match name.strip_suffix('+') {
                Some(greedy) => {
                    fits.push(Fit::Greedy);
                    parameters.insert(greedy.to_owned(), rest.join("/"));
                    return Some((fits, parameters));
                }
                None => {
                    fits.push(Fit::Parameter);
                    parameters.insert(name.to_owned(), (*first).to_owned());
                }
            },
        }
        rest = further;
    }
    rest.is_empty().then_some((fits, parameters))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const PATHS: [&str; 6] = ["/", "/pets", "/pets/{id}", "/pets/mine", "/{any+}", "/pets/{id}/a"];

    #[rstest]
    #[case("/", Some("/"), "")]
    #[case("/pets", Some("/pets"), "")]
    #[case("/pets/", Some("/pets"), "")]
    #[case("/pets/mine", Some("/pets/mine"), "")]
    #[case("/pets/7", Some("/pets/{id}"), "id=7")]
    #[case("/pets/7/a", Some("/pets/{id}/a"), "id=7")]
    #[case("/pets/7/b", Some("/{any+}"), "any=pets/7/b")]
    #[case("/other", Some("/{any+}"), "any=other")]
    fn the_resource_that_says_most_is_taken(
        #[case] asked: &str,
        #[case] path: Option<&str>,
        #[case] parameters: &str,
    ) {
        let taken = take(PATHS.into_iter(), asked).unwrap();
        assert_eq!(Some(taken.path), path);
        let told: Vec<String> =
            taken.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(told.join(" "), parameters);
        assert_eq!(take(["/pets"].into_iter(), "/pets/7"), None);
    }
}
