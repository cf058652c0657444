//! What the policies of resources deny. A Deny of one is about its own resource alone
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_identity-vs-resource.html>),
//! and denies whom it names whatever their own policies allow
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html>).
//!
//! A request is for one resource, and meets no other's policy: the Denies of all resources, each
//! bound to its own, may count together. They are asked about where all else allows something.

use std::sync::Arc;

use ringfence_policy::symbolic::{StatementView, statements};
use ringfence_policy::{Document, Kind, Outcome, Policies, Principal, Wildcard, judge};
use ringfence_prove::{Verdict, Witness};
use serde_json::{Map, Value as Json, json};

use super::estate::{Entry, Estate, everything};
use super::unnamed::{hangs_on_name, meet};

/// How often Denies are added for what a request meets before all are.
const ROUNDS: usize = 8;

/// What the policy of a resource denies, bound to the resource.
#[derive(Debug, Clone, Default)]
pub(crate) struct Denies {
    /// What it denies for certain.
    sure: Option<Arc<Document>>,
    /// The most that it may deny besides, where nobody knows of what it is.
    may: Option<Arc<Document>>,
}

impl Denies {
    /// Of policies that are not known: anything but what no resource's policy has a say in.
    pub(super) fn anything(name: &str) -> Self {
        let text = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny",
            "Principal": "*", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"}]});
        let may = Document::parse(name, &text.to_string(), Kind::Resource).ok().map(Arc::new);
        Self { sure: None, may }
    }

    /// Whether there are any.
    pub(super) fn are_some(&self) -> bool {
        self.sure.is_some() || self.may.is_some()
    }

    /// The same of a policy that need not be there.
    pub(super) fn unsure(self) -> Self {
        let (Some(sure), may) = (&self.sure, &self.may) else { return self };
        let statements = |document: &Arc<Document>| -> Option<Vec<Json>> {
            let text: Json = serde_json::from_str(document.text()).ok()?;
            text.get("Statement")?.as_array().cloned()
        };
        let all = std::iter::once(sure).chain(may).filter_map(statements).flatten();
        // Both are of one policy, and of its version.
        let version = serde_json::from_str::<Json>(sure.text()).ok();
        let version = version.and_then(|text| text.get("Version").cloned());
        let text = json!({"Version": version, "Statement": all.collect::<Vec<_>>()});
        let may = Document::parse(sure.name(), &text.to_string(), Kind::Resource).ok();
        Self { sure: None, may: may.map(Arc::new) }
    }

    /// Of a policy of a resource with some ARNs, as patterns; of one that is not known it may be
    /// about all of its service, as the actions tell. One that need not be there may deny.
    pub(crate) fn of(
        policy: &Document,
        own: Option<&[String]>,
        about: &[String],
        is_there: bool,
    ) -> Self {
        let Ok(mut text) = serde_json::from_str::<Json>(policy.text()) else {
            return Self::default();
        };
        let written = match text.get_mut("Statement").map(Json::take) {
            Some(Json::Array(all)) => all,
            Some(one) => vec![one],
            None => Vec::new(),
        };
        let services = || about.iter().map(|one| of_service(one)).collect();
        let all: Vec<String> = own.map_or_else(services, <[String]>::to_vec);
        let (mut sure, mut may) = (Vec::new(), Vec::new());
        for one in written {
            let Json::Object(mut one) = one else { continue };
            if one.get("Effect") != Some(&json!("Deny")) {
                continue;
            }
            // Whose statements stand together here, their names do not tell.
            one.remove("Sid");
            let bound = Bound::of(&one, &all);
            match own.is_some() && is_there {
                true => sure.extend(on(&one, bound.on)),
                false => may.extend(on(&one, bound.on)),
            }
            may.extend(bound.or_else);
        }
        let version = text.get("Version").cloned().unwrap_or_else(|| json!("2008-10-17"));
        let document = |all: Vec<Json>| {
            let text = json!({"Version": version, "Statement": all}).to_string();
            let made = || Document::parse(policy.name(), &text, Kind::Resource).ok();
            (!all.is_empty()).then(made).flatten().map(Arc::new)
        };
        Self { sure: document(sure), may: document(may) }
    }
}

