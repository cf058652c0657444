//! The conditions of a template that hold, or do not, whatever it is deployed with: a resource under one that does not
//! hold is not made, and of `Fn::If` the branch counts that is taken
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/conditions-section-structure.html>).
//! What hangs on a condition that is not known stays as it is written.

use std::collections::BTreeMap;

use super::Place;
use super::names::Names;
use crate::lint::known::{Member, Node, Value};
use crate::lint::terraform::Resource;

/// How deep conditions may stand in each other by their names.
const DEEPEST: usize = 64;

/// The conditions that are known, by their names: whether each holds.
pub(super) struct Conditions(BTreeMap<String, bool>);

impl Conditions {
    pub(super) fn of(root: &Node, place: &Place, resources: &[Resource]) -> Self {
        let names = &Names::of(&fixed(root), place, resources);
        let written = root.get("Conditions").map(Node::members).unwrap_or_default();
        let mut known = Self(BTreeMap::new());
        for _ in 0..DEEPEST {
            let open = written.iter().filter(|one| !known.0.contains_key(&one.key));
            let new =
                open.filter_map(|one| Some((one.key.clone(), known.holds(&one.value, names)?)));
            let new: Vec<(String, bool)> = new.collect();
            if new.is_empty() {
                break;
            }
            known.0.extend(new);
        }
        known
    }

    /// Whether a condition holds; `None` where that is not known
    /// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html>).
    fn holds(&self, condition: &Node, names: &Names) -> Option<bool> {
        let [only] = condition.members() else { return None };
        let items = only.value.items();
        let each = || items.iter().map(|one| self.holds(one, names)).collect::<Vec<_>>();
        match (only.key.as_str(), items) {
            ("Condition", _) => self.0.get(only.value.text()?).copied(),
            ("Fn::Equals", [one, other]) => equal(&names.resolved(one), &names.resolved(other)),
            ("Fn::Not", [one]) => self.holds(one, names).map(|holds| !holds),
            ("Fn::And", [_, ..]) => joined(&each(), false),
            ("Fn::Or", [_, ..]) => joined(&each(), true),
            _ => None,
        }
    }

    /// A template without the resources that are not made. Of what SAM makes policies of, the
    /// branches stand there that are taken.
    pub(super) fn made(&self, root: &Node) -> Node {
        let Value::Map(members) = &root.value else { return root.clone() };
        let of = |member: &Member| match (&member.value.value, member.key.as_str()) {
            (Value::Map(resources), "Resources") => {
                let made = resources.iter().filter_map(|one| self.resource(one)).collect();
                with(member, Node::new(member.value.at, Value::Map(made)))
            }
            _ => member.clone(),
        };
        Node::new(root.at, Value::Map(members.iter().map(of).collect()))
    }

    /// A resource, where it is or may be made. What SAM makes of one is under its condition, too
    /// (`_pass_through_attributes` of
    /// <https://github.com/aws/serverless-application-model/blob/develop/samtranslator/model/__init__.py>).
    fn resource(&self, resource: &Member) -> Option<Member> {
        let condition = resource.value.get("Condition").and_then(Node::text);
        let holds = condition.and_then(|name| self.0.get(name)).copied();
        if holds == Some(false) {
            return None;
        }
        let kind = resource.value.get("Type").and_then(Node::text).unwrap_or_default();
        let is_of_sam = kind.starts_with("AWS::Serverless::");
        let of = |member: &Member| match member.key.as_str() {
            "Properties" if is_of_sam => with(member, self.with_policies(&member.value)),
            _ => member.clone(),
        };
        let Value::Map(members) = &resource.value.value else { return Some(resource.clone()) };
        let members = members.iter().filter(|one| holds.is_none() || one.key != "Condition");
        let value = Value::Map(members.map(of).collect());
        Some(with(resource, Node::new(resource.value.at, value)))
    }

    /// The properties of a resource of SAM's: its translator hands on what stands under `Fn::If`
    /// in `Policies`, branch by branch
    /// (<https://github.com/aws/serverless-application-model/blob/develop/samtranslator/model/resource_policies.py>).
    fn with_policies(&self, properties: &Node) -> Node {
        let Value::Map(members) = &properties.value else { return properties.clone() };
        let of = |member: &Member| match member.key.as_str() {
            "Policies" => with(member, self.taken(&member.value)),
            _ => member.clone(),
        };
        Node::new(properties.at, Value::Map(members.iter().map(of).collect()))
    }

