//! A policy of which a part is not known: what is known of it, and the most that the rest may
//! allow and deny.
//!
//! Of a statement of which a part is not known the widest counts: any action, any resource, no
//! condition in the place of what is not known, and what is left out (`NotAction`) no more than
//! is known. As an Allow it allows no less than the statement, as a Deny it denies no less. So
//! the most that a policy allows is what is known and the widest Allows, without the Denies
//! that are not known; the least is what is known, without the Allows that are not known, and
//! with the widest Denies. One whose effect is not known is both.

use std::sync::Arc;

use ringfence_policy::{Document, DocumentError, Kind};
use serde_json::{Map, Value as Json, json};

use super::partial::{Part, Text};

/// A policy of an identity, as far as it is known.
#[derive(Debug, Clone)]
pub(crate) struct Bounded {
    /// The statements that are known.
    pub(crate) sure: Option<Arc<Document>>,
    /// The others, each the widest that it may be where it may be an Allow.
    pub(crate) allows: Option<Arc<Document>>,
    /// The same where it may be a Deny.
    pub(crate) denies: Option<Arc<Document>>,
    /// As it is written, where something of it is known.
    pub(crate) part: Option<Part>,
}

impl Bounded {
    /// A policy of which nothing is known.
    ///
    /// # Errors
    /// None that is known.
    pub(super) fn anything(name: &str, kind: Kind) -> Result<Self, DocumentError> {
        let of = |name: String, effect: &str| {
            let statement = json!({"Effect": effect, "Action": "*", "Resource": "*"});
            let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
            Document::parse(name, &text, kind).map(|it| Some(Arc::new(it)))
        };
        Ok(Self {
            sure: None,
            allows: of(format!("the most of {name}"), "Allow")?,
            denies: of(format!("the most that {name} denies"), "Deny")?,
            part: None,
        })
    }

    /// What a document says, with the names of what is known and of the rest; `None` where
    /// what its texts mean is not known, or it is no document.
    ///
    /// # Errors
    /// A statement that AWS would not store.
    pub(super) fn of(name: &str, part: &Part, kind: Kind) -> Result<Option<Self>, DocumentError> {
        let Some(read) = Read::of(part) else { return Ok(None) };
        let sure = read.in_place();
        let Read { version, allows, denies, .. } = read;
        let document = |name: String, all| document(name, &version, all, kind);
        let of = |effect: &str, all: &[Wide]| -> Vec<Json> {
            all.iter().map(|one| one.of_identity(effect)).collect()
        };
        Ok(Some(Self {
            sure: document(name.to_owned(), sure)?,
            allows: document(format!("the most of {name}"), of("Allow", &allows))?,
            denies: document(format!("the most that {name} denies"), of("Deny", &denies))?,
            part: Some(part.clone()),
        }))
    }

    /// The same of one that need not be there: nothing of it is sure.
    ///
    /// # Errors
    /// As of [`Bounded::of`].
    pub(super) fn perhaps(
        name: &str,
        part: &Part,
        kind: Kind,
    ) -> Result<Option<Self>, DocumentError> {
        let Some(Read { version, sure, allows, denies, .. }) = Read::of(part) else {
            return Ok(None);
        };
        let document = |name: String, all| document(name, &version, all, kind);
        let of = |effect: &str, all: &[Wide]| -> Vec<Json> {
            let is_it = |one: &&Json| one.get("Effect").and_then(Json::as_str) == Some(effect);
            let known = sure.iter().filter(is_it).cloned();
            known.chain(all.iter().map(|one| one.of_identity(effect))).collect()
        };
        Ok(Some(Self {
            sure: None,
            allows: document(format!("the most of {name}"), of("Allow", &allows))?,
            denies: document(format!("the most that {name} denies"), of("Deny", &denies))?,
            // Whether it is there, what is written does not say.
            part: None,
        }))
    }

    /// The most that it allows as a boundary, and the least.
    pub(super) fn limits(self) -> [Vec<Arc<Document>>; 2] {
        let Self { sure, allows, denies, .. } = self;
        let least: Vec<_> = sure.clone().into_iter().chain(denies.clone()).collect();
        let most: Vec<_> = sure.into_iter().chain(allows).collect();
        // One that only denies allows nothing, whatever that is.
        let most = if most.is_empty() { least.clone() } else { most };
        [most, least]
    }
}

