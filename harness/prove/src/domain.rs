//! What requests there are: any, or those that AWS's catalogue admits.

use ringfence_models::actions;
use ringfence_policy::ValueType;

use crate::encode::wild;
use crate::words::{Pattern, Symbol, literal};

/// Which requests a verdict is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Universe {
    /// Any action, on `*` or any ARN, under any condition keys.
    All,
    /// The same, but that no request has a list of a key that has one value at most
    /// ([`actions::has_one_value`]), and of an action that the policies name none has a key
    /// that AWS's reference gives to other actions of its service alone
    /// ([`actions::Prefix::never_sends`]).
    #[serde(skip_deserializing)]
    Sent,
    /// The actions of AWS's catalogue, each on the resource types and under the
    /// condition keys that the catalogue gives it.
    Catalogue,
}

/// What a request for an action may be.
pub(crate) struct Admits {
    action: Option<Known>,
    on: On,
    /// The service, where the keys that AWS always sends are there.
    sent: Option<String>,
    /// The action, where the keys that AWS never sends with it are not.
    named: Option<Known>,
    /// Whether there are no lists of keys that have one value at most.
    single: bool,
}

type Known = (&'static actions::Prefix, &'static actions::Action);

/// What is acted upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum On {
    Anything,
    /// Nothing but `*`.
    Star,
    /// The ARNs of a format.
    Arns(&'static str),
}

/// What a key holds where it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Holds {
    Nothing,
    One,
    Many,
    Either,
}

/// What tells requests apart.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Signature(On, Vec<Rule>);

/// What a condition key may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Rule {
    pub(crate) may_be_absent: bool,
    pub(crate) holds: Holds,
    kind: Option<Kind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Value(ValueType),
    Arn,
    Account,
}

impl Rule {
    const ANYTHING: Self = Self { may_be_absent: true, holds: Holds::Either, kind: None };
    const ONE: Self = Self { may_be_absent: true, holds: Holds::One, kind: None };
    const NOTHING: Self = Self { may_be_absent: true, holds: Holds::Nothing, kind: None };

    /// A key that is there, with one value.
    pub(crate) fn always_one(self) -> Self {
        Self { may_be_absent: false, holds: Holds::One, ..self }
    }

    pub(crate) fn admits(&self, word: &str) -> bool {
        match self.kind {
            None | Some(Kind::Value(ValueType::String)) => true,
            Some(Kind::Value(ValueType::Boolean)) => word == "true" || word == "false",
            Some(Kind::Value(kind)) => kind.admits(word),
            Some(Kind::Account) => word.len() == 12 && word.bytes().all(|one| one.is_ascii_digit()),
            Some(Kind::Arn) => word.starts_with("arn:") && word.matches(':').count() >= 5,
        }
    }

    /// What values of the type are like; `None` where no patterns say that.
    pub(crate) fn forms(&self) -> Option<Vec<Pattern>> {
        let all = match self.kind {
            None | Some(Kind::Value(ValueType::String)) => Vec::new(),
            Some(Kind::Value(ValueType::Boolean)) => {
                ["true", "false"].map(|one| literal(one, false)).to_vec()
            }
            // Of two accounts neither stands for all others.
            Some(Kind::Account) => {
                vec![vec![Symbol::Digit; 12], literal("739182645019", false)]
            }
            Some(Kind::Arn) => vec![wild("arn:*:*:*:*:*", false)],
            Some(Kind::Value(_)) => return None,
        };
        Some(all)
    }

    /// Values of the type, so that there is one whatever is tested.
    pub(crate) fn samples(&self) -> &'static [&'static str] {
        match self.kind {
            None | Some(Kind::Value(ValueType::String | ValueType::Binary)) => &[],
            Some(Kind::Value(ValueType::Boolean)) => &["true", "false"],
            Some(Kind::Value(ValueType::Numeric)) => &["0"],
            Some(Kind::Value(ValueType::Date)) => &["2026-01-01T00:00:00Z"],
            Some(Kind::Value(ValueType::Ip)) => &["192.0.2.1", "2001:db8::1"],
            Some(Kind::Account) => &["100000000003"],
            Some(Kind::Arn) => &["arn:aws:x:::x"],
        }
    }
}

