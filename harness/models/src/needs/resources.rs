//! Which members name the resources that an action acts upon.

use super::nested;
use super::paths::Path;
use super::rules::{AskedRule, ResourceRule, Rules, Variable};
use super::{Asked, Form, Named, Only, Part, Refused, Resource, Source};
use crate::actions::{Access, Action, Prefix, ResourceType};
use crate::operation::{ActionName, Operation};
use crate::shape::{Form as Shape, Kind, Member};

pub(super) struct Found {
    pub(super) resources: Vec<Resource>,
    pub(super) unbound: Vec<&'static str>,
}

/// The ARNs of what paths name, before the path.
pub(super) const BY_PATH: &str = "arn:${Partition}:apigateway:${Region}::";

/// The resources of an action, as an operation's input names them.
pub(super) fn of(
    operation: &Operation,
    rules: &Rules,
    name: ActionName,
    prefix: &'static Prefix,
    action: &'static Action,
) -> Result<Found, Refused> {
    let mut found = Found { resources: Vec::new(), unbound: Vec::new() };
    if rules.is_about_everything(operation.name) {
        return Ok(found);
    }
    if rules.by_path && !rules.is_by_rule(operation.name) {
        let kind = action.resources.first().and_then(|first| prefix.resource_type(first.name));
        let kind = kind.ok_or(Refused::NoAction)?;
        let named = Named::Path { arn: BY_PATH };
        found.resources.push(Resource { kind, required: true, named, only: None, or_all: false });
        return Ok(found);
    }
    let listed: Vec<(&'static str, bool)> = match rules.types(name.name) {
        Some(rule) => rule.types.iter().map(|kind| (*kind, false)).collect(),
        None => action.resources.iter().map(|listed| (listed.name, listed.required)).collect(),
    };
    let input = Input {
        operation,
        arns: rules.arns(operation),
        is_sole: listed.len() == 1,
        is_made: false,
    };
    let mut further_down = 0;
    let reads = action.access.iter().all(|it| matches!(it, Access::List | Access::Read));
    for (listed, required) in listed {
        let Some(kind) = prefix.resource_type(listed) else { continue };
        let mut resource = match rules.resource(operation, name.name, kind.name) {
            Some(rule) if rule.ignored => continue,
            Some(rule) => stated(operation, rule, required, kind),
            None => match input.named(kind, required) {
                Some(named) => Resource { kind, required, named, only: None, or_all: false },
                None if required => {
                    return Err(Refused::Unnamed { action: name, kind: kind.name });
                }
                None => match nested::named(operation, kind) {
                    Some(named) => {
                        further_down += 1;
                        Resource { kind, required, named, only: None, or_all: false }
                    }
                    None => {
                        found.unbound.push(kind.name);
                        continue;
                    }
                },
            },
        };
        resource.or_all = reads
            && resource.required
            && lists(operation, &resource.named)
            && !resource.named.is_needed(operation);
        found.resources.push(resource);
    }
    // What stands further down need not be there: then nothing tells of the others.
    let is_untold = found.resources.len() == further_down || names_any(operation, &found);
    if is_untold && !found.unbound.is_empty() {
        return Err(Refused::Untold { action: name, kinds: found.unbound });
    }
    Ok(found)
}

/// What is called so names a resource, and does not tell of which type: a message's
/// `OriginationIdentity` is a number, a pool or a sender.
const OF_ANY_TYPE: [&str; 8] = [
    "entityid",
    "memberid",
    "originationidentity",
    "resourceid",
    "resourceidentifier",
    "resourcename",
    "targetid",
    "targetidentifier",
];

/// Whether a member names one of an action's types and nothing says which.
fn names_any(operation: &Operation, found: &Found) -> bool {
    let is_bound = |member: &Member| {
        let sources = found.resources.iter().flat_map(|resource| resource.named.sources());
        sources.flat_map(|source| &source.paths).any(|path| path.name() == member.name)
    };
    let mut members = operation.members.iter();
    members.any(|member| OF_ANY_TYPE.contains(&&*plain(member.name)) && !is_bound(member))
}

/// Whether a call that names none is about all: it lists, or describes several.
fn lists(operation: &Operation, named: &Named) -> bool {
    let is_several = operation.name.ends_with('s') || !matches!(named, Named::Arn(_));
    operation.name.starts_with("List") || operation.name.starts_with("Describe") && is_several
}