/// A document of statements; `None` of none.
fn document(
    name: String,
    version: &str,
    all: Vec<Json>,
    kind: Kind,
) -> Result<Option<Arc<Document>>, DocumentError> {
    let text = json!({"Version": version, "Statement": all}).to_string();
    let made = || Document::parse(name, &text, kind).map(Arc::new);
    (!all.is_empty()).then(made).transpose()
}

/// The Allows of a resource's policy, each the widest that it may be; whom one lets in that has
/// no principal is not known. `None` as in [`Bounded::of`], and where it names somebody by an
/// id.
pub(super) fn grants(part: &Part) -> Option<Vec<Json>> {
    let Read { version, sure, allows, .. } = Read::of(part)?;
    let is_allow = |one: &Json| one.get("Effect") == Some(&json!("Allow"));
    let sure = sure.into_iter().filter(is_allow);
    let all: Vec<Json> = sure.chain(allows.iter().map(Wide::of_resource)).collect();
    // Of former versions `${` means nothing.
    let is_read = |one: &Json| {
        let text = one.to_string();
        !names_by_id(&text) && (version == "2012-10-17" || !text.contains("${"))
    };
    all.iter().all(is_read).then_some(all)
}

/// What the policy of a resource denies, as far as that is known.
pub(super) struct Refused {
    pub(super) version: String,
    /// The Denies that are known.
    pub(super) sure: Vec<Json>,
    /// What may be Denies, each the widest that it may be.
    pub(super) may: Vec<Json>,
}

/// The Denies of a resource's policy: whom one denies that is not known, or is named by an id,
/// may be anybody. `None` as in [`Bounded::of`].
pub(super) fn refused(part: &Part) -> Option<Refused> {
    let Read { version, sure, denies, .. } = Read::of(part)?;
    let is_deny = |one: &Json| one.get("Effect") == Some(&json!("Deny"));
    let by_id = |one: &Json| {
        let mut named = ["Principal", "NotPrincipal"].into_iter().filter_map(|key| one.get(key));
        named.any(|who| names_by_id(&who.to_string()))
    };
    let (named, sure): (Vec<Json>, Vec<Json>) = sure.into_iter().filter(is_deny).partition(by_id);
    let of_anybody = named.into_iter().filter_map(|mut one| {
        let members = one.as_object_mut()?;
        members.remove("NotPrincipal");
        members.insert("Principal".to_owned(), json!("*"));
        Some(one)
    });
    let may = denies.iter().map(Wide::refusal).chain(of_anybody).collect();
    Some(Refused { version, sure, may })
}

/// Whether a text may name an identity by the id that AWS gives it.
fn names_by_id(text: &str) -> bool {
    text.contains("AROA") || text.contains("AIDA")
}

/// The most whom a trust policy lets in: everybody where a statement does not say whom. `None`
/// as in [`Bounded::of`].
///
/// # Errors
/// A statement that AWS would not store.
pub(super) fn trust(name: &str, part: &Part) -> Result<Option<Arc<Document>>, DocumentError> {
    let Some(Read { version, mut sure, allows, .. }) = Read::of(part) else { return Ok(None) };
    sure.extend(allows.iter().map(Wide::of_trust));
    let all = sure;
    let text = json!({"Version": version, "Statement": all}).to_string();
    match all.is_empty() || names_by_id(&text) {
        true => Ok(None),
        false => Document::parse(name, &text, Kind::Trust).map(|it| Some(Arc::new(it))),
    }
}

/// The statements of a policy.
struct Read {
    version: String,
    /// Those that are known.
    sure: Vec<Json>,
    /// The places that these have among all, from 0.
    places: Vec<usize>,
    /// Those that are not, and may be Allows.
    allows: Vec<Wide>,
    /// Those that are not, and may be Denies.
    denies: Vec<Wide>,
}

