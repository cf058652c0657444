//! What an estate's files say of who may do what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ringfence_policy::symbolic::{Effect, statements};
use ringfence_policy::{Document, Kind, Policies, Principal};

use super::bounded::Bounded;
use super::complete::Setting;
use super::denies::Denies;
use super::given::Gifts;
use super::grants::Unread;
use super::inlines::Inline;
use super::managed_twice::Made;
use super::own::Region;
use super::partial::Part;
use super::public::Restricts;
use super::running::{Profile, Running};
use super::templates::Place;
use crate::lint::terraform::Resource;

/// Identities and resources' policies by name.
#[derive(Debug, Default)]
pub struct Estate {
    /// `role/app`, `user/ci`, `trust of role/app`, `aws_s3_bucket_policy.logs`, or
    /// the path of a policy's file.
    pub entries: BTreeMap<String, Entry>,
    /// The resources of plans and states, completed.
    pub(crate) resources: Vec<Resource>,
    /// What plans and states give out, where it is known.
    pub(crate) outputs: BTreeMap<String, serde_json::Value>,
    /// The same of each, by the name of its root module, else by its path.
    pub(crate) roots: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
    /// The entries that templates make.
    pub(crate) of_templates: Vec<String>,
    /// The functions that templates make, with their roles.
    pub(crate) functions: BTreeMap<String, String>,
    /// What templates make that runs as a role, of which not all is known.
    pub(crate) running: Vec<Running>,
    /// The instance profiles that templates make.
    pub(crate) profiles: Vec<Profile>,
    /// The entries that are permissions on functions.
    pub(crate) permissions: BTreeSet<String>,
    /// What templates give to identities.
    pub(super) gifts: Gifts,
    /// The inline policies that templates make.
    pub(super) inlines: Vec<Inline>,
    /// The managed policies that templates make, by their ARNs.
    pub(super) made_managed: BTreeMap<String, Vec<Made>>,
    /// How many templates there are.
    pub(super) templates: usize,
    /// The path of the one that is read, where there are several.
    pub(super) template: Option<String>,
    /// The account and the region of the configuration, where there is one.
    pub(super) home: Home,
    /// Where each plan and state was made, as far as it is known.
    pub(super) settled: Vec<Setting>,
}

/// An account and a region, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Home {
    pub(super) account: Option<String>,
    pub(super) region: Option<String>,
}

/// Of what is not known the most that it may be, where that is bounded, by why it is not known:
/// several policies may have one reason.
pub(crate) type Most = BTreeMap<String, Widest>;

/// Of a policy of which a part is not known, or of several.
#[derive(Debug, Clone, Default)]
pub(crate) struct Widest {
    /// The most that what is not known may allow.
    pub(crate) allows: Vec<Arc<Document>>,
    /// The most that it may deny.
    pub(crate) denies: Vec<Arc<Document>>,
    /// Of a boundary the least that it allows; the most stands where the boundary does.
    pub(crate) boundary: Option<Vec<Arc<Document>>>,
    /// As they are written.
    pub(crate) parts: Vec<Part>,
}

impl Widest {
    fn extend(&mut self, other: Self) {
        self.allows.extend(other.allows);
        self.denies.extend(other.denies);
        self.boundary = self.boundary.take().or(other.boundary);
        self.parts.extend(other.parts);
    }
}

/// The most that what is known in part may allow.
pub(crate) fn allows(bounded: &Most) -> impl Iterator<Item = &Arc<Document>> {
    bounded.values().flat_map(|one| &one.allows)
}

/// Policies without what is known in part, and with the most that it may deny.
pub(crate) fn least(policies: &Policies, bounded: &Most) -> Policies {
    let mut policies = policies.clone();
    for Widest { denies, boundary, .. } in bounded.values() {
        policies.identity.extend(denies.iter().cloned());
        if let Some(least) = boundary {
            policies.boundary = Some(least.clone());
        }
    }
    policies
}

