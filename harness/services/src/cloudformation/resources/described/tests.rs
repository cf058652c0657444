//! What holds of every description.

use ringfence_models::types;

use super::*;

/// The steps of a description, with where they stand.
fn steps(description: &Description) -> Vec<(&'static str, &description::Step)> {
    let lists = [
        ("create", &description.create),
        ("update", &description.update),
        ("delete", &description.delete),
    ];
    let lists = lists.into_iter().flat_map(|(name, steps)| steps.iter().map(move |it| (name, it)));
    let lone =
        [("read", &description.read), ("tag", &description.tag), ("untag", &description.untag)];
    let lone = lone.into_iter().filter_map(|(name, step)| Some((name, step.as_ref()?)));
    let all: Vec<_> = lists.chain(lone).collect();
    let first = all.iter().filter_map(|(name, step)| Some((*name, step.first.as_deref()?)));
    let first: Vec<_> = first.collect();
    all.into_iter().chain(first).collect()
}

/// The names that expressions may use beside properties and attributes.
const GIVEN: [&str; 15] = [
    "name",
    "account",
    "region",
    "stack",
    "token",
    "generated",
    "snapshot",
    "skip",
    "reference",
    "tags",
    "untag",
    "item",
    "index",
    "answer",
    "old",
];

#[test]
fn descriptions_name_operations_members_and_properties_that_there_are() {
    for (kind, description) in description::all() {
        let of = types::find(&kind).unwrap_or_else(|| panic!("no type {kind}"));
        assert!(!super::super::written(&kind), "{kind} is written in Rust");
        assert!(description.source.starts_with("https://docs.aws.amazon.com/"), "{kind}");
        assert!(!description.create.is_empty(), "{kind} is not made");
        for (place, step) in steps(&description) {
            let operation =
                step.operation().unwrap_or_else(|| panic!("{kind} {place}: no {}", step.call));
            for member in step.members.keys() {
                let known = fit::member(operation, member).is_some();
                assert!(known, "{kind} {place}: {} has no {member}", step.call);
            }
            for member in operation.members.iter().filter(|it| it.required) {
                let given = step.members.keys().any(|it| it.eq_ignore_ascii_case(member.name))
                    || member.idempotency_token
                    || (step.rest
                        && of.properties.keys().any(|property| {
                            fit::member(operation, property)
                                .is_some_and(|it| it.name == member.name)
                        }));
                assert!(given, "{kind} {place}: {} needs {}", step.call, member.name);
            }
            let mut names = expression::names(&step.members.clone().into());
            names.extend(step.when.iter().cloned());
            names.extend(step.each.clone());
            names.extend(
                step.given.iter().chain(step.equals.keys()).chain(step.unless.keys()).cloned(),
            );
            expressions_are_known(&kind, of, names);
        }
        for (attribute, expression) in &description.attributes {
            let known = of.read_only.contains(&attribute.as_str())
                || of.identifier.contains(&attribute.as_str())
                || attribute.starts_with('(');
            assert!(known, "{kind} gives no {attribute}");
            expressions_are_known(&kind, of, expression::names(&expression.as_str().into()));
        }
        let named = description.name.iter().chain(&description.unsupported);
        expressions_are_known(&kind, of, named.cloned().collect());
    }
}

fn expressions_are_known(kind: &str, of: &types::Type, names: BTreeSet<String>) {
    for name in names {
        let first = name.split('.').next().unwrap_or_default();
        let known = GIVEN.contains(&first)
            || first.starts_with('(')
            || of.properties.contains_key(first)
            || of.read_only.contains(&name.as_str());
        assert!(known, "{kind} has no {name}");
    }
}

#[test]
fn what_is_not_supported_of_described_types_is_listed() {
    let mut text = String::new();
    for kind in description::all().keys() {
        for path in &find(kind).unwrap().unsupported {
            text.push_str(&format!("{kind} {path}\n"));
        }
    }
    let listed = include_str!("unsupported.txt");
    assert_eq!(text, listed, "the list `unsupported.txt` is not what the descriptions say");
}

#[test]
fn the_rule_makes_types_and_says_what_it_does_not() {
    let all: Vec<String> = types::all().map(|(kind, _)| kind).collect();
    let by_rule: Vec<&String> = all
        .iter()
        .filter(|kind| !super::super::written(kind) && description::written(kind).is_none())
        .filter(|kind| find(kind).is_some())
        .collect();
    assert!(by_rule.len() > 500, "{}", by_rule.len());
    assert!(find("AWS::Nope::Thing").is_none());
}