    /// A value with the branches that are taken.
    pub(super) fn taken(&self, node: &Node) -> Node {
        let value = match &node.value {
            Value::Map(members) => {
                let branch = match members.as_slice() {
                    [only] if only.key == "Fn::If" => self.branch(&only.value),
                    _ => None,
                };
                if let Some(branch) = branch {
                    return self.taken(branch);
                }
                Value::Map(members.iter().map(|one| with(one, self.taken(&one.value))).collect())
            }
            Value::List(items) => Value::List(items.iter().map(|one| self.taken(one)).collect()),
            other => other.clone(),
        };
        Node::new(node.at, value)
    }

    /// Of an `Fn::If` the branch that is taken, where its condition is known.
    fn branch<'n>(&self, written: &'n Node) -> Option<&'n Node> {
        let [name, holds, otherwise] = written.items() else { return None };
        let is_first = self.0.get(name.text()?).copied()?;
        Some(if is_first { holds } else { otherwise })
    }
}

/// A template with the parameters alone that have one value whatever it is deployed with: a default
/// is "used if no value is specified when a stack is created"
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>).
fn fixed(root: &Node) -> Node {
    let Value::Map(members) = &root.value else { return root.clone() };
    let is_fixed = |one: &&Member| {
        let of_ssm = one.value.get("Type").and_then(Node::text);
        one.value.get("AllowedValues").is_some_and(|all| all.items().len() == 1)
            && of_ssm.is_none_or(|kind| !kind.starts_with("AWS::SSM::"))
    };
    let of = |member: &Member| match (&member.value.value, member.key.as_str()) {
        (Value::Map(all), "Parameters") => {
            let all = all.iter().filter(is_fixed).cloned().collect();
            with(member, Node::new(member.value.at, Value::Map(all)))
        }
        _ => member.clone(),
    };
    Node::new(root.at, Value::Map(members.iter().map(of).collect()))
}

fn with(member: &Member, value: Node) -> Member {
    Member { at: member.at, key: member.key.clone(), value }
}

/// What several conditions are together: one that is `by` decides, else all of them do.
fn joined(all: &[Option<bool>], by: bool) -> Option<bool> {
    match all.contains(&Some(by)) {
        true => Some(by),
        false => all.iter().all(Option::is_some).then_some(!by),
    }
}

/// Whether two values are equal; `None` where that is not known. What is written in two ways may
/// be one truth value or one number.
fn equal(one: &Node, other: &Node) -> Option<bool> {
    let (one, other) = (simple(one)?, simple(other)?);
    if one == other {
        return Some(true);
    }
    let number = |text: &str| text.parse::<f64>().ok();
    let may_be_one = match (number(&one), number(&other)) {
        (Some(one), Some(other)) => one.total_cmp(&other).is_eq(),
        _ => truth(&one).is_some() && truth(&one) == truth(&other),
    };
    (!may_be_one).then_some(false)
}

/// Which truth value YAML 1.1 takes a word for that stands without quotes
/// (<https://yaml.org/type/bool.html>).
fn truth(word: &str) -> Option<bool> {
    let is_one = |words: [&str; 3]| words.iter().any(|it| it.eq_ignore_ascii_case(word));
    match is_one(["true", "yes", "on"]) {
        true => Some(true),
        false => is_one(["false", "no", "off"]).then_some(false),
    }
}

