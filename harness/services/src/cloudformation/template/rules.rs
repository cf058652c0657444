//! The section `Rules`: what a template asserts of its parameters before anything
//! is made
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-rules.html>,
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html>).
//! What the AWS CDK synthesizes has one, `CheckBootstrapVersion`.
//!
//! `Fn::ValueOf` and `Fn::ValueOfAll` ask for attributes of things that exist, and
//! are refused by name.

use serde_json::{Map, Value};

use super::evaluate::{function, text_of};
use super::{Parameter, ParameterValue, TemplateError};

/// What rules see of the account.
#[derive(Debug, Clone, Copy)]
pub(in crate::cloudformation) struct Surroundings<'a> {
    pub(in crate::cloudformation) account_id: &'a str,
    pub(in crate::cloudformation) region: &'a str,
}

struct Rule<'t> {
    condition: Option<&'t Value>,
    assertions: Vec<Assertion<'t>>,
}

struct Assertion<'t> {
    assert: &'t Value,
    description: Option<&'t str>,
}

/// Reads the section: its shape, and whether every function in it is known.
pub(super) fn check(section: &Map<String, Value>) -> Result<(), TemplateError> {
    for (name, value) in section {
        let rule = read(name, value)?;
        let asserted = rule.assertions.iter().map(|it| it.assert);
        rule.condition.into_iter().chain(asserted).try_for_each(known)?;
    }
    Ok(())
}

/// Refuses parameters of which an assertion does not hold, in the template's own
/// words.
pub(in crate::cloudformation) fn hold(
    body: &Map<String, Value>,
    declared: &[Parameter],
    values: &[ParameterValue],
    surroundings: Surroundings<'_>,
) -> Result<(), TemplateError> {
    let Some(section) = super::section(body, "Rules")? else { return Ok(()) };
    let scope = Scope { declared, values, surroundings };
    for (name, value) in section {
        let rule = read(name, value)?;
        if !rule.condition.map_or(Ok(true), |condition| scope.holds(condition))? {
            continue;
        }
        for assertion in &rule.assertions {
            if !scope.holds(assertion.assert)? {
                return Err(TemplateError::new(match assertion.description {
                    Some(description) => description.to_owned(),
                    None => format!("an assertion of the rule {name} does not hold"),
                }));
            }
        }
    }
    Ok(())
}

fn malformed(text: &str) -> TemplateError {
    TemplateError::new(format!("Template format error: {text}"))
}

fn read<'t>(name: &str, value: &'t Value) -> Result<Rule<'t>, TemplateError> {
    let wrong = |text: &str| malformed(&format!("Rule {name} {text}"));
    let Value::Object(rule) = value else { return Err(wrong("must be an object.")) };
    if let Some(other) =
        rule.keys().find(|it| !["RuleCondition", "Assertions"].contains(&it.as_str()))
    {
        return Err(wrong(&format!("has no member {other}.")));
    }
    let Some(Value::Array(items)) = rule.get("Assertions") else {
        return Err(wrong("must have a list of Assertions."));
    };
    let assertions = items
        .iter()
        .map(|item| {
            Some(Assertion {
                assert: item.get("Assert")?,
                description: item.get("AssertDescription").and_then(Value::as_str),
            })
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| wrong("must have an Assert in each of its Assertions."))?;
    Ok(Rule { condition: rule.get("RuleCondition"), assertions })
}

/// Functions that say yes or no.
const BOOLEAN: [&str; 7] = [
    "Fn::And",
    "Fn::Contains",
    "Fn::EachMemberEquals",
    "Fn::EachMemberIn",
    "Fn::Equals",
    "Fn::Not",
    "Fn::Or",
];

/// Whether rules may call every function in a node.
fn known(node: &Value) -> Result<(), TemplateError> {
    match node {
        Value::Object(map) => match function(map) {
            Some((name, argument)) if BOOLEAN.contains(&name) => known(argument),
            Some(("Ref" | "Fn::RefAll", Value::String(_))) => Ok(()),
            Some((name, _)) => Err(malformed(&format!(
                "the function {name} in the section `Rules` is not supported by Ringfence's CloudFormation"
            ))),
            None => {
                Err(malformed("a value in the section `Rules` must be text, a list or a function"))
            }
        },
        Value::Array(items) => items.iter().try_for_each(known),
        Value::Null => Err(malformed("[/Rules] 'null' values are not allowed in templates")),
        _ => Ok(()),
    }
}