/// Types of the keys of every service, and whether a request always has them
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>:
/// "This key is always included in the request context").
const GLOBAL: [(&str, &str, bool); 30] = [
    ("aws:calledvia", "ArrayOfString", false),
    ("aws:currenttime", "Date", true),
    ("aws:epochtime", "Date", true),
    ("aws:ismcpserviceaction", "Bool", false),
    ("aws:multifactorauthage", "Numeric", false),
    ("aws:multifactorauthpresent", "Bool", false),
    ("aws:principalarn", "ARN", false),
    ("aws:principalisawsservice", "Bool", false),
    ("aws:principalorgpaths", "ArrayOfString", false),
    ("aws:principalservicenameslist", "ArrayOfString", false),
    ("aws:requestedregion", "String", true),
    ("aws:resourceaccount", "Account", false),
    ("aws:resourceorgpaths", "ArrayOfString", false),
    ("aws:securetransport", "Bool", true),
    ("aws:sourcearn", "ARN", false),
    ("aws:sourceip", "IPAddress", false),
    ("aws:sourceorgpaths", "ArrayOfString", false),
    ("aws:sourcevpcarn", "ARN", false),
    ("aws:tagkeys", "ArrayOfString", false),
    ("aws:tokenissuetime", "Date", false),
    ("aws:useragent", "String", true),
    ("aws:viaawsservice", "Bool", false),
    ("aws:viaawsmcpservice", "Bool", false),
    ("aws:vpceorgpaths", "ArrayOfString", false),
    ("aws:vpcsourceip", "IPAddress", false),
    ("aws:ec2instancesourceprivateipv4", "IPAddress", false),
    ("aws:assumedroot", "Bool", false),
    ("aws:signinsessionarn", "ARN", false),
    ("lambda:sourcefunctionarn", "ARN", false),
    ("ec2:sourceinstancearn", "ARN", false),
];

/// Keys that the requests of most services always have, and the services of which some
/// requests do not: the same page lists actions that do not support them. Of
/// `aws:ResourceAccount` it has named others in the course of time: those of 2023 (`ebs`,
/// `ec2`, `events`, `workspaces`) are still among these, and so is `aoss`, of which it
/// says nothing.
pub(crate) const OF_MOST: [(&str, &[&str]); 2] = [
    (
        "aws:resourceaccount",
        &[
            "aoss",
            "auditmanager",
            "detective",
            "ds",
            "ebs",
            "ec2",
            "es",
            "events",
            "guardduty",
            "macie2",
            "route53",
            "securityhub",
            "workspaces",
        ],
    ),
    ("aws:viaawsservice", &["ec2", "glue", "lakeformation", "opsworks", "opsworks-cm"]),
];

/// Whether each request of a service has this one of [`OF_MOST`].
pub(crate) fn sends(service: &str, key: &str) -> bool {
    let lacks = OF_MOST.iter().find(|(own, _)| *own == key);
    lacks.is_some_and(|(_, lacks)| actions::of(service).is_some() && !lacks.contains(&service))
}

impl Admits {
    /// Any condition keys, and none.
    pub(crate) fn anything() -> Self {
        Self { action: None, on: On::Anything, sent: None, named: None, single: false }
    }

    /// The same, and no lists of keys that have one value at most.
    pub(crate) fn any_single() -> Self {
        Self { single: true, ..Self::anything() }
    }

    /// Any, with those that AWS always sends for an action.
    pub(crate) fn sent(action: &str) -> Self {
        let service = action.split(':').next().unwrap_or_default().to_ascii_lowercase();
        Self { sent: Some(service), ..Self::anything() }
    }

    /// The same, without lists of keys that have one value at most.
    pub(crate) fn single(action: &str) -> Self {
        Self { single: true, ..Self::sent(action) }
    }