/// The ARNs of a service of an action, as a pattern.
fn of_service(action: &str) -> String {
    match action.split_once(':') {
        Some((service, _)) => format!("arn:*:{service}:*:*:*"),
        None => "*".to_owned(),
    }
}

/// A statement about some resources; none where there are none.
fn on(statement: &Map<String, Json>, resources: Vec<String>) -> Option<Json> {
    let mut statement = statement.clone();
    statement.remove("NotResource");
    statement.insert("Resource".to_owned(), json!(resources));
    (!resources.is_empty()).then_some(Json::Object(statement))
}

/// A statement bound to some resources.
struct Bound {
    /// Those that it is about.
    on: Vec<String>,
    /// The statement, where what both are about cannot be said: no less than that.
    or_else: Option<Json>,
}

impl Bound {
    fn of(statement: &Map<String, Json>, own: &[String]) -> Self {
        let texts = |key: &str| -> Option<Vec<&str>> {
            match statement.get(key)? {
                Json::Array(all) => Some(all.iter().filter_map(Json::as_str).collect()),
                one => Some(one.as_str().into_iter().collect()),
            }
        };
        let (mut on, mut wide) = (Vec::new(), Vec::new());
        if let Some(written) = texts("Resource") {
            for (one, own) in written.iter().flat_map(|one| own.iter().map(move |own| (one, own))) {
                match both(one, own) {
                    Both::None => {}
                    Both::These(pattern) => on.push(pattern),
                    Both::Unsaid => wide.push((*one).to_owned()),
                }
            }
        } else {
            let left_out = texts("NotResource").unwrap_or_default();
            for own in own {
                if left_out.iter().any(|one| is_within(own, one)) {
                    continue;
                }
                if left_out.iter().all(|one| matches!(both(one, own), Both::None)) {
                    on.push(own.clone());
                } else {
                    wide.push(own.clone());
                }
            }
        }
        let or_else = self::on(statement, wide);
        Self { on, or_else }
    }
}

/// What two patterns are both about.
enum Both {
    /// Nothing.
    None,
    /// What this one is about.
    These(String),
    /// No one pattern says it.
    Unsaid,
}

/// What two patterns of ARNs are both about, part by part.
fn both(one: &str, other: &str) -> Both {
    match (one, other) {
        ("*", pattern) | (pattern, "*") => return Both::These(pattern.to_owned()),
        _ => {}
    }
    let (first, second): (Vec<&str>, Vec<&str>) =
        (one.splitn(6, ':').collect(), other.splitn(6, ':').collect());
    if first.len() != 6 || second.len() != 6 {
        return Both::Unsaid;
    }
    let mut all = Vec::with_capacity(6);
    for (one, other) in first.into_iter().zip(second) {
        if !meet(&without_variables(one), &without_variables(other)) {
            return Both::None;
        }
        match (covers(one, other), covers(other, one)) {
            (true, _) => all.push(other),
            (_, true) => all.push(one),
            _ => return Both::Unsaid,
        }
    }
    Both::These(all.join(":"))
}

/// Whether what a pattern of ARNs is about another is about too, of whichever partition.
fn is_within(own: &str, other: &str) -> bool {
    let (own_parts, other_parts) = (own.splitn(6, ':'), other.splitn(6, ':'));
    let mut both = own_parts.zip(other_parts).enumerate();
    let is_like = other.splitn(6, ':').count() == own.splitn(6, ':').count();
    let covers = |(at, (own, other))| covers(other, own) || (at == 1 && own == "*");
    other == "*" || (is_like && both.all(covers))
}

/// Whether whatever fits a pattern fits another one, as far as that shows.
fn covers(wider: &str, pattern: &str) -> bool {
    wider == pattern || (!wider.contains(['?', '$']) && Wildcard::of_text(wider).matches(pattern))
}

