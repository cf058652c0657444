//! What `overrides/SERVICE.toml` says of needs, as `build.rs` packed it.

use serde::Deserialize;

use super::{Form, Path, RoleNamed, When};
use crate::operation::Operation;

/// The rules of a service.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Rules {
    pub(crate) by_hand: bool,
    /// Why all calls are refused.
    pub(super) refused: Option<&'static str>,
    /// The resource of each call is its path.
    pub(super) by_path: bool,
    pub(super) operations: Vec<OperationRule>,
    pub(super) types: Vec<TypeRule>,
    pub(super) resources: Vec<ResourceRule>,
    pub(super) arns: Vec<ArnRule>,
    pub(super) also: Vec<AlsoRule>,
    pub(super) passes: Vec<PassRule>,
    pub(super) tags: Vec<TagRule>,
    pub(super) keys: Vec<KeyRule>,
    accounts: Vec<AccountRule>,
    words: Vec<WordRule>,
}

/// Members that name the account of what a call is about.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
struct AccountRule {
    members: Vec<&'static str>,
}

/// What ARNs have, in one of their variables, for words of the input.
#[derive(Debug, Deserialize)]
struct WordRule {
    variable: &'static str,
    words: std::collections::BTreeMap<&'static str, &'static str>,
}

/// Operations that are refused, or that act upon everything alone.
#[derive(Debug, Deserialize)]
pub(super) struct OperationRule {
    pub(super) names: Vec<&'static str>,
    pub(super) refused: Option<&'static str>,
    /// The policy in the input is no resource's.
    #[serde(default)]
    stores_no_policy: bool,
    #[serde(default)]
    pub(super) everything: bool,
    /// The rule says what they need, though the guard's own code does of others.
    #[serde(default)]
    pub(super) by_rule: bool,
}

/// The resource types of actions, where the reference tells those of another
/// service of the same prefix.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(super) struct TypeRule {
    actions: Vec<&'static str>,
    pub(super) types: Vec<&'static str>,
}

/// How calls name resources of a type.
#[derive(Debug, Deserialize)]
pub(super) struct ResourceRule {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// None: those that have one of the members.
    #[serde(default)]
    pub(super) operations: Vec<&'static str>,
    /// Those of one action alone, where an operation needs several.
    pub(super) action: Option<&'static str>,
    /// The last variable, or the whole ARN.
    #[serde(default)]
    pub(super) members: Vec<&'static str>,
    #[serde(default)]
    pub(super) read: Form,
    /// The form of the ARN, where it is not the first of the type's.
    pub(super) arn: Option<&'static str>,
    pub(super) otherwise: Option<&'static str>,
    /// What the service is asked instead.
    pub(super) asked: Option<AskedRule>,
    /// How the texts begin that name one of this type.
    #[serde(default)]
    pub(super) starting: Vec<&'static str>,
    /// The variables before the last one, where they are not called as members
    /// are.
    #[serde(default)]
    pub(super) variables: std::collections::BTreeMap<&'static str, Variable>,
    pub(super) required: Option<bool>,
    pub(super) only: Option<OnlyRule>,
    /// The calls do not act upon one.
    #[serde(default)]
    pub(super) ignored: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Variable {
    #[serde(default)]
    pub(super) members: Vec<&'static str>,
    #[serde(default)]
    pub(super) read: Form,
    pub(super) otherwise: Option<&'static str>,
    pub(super) asked: Option<AskedRule>,
}

/// A question to the service.
#[derive(Debug, Deserialize)]
pub(super) struct AskedRule {
    pub(super) operation: &'static str,
    /// Its members, from which members of the call.
    #[serde(default)]
    pub(super) given: std::collections::BTreeMap<&'static str, &'static str>,
    pub(super) answer: &'static str,
}

#[derive(Debug, Deserialize)]
pub(super) struct OnlyRule {
    pub(super) member: &'static str,
    pub(super) is: Option<&'static str>,
    pub(super) is_not: Option<&'static str>,
    pub(super) otherwise: Option<&'static str>,
}

/// Members that are ARNs of one of the types that an action has.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(super) struct ArnRule {
    pub(super) members: Vec<&'static str>,
    #[serde(default)]
    pub(super) operations: Vec<&'static str>,
}

/// An action that operations need besides.
#[derive(Debug, Deserialize)]
pub(super) struct AlsoRule {
    pub(super) operations: Vec<&'static str>,
    pub(super) action: &'static str,
    /// Where one of these is given.
    #[serde(default)]
    given: Vec<&'static str>,
    /// Where one of these is true.
    #[serde(default)]
    is_true: Vec<&'static str>,
    /// Where a text of a member begins so.
    begins: Option<BeginsRule>,
    /// Where the OpenAPI definition in the body has this member.
    defines: Option<&'static str>,
}