/// What an entry gives to another that is of it, or takes its place.
#[derive(Debug, Default)]
pub(super) struct HandedOn {
    identity: Vec<Arc<Document>>,
    outside: BTreeSet<String>,
    unknown: BTreeSet<String>,
    bounded: Most,
}

impl HandedOn {
    /// Whoever is given it may lose it: it denies nothing.
    pub(super) fn may_be_lost(&mut self, why: String) {
        self.identity.retain(|document| !denies(document));
        self.unknown.insert(why);
    }
}

/// Whether a document has a Deny.
pub(super) fn denies(document: &Document) -> bool {
    statements(document).any(|statement| statement.effect() == Effect::Deny)
}

/// What decides about requests: of an identity, or by a resource's policy.
#[derive(Debug, Default)]
pub struct Entry {
    /// Who asks, where one identity's ARN is known.
    pub principal: Option<Principal>,
    /// Why its ARN is not known, and what gives it, of an identity that the files make.
    pub(crate) no_arn: Option<String>,
    /// The id that AWS gave it (`AROA…`, `AIDA…`), where it is known.
    pub(crate) unique_id: Option<String>,
    /// What is known to count.
    pub policies: Policies,
    /// Managed policies whose documents are not in the files, by ARN.
    pub outside: BTreeSet<String>,
    /// What counts and is not known, and why.
    pub unknown: BTreeSet<String>,
    /// Of what is not known what is bounded.
    pub(crate) bounded: Most,
    /// What a resource grants that is not known or not read: the most that it may be.
    pub(crate) unread: Vec<Unread>,
    /// What the policy of a resource is about.
    pub(crate) region: Region,
    /// Of which resource it is the only policy, as patterns of its ARN.
    pub(crate) of_one: Vec<String>,
    /// What the policy of a resource denies, bound to the resource.
    pub(crate) denies: Denies,
    /// What Block Public Access keeps back of the policy of a bucket, before it is put into it.
    pub(crate) restricts: Option<Restricts>,
    /// The policy of a bucket with what Block Public Access may keep back of it, and why nobody
    /// knows whether it does.
    pub(crate) restricted: Option<(String, Arc<Document>)>,
    /// Whom a trust policy of which a part is not known lets in at most.
    pub(crate) trusts_at_most: Option<Arc<Document>>,
    /// Whether AWS gives an identity a part of its name: its ARN is then one of its form.
    pub(crate) is_unnamed: bool,
    /// Whether it is an identity that the files give something to and do not make: what else
    /// it has stands elsewhere.
    pub(crate) is_elsewhere: bool,
    /// Whether a plan destroys it, and makes it anew under its name.
    pub(crate) is_anew: bool,
    /// Whether another resource may take away what is given to it.
    pub(crate) may_lose: bool,
    /// Why plans and states may take away what others than their resources give it.
    pub(crate) takes: BTreeSet<String>,
    /// Of a user, its groups.
    pub(crate) groups: BTreeSet<String>,
    /// Of what is given to nobody knows whom: what that may be (`group`, `role`, `user`).
    pub(crate) given_to: BTreeSet<String>,
}

/// Whom a trust policy lets in.
pub(crate) struct Trusts<'e> {
    pub(crate) policy: Option<&'e Arc<Document>>,
    /// Why nobody knows that.
    pub(crate) beyond: Option<String>,
    /// Why it is the most that it may be.
    pub(crate) in_part: Option<String>,
}

impl Entry {
    /// Why an identity of a name may have more than the files say.
    pub(crate) fn elsewhere(&self, name: &str) -> Option<String> {
        self.is_elsewhere.then(|| format!("what else `{name}` has, which is not in the files"))
    }

    /// Notes why nobody knows whether it keeps what it is given.
    pub(super) fn may_lose(&mut self, why: impl IntoIterator<Item = String>) {
        for why in why {
            self.unknown.insert(why);
            self.may_lose = true;
        }
    }