/// What an override says of a type.
fn stated(
    operation: &Operation,
    rule: &ResourceRule,
    required: bool,
    kind: &'static ResourceType,
) -> Resource {
    let source = |members: &[&'static str], form, otherwise, asked: Option<&AskedRule>| Source {
        paths: members.iter().filter_map(|text| Path::parse(operation, text)).collect(),
        form,
        otherwise,
        asked: asked.map(|rule| question(operation, rule)),
        starting: Vec::new(),
    };
    let said = |variable: &Variable| {
        source(&variable.members, variable.read, variable.otherwise, variable.asked.as_ref())
    };
    let last = Source {
        starting: rule.starting.clone(),
        ..source(&rule.members, rule.read, rule.otherwise, rule.asked.as_ref())
    };
    let named = match rule.read {
        Form::Arn | Form::Within => Named::Arn(last),
        Form::Below => {
            Named::Below { arn: kind.arn.first().copied().unwrap_or_default(), parent: last }
        }
        _ => {
            let arn = rule.arn.or_else(|| kind.arn.first().copied()).unwrap_or_default();
            let mut parts: Vec<Part> = variables(arn)
                .map(|variable| {
                    let source = match rule.variables.get(variable) {
                        Some(variable) => said(variable),
                        None => {
                            let same = same_name(operation, variable);
                            Source { paths: same.into_iter().collect(), ..Source::default() }
                        }
                    };
                    Part { variable, source }
                })
                .collect();
            if let Some(part) = parts.last_mut() {
                part.source = last;
            }
            let account = rule.variables.get("Account").map(said);
            Named::Parts { arn, parts, account }
        }
    };
    let only = rule.only.as_ref().and_then(|only| {
        let equal = only.is.is_some();
        let member = Path::parse(operation, only.member)?;
        let text = only.is.or(only.is_not)?;
        Some(Only { member, text, equal, otherwise: only.otherwise })
    });
    let required = rule.required.unwrap_or(required);
    Resource { kind, required, named, only, or_all: false }
}

/// What the service is asked.
pub(super) fn question(operation: &Operation, rule: &AskedRule) -> Asked {
    let given = |(member, text): (&&'static str, &&'static str)| {
        Some((*member, Path::parse(operation, text)?))
    };
    Asked {
        operation: rule.operation,
        given: rule.given.iter().filter_map(given).collect(),
        answer: rule.answer.split('.').collect(),
    }
}

pub(super) fn same_name(operation: &Operation, variable: &str) -> Option<Path> {
    let is = |member: &&Member| plain(member.name) == plain(variable);
    operation.members.iter().find(is).map(Path::member)
}

/// A resource of a type that the call makes, and of which it tells at most a part:
/// `*` for the rest. What the call is about tells the variables that both have.
pub(super) fn made(
    operation: &Operation,
    kind: &'static ResourceType,
    about: &[Resource],
) -> Option<Resource> {
    let arn = kind.arn.first().copied()?;
    let input = Input { operation, arns: Vec::new(), is_sole: true, is_made: true };
    let of = plain(kind.name);
    let all: Vec<&'static str> = variables(arn).collect();
    let mut parts: Vec<Part> = Vec::with_capacity(all.len());
    for (at, variable) in all.iter().enumerate() {
        // The last one is its own, and none of what it is made in.
        let is_last = at + 1 == all.len();
        let mut above = about.iter().filter(|_| !is_last);
        let told = above.find_map(|resource| resource.named.part(variable).cloned());
        let found = told.or_else(|| input.variable(variable, &of, is_last));
        let found = found.or_else(|| input.parent(variable).filter(|_| !is_last));
        let is_new = |it: &Source| !parts.iter().any(|part| part.source.paths == it.paths);
        let source = found.filter(is_new).unwrap_or_default();
        let otherwise = source.otherwise.or(Some("*"));
        parts.push(Part { variable, source: Source { otherwise, ..source } });
    }
    let named = Named::Parts { arn, parts, account: None };
    Some(Resource { kind, required: false, named, only: None, or_all: false })
}

/// The variables of an ARN that are its type's own.
pub(super) fn variables(arn: &'static str) -> impl Iterator<Item = &'static str> {
    arn.split("${")
        .skip(1)
        .filter_map(|part| part.split_once('}').map(|(name, _)| name))
        .filter(|name| !matches!(*name, "Partition" | "Region" | "Account"))
}

/// A name without case and signs: `load-balancer` and `LoadBalancer` are one.
pub(super) fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// The members of an input that may name a resource of an action.
struct Input<'a> {
    operation: &'a Operation,
    /// Members that an override calls ARNs of any type.
    arns: Vec<Path>,
    /// The action acts upon one type alone.
    is_sole: bool,
    /// The type is the one that the operation makes.
    is_made: bool,
}

