//! Operations of the REST protocols by method and path, indexed once.

use std::collections::HashMap;
use std::sync::OnceLock;

use http::Method;

use crate::operation::{Operation, Service};

/// The routes of a service.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<&'static str, Node>,
    label: Option<Box<Node>>,
    /// Operations whose template has a greedy label here, by what follows it, those
    /// with the most first.
    greedy: HashMap<Method, Vec<Behind>>,
    operations: HashMap<Method, Vec<&'static Operation>>,
}

/// What follows a greedy label, and the operations with it.
type Behind = (Vec<&'static str>, Vec<&'static Operation>);

/// How many segments follow a greedy label: `browserSettings` of
/// `/portals/{portalArn+}/browserSettings`.
pub(crate) fn after_greedy(operation: &Operation) -> usize {
    segments(operation).skip_while(|segment| !segment.ends_with("+}")).skip(1).count()
}

/// Where a label's value stands in the path.
pub(crate) fn labels(operation: &Operation) -> impl Iterator<Item = (usize, &'static str, bool)> {
    segments(operation).enumerate().filter_map(|(index, segment)| {
        let label = segment.strip_prefix('{')?.strip_suffix('}')?;
        Some(match label.strip_suffix('+') {
            Some(name) => (index, name, true),
            None => (index, label, false),
        })
    })
}

fn segments(operation: &Operation) -> impl Iterator<Item = &'static str> {
    operation.path().trim_start_matches('/').split('/').filter(|segment| !segment.is_empty())
}

impl Routes {
    /// The routes of a service.
    pub(crate) fn of(service: Service) -> &'static Self {
        static ROUTES: [OnceLock<Routes>; Service::COUNT] =
            [const { OnceLock::new() }; Service::COUNT];
        #[expect(clippy::indexing_slicing, reason = "one lock for each service")]
        ROUTES[service.position()].get_or_init(|| Self::new(&service.model().operations))
    }

    fn new(operations: &'static [Operation]) -> Self {
        let mut routes = Self::default();
        for operation in operations.iter().filter(|operation| !operation.elsewhere) {
            routes.insert(operation);
        }
        routes
    }

    fn insert(&mut self, operation: &'static Operation) {
        let mut node = &mut self.root;
        let mut rest = segments(operation);
        while let Some(segment) = rest.next() {
            if segment.ends_with("+}") {
                let after: Vec<_> = rest.collect();
                let greedy = node.greedy.entry(operation.method.clone()).or_default();
                match greedy.iter_mut().find(|(other, _)| *other == after) {
                    Some((_, operations)) => operations.push(operation),
                    None => greedy.push((after, vec![operation])),
                }
                greedy.sort_by_key(|(after, _)| std::cmp::Reverse(after.len()));
                return;
            }
            node = if segment.starts_with('{') {
                &mut **node.label.get_or_insert_default()
            } else {
                node.literals.entry(segment).or_default()
            };
        }
        node.operations.entry(operation.method.clone()).or_default().push(operation);
    }

    /// The operations whose method and path fit; several where the query or
    /// the headers tell them apart. A literal segment goes before a label.
    pub(crate) fn find(&self, method: &Method, path: &[String]) -> &[&'static Operation] {
        find(&self.root, method, path)
    }
}

fn find<'a>(node: &'a Node, method: &Method, path: &[String]) -> &'a [&'static Operation] {
    let Some((segment, rest)) = path.split_first() else {
        return node.operations.get(method).map_or(&[], Vec::as_slice);
    };
    if let Some(next) = node.literals.get(segment.as_str()) {
        let found = find(next, method, rest);
        if !found.is_empty() {
            return found;
        }
    }
    if let Some(next) = &node.label {
        let found = find(next, method, rest);
        if !found.is_empty() {
            return found;
        }
    }
    let fits = |after: &[&str]| {
        let last = rest.iter().rev().zip(after.iter().rev());
        rest.len() >= after.len() && last.into_iter().all(|(segment, text)| segment == text)
    };
    let mut greedy = node.greedy.get(method).into_iter().flatten();
    greedy.find(|(after, _)| fits(after)).map_or(&[], |(_, operations)| operations)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn names(service: Service, method: Method, path: &[&str]) -> Vec<&'static str> {
        let path: Vec<String> = path.iter().map(|segment| (*segment).to_owned()).collect();
        let mut names: Vec<_> =
            Routes::of(service).find(&method, &path).iter().map(|op| op.name).collect();
        names.sort_unstable();
        names
    }

    #[rstest]
    #[case(Method::GET, &["2015-03-31", "functions", "a", "policy"], &["GetPolicy"])]
    #[case(Method::DELETE, &["2015-03-31", "functions", "a", "policy", "s"], &["RemovePermission"])]
    #[case(Method::PATCH, &["2015-03-31", "functions", "a"], &[])]
    #[case(Method::GET, &["2015-03-31", "functions", "a", "b", "c", "d"], &[])]
    fn lambda_paths(#[case] method: Method, #[case] path: &[&str], #[case] expected: &[&str]) {
        assert_eq!(names(Service::Lambda, method, path), expected);
    }

    #[test]
    fn operations_that_share_a_path_are_all_candidates() {
        assert_eq!(
            names(Service::Lambda, Method::GET, &["2018-10-31", "layers"]),
            ["GetLayerVersionByArn", "ListLayers"]
        );
        let objects = names(Service::S3, Method::PUT, &["bucket", "a", "b"]);
        assert!(objects.contains(&"PutObject") && objects.contains(&"CopyObject"));
        assert!(!objects.contains(&"CreateBucket"));
    }

    #[rstest]
    #[case(&["portals", "arn:portal", "x"], &["DeletePortal"])]
    #[case(&["portals", "arn:portal", "x", "browserSettings"], &["DisassociateBrowserSettings"])]
    #[case(&["portals", "browserSettings"], &["DeletePortal"])]
    fn what_follows_a_greedy_label_counts(#[case] path: &[&str], #[case] expected: &[&str]) {
        assert_eq!(names(Service::of("workspaces-web").unwrap(), Method::DELETE, path), expected);
    }

    #[test]
    fn no_label_follows_a_greedy_one() {
        for operation in Service::all().flat_map(|service| &service.model().operations) {
            let mut after = segments(operation).skip_while(|it| !it.ends_with("+}")).skip(1);
            assert!(!after.any(|it| it.starts_with('{')), "{}", operation.name);
        }
    }

    #[test]
    fn labels_know_their_place() {
        let operation = Operation::find(Service::S3, "GetObject").unwrap();
        assert_eq!(labels(operation).collect::<Vec<_>>(), [(0, "Bucket", false), (1, "Key", true)]);
    }
}