    /// Why the ARN of an identity is not known.
    pub(crate) fn no_arn(&self) -> &str {
        let otherwise = match self.is_elsewhere {
            true => "no plan, state or template makes it",
            false => "not all of it is known",
        };
        self.no_arn.as_deref().unwrap_or(otherwise)
    }

    /// What an identity of a name may have besides what is known.
    pub(crate) fn open(&self, name: &str) -> Vec<String> {
        let all = self.outside.iter().chain(&self.unknown).cloned();
        all.chain(self.elsewhere(name)).collect()
    }

    /// The same, but for what is bounded.
    pub(crate) fn unbounded(&self, name: &str) -> Vec<String> {
        let mut all = self.open(name);
        all.retain(|why| !self.bounded.contains_key(why));
        all
    }

    /// Adds a policy that is known in part.
    pub(super) fn add_bounded(&mut self, why: String, bounded: Bounded) {
        let Bounded { sure, allows, denies, part } = bounded;
        self.policies.identity.extend(sure);
        self.unknown.insert(why.clone());
        let (allows, denies) = (allows.into_iter().collect(), denies.into_iter().collect());
        let parts = part.into_iter().collect();
        let widest = Widest { allows, denies, boundary: None, parts };
        self.bounded.entry(why).or_default().extend(widest);
    }

    /// Sets a boundary that is known in part.
    pub(super) fn limit(&mut self, why: String, bounded: Bounded) {
        let parts = bounded.part.iter().cloned().collect();
        let [most, least] = bounded.limits();
        self.policies.boundary = Some(most);
        self.unknown.insert(why.clone());
        let widest = Widest { boundary: Some(least), parts, ..Widest::default() };
        self.bounded.entry(why).or_default().extend(widest);
    }

    /// Whom a trust policy lets in, at most where a part of it is not known.
    pub(crate) fn trusts(&self) -> Trusts<'_> {
        let why = || self.unknown.first().cloned();
        match &self.trusts_at_most {
            Some(most) => Trusts { policy: Some(most), beyond: None, in_part: why() },
            None => {
                let policy = self.policies.resource.as_ref();
                Trusts { policy, beyond: why(), in_part: None }
            }
        }
    }

    /// What a group of a name hands on to who is one of it.
    pub(super) fn handed_on(&self, name: &str) -> HandedOn {
        HandedOn {
            identity: self.policies.identity.clone(),
            outside: self.outside.clone(),
            unknown: self.unknown.iter().cloned().chain(self.elsewhere(name)).collect(),
            bounded: self.bounded.clone(),
        }
    }

    /// Takes what a group hands on.
    pub(super) fn receive(&mut self, handed_on: HandedOn) {
        self.policies.identity.extend(handed_on.identity);
        self.outside.extend(handed_on.outside);
        self.unknown.extend(handed_on.unknown);
        for (why, most) in handed_on.bounded {
            self.bounded.entry(why).or_default().extend(most);
        }
    }

    /// Takes all that an entry of the same identity was given.
    pub(super) fn succeed(&mut self, given: Self) {
        self.groups.extend(given.groups);
        self.may_lose |= given.may_lose;
        if !given.takes.is_empty() {
            self.policies.identity.retain(|document| !denies(document));
            self.unknown.extend(given.takes.iter().cloned());
            self.takes.extend(given.takes);
        }
        self.receive(HandedOn {
            identity: given.policies.identity,
            outside: given.outside,
            unknown: given.unknown,
            bounded: given.bounded,
        });
    }

    /// Whether a document stands in it.
    pub(super) fn has_document(&self) -> bool {
        self.policies.resource.is_some() || !self.unknown.is_empty()
    }

    /// Whether it only limits what others allow.
    pub(super) fn only_limits(&self) -> bool {
        let Policies { vpc_endpoint, resource_control, service_control, .. } = &self.policies;
        vpc_endpoint.is_some() || !resource_control.is_empty() || !service_control.is_empty()
    }
}