/// A pattern with anything in the place of its variables.
fn without_variables(pattern: &str) -> String {
    let mut rest = pattern;
    let mut text = String::new();
    while let Some((before, after)) = rest.split_once("${") {
        text += before;
        text.push('*');
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    text + rest
}

/// What the policies of an estate's resources deny, by the names of their entries.
#[derive(Debug, Default)]
pub(crate) struct Denials(Vec<Of>);

/// What the policy of an entry denies.
#[derive(Debug)]
struct Of {
    name: String,
    denies: Denies,
    /// Why nobody knows all of it, where that hangs on the policy.
    why: Option<String>,
}

impl Estate {
    /// What its resources' policies deny.
    pub(crate) fn denials(&self) -> Denials {
        let all = self.entries.iter().filter(|(_, entry)| entry.denies.are_some());
        let of = |(name, entry): (&String, &Entry)| Of {
            name: name.clone(),
            denies: entry.denies.clone(),
            why: entry.unknown.first().cloned(),
        };
        Denials(all.map(of).collect())
    }
}

/// What somebody is denied by the policies of resources, as policies of its own.
#[derive(Debug, Default)]
pub(crate) struct Denied {
    /// For certain.
    pub(crate) sure: Vec<Arc<Document>>,
    /// What it may be denied besides, by why nobody knows.
    pub(crate) may: Vec<(String, Arc<Document>)>,
}

impl Denied {
    /// The same of somebody whose name is not known: what asks for that may deny it.
    pub(crate) fn of_unnamed(mut self, who: &str) -> Self {
        let asks = |one: &Arc<Document>| {
            let identity = vec![Arc::clone(one)];
            hangs_on_name(who, &Policies { identity, ..Policies::default() })
        };
        let (open, sure): (Vec<_>, Vec<_>) =
            self.sure.into_iter().partition(|one| asks(one).is_some());
        self.may.extend(open.into_iter().filter_map(|one| Some((asks(&one)?, one))));
        self.sure = sure;
        self
    }
}

impl Denials {
    /// What somebody is denied who has a permissions boundary, or has none: each of these.
    pub(crate) fn of(&self, who: &[&Principal], is_bounded: bool) -> Denied {
        let of = |document: &Option<Arc<Document>>| {
            let document = document.as_ref()?;
            about(document, |at| {
                let is_about = |one: StatementView<'_>| {
                    who.iter().all(|who| one.is_about_caller(who, is_bounded))
                };
                statements(document).nth(at).is_some_and(is_about)
            })
        };
        let mut denied = Denied::default();
        for Of { name, denies: Denies { sure, may }, why } in &self.0 {
            denied.sure.extend(of(sure));
            let unsaid = || format!("what all `{name}` denies is not known");
            let why = || why.clone().unwrap_or_else(unsaid);
            denied.may.extend(of(may).map(|document| (why(), document)));
        }
        denied
    }

    /// The same of the identity of an entry, where its ARN is known.
    pub(super) fn of_entry(&self, name: &str, entry: &Entry, is_bounded: bool) -> Denied {
        let Some(principal) = &entry.principal else { return Denied::default() };
        let denied = self.of(&[principal], is_bounded);
        if entry.is_unnamed { denied.of_unnamed(name) } else { denied }
    }

    /// The policies that deny something, with what they deny for certain.
    pub(crate) fn policies(&self) -> impl Iterator<Item = (&str, &Arc<Document>)> {
        self.0.iter().filter_map(|of| Some((of.name.as_str(), of.denies.sure.as_ref()?)))
    }
}

/// Some statements of a resource's policy as those of a policy of whom they are about.
pub(crate) fn about(document: &Document, is: impl Fn(usize) -> bool) -> Option<Arc<Document>> {
    let mut text: Json = serde_json::from_str(document.text()).ok()?;
    let Json::Array(all) = text.get_mut("Statement")?.take() else { return None };
    let mut own: Vec<Json> = Vec::new();
    for (_, mut one) in all.into_iter().enumerate().filter(|(at, _)| is(*at)) {
        let members = one.as_object_mut()?;
        members.remove("Principal");
        members.remove("NotPrincipal");
        own.push(one);
    }
    if own.is_empty() {
        return None;
    }
    *text.get_mut("Statement")? = Json::Array(own);
    Document::parse(document.name(), &text.to_string(), Kind::Identity).ok().map(Arc::new)
}

