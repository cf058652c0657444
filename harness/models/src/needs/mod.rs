//! What a call needs: which actions, on which resources, under which condition
//! keys, by one rule for every operation of every service.
//!
//! The rule: an operation needs the action of its own name on each resource
//! type that AWS's reference gives the action, and the ARN of such a resource
//! follows from the members of the input that are called as the variables of
//! the ARN are. What the rule cannot tell is said in `overrides/SERVICE.toml`;
//! what neither tells is refused with its reason, and never guessed.

mod more;
mod nested;
mod origins;
mod paths;
mod resources;
mod roles;
mod rules;

use std::fmt;

use crate::actions::{self, ResourceType};
use crate::operation::{ActionName, Operation};

pub use origins::{KeyOf, Origin, Otherwise};
pub use paths::Path;
pub use roles::is_like_a_role;
pub(crate) use roles::with_roles;
pub(crate) use rules::Rules;

/// What is known of an operation's needs.
#[derive(Debug)]
pub enum Needs {
    /// The guard's own code says it.
    ByHand,
    /// The rule and the overrides say it.
    ByRule(ByRule),
    /// Nothing says it for certain.
    Refused(Refused),
}

/// What a call needs by the rule.
#[derive(Debug, Default)]
pub struct ByRule {
    /// The permissions, in the order in which they are checked. None: the
    /// operation needs none.
    pub permissions: Vec<Permission>,
    /// The roles that the call hands to the service.
    pub passes: Vec<Pass>,
    /// Whether it hands over none, whatever role its input names.
    pub hands_nothing: bool,
    /// Places in which a role stands that is not handed over.
    pub not_passed: Vec<Path>,
    /// Members that name the account of what a call is about, beside its name.
    pub accounts: Vec<Path>,
    /// The tags in the request.
    pub tags: Vec<Path>,
    /// The keys of tags in the request.
    pub tag_keys: Vec<Path>,
    /// Calls that bring tags need an action more, and no source tells which.
    pub untold_tags: bool,
    /// The files of overrides were asked.
    pub by_override: bool,
}

/// One permission.
#[derive(Debug)]
pub struct Permission {
    /// The action.
    pub action: ActionName,
    /// It is needed where one of these holds; none: always.
    pub when: Vec<When>,
    /// What it acts upon. None, or none that the call names: `*`.
    pub resources: Vec<Resource>,
    /// Resource types that the reference lists beside these as possible, and
    /// that no member names.
    pub unbound: Vec<&'static str>,
    /// Where its condition keys come from.
    pub keys: Vec<KeyOf>,
}

impl Permission {
    /// The list of the input whose items say both what is acted upon and what
    /// condition keys hold: each is asked for by itself then.
    pub fn list(&self) -> Option<&'static str> {
        let acted_upon = self.resources.iter().flat_map(|resource| resource.named.sources());
        let lists: Vec<&str> = acted_upon.flat_map(Source::lists).collect();
        let of_keys = self.keys.iter().filter_map(|key| match &key.origin {
            Origin::Input { paths, .. } => Some(paths),
            _ => None,
        });
        of_keys.flatten().filter_map(Path::list).find(|list| lists.contains(list))
    }
}

/// What a call holds that needs a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// A member is given.
    Given(Path),
    /// A member is true.
    True(Path),
    /// A text of a member begins with one of these.
    Begins(Path, Vec<&'static str>),
    /// The OpenAPI definition in its body has this member.
    Defines(&'static str),
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(path) | Self::True(path) => write!(f, "{path}"),
            Self::Begins(path, texts) => write!(f, "{path}={}", texts.join("|")),
            Self::Defines(member) => write!(f, "definition.{member}"),
        }
    }
}

/// A resource that a call names.
#[derive(Debug)]
pub struct Resource {
    /// Its type.
    pub kind: &'static ResourceType,
    /// Whether the action always needs one of this type.
    pub required: bool,
    /// How it is named.
    pub named: Named,
    /// It is meant where this holds alone.
    pub only: Option<Only>,
    /// Who names nothing at all means every one: `DescribeRepositories`.
    pub or_all: bool,
}