impl Estate {
    /// A control policy of an organization that may keep back a request: one of
    /// services binds the identities of its accounts, one of resources whoever asks.
    /// To which accounts it is attached is not read.
    pub(crate) fn may_keep_back(&self, is_of_account: bool) -> Option<&str> {
        const KIND: &str = "aws_organizations_policy.";
        let mut all = self.entries.iter().filter(|(name, entry)| {
            let Policies { service_control, resource_control, .. } = &entry.policies;
            // Of one that is not known, nobody knows what it says.
            let is_unknown = name.contains(KIND) && !entry.unknown.is_empty();
            !resource_control.is_empty()
                || (is_of_account && !service_control.is_empty())
                || is_unknown
        });
        all.next().map(|(name, _)| name.as_str())
    }

    /// The account of its roles, and the region: those of the configuration where the files
    /// have them, else those that all ARNs are of. Of several that the configuration does not
    /// tell apart nobody knows which is meant.
    pub(crate) fn place(&self) -> Option<Place> {
        let accounts = self.accounts_of_roles();
        let account = one_of(&accounts, self.home.account.as_ref())?;
        let role = self.arns("aws_iam_role").find(|arn| part(arn, 4) == account)?;
        let partition = part(role, 1).to_owned();
        let regions = self.regions_of(&account);
        let region = match regions.is_empty() {
            true => self.home.region.clone(),
            false => one_of(&regions, self.home.region.as_ref()),
        };
        Some(Place { partition, account, region })
    }

    /// The accounts of the roles that have an ARN.
    pub(super) fn accounts_of_roles(&self) -> BTreeSet<String> {
        self.arns("aws_iam_role").map(|arn| part(arn, 4).to_owned()).collect()
    }

    /// The regions of what of an account is of one.
    pub(super) fn regions_of(&self, account: &str) -> BTreeSet<String> {
        let kinds = ["aws_lambda_function", "aws_ssm_parameter", "aws_dynamodb_table"];
        let all = kinds.into_iter().flat_map(|kind| self.arns(kind));
        let own = all.filter(|arn| part(arn, 4) == account);
        own.map(|arn| part(arn, 3).to_owned()).collect()
    }

    /// The ARNs of the resources of a type.
    fn arns(&self, kind: &'static str) -> impl Iterator<Item = &str> {
        let all = self.resources.iter().filter(move |one| one.kind == kind && !one.is_data);
        all.filter_map(|one| one.values.get("arn")?.text())
    }

    /// What may be taken away denies nothing.
    pub(super) fn deny_no_more(&mut self) {
        for entry in self.entries.values_mut().filter(|entry| entry.may_lose) {
            entry.policies.identity.retain(|document| !denies(document));
        }
    }

    /// Notes which identities none of the files makes.
    pub(super) fn note_elsewhere(&mut self, made: &BTreeMap<String, usize>) {
        for (name, entry) in &mut self.entries {
            let is_identity = ["group/", "role/", "user/"].iter().any(|it| name.starts_with(it));
            entry.is_elsewhere = is_identity && !made.contains_key(name);
        }
    }

    /// An entry, made where there is none.
    pub(super) fn entry(&mut self, name: &str) -> &mut Entry {
        self.entries.entry(name.to_owned()).or_default()
    }