/// What policies allow beside Denies that count for them.
pub(crate) struct Kept<U> {
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// Of which requests it is.
    pub(crate) universe: U,
    /// The policies, with the Denies that were looked at.
    pub(crate) policies: Policies,
    /// These.
    pub(crate) by: Vec<Arc<Document>>,
}

/// Asks about policies, and where they allow something about the same with the Denies that deny
/// it, until none does.
///
/// # Errors
/// Those of asking.
pub(crate) fn kept<U, E>(
    policies: &Policies,
    denied: impl FnOnce() -> Vec<Arc<Document>>,
    ask: impl Fn(&Policies) -> Result<(Verdict, U), E>,
) -> Result<Kept<U>, E> {
    let (verdict, universe) = ask(policies)?;
    let mut kept = Kept { verdict, universe, policies: policies.clone(), by: Vec::new() };
    if !matches!(kept.verdict, Verdict::Violated(_)) {
        return Ok(kept);
    }
    let mut left = denied();
    for round in 0.. {
        let Verdict::Violated(witness) = &kept.verdict else { break };
        let denies = |one: &Arc<Document>| round >= ROUNDS || denies(one, witness);
        let (those, others): (Vec<_>, Vec<_>) = left.into_iter().partition(denies);
        left = others;
        if those.is_empty() {
            break;
        }
        kept.policies.identity.extend(those.iter().cloned());
        kept.by.extend(those);
        (kept.verdict, kept.universe) = ask(&kept.policies)?;
    }
    Ok(kept)
}

/// Whether a policy denies a request.
fn denies(document: &Arc<Document>, witness: &Witness) -> bool {
    let identity = everything().into_iter().chain([Arc::clone(document)]).collect();
    let policies = Policies { identity, ..Policies::default() };
    let outcome = judge(&witness.request(), &policies).outcome;
    matches!(outcome, Outcome::ExplicitDeny | Outcome::Undecided)
}

#[cfg(test)]
mod tests {
    use ringfence_policy::{Context, Request};
    use rstest::rstest;

    use super::*;

    const OWN: [&str; 2] = ["arn:*:s3:::b", "arn:*:s3:::b/*"];
    const USER: &str = "arn:aws:iam::123456789012:user/u";

    fn of(statement: &Json, own: Option<&[&str]>) -> Denies {
        let text = json!({"Version": "2012-10-17", "Statement": statement});
        let policy = Document::parse("p", &text.to_string(), Kind::Resource).unwrap();
        let own: Option<Vec<String>> =
            own.map(|own| own.iter().map(|one| (*one).to_owned()).collect());
        Denies::of(&policy, own.as_deref(), &["s3:*".to_owned()], true)
    }

    fn all(denies: Denies) -> Denials {
        Denials(vec![Of { name: "p".to_owned(), denies, why: None }])
    }

    fn deny(element: &str, resources: &[&str]) -> Json {
        json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", element: resources})
    }

    /// Whether what is denied for certain, and what may be, is about a resource.
    fn is_about(denies: Denies, resource: &str) -> (bool, bool) {
        let who = Principal::User { arn: USER.to_owned() };
        let denied = all(denies).of(&[&who], false);
        let context = Context::new();
        let is = |document: &Arc<Document>| {
            let identity = vec![Arc::clone(document)];
            let policies = Policies { identity, ..Policies::default() };
            let action = "s3:GetObject";
            let request = Request {
                principal: &who,
                action,
                resource,
                resource_account: None,
                context: &context,
            };
            judge(&request, &policies).outcome == Outcome::ExplicitDeny
        };
        (denied.sure.iter().any(is), denied.may.iter().any(|(_, document)| is(document)))
    }