struct Scope<'a> {
    declared: &'a [Parameter],
    values: &'a [ParameterValue],
    surroundings: Surroundings<'a>,
}

impl Scope<'_> {
    /// Whether a condition or an assertion holds.
    fn holds(&self, node: &Value) -> Result<bool, TemplateError> {
        let called = node.as_object().and_then(function);
        let Some((name, Value::Array(arguments))) = called else {
            return Err(malformed("a rule must be a function that is true or false"));
        };
        let two = || match arguments.as_slice() {
            [first, second] => Ok((first, second)),
            _ => Err(malformed(&format!("every {name} object requires a list of 2 parameters."))),
        };
        let some = || match arguments.len() {
            2..=10 => Ok(arguments.iter().map(|it| self.holds(it))),
            _ => Err(malformed(&format!(
                "every {name} object requires a list of at least 2 and at most 10 boolean parameters."
            ))),
        };
        Ok(match name {
            "Fn::And" => some()?.try_fold(true, |all, it| it.map(|it| all && it))?,
            "Fn::Or" => some()?.try_fold(false, |any, it| it.map(|it| any || it))?,
            "Fn::Not" => match arguments.as_slice() {
                [inner] => !self.holds(inner)?,
                _ => return Err(malformed("every Fn::Not object requires a list of 1 parameter.")),
            },
            "Fn::Equals" => {
                let (left, right) = two()?;
                self.texts(left)? == self.texts(right)?
            }
            // "if a specified string matches at least one value in a list of strings".
            "Fn::Contains" => {
                let (list, text) = two()?;
                let list = self.texts(list)?;
                self.texts(text)?.iter().all(|text| list.contains(text))
            }
            "Fn::EachMemberEquals" => {
                let (list, text) = two()?;
                let text = self.texts(text)?;
                self.texts(list)?.iter().all(|item| text.as_slice() == [item.as_str()])
            }
            "Fn::EachMemberIn" => {
                let (tested, matched) = two()?;
                let matched = self.texts(matched)?;
                self.texts(tested)?.iter().all(|item| matched.contains(item))
            }
            other => {
                return Err(malformed(&format!(
                    "{other} in the section `Rules` is not true or false"
                )));
            }
        })
    }

    /// The texts of a value: of a list its items, of a lone text itself.
    fn texts(&self, node: &Value) -> Result<Vec<String>, TemplateError> {
        match node {
            Value::Array(items) => {
                let texts =
                    items.iter().map(|item| self.texts(item)).collect::<Result<Vec<_>, _>>()?;
                Ok(texts.into_iter().flatten().collect())
            }
            Value::Object(map) => match function(map) {
                Some(("Ref", Value::String(name))) => self.reference(name),
                // "all values for a specified parameter type".
                Some(("Fn::RefAll", Value::String(kind))) => {
                    let declared = self.declared.iter().filter(|it| it.declared_type == *kind);
                    let texts = declared.map(|it| self.reference(&it.key));
                    Ok(texts.collect::<Result<Vec<_>, _>>()?.concat())
                }
                _ => Err(malformed(
                    "a value in the section `Rules` must be text, a list or a function",
                )),
            },
            scalar => Ok(vec![text_of(scalar)]),
        }
    }

    fn reference(&self, name: &str) -> Result<Vec<String>, TemplateError> {
        match name {
            "AWS::AccountId" => return Ok(vec![self.surroundings.account_id.to_owned()]),
            "AWS::Region" => return Ok(vec![self.surroundings.region.to_owned()]),
            _ => {}
        }
        let found = self.values.iter().find(|value| value.key == name);
        match found.map(ParameterValue::seen) {
            Some(Value::Array(items)) => Ok(items.iter().map(text_of).collect()),
            Some(value) => Ok(vec![text_of(&value)]),
            None => Err(malformed(&format!(
                "Unresolved dependencies [{name}]. Cannot reference resources in the Rules block of the template"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::super::Given;
    use super::*;

    /// What comes of rules with the parameters `Zone` and `Stage` (default `dev`).
    fn outcome(rules: &Value, zone: &str) -> Result<(), String> {
        let body = json!({"Rules": rules});
        let declared = json!({
            "Zone": {"Type": "CommaDelimitedList"},
            "Stage": {"Type": "String", "Default": "dev"},
            "Other": {"Type": "String", "Default": "dev"},
        });
        let declared = super::super::parameters::declared(declared.as_object()).unwrap();
        let given = [Given { key: "Zone".into(), value: Some(zone.into()), use_previous: false }];
        let values = Parameter::bind(&declared, &given, &[]).unwrap();
        let section = body.get("Rules").and_then(Value::as_object).unwrap();
        check(section).map_err(|error| error.to_string())?;
        let surroundings = Surroundings { account_id: "111122223333", region: "eu-west-1" };
        hold(body.as_object().unwrap(), &declared, &values, surroundings)
            .map_err(|error| error.to_string())
    }

    fn one(assert: &Value) -> Value {
        json!({"R": {"Assertions": [{"Assert": assert, "AssertDescription": "no"}]}})
    }

    #[rstest]
    #[case::each_in(json!({"Fn::EachMemberIn": [{"Ref": "Zone"}, ["a", "b"]]}))]
    #[case::each_equal(json!({"Fn::EachMemberEquals": [{"Fn::RefAll": "String"}, {"Ref": "Stage"}]}))]
    #[case::contains(json!({"Fn::Contains": [["prod", "dev"], {"Ref": "Stage"}]}))]
    #[case::not(json!({"Fn::Not": [{"Fn::Contains": [["1", "2"], {"Ref": "Stage"}]}]}))]
    #[case::region(json!({"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}))]
    #[case::both(json!({"Fn::And": [{"Fn::Equals": ["a", "a"]}, {"Fn::Equals": [1, "1"]}]}))]
    #[case::either(json!({"Fn::Or": [{"Fn::Equals": ["a", "b"]}, {"Fn::Equals": ["a", "a"]}]}))]
    fn an_assertion_that_holds_is_told_of_nothing_and_its_opposite_in_its_own_words(
        #[case] assert: Value,
    ) {
        assert_eq!(outcome(&one(&assert), "a,b"), Ok(()));
        let not = json!({"Fn::Not": [assert]});
        assert_eq!(outcome(&one(&not), "a,b"), Err("no".to_owned()));
    }

    #[test]
    fn each_member_counts() {
        let each = json!({"Fn::EachMemberIn": [{"Ref": "Zone"}, ["a", "b"]]});
        assert_eq!(outcome(&one(&each), "a,b"), Ok(()));
        assert_eq!(outcome(&one(&each), "a,c"), Err("no".to_owned()));
    }

    #[rstest]
    #[case("prod", Ok(()))]
    #[case("dev", Err("no".to_owned()))]
    fn assertions_count_under_the_condition_of_their_rule(
        #[case] stage: &str,
        #[case] expected: Result<(), String>,
    ) {
        let rules = json!({"R": {
            "RuleCondition": {"Fn::Equals": [{"Ref": "Stage"}, stage]},
            "Assertions": [{"Assert": {"Fn::Equals": ["a", "b"]}, "AssertDescription": "no"}],
        }});
        assert_eq!(outcome(&rules, "a"), expected);
    }

    #[rstest]
    #[case::attributes(
        one(&json!({"Fn::EachMemberEquals": [{"Fn::ValueOf": ["Zone", "VpcId"]}, "a"]})),
        "Template format error: the function Fn::ValueOf in the section `Rules` is not supported by Ringfence's CloudFormation"
    )]
    #[case::no_assertions(
        json!({"R": {"RuleCondition": {"Fn::Equals": ["a", "a"]}}}),
        "Template format error: Rule R must have a list of Assertions."
    )]
    #[case::no_assert(
        json!({"R": {"Assertions": [{"AssertDescription": "no"}]}}),
        "Template format error: Rule R must have an Assert in each of its Assertions."
    )]
    #[case::another_member(
        json!({"R": {"Assertions": [], "Nope": 1}}),
        "Template format error: Rule R has no member Nope."
    )]
    #[case::a_resource(
        one(&json!({"Fn::Equals": [{"Ref": "Bucket"}, "a"]})),
        "Template format error: Unresolved dependencies [Bucket]. Cannot reference resources in the Rules block of the template"
    )]
    #[case::no_truth(
        one(&json!({"Fn::Not": ["a"]})),
        "Template format error: a rule must be a function that is true or false"
    )]
    fn what_is_no_rule_is_refused(#[case] rules: Value, #[case] expected: &str) {
        assert_eq!(outcome(&rules, "a"), Err(expected.to_owned()));
    }
}