impl Read {
    /// The known statements of an identity's policy, each in its own place: what decides is
    /// called by its number. One that allows nothing stands where one before it is not known.
    fn in_place(&self) -> Vec<Json> {
        let mut all = Vec::new();
        for (place, known) in self.places.iter().zip(&self.sure) {
            let nothing = json!({"Effect": "Allow", "NotAction": "*", "Resource": "*"});
            all.resize(*place, nothing);
            all.push(known.clone());
        }
        all
    }

    fn of(part: &Part) -> Option<Self> {
        let version = match part.get("Version") {
            None => "2008-10-17",
            // Of former versions texts mean something else.
            Some(version) => version.text()?,
        };
        let mut read = Self {
            version: version.to_owned(),
            sure: Vec::new(),
            places: Vec::new(),
            allows: Vec::new(),
            denies: Vec::new(),
        };
        for (place, statement) in part.get("Statement")?.items().iter().enumerate() {
            if let Some(known) = statement.known() {
                read.sure.push(known);
                read.places.push(place);
                continue;
            }
            let wide = Wide::of(statement);
            match (statement, statement.get("Effect").map(Part::text)) {
                (Part::Open(_), _) | (_, Some(None)) => {
                    read.allows.push(wide.clone());
                    read.denies.push(wide);
                }
                (_, Some(Some("Allow"))) => read.allows.push(wide),
                (_, Some(Some("Deny"))) => read.denies.push(wide),
                _ => return None,
            }
        }
        Some(read)
    }
}