#[derive(Debug, Deserialize)]
struct BeginsRule {
    member: &'static str,
    texts: Vec<&'static str>,
}

impl AlsoRule {
    /// When the action is needed; none: always.
    pub(super) fn when(&self, operation: &Operation) -> Vec<When> {
        let parse = |text: &&'static str| Path::parse(operation, text);
        let mut when: Vec<When> = self.given.iter().filter_map(parse).map(When::Given).collect();
        when.extend(self.is_true.iter().filter_map(parse).map(When::True));
        let begins = self.begins.as_ref();
        when.extend(begins.and_then(|rule| {
            Some(When::Begins(Path::parse(operation, rule.member)?, rule.texts.clone()))
        }));
        when.extend(self.defines.map(When::Defines));
        when
    }
}

/// Roles that are handed over.
#[derive(Debug, Deserialize)]
pub(super) struct PassRule {
    /// These places.
    #[serde(default)]
    pub(super) members: Vec<&'static str>,
    /// Those that are found under these names.
    #[serde(default)]
    pub(super) names: Vec<&'static str>,
    /// Those that are found and are of these shapes.
    #[serde(default)]
    pub(super) shapes: Vec<&'static str>,
    #[serde(default)]
    pub(super) operations: Vec<&'static str>,
    /// How a role stands there.
    pub(super) read: Option<RoleNamed>,
    /// What the service is asked: the members name what has the role.
    pub(super) asked: Option<AskedRule>,
    /// The member that names another role in its place.
    pub(super) unless: Option<&'static str>,
    /// The member whose text tells whether it is a role.
    pub(super) named_by: Option<&'static str>,
    /// What that text ends in; none: `RoleArn`.
    #[serde(default)]
    endings: Vec<&'static str>,
    pub(super) service: Option<&'static str>,
    /// Those are no roles that the call hands over.
    #[serde(default)]
    pub(super) ignored: bool,
}

impl PassRule {
    /// Whether it is about all that are found.
    pub(super) fn is_about_all(&self) -> bool {
        self.members.is_empty() && self.names.is_empty() && self.shapes.is_empty()
    }

    /// Whether it is about those that are called so, or of the shape.
    pub(super) fn is_about_alike(&self, name: &str, shape: &str) -> bool {
        self.names.contains(&name) || self.shapes.contains(&shape)
    }

    pub(super) fn endings(&self) -> Vec<&'static str> {
        match self.endings.is_empty() {
            true => vec!["RoleArn"],
            false => self.endings.clone(),
        }
    }
}

/// Tags in requests.
#[derive(Debug, Deserialize)]
pub(super) struct TagRule {
    #[serde(default)]
    pub(super) operations: Vec<&'static str>,
    /// Under which names tags come.
    #[serde(default)]
    pub(super) members: Vec<&'static str>,
    /// Under which names keys of tags come.
    #[serde(default)]
    pub(super) key_members: Vec<&'static str>,
    /// The action that tags on creation need; empty: none.
    pub(super) action: Option<&'static str>,
}

/// Where a condition key comes from.
#[derive(Debug, Deserialize)]
pub(super) struct KeyRule {
    pub(super) key: &'static str,
    #[serde(default)]
    pub(super) operations: Vec<&'static str>,
    #[serde(default)]
    pub(super) members: Vec<&'static str>,
    /// The members name resources of this type, and the key is the ARN.
    #[serde(rename = "type")]
    pub(super) kind: Option<&'static str>,
    /// What it is where no member is given.
    pub(super) otherwise: Option<&'static str>,
    /// No request has it where no member is given.
    #[serde(default)]
    pub(super) optional: bool,
    /// The member is a pattern of events, and the key what it says of this field.
    #[serde(default)]
    pub(super) pattern: Vec<&'static str>,
    /// The members hold names of DNS, and the key their normal forms.
    #[serde(default)]
    pub(super) record_names: bool,
    /// It is the account's id.
    #[serde(default)]
    pub(super) account: bool,
    /// Requests have it whatever resource they are about, though the reference
    /// tells it of one type.
    #[serde(default)]
    of_request: bool,
    /// Why no request has it here.
    pub(super) never: Option<&'static str>,
}

fn is_among(names: &[&str], operation: &Operation) -> bool {
    names.is_empty() || names.contains(&operation.name)
}