/// What is called so is an ARN, whichever of an action's types it is of.
const ANY_ARN: [&str; 6] =
    ["arn", "arns", "resourcearn", "resourcearns", "resourcearnlist", "taggableresourcearn"];

impl Input<'_> {
    /// How the input names a resource of a type, where its members are called as
    /// the type and its variables are.
    fn named(&self, kind: &'static ResourceType, required: bool) -> Option<Named> {
        let of = plain(kind.name);
        let by_member = || self.member(&[format!("{of}arn"), format!("{of}arns")]).map(by_arn);
        let by_name = self.by_name(kind, &of);
        if by_name.as_ref().is_some_and(Named::is_without_parts)
            && let Some(named) = self.without_parts(kind, &of, required)
        {
            return Some(named);
        }
        let by_member = by_member();
        if let Some(by_name) = by_name {
            // A call may give either or both, as `StreamARN` and `StreamName`.
            let given = by_name.is_of_members();
            let own = || self.member(&["arn".to_owned()]).filter(|_| self.is_own(&of)).map(by_arn);
            return Some(match by_member.or_else(own) {
                Some(by_arn) if given => Named::Either(vec![by_arn, by_name]),
                Some(by_arn) => by_arn,
                None => by_name,
            });
        }
        if by_member.is_some() {
            return by_member;
        }
        // `${TopicName}` by `TopicArn`.
        for arn in &kind.arn {
            let stem = variables(arn).last().map(plain).unwrap_or_default();
            let stem = stem.strip_suffix("name").or_else(|| stem.strip_suffix("id"));
            if let Some(stem) = stem.filter(|stem| !stem.is_empty())
                && let Some(member) = self.member(&[format!("{stem}arn")])
            {
                return Some(by_arn(member));
            }
        }
        if !self.arns.is_empty() {
            let paths = self.arns.clone();
            return Some(Named::Arn(Source { paths, form: Form::Arn, ..Source::default() }));
        }
        self.member(&ANY_ARN.map(str::to_owned)).map(by_arn)
    }

    /// A type whose ARN has no variables: of DMS, it ends in what the service makes
    /// (`endpoint:*`), and a member has all of it; of others there is one in an account,
    /// which an ARN of any type may be and need not.
    fn without_parts(
        &self,
        kind: &'static ResourceType,
        of: &str,
        required: bool,
    ) -> Option<Named> {
        let arn = kind.arn.first().copied()?;
        let any = || self.member(&ANY_ARN.map(str::to_owned)).map(by_arn);
        if !arn.ends_with('*') {
            return any().filter(|_| !self.is_sole && !required);
        }
        let own = self.member(&[format!("{of}arn"), format!("{of}arns")]).map(by_arn);
        let by_id = || {
            // By an ARN, or by a name that the ARN does not have.
            let member = self.member(&[format!("{of}identifier")])?;
            let source = Source { paths: vec![Path::member(member)], ..Source::default() };
            let parts = vec![Part { variable: "", source }];
            Some(Named::Parts { arn, parts, account: None }).filter(|_| !self.creates(of))
        };
        own.or_else(by_id).or_else(any)
    }

    /// By the members that are called as the variables of one of the type's ARNs.
    fn by_name(&self, kind: &'static ResourceType, of: &str) -> Option<Named> {
        for arn in &kind.arn {
            let names: Vec<&str> = variables(arn).collect();
            let parts: Option<Vec<Part>> = names
                .iter()
                .enumerate()
                .map(|(at, variable)| {
                    let is_last = at + 1 == names.len();
                    let source = self.variable(variable, of, is_last)?;
                    Some(Part { variable, source })
                })
                .collect();
            if let Some(parts) = parts {
                return Some(Named::Parts { arn, parts, account: None });
            }
        }
        None
    }

    /// What a variable is.
    fn variable(&self, variable: &str, kind: &str, is_last: bool) -> Option<Source> {
        let name = plain(variable);
        // `Name` and `Id` are those of what the operation is about.
        let is_anothers = ["name", "id"].contains(&&*name) && !self.is_sole && !self.is_own(kind);
        let mut candidates = if is_anothers { Vec::new() } else { vec![name.clone()] };
        if is_last {
            candidates.push(format!("{name}s"));
            let ending = ["name", "identifier", "id"].into_iter().find(|end| name.ends_with(end));
            // `${ClusterName}` of a multi-Region cluster by `MultiRegionClusterName`, and
            // not by the name of the cluster.
            if let Some(ending) = ending.filter(|_| !name.starts_with(kind)) {
                candidates.insert(0, format!("{kind}{ending}"));
            }
            let endings: &[&str] = match ending {
                Some("name") => &["name", "", "names", "s"],
                // What is made has no id yet: what is called as the type is its name.
                Some(_) if self.is_made => &["id", "identifier"],
                Some(_) => &["id", "identifier", "", "ids", "identifiers", "s"],
                // A version, or a time, which the service makes.
                None if self.is_made && !name.ends_with(kind) => &[],
                None => &["name", "id", "identifier", "", "names", "ids", "s"],
            };
            candidates.extend(endings.iter().map(|ending| format!("{kind}{ending}")));
            if self.is_own(kind) && !endings.is_empty() {
                // The operation is about this type alone: `DeleteConnection` by `Name`.
                candidates.extend(match ending {
                    Some("name") => vec!["name".to_owned()],
                    Some(_) => vec!["id".to_owned(), "identifier".to_owned()],
                    None => vec!["name".to_owned()],
                });
            }
        }
        match self.member(&candidates).filter(|member| is_last || member.kind == Kind::String) {
            Some(member) => Some(Source { paths: vec![Path::member(member)], ..Source::default() }),
            // The service makes the id of what a call creates.
            None if is_last && self.creates(kind) && is_id_of(&name, kind) => {
                Some(Source { otherwise: Some("*"), ..Source::default() })
            }
            None => None,
        }
    }

    /// What a thing is made in: `${ClusterId}` by `clusterIdentifier`, `cluster` or
    /// `ClusterArn`.
    fn parent(&self, variable: &str) -> Option<Source> {
        let name = plain(variable);
        let stem = ["identifier", "id", "name"].iter().find_map(|end| name.strip_suffix(end))?;
        let called = ["identifier", "id", "name", "arn", ""].map(|end| format!("{stem}{end}"));
        let member = self.member(&called).filter(|it| !stem.is_empty() && it.kind == Kind::String);
        Some(Source { paths: vec![Path::member(member?)], ..Source::default() })
    }

    /// The first member that is called so and is a text or several.
    fn member(&self, names: &[String]) -> Option<&Member> {
        names.iter().find_map(|name| {
            let called = |member: &&Member| plain(member.name) == *name;
            self.operation.members.iter().find(called).filter(|member| self.is_text(member))
        })
    }

    fn is_text(&self, member: &Member) -> bool {
        let model = self.operation.service.model();
        match model.shape_of(member).map(|shape| (&shape.form, shape.kind)) {
            Some((Shape::Scalar, kind)) => kind == Kind::String,
            Some((Shape::List(item), _)) => {
                model.shape_of(item).is_some_and(|shape| shape.kind == Kind::String)
            }
            _ => false,
        }
    }

    /// Whether the operation is called by what it does with the type.
    fn is_own(&self, kind: &str) -> bool {
        const VERBS: [&str; 12] = [
            "Create",
            "Delete",
            "Describe",
            "Get",
            "Update",
            "Put",
            "Start",
            "Stop",
            "Enable",
            "Disable",
            "Activate",
            "Deactivate",
        ];
        let name = self.operation.name;
        self.is_made
            || VERBS
                .iter()
                .any(|verb| name.strip_prefix(verb).is_some_and(|rest| plain(rest) == kind))
    }

    fn creates(&self, kind: &str) -> bool {
        let made = self.operation.name.strip_prefix("Create");
        self.is_made || made.is_some_and(|made| plain(made) == kind)
    }
}

/// Whether a variable is called as the id of a type: not `${ResourceId}`, which
/// may be a name.
fn is_id_of(name: &str, kind: &str) -> bool {
    ["id", "identifier"]
        .iter()
        .any(|end| name.strip_suffix(end).is_some_and(|of| of.is_empty() || kind.ends_with(of)))
}

fn by_arn(member: &Member) -> Named {
    Named::Arn(Source { paths: vec![Path::member(member)], form: Form::Arn, ..Source::default() })
}