/// A statement that is about no less than one of which a part is not known.
#[derive(Debug, Clone)]
struct Wide {
    action: (&'static str, Json),
    /// `None`: it says nothing of resources.
    resource: Option<(&'static str, Json)>,
    condition: Map<String, Json>,
    /// `Principal` or `NotPrincipal`; `None` where it is not known whom it is about.
    who: Option<(&'static str, Json)>,
}

impl Wide {
    fn of(statement: &Part) -> Self {
        let (action, but) = (statement.get("Action"), statement.get("NotAction"));
        let action = match (action, but) {
            (Some(action), None) => ("Action", texts(action, action_of)),
            (None, Some(but)) => left_out("NotAction", "Action", but),
            _ => ("Action", json!("*")),
        };
        let (resource, but) = (statement.get("Resource"), statement.get("NotResource"));
        let is_open = matches!(statement, Part::Open(_));
        let resource = match (resource, but) {
            (Some(resource), None) => Some(("Resource", texts(resource, resource_of))),
            (None, Some(but)) => Some(left_out("NotResource", "Resource", but)),
            (None, None) if !is_open => None,
            _ => Some(("Resource", json!("*"))),
        };
        let condition = statement.get("Condition").map(conditions).unwrap_or_default();
        Self { action, resource, condition, who: who(statement) }
    }

    fn written(&self, effect: &str) -> Map<String, Json> {
        let mut all = Map::new();
        let (key, action) = &self.action;
        all.insert("Effect".to_owned(), json!(effect));
        all.insert((*key).to_owned(), action.clone());
        if let Some((key, resource)) = &self.resource {
            all.insert((*key).to_owned(), resource.clone());
        }
        if !self.condition.is_empty() {
            all.insert("Condition".to_owned(), Json::Object(self.condition.clone()));
        }
        all
    }

    fn of_identity(&self, effect: &str) -> Json {
        let mut all = self.written(effect);
        if self.resource.is_none() {
            all.insert("Resource".to_owned(), json!("*"));
        }
        Json::Object(all)
    }

    fn of_resource(&self) -> Json {
        let mut all = self.written("Allow");
        all.extend(self.who.clone().map(|(key, who)| (key.to_owned(), who)));
        Json::Object(all)
    }

    fn refusal(&self) -> Json {
        let mut all = self.written("Deny");
        let known = self.who.clone().filter(|(_, who)| !names_by_id(&who.to_string()));
        let (key, who) = known.unwrap_or(("Principal", json!("*")));
        all.insert(key.to_owned(), who);
        if self.resource.is_none() {
            all.insert("Resource".to_owned(), json!("*"));
        }
        Json::Object(all)
    }

    fn of_trust(&self) -> Json {
        let mut all = self.written("Allow");
        // It is about its role, and does not say it.
        all.retain(|key, _| key != "Resource" && key != "NotResource");
        let (key, who) = self.who.clone().unwrap_or(("Principal", json!("*")));
        all.insert(key.to_owned(), who);
        Json::Object(all)
    }
}

/// Whom a statement is about; `None` where that is not known.
fn who(statement: &Part) -> Option<(&'static str, Json)> {
    match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(who), None) => Some(("Principal", who.known()?)),
        (None, Some(but)) => Some(("NotPrincipal", but.known()?)),
        _ => None,
    }
}

/// The patterns of an element, `*` where one may be anything.
fn texts(element: &Part, of: impl Fn(&Text) -> Option<String>) -> Json {
    if let Some(known) = element.known() {
        return known;
    }
    let patterns = element.items().iter().map(|item| match item {
        Part::Leaf(Json::String(text)) => Some(text.clone()),
        Part::Text(text) => of(text),
        _ => None,
    });
    patterns.collect::<Option<Vec<_>>>().map_or_else(|| json!("*"), |all| json!(all))
}

/// What an element leaves out for sure; where that is nothing, it is about everything.
fn left_out(key: &'static str, other: &'static str, element: &Part) -> (&'static str, Json) {
    let known = element.items().iter().filter_map(Part::text).collect::<Vec<_>>();
    match known.is_empty() {
        true => (other, json!("*")),
        false => (key, json!(known)),
    }
}

/// A pattern of all actions that a text of one may name.
fn action_of(text: &Text) -> Option<String> {
    text.before.contains(':').then(|| format!("{}*{}", text.before, text.after))
}

/// A pattern of all resources that a text of one may name: where it is known of which service,
/// region and account they are. A variable of the policy may begin in the one part and end in
/// the other.
fn resource_of(text: &Text) -> Option<String> {
    let before = text.before.split(['$', '&', '{']).next().unwrap_or_default();
    let is_whole = before.len() == text.before.len() && !text.after.contains(['{', '}']);
    let after = if is_whole { text.after.as_str() } else { "" };
    (before.matches(':').count() >= 5).then(|| format!("{before}*{after}"))
}

/// The conditions that are known: with fewer a statement is about more.
fn conditions(element: &Part) -> Map<String, Json> {
    let of = |(operator, keys): &(String, Part)| {
        let known = keys.members().iter();
        let known = known.filter_map(|(key, values)| Some((key.clone(), values.known()?)));
        let known: Map<String, Json> = known.collect();
        (!known.is_empty()).then(|| (operator.clone(), Json::Object(known)))
    };
    element.members().iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use ringfence_policy::symbolic::{Action, statements};

    use super::*;

    /// What decides is called by its number in the document as it is written.
    #[test]
    fn a_statement_that_is_known_keeps_its_place() {
        let map = |members: Vec<(&str, Part)>| {
            Part::Map(members.into_iter().map(|(key, one)| (key.to_owned(), one)).collect())
        };
        let allow = |action: &str, resource: Part| {
            map(vec![
                ("Effect", Part::Leaf(json!("Allow"))),
                ("Action", Part::Leaf(json!(action))),
                ("Resource", resource),
            ])
        };
        let open = || Part::Open("aws_sqs_queue.q[0].arn".to_owned());
        let part = map(vec![
            ("Version", Part::Leaf(json!("2012-10-17"))),
            (
                "Statement",
                Part::List(vec![
                    allow("sqs:SendMessage", open()),
                    allow("iam:PutRolePolicy", Part::Leaf(json!("*"))),
                    allow("sqs:SendMessage", open()),
                ]),
            ),
        ]);
        let bounded = Bounded::of("p", &part, Kind::Identity).unwrap().unwrap();
        let sure = bounded.sure.unwrap();
        let about = |action: &str| -> Vec<bool> {
            let action = Action::parse(action);
            statements(&sure).map(|one| one.is_about(&action)).collect()
        };
        assert_eq!(about("iam:PutRolePolicy"), [false, true]);
        assert_eq!(about("sqs:SendMessage"), [false, false]);
    }
}