    /// Of the bucket `b`: what is said of `b/x`, `b/y` and `c/x`.
    #[rstest]
    #[case::everything("Resource", &["*"], [(true, false), (true, false), (false, false)])]
    #[case::any_bucket("Resource", &["arn:aws:s3:::*"], [(true, false), (true, false), (false, false)])]
    #[case::its_objects("Resource", &["arn:aws:s3:::b/*"], [(true, false), (true, false), (false, false)])]
    #[case::one("Resource", &["arn:aws:s3:::b/x"], [(true, false), (false, false), (false, false)])]
    #[case::anothers("Resource", &["arn:aws:s3:::c/*"], [(false, false); 3])]
    #[case::of_the_caller("Resource", &["arn:aws:s3:::b/${aws:username}"], [(false, false); 3])]
    #[case::all_but_anothers("NotResource", &["arn:aws:s3:::c/*"], [(true, false), (true, false), (false, false)])]
    #[case::all_but_its_objects("NotResource", &["arn:aws:s3:::b/*"], [(false, false); 3])]
    // What is denied of some objects but others, no pattern says.
    #[case::all_but_one("NotResource", &["arn:aws:s3:::b/x"], [(false, true), (false, true), (false, false)])]
    #[case::some("Resource", &["arn:aws:s3:::?/x"], [(false, true), (false, false), (false, true)])]
    fn a_deny_is_bound_to_its_own_resource(
        #[case] element: &str,
        #[case] resources: &[&str],
        #[case] expected: [(bool, bool); 3],
    ) {
        let denies = of(&deny(element, resources), Some(&OWN));
        let told = ["b/x", "b/y", "c/x"]
            .map(|name| is_about(denies.clone(), &format!("arn:aws:s3:::{name}")));
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_of_an_unknown_resource_may_deny_what_its_service_has() {
        let denies = of(&deny("Resource", &["*"]), None);
        assert_eq!(is_about(denies.clone(), "arn:aws:s3:::b/x"), (false, true));
        assert_eq!(is_about(denies, "arn:aws:sqs:eu-west-1:123456789012:q"), (false, false));
    }

    #[test]
    fn an_allow_denies_nothing() {
        let allow = json!({"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"});
        assert!(!of(&allow, Some(&OWN)).are_some());
        assert!(of(&deny("Resource", &["*"]), Some(&OWN)).are_some());
    }

    #[rstest]
    #[case::whom_it_names(json!({"AWS": USER}), "Principal", false, true)]
    #[case::its_account(json!({"AWS": "123456789012"}), "Principal", false, true)]
    #[case::another(json!({"AWS": "arn:aws:iam::123456789012:user/v"}), "Principal", false, false)]
    #[case::all_but_it(json!({"AWS": USER}), "NotPrincipal", false, false)]
    #[case::all_but_it_under_a_boundary(json!({"AWS": USER}), "NotPrincipal", true, true)]
    #[case::all_but_another(
        json!({"AWS": "arn:aws:iam::123456789012:user/v"}),
        "NotPrincipal",
        false,
        true
    )]
    fn a_deny_is_of_whom_it_names(
        #[case] whom: Json,
        #[case] element: &str,
        #[case] is_bounded: bool,
        #[case] is_denied: bool,
    ) {
        let statement = json!({"Effect": "Deny", element: whom, "Action": "s3:*", "Resource": "arn:aws:s3:::b"});
        let who = Principal::User { arn: USER.to_owned() };
        let denied = all(of(&statement, Some(&OWN)));
        assert_eq!(denied.of(&[&who], is_bounded).sure.len(), usize::from(is_denied));
    }

    #[test]
    fn what_asks_for_a_name_that_is_not_known_may_deny() {
        let mut statement = deny("Resource", &["*"]);
        statement["Condition"] = json!({"ArnLike": {"aws:PrincipalArn": USER}});
        let who = Principal::User { arn: USER.to_owned() };
        let all = all(of(&statement, Some(&OWN)));
        let denied = all.of(&[&who], false);
        assert_eq!((denied.sure.len(), denied.may.len()), (1, 0));
        let denied = all.of(&[&who], false).of_unnamed("user/u");
        assert_eq!(denied.sure.len(), 0);
        let why: Vec<&str> = denied.may.iter().map(|(why, _)| why.as_str()).collect();
        assert_eq!(why, ["`p` asks for a name, and that of `user/u` is not known"]);
    }
}