/// A member that tells one type of resource from another.
#[derive(Debug)]
pub struct Only {
    /// The member; a name or an ARN.
    pub member: Path,
    /// What it is, or is not. A member that is not given is this.
    pub text: &'static str,
    /// Whether it must be this, or must not.
    pub equal: bool,
    /// What the member is where it is not given; none: this.
    pub otherwise: Option<&'static str>,
}

/// How a call names a resource.
#[derive(Debug)]
pub enum Named {
    /// By its ARN.
    Arn(Source),
    /// By the variables of its ARN. Where the last one is given as an ARN, it is
    /// that.
    Parts {
        /// The ARN, with variables.
        arn: &'static str,
        /// What each variable is, in their order.
        parts: Vec<Part>,
        /// The account, where it may be another.
        account: Option<Source>,
    },
    /// By the ARN of what it is in: its own is the same with more behind it.
    Below {
        /// The ARN, with variables.
        arn: &'static str,
        /// What it is in.
        parent: Source,
    },
    /// By the path of the request.
    Path {
        /// The ARN before the path, with variables.
        arn: &'static str,
    },
    /// As the path of the tags of what the request's path makes.
    TagsOfPath {
        /// The ARN before the path, with variables.
        arn: &'static str,
    },
    /// In one or more of several ways: each resource that is named so.
    Either(Vec<Named>),
}

impl Named {
    /// Where what it names is said.
    fn sources(&self) -> Vec<&Source> {
        match self {
            Self::Arn(source) | Self::Below { parent: source, .. } => vec![source],
            Self::Parts { parts, .. } => {
                parts.last().map(|part| &part.source).into_iter().collect()
            }
            Self::Either(ways) => ways.iter().flat_map(Self::sources).collect(),
            Self::Path { .. } | Self::TagsOfPath { .. } => Vec::new(),
        }
    }

    /// Whether a call cannot do without a member that names it.
    fn is_needed(&self, operation: &Operation) -> bool {
        let needs = |source: &Source| {
            source.otherwise.is_some() || source.paths.iter().any(|path| path.is_needed(operation))
        };
        match self {
            Self::Arn(source) | Self::Below { parent: source, .. } => needs(source),
            Self::Parts { parts, .. } => parts.last().is_none_or(|part| needs(&part.source)),
            Self::Path { .. } | Self::TagsOfPath { .. } => true,
            Self::Either(ways) => ways.iter().any(|way| way.is_needed(operation)),
        }
    }

    /// Whether its ARN has no variables but those of the place.
    fn is_without_parts(&self) -> bool {
        matches!(self, Self::Parts { parts, .. } if parts.is_empty())
    }

    /// Of a copy, leaves what it is made from: `SourceSnapshotName`.
    fn leave_sources(&mut self) {
        let Self::Parts { parts, .. } = self else { return };
        let Some(last) = parts.last_mut() else { return };
        let is_source = |path: &Path| path.name().starts_with("Source");
        if !last.source.paths.iter().all(is_source) {
            last.source.paths.retain(|path| !is_source(path));
        }
    }

    /// What a variable of its ARN is.
    fn part(&self, variable: &str) -> Option<&Source> {
        match self {
            Self::Parts { parts, .. } => {
                let part = parts.iter().find(|part| part.variable == variable)?;
                Some(&part.source).filter(|source| source.is_told() && source.starting.is_empty())
            }
            Self::Either(ways) => ways.iter().find_map(|way| way.part(variable)),
            Self::Arn(_) | Self::Below { .. } | Self::Path { .. } | Self::TagsOfPath { .. } => None,
        }
    }

    /// Whether nothing but members of the input names it.
    fn is_of_members(&self) -> bool {
        match self {
            Self::Arn(source) => !source.paths.is_empty(),
            Self::Parts { parts, .. } => parts.iter().all(|part| !part.source.paths.is_empty()),
            Self::Path { .. } | Self::TagsOfPath { .. } | Self::Below { .. } => false,
            Self::Either(ways) => ways.iter().all(Self::is_of_members),
        }
    }
}

/// A variable of an ARN.
#[derive(Debug)]
pub struct Part {
    /// Its name.
    pub variable: &'static str,
    /// What it is.
    pub source: Source,
}