    /// The same, without the keys that AWS never sends for it.
    pub(crate) fn named(action: &str) -> Self {
        Self { named: known(action), ..Self::single(action) }
    }

    /// Requests for an action of the catalogue: on nothing but `*`, where none of
    /// its resource types is required, and on the ARNs of each type.
    pub(crate) fn of(name: &str) -> Vec<Self> {
        let Some((prefix, action)) = known(name) else { return Vec::new() };
        // Of API Gateway's verbs the reference has some paths alone.
        let kinds: Vec<_> = match prefix.prefix {
            "apigateway" => prefix.resource_types().collect(),
            _ => action.resources.iter().filter_map(|it| prefix.resource_type(it.name)).collect(),
        };
        let arns = kinds.iter().flat_map(|kind| kind.arn.iter());
        let mut all: Vec<On> = arns.filter(|arn| is_format(arn)).map(|arn| On::Arns(arn)).collect();
        if action.resources.iter().all(|one| !one.required) {
            all.push(On::Star);
        }
        all.into_iter().map(|on| Self::on(on, (prefix, action))).collect()
    }

    /// Requests for an action of the catalogue on resources of one type.
    pub(crate) fn of_type(name: &str, kind: &str) -> Vec<Self> {
        let Some((prefix, action)) = known(name) else { return Vec::new() };
        let arns = prefix.resource_type(kind).map_or(&[][..], |kind| &kind.arn);
        let on = arns.iter().filter(|arn| is_format(arn)).map(|arn| On::Arns(arn));
        on.map(|on| Self::on(on, (prefix, action))).collect()
    }

    /// Requests for an action of the catalogue on some resources.
    fn on(on: On, action: Known) -> Self {
        let sent = Some(action.0.prefix.to_owned());
        Self { action: Some(action), on, sent, ..Self::anything() }
    }

    /// Whether not everything may be acted upon.
    pub(crate) fn is_limited(&self) -> bool {
        self.on != On::Anything
    }

    /// Whether nothing but `*` is acted upon.
    pub(crate) fn star(&self) -> bool {
        self.on == On::Star
    }

    /// The ARNs that are acted upon, by part.
    pub(crate) fn format(&self) -> Option<[Pattern; 5]> {
        match self.on {
            On::Arns(arn) => format(arn),
            On::Anything | On::Star => None,
        }
    }

    /// The service of these ARNs, where it is one.
    pub(crate) fn service(&self) -> Option<String> {
        let On::Arns(arn) = self.on else { return None };
        let service = parts(arn)?.get(2).copied()?;
        (!service.contains(['*', '$'])).then(|| service.to_ascii_lowercase())
    }

    pub(crate) fn key(&self, lower: &str) -> Rule {
        if self.named.is_some_and(|(prefix, action)| prefix.never_sends(action, lower)) {
            return Rule::NOTHING;
        }
        let global = GLOBAL.iter().find(|(known, ..)| *known == lower);
        let always = global.is_some_and(|(.., always)| *always)
            || self.sent.as_deref().is_some_and(|service| sends(service, lower));
        let is_read = |kind| ["Bool", "Date", "IPAddress", "Numeric"].contains(&kind);
        let has_type = global.is_some_and(|(_, kind, _)| always || is_read(*kind));
        let own = match self.action {
            None if self.sent.is_none() || !has_type => {
                let is_one = self.single && actions::has_one_value(lower);
                return if is_one { Rule::ONE } else { Rule::ANYTHING };
            }
            None => None,
            Some((prefix, action)) if !always && !prefix.carries(action, lower) => {
                return Rule::NOTHING;
            }
            Some((prefix, _)) => prefix.key_type(lower),
        };
        let kind = global.map(|(_, kind, _)| *kind).or(own).unwrap_or("String");
        let (holds, kind) = match kind.strip_prefix("ArrayOf") {
            Some(kind) => (Holds::Many, kind),
            None => (Holds::One, kind),
        };
        let kind = match kind {
            "Bool" | "Boolean" => Kind::Value(ValueType::Boolean),
            "Numeric" | "Long" | "Integer" => Kind::Value(ValueType::Numeric),
            "Date" => Kind::Value(ValueType::Date),
            "IPAddress" | "IpAddress" => Kind::Value(ValueType::Ip),
            "Binary" => Kind::Value(ValueType::Binary),
            "ARN" | "Arn" => Kind::Arn,
            "Account" => Kind::Account,
            _ => Kind::Value(ValueType::String),
        };
        Rule { may_be_absent: !always, holds, kind: Some(kind) }
    }