impl Rules {
    pub(super) fn refused(&self, name: &str) -> Option<&'static str> {
        let mut rules = self.operations.iter().filter(|rule| rule.names.contains(&name));
        rules.find_map(|rule| rule.refused).or(self.refused)
    }

    pub(super) fn is_by_rule(&self, name: &str) -> bool {
        self.operations.iter().any(|rule| rule.by_rule && rule.names.contains(&name))
    }

    pub(super) fn is_about_everything(&self, name: &str) -> bool {
        self.operations.iter().any(|rule| rule.everything && rule.names.contains(&name))
    }

    /// The resource types of an action; none: those of the reference.
    pub(super) fn types(&self, action: &str) -> Option<&TypeRule> {
        self.types.iter().find(|rule| rule.actions.contains(&action))
    }

    /// Whether a rule says how an operation names what an action that it needs
    /// besides acts upon.
    pub(super) fn has_own(&self, operation: &Operation, action: &str) -> bool {
        let mut rules = self.resources.iter().filter(|rule| rule.action == Some(action));
        rules.any(|rule| rule.operations.contains(&operation.name))
    }

    /// Whether such a rule is about the type.
    pub(super) fn is_own(&self, operation: &Operation, action: &str, kind: &str) -> bool {
        let rule = self.resource(operation, action, kind);
        rule.is_some_and(|rule| rule.action == Some(action))
    }

    /// Whether a rule speaks of the operation by its name, or of a type that it
    /// names.
    pub(super) fn is_about(&self, operation: &Operation) -> bool {
        let name = operation.name;
        self.operations.iter().any(|rule| rule.names.contains(&name))
            || self.resources.iter().any(|rule| rule.is_about(operation))
            || self.also.iter().any(|rule| rule.operations.contains(&name))
    }

    /// What is said of a type: the rule that names the operation before the one
    /// that names none.
    pub(super) fn resource(
        &self,
        operation: &Operation,
        action: &str,
        kind: &str,
    ) -> Option<&ResourceRule> {
        let all = || {
            self.resources.iter().filter(|rule| {
                rule.kind == kind
                    && rule.action.is_none_or(|only| only == action)
                    && rule.is_about(operation)
            })
        };
        all()
            .find(|rule| rule.action.is_some() && !rule.operations.is_empty())
            .or_else(|| all().find(|rule| !rule.operations.is_empty()))
            .or_else(|| all().next())
    }

    /// The members that name an account beside a resource's name.
    pub(super) fn accounts(&self, operation: &Operation) -> Vec<Path> {
        let members = self.accounts.iter().flat_map(|rule| &rule.members);
        members.filter_map(|text| Path::parse(operation, text)).collect()
    }

    /// What ARNs have in a variable for a word of the input.
    pub(crate) fn word(&self, variable: &str, text: &str) -> Option<&'static str> {
        let mut rules = self.words.iter().filter(|rule| rule.variable == variable);
        rules.find_map(|rule| rule.words.get(text).copied())
    }

    /// Whether the policy in an operation's input is no resource's.
    pub(crate) fn stores_no_policy(&self, name: &str) -> bool {
        self.operations.iter().any(|rule| rule.stores_no_policy && rule.names.contains(&name))
    }

    /// The members of an operation that are ARNs of any type.
    pub(super) fn arns(&self, operation: &Operation) -> Vec<Path> {
        let rules = self.arns.iter().filter(|rule| is_among(&rule.operations, operation));
        let members = rules.flat_map(|rule| &rule.members);
        members.filter_map(|text| Path::parse(operation, text)).collect()
    }

    pub(super) fn passes(&self, operation: &Operation) -> impl Iterator<Item = &PassRule> {
        self.passes.iter().filter(|rule| is_among(&rule.operations, operation))
    }

    pub(super) fn tags(&self, operation: &Operation) -> impl Iterator<Item = &TagRule> {
        self.tags.iter().filter(|rule| is_among(&rule.operations, operation))
    }

    /// Whether requests have a key whatever resource they are about.
    pub(super) fn is_of_request(&self, operation: &Operation, key: &str) -> bool {
        self.key(operation, key).is_some_and(|rule| rule.of_request)
    }

    pub(super) fn key(&self, operation: &Operation, key: &str) -> Option<&KeyRule> {
        let all = || self.keys.iter().filter(|rule| rule.key.eq_ignore_ascii_case(key));
        all()
            .find(|rule| rule.operations.contains(&operation.name))
            .or_else(|| all().find(|rule| rule.operations.is_empty()))
    }
}

impl ResourceRule {
    pub(super) fn is_about(&self, operation: &Operation) -> bool {
        match self.operations.is_empty() {
            false => self.operations.contains(&operation.name),
            true => {
                let head = |text: &'static str| text.split(['.', '[', '{']).next();
                self.members
                    .iter()
                    .any(|member| head(member).is_some_and(|name| operation.member(name).is_some()))
            }
        }
    }
}