    /// Adds a document that stands by itself. What only limits is asked as what an
    /// identity has that may do everything else.
    ///
    /// # Errors
    /// When two documents of a kind stand under one name.
    pub(super) fn add(&mut self, name: &str, document: Document) -> Result<(), Repeated> {
        let kind = document.kind();
        let document = Arc::new(document);
        let entry = self.entry(name);
        let policies = &mut entry.policies;
        let is_there = match kind {
            Kind::Identity | Kind::Boundary | Kind::Session => {
                policies.identity.push(document);
                false
            }
            Kind::Resource | Kind::Trust => policies.resource.replace(document).is_some(),
            Kind::VpcEndpoint => policies.vpc_endpoint.replace(document).is_some(),
            Kind::ServiceControl => {
                policies.service_control.push(vec![document]);
                false
            }
            Kind::ResourceControl => {
                policies.resource_control.push(vec![document]);
                false
            }
        };
        if matches!(kind, Kind::VpcEndpoint | Kind::ServiceControl | Kind::ResourceControl)
            && policies.identity.is_empty()
        {
            policies.identity.extend(everything());
        }
        if is_there { Err(Repeated(name.to_owned())) } else { Ok(()) }
    }
}

/// A part of an ARN.
fn part(arn: &str, number: usize) -> &str {
    arn.split(':').nth(number).unwrap_or_default()
}

/// The one that is meant, where it is among them, else the only one.
pub(super) fn one_of(all: &BTreeSet<String>, meant: Option<&String>) -> Option<String> {
    let found = meant.filter(|meant| all.contains(*meant)).cloned();
    found.or_else(|| all.first().filter(|_| all.len() == 1).cloned())
}

/// Two documents of a kind have one name.
#[derive(Debug, thiserror::Error)]
#[error("two policies of one kind are named `{0}`")]
pub struct Repeated(String);

/// What may do everything.
pub(super) fn everything() -> Option<Arc<Document>> {
    const TEXT: &str = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    Document::parse("everything", TEXT, Kind::Identity).ok().map(Arc::new)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn estate(arns: &[(&str, &str)], account: &str, region: &str) -> Estate {
        let resource = |(kind, arn): &(&str, &str)| Resource {
            address: (*arn).to_owned(),
            kind: (*kind).to_owned(),
            is_data: false,
            values: crate::access::complete::tree(
                ringfence_text::Place::START,
                &json!({"arn": arn}),
            ),
        };
        let known = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let home = Home { account: known(account), region: known(region) };
        Estate { resources: arns.iter().map(resource).collect(), home, ..Estate::default() }
    }

    /// What stands first in a file is not where a stack is.
    #[test]
    fn the_configuration_says_where_stacks_are_among_where_the_files_are() {
        const HERE: (&str, &str) = ("aws_iam_role", "arn:aws:iam::123456789012:role/a");
        const OTHER: (&str, &str) = ("aws_iam_role", "arn:aws:iam::999999999999:role/b");
        const EDGE: (&str, &str) =
            ("aws_lambda_function", "arn:aws:lambda:us-east-1:123456789012:function:e");
        const FUNCTION: (&str, &str) =
            ("aws_lambda_function", "arn:aws:lambda:eu-west-1:123456789012:function:f");
        const AWAY: (&str, &str) =
            ("aws_lambda_function", "arn:aws:lambda:eu-north-1:999999999999:function:f");
        let place = |arns: &[(&str, &str)], account: &str, region: &str| {
            let place = estate(arns, account, region).place()?;
            Some((place.account, place.region.unwrap_or_default()))
        };
        let is = |account: &str, region: &str| Some((account.to_owned(), region.to_owned()));
        let here = is("123456789012", "eu-west-1");
        assert_eq!(place(&[OTHER, HERE, EDGE, FUNCTION], "123456789012", "eu-west-1"), here);
        assert_eq!(place(&[OTHER, HERE, AWAY], "123456789012", "eu-west-1"), here);
        assert_eq!(place(&[OTHER, HERE, FUNCTION], "", ""), None);
        assert_eq!(place(&[HERE, EDGE, FUNCTION], "", ""), is("123456789012", ""));
        assert_eq!(place(&[HERE, FUNCTION], "", ""), here);
        assert_eq!(place(&[HERE, FUNCTION], "111111111111", "us-east-2"), here);
        assert_eq!(place(&[HERE], "", ""), is("123456789012", ""));
        assert_eq!(place(&[FUNCTION], "123456789012", "eu-west-1"), None);
    }
}