/// Where a text comes from.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// Members, each of which names one or several.
    pub paths: Vec<Path>,
    /// How the members are read.
    pub form: Form,
    /// What it is where none of the members is given.
    pub otherwise: Option<&'static str>,
    /// The service is asked for it: its members alone do not tell it.
    pub asked: Option<Asked>,
    /// How the texts begin that name one of this type; empty: any does.
    pub starting: Vec<&'static str>,
}

impl Source {
    fn lists(&self) -> impl Iterator<Item = &'static str> {
        self.paths.iter().filter_map(Path::list)
    }

    /// Whether a text may be of this type: by how it begins, where types are told
    /// apart so. An ARN says itself which type it is of.
    pub fn admits(&self, text: &str) -> bool {
        self.starting.is_empty()
            || text.starts_with("arn:")
            || self.starting.iter().any(|start| text.starts_with(start))
    }

    /// Whether a text needs the service to tell what it means, where the service is
    /// asked at all: a family of task definitions means its latest revision.
    pub fn is_asked(&self, text: &str) -> bool {
        self.admits(text)
            && self.asked.is_some()
            && (self.form != Form::TaskDefinition || !text.contains(':'))
    }

    /// Whether a text of a member is what it names by itself.
    pub fn is_said(&self, text: &str) -> bool {
        self.admits(text) && (self.form != Form::TaskDefinition || !self.is_asked(text))
    }

    /// Whether there is a place that tells it.
    pub fn is_told(&self) -> bool {
        !self.paths.is_empty() || self.otherwise.is_some() || self.asked.is_some()
    }
}

/// A question to the service itself, which alone knows: the workgroup of a query,
/// or the id behind the name of a node group.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The operation of the same service that tells.
    pub operation: &'static str,
    /// Its members, and the place in the call's input that each is read from.
    pub given: Vec<(&'static str, Path)>,
    /// Where it stands in the answer: names of members, `*` for each of a list, `?`
    /// behind what need not be there.
    pub answer: Vec<&'static str>,
}

/// How a member names a resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// By a name or an id; or by an ARN.
    #[default]
    Name,
    /// By an ARN.
    Arn,
    /// By a URL whose path ends in the account and the name.
    Url,
    /// By a name or an ARN, behind which a version or an alias may stand.
    Qualified,
    /// By a name whose case does not count: RDS keeps it in lower case.
    Lower,
    /// By an id that begins with the name and a colon: a build of a project.
    BeforeColon,
    /// By a name that begins as the resource in its ARN does: `alias/NAME`.
    Prefixed,
    /// By the ARN of what it is in: its own is the same with more behind it.
    Below,
    /// By the ARNs of its type that stand anywhere in the member.
    Within,
    /// By an address of mail, which is an identity of SES's, or whose domain is one.
    Sender,
    /// As a task definition of ECS is: by ARN, by family and revision, or by a
    /// family, which means its latest revision.
    TaskDefinition,
}

/// A role that is handed to a service: `iam:PassRole`.
#[derive(Debug)]
pub struct Pass {
    /// The member that names it.
    pub member: Path,
    /// How it names the role.
    pub named: RoleNamed,
    /// It is a role where this other member, of the same item, ends in one of
    /// these.
    pub named_by: Option<(Path, Vec<&'static str>)>,
    /// `iam:PassedToService`; unknown where no source says it.
    pub service: Option<&'static str>,
    /// The service is asked for the role: the member names what has it.
    pub asked: Option<Asked>,
    /// The member that names another role in its place.
    pub unless: Option<Path>,
}

/// How a member names a role.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleNamed {
    /// By its name or its ARN.
    #[default]
    Role,
    /// By its ARN; another text is none.
    Arn,
    /// By the instance profile that it is in, by name or ARN.
    Profile,
    /// In an OpenAPI definition, by its ARN.
    Definition,
    /// Anywhere in the JSON or YAML of a text, by its ARN.
    Text,
}