/// What a text, a number or a truth value is as a text.
fn simple(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) | Value::Number(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::lint::read::{Read, read};

    fn root(text: &str) -> Node {
        let Ok(Read::Template { root, .. }) = read(text) else { panic!("no template: {text}") };
        root
    }

    fn of(root: &Node) -> Conditions {
        let place =
            Place { partition: "aws".to_owned(), account: "123456789012".to_owned(), region: None };
        Conditions::of(root, &place, &[])
    }

    const REST: &str = "Parameters:\n  Text: {Type: String, Default: a, AllowedValues: [a]}\n  Empty: {Type: String, Default: '', AllowedValues: ['']}\n  Off: {Type: String, Default: false, AllowedValues: [false]}\n  Free: {Type: String, Default: a}\n  Two: {Type: String, Default: a, AllowedValues: [a, b]}\n  Open: {Type: String}\nResources:\n  R: {Type: 'AWS::SNS::Topic'}\n";

    #[rstest]
    #[case::equal("!Equals [!Ref Text, a]", Some(true))]
    #[case::of_another_case("!Equals [!Ref Text, A]", Some(false))]
    #[case::empty("!Not [!Equals [!Ref Empty, '']]", Some(false))]
    #[case::a_truth_value("!Equals [!Ref Off, 'false']", Some(true))]
    #[case::another("!Equals [!Ref Off, true]", Some(false))]
    #[case::written_otherwise("!Equals [!Ref Off, 'False']", None)]
    #[case::by_another_word("!Equals [!Ref Off, 'no']", None)]
    #[case::numbers("!Equals [1, '1']", Some(true))]
    #[case::numbers_written_otherwise("!Equals ['1.0', 1]", None)]
    #[case::what_a_function_gives("!Equals [!Join ['-', [a, !Ref Text]], a-a]", Some(true))]
    #[case::a_pseudo_parameter("!Equals [!Ref 'AWS::Partition', aws-cn]", Some(false))]
    #[case::of_what_is_not_known("!Equals [!Ref Open, a]", None)]
    #[case::of_a_default("!Equals [!Ref Free, a]", None)]
    #[case::of_one_of_two("!Equals [!Ref Two, b]", None)]
    #[case::of_the_stack("!Equals [!Ref 'AWS::StackName', a]", None)]
    #[case::of_a_mapping("!Equals [!FindInMap [M, a, b], a]", None)]
    #[case::another_by_its_name("!Condition D", Some(false))]
    #[case::in_full("{Condition: D}", Some(false))]
    #[case::one_that_is_not_there("!Condition Nobody", None)]
    #[case::itself("!Condition C", None)]
    #[case::none_of_two("!And [!Equals [!Ref Open, a], !Condition D]", Some(false))]
    #[case::one_of_two("!Or [!Equals [!Ref Open, a], !Not [!Condition D]]", Some(true))]
    #[case::both("!And [!Equals [a, a], !Not [!Condition D]]", Some(true))]
    #[case::neither("!Or [!Equals [a, b], !Condition D]", Some(false))]
    #[case::one_that_is_open("!Or [!Equals [!Ref Open, a], !Condition D]", None)]
    #[case::both_but_one("!And [!Equals [!Ref Open, a], !Equals [a, a]]", None)]
    #[case::of_none("!And []", None)]
    fn a_condition_is_what_its_parameters_say(#[case] written: &str, #[case] holds: Option<bool>) {
        let text = format!("Conditions:\n  C: {written}\n  D: !Equals [!Ref Text, b]\n{REST}");
        assert_eq!(of(&root(&text)).0.get("C").copied(), holds);
    }

    #[test]
    fn what_a_known_condition_leaves_out_is_not_there() {
        let text = "Parameters: {Open: {Type: String}}\nConditions: {Made: !Equals [a, a], Left: !Equals [a, b], Who: !Equals [!Ref Open, a]}\nResources:\n  A: {Type: 'AWS::SNS::Topic', Condition: Left}\n  B: {Type: 'AWS::SNS::Topic', Condition: Made}\n  C:\n    Type: AWS::SNS::Topic\n    Condition: Who\n    Properties: {P: !If [Made, !If [Left, a, b], c], Q: [!If [Left, a, !Ref 'AWS::NoValue']], R: !If [Who, !If [Made, a, b], c]}\n";
        let root = root(text);
        let conditions = of(&root);
        let root = conditions.taken(&conditions.made(&root));
        let resources = root.get("Resources").unwrap();
        let keys: Vec<&str> = resources.members().iter().map(|one| one.key.as_str()).collect();
        assert_eq!(keys, ["B", "C"]);
        assert!(resources.path(&["B", "Condition"]).is_none());
        assert_eq!(resources.path(&["C", "Condition"]).and_then(Node::text), Some("Who"));
        let property = |name| resources.path(&["C", "Properties", name]).unwrap();
        assert_eq!(property("P").text(), Some("b"));
        assert_eq!(property("Q").items()[0].get("Ref").and_then(Node::text), Some("AWS::NoValue"));
        let branches = property("R").get("Fn::If").unwrap().items();
        assert_eq!(branches[1].text(), Some("a"));
    }
}