    /// What tells the admitted requests apart from those for another action.
    pub(crate) fn signature(&self, keys: &[String]) -> Signature {
        Signature(self.on, keys.iter().map(|key| self.key(key)).collect())
    }
}

/// The keys, of some, that no request for an action of the catalogue has.
pub(crate) fn never_sent<'k>(
    (service, name): (&str, &str),
    keys: impl Iterator<Item = &'k str>,
) -> Vec<String> {
    let never = |key: &&str| {
        actions::of(service).is_some_and(|prefix| {
            prefix.action(name).is_some_and(|action| prefix.never_sends(action, key))
        })
    };
    keys.filter(never).map(str::to_owned).collect()
}

/// An action of the catalogue.
fn known(name: &str) -> Option<Known> {
    let (prefix, name) = name.split_once(':')?;
    let prefix = actions::of(prefix)?;
    Some((prefix, prefix.action(name)?))
}

/// The ARNs of a resource type, by part: an account is twelve digits, a
/// bucket's name, what stands in a path of API Gateway
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html>),
/// the ids of EC2 (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html>)
/// and the names of clusters of ECS
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html>)
/// have no slash, and what else varies is some text.
fn format(arn: &str) -> Option<[Pattern; 5]> {
    let parts = parts(arn)?;
    let service = parts.get(2).copied().unwrap_or_default();
    let mut all = parts
        .into_iter()
        .skip(1)
        .enumerate()
        .map(|(place, part)| symbols(part, place < 4, service));
    Some([all.next()?, all.next()?, all.next()?, all.next()?, all.next()?])
}

/// Whether a text is the format of ARNs.
fn is_format(arn: &str) -> bool {
    parts(arn).is_some()
}

fn parts(arn: &str) -> Option<[&str; 6]> {
    let mut parts = [""; 6];
    let mut rest = arn;
    for part in parts.iter_mut().take(5) {
        let end = colon(rest)?;
        *part = rest.get(..end)?;
        rest = rest.get(end + 1..)?;
    }
    if let Some(last) = parts.last_mut() {
        *last = rest;
    }
    Some(parts)
}

/// The first colon that is not in a variable.
fn colon(text: &str) -> Option<usize> {
    let mut inside = false;
    text.bytes().position(|byte| {
        inside = match byte {
            b'{' => true,
            b'}' => false,
            _ => inside,
        };
        byte == b':' && !inside
    })
}

/// Whether a variable of an ARN of a service has no slash.
fn is_flat(service: &str, name: &str) -> bool {
    match service {
        "apigateway" => true,
        "ec2" => name.ends_with("Id"),
        "ecs" => name == "ClusterName",
        _ => name == "BucketName",
    }
}

fn symbols(part: &str, fold: bool, service: &str) -> Pattern {
    let mut out = Vec::new();
    let mut rest = part;
    while let Some((before, after)) = rest.split_once("${") {
        out.extend(text(before, fold));
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        match name {
            "Account" => out.extend([Symbol::Digit; 12]),
            name if is_flat(service, name) => {
                out.extend([Symbol::AnyInPath, Symbol::ManyInPath]);
            }
            _ => out.extend([Symbol::Any, Symbol::Many]),
        }
        rest = after;
    }
    out.extend(text(rest, fold));
    out
}

fn text(written: &str, fold: bool) -> Pattern {
    let star = |symbol| if symbol == Symbol::Character('*') { Symbol::Many } else { symbol };
    literal(written, fold).into_iter().map(star).collect()
}