/// Why nothing says what an operation needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The prefix of the service's actions is not known.
    NoPrefix,
    /// No action of its name is known.
    NoAction,
    /// Its input does not tell a resource that its action always needs.
    Unnamed {
        /// The action.
        action: ActionName,
        /// The type.
        kind: &'static str,
    },
    /// The reference lists types as possible, and the input tells none of them.
    Untold {
        /// The action.
        action: ActionName,
        /// The types.
        kinds: Vec<&'static str>,
    },
    /// An override says why.
    Stated(&'static str),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPrefix => f.write_str("no source tells the prefix of the service's actions"),
            Self::NoAction => f.write_str("no source tells its action"),
            Self::Unnamed { action, kind } => {
                write!(f, "{action} acts upon a resource of type {kind}, which no member names")
            }
            Self::Untold { action, kinds } => write!(
                f,
                "{action} may act upon resources of the types {}, and no member names any",
                kinds.join(", ")
            ),
            Self::Stated(reason) => f.write_str(reason),
        }
    }
}

/// How well an operation's needs are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// By rule, and where each condition key comes from is known.
    Exact,
    /// By rule; of some condition keys nothing is known, so a decision that hangs
    /// on one of them is undecided.
    ByRule,
    /// By the guard's own code.
    ByHand,
    /// Not at all.
    Refused,
}

impl Class {
    /// All, in order.
    pub const ALL: [Self; 4] = [Self::Exact, Self::ByRule, Self::ByHand, Self::Refused];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::ByRule => "by rule",
            Self::ByHand => "by hand",
            Self::Refused => "refused",
        }
    }
}

impl Needs {
    /// How well they are known.
    pub fn class(&self) -> Class {
        match self {
            Self::ByHand => Class::ByHand,
            Self::Refused(_) => Class::Refused,
            Self::ByRule(rule) if rule.is_exact() => Class::Exact,
            Self::ByRule(_) => Class::ByRule,
        }
    }

    pub(crate) fn of(operation: &Operation) -> Self {
        let rules = &operation.service.model().rules;
        if rules.by_hand && !rules.is_by_rule(operation.name) {
            return Self::ByHand;
        }
        derived(operation, rules).map_or_else(Self::Refused, Self::ByRule)
    }
}

impl ByRule {
    fn is_exact(&self) -> bool {
        !self.untold_tags
            && self.passes.iter().all(|pass| pass.service.is_some())
            && self.permissions.iter().all(|permission| {
                permission.unbound.is_empty()
                    && permission.keys.iter().all(|key| key.origin != Origin::Unknown)
            })
    }
}

fn derived(operation: &Operation, rules: &Rules) -> Result<ByRule, Refused> {
    if let Some(reason) = rules.refused(operation.name) {
        return Err(Refused::Stated(reason));
    }
    if operation.unsigned {
        // "Amazon Cognito doesn't evaluate IAM policies" of public operations:
        // https://docs.aws.amazon.com/cognito/latest/developerguide/authentication-flows-public-server-side.html
        return Ok(ByRule::default());
    }
    let Some(names) = &operation.actions else {
        return Err(match operation.service.iam_prefix() {
            None => Refused::NoPrefix,
            Some(_) => Refused::NoAction,
        });
    };
    let mut needs = ByRule::default();
    more::tags(operation, rules, &mut needs);
    for name in names {
        needs.permissions.push(permission(operation, rules, *name, &needs)?);
    }
    more::also(operation, rules, &mut needs)?;
    more::tagging(operation, rules, &mut needs)?;
    more::passes(operation, rules, &mut needs);
    needs.accounts = rules.accounts(operation);
    needs.by_override = rules.is_about(operation);
    Ok(needs)
}

/// The permission of an action, as the operation's input tells it.
fn permission(
    operation: &Operation,
    rules: &Rules,
    name: ActionName,
    needs: &ByRule,
) -> Result<Permission, Refused> {
    let prefix = actions::of(name.prefix).ok_or(Refused::NoPrefix)?;
    let action = prefix.action(name.name).ok_or(Refused::NoAction)?;
    let found = resources::of(operation, rules, name, prefix, action)?;
    let keys = origins::of(operation, rules, prefix, action, needs);
    Ok(Permission {
        action: name,
        when: Vec::new(),
        resources: found.resources,
        unbound: found.unbound,
        keys,
    })
}
