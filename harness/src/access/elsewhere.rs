//! What an identity may do by the policies of resources that are not in the files: of keys, of
//! roles and of other accounts ([`LetIn`]). Such a policy may let in the account of who asks, and
//! what the identity's own policies allow it then is never shown to be nothing.
//!
//! What has its policy in the files is left out: that policy is asked about by itself.

use std::sync::Arc;

use ringfence_policy::{Document, Kind, Policies, Principal};
use ringfence_prove::{Disagreement, LetIn, Question, Universe, Verdict, within_sent};
use serde_json::{Value, json};

use super::denies::kept;
use super::estate::{Entry, Estate};
use crate::lint::known::Node;

/// Buckets, whose ARNs name no account.
const BUCKETS: &str = "arn:*:s3:::*";

/// Denies of what has its policy in the files, each of one resource.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere {
    known: Vec<Arc<Document>>,
    /// Of the buckets of the files.
    buckets: Vec<Arc<Document>>,
}

impl Estate {
    /// What is not elsewhere.
    pub(crate) fn elsewhere(&self) -> Elsewhere {
        let home = self.place().map(|place| place.account);
        // Of which account a bucket is, its ARN does not say: it counts as one of the caller's.
        let buckets = deny("*", ("Resource", json!([BUCKETS])));
        let mut all = Elsewhere { known: buckets.into_iter().collect(), ..Elsewhere::default() };
        for (name, entry) in &self.entries {
            let denied = match name.strip_prefix("trust of ") {
                Some(role) => self.role(role).map(|arn| deny("sts:*", ("Resource", json!([arn])))),
                None => {
                    let own = own(entry, home.as_deref());
                    own.map(|own| deny("*", ("Resource", json!(own))))
                }
            };
            all.known.extend(denied.flatten());
            let bucket = entry.of_one.first().filter(|arn| arn.contains(":s3:::"));
            all.buckets.extend(bucket.and_then(|arn| of_bucket(arn)));
        }
        let buckets =
            self.resources.iter().filter(|one| one.kind == "aws_s3_bucket" && !one.is_data);
        let names = buckets.filter_map(|one| one.values.get("bucket").and_then(Node::text));
        all.buckets.extend(names.filter_map(|name| of_bucket(&format!("arn:*:s3:::{name}"))));
        all
    }

    /// The ARN of a role of the files.
    fn role(&self, name: &str) -> Option<&str> {
        let entry = self.entries.get(name).filter(|entry| !entry.is_unnamed)?;
        match &entry.principal {
            Some(Principal::RoleSession { role_arn, .. }) => Some(role_arn.as_str()),
            _ => None,
        }
    }
}

/// What the policy of an entry is about, where that is one resource of one account: a pattern
/// that leaves the account open is one of where the files are.
fn own(entry: &Entry, home: Option<&str>) -> Option<Vec<String>> {
    entry.policies.resource.as_ref()?;
    let own = if entry.region.own.is_empty() { &entry.of_one } else { &entry.region.own };
    let rest = own.first()?.splitn(6, ':').nth(5)?;
    if rest.is_empty() || rest.contains(['*', '?', '$']) {
        return None;
    }
    own.iter().map(|pattern| of_account(pattern, home)).collect()
}

/// A pattern of an account.
fn of_account(pattern: &str, home: Option<&str>) -> Option<String> {
    let mut parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let account = parts.get_mut(4)?;
    if *account == "*" {
        *account = home?;
    }
    Some(parts.join(":"))
}

fn of_bucket(arn: &str) -> Option<Arc<Document>> {
    deny("*", ("Resource", json!([arn, format!("{arn}/*")])))
}

fn deny(action: &str, on: (&str, Value)) -> Option<Arc<Document>> {
    let text = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": action, on.0: on.1}]});
    Document::parse("what is in the files", &text.to_string(), Kind::Identity).ok().map(Arc::new)
}

/// Two sides beside policies that are not in the files.
pub(super) struct Besides<'e> {
    pub(super) principal: Option<Principal>,
    pub(super) inner: Policies,
    pub(super) outer: Policies,
    /// Denies of what is in the files.
    pub(super) known: &'e [Arc<Document>],
    /// Why nobody knows whether an action on a resource is allowed.
    pub(super) why: fn(&str, &str) -> String,
}

impl Elsewhere {
    /// Both sides as if the policies that are not in the files let in who asks.
    pub(super) fn besides(
        &self,
        principal: Option<&Principal>,
        [inner, outer]: [&Policies; 2],
    ) -> Vec<Besides<'_>> {
        let mut all = Vec::new();
        if let Some(LetIn { principal, inner, outer }) = LetIn::of(principal, inner, outer) {
            let known = self.known.as_slice();
            all.push(Besides { principal, inner, outer, known, why: of_resource });
        }
        if let Some([inner, outer]) = not_of_account(inner, outer) {
            let (principal, known) = (principal.cloned(), self.buckets.as_slice());
            all.push(Besides { principal, inner, outer, known, why: of_bucket_elsewhere });
        }
        all
    }

    /// Why a request may be allowed by the inner side and not by the outer, of which the policies
    /// of the files allow none: beside what the identity is denied for certain.
    pub(crate) fn may(
        &self,
        principal: Option<&Principal>,
        sides: [&Policies; 2],
        denied: impl Fn() -> Vec<Arc<Document>>,
    ) -> Result<Option<String>, Disagreement> {
        for besides in self.besides(principal, sides) {
            let Besides { principal, inner, outer, known, why } = besides;
            let (outer, principal, universe) = (&outer, principal.as_ref(), Universe::All);
            let ask =
                |inner: &Policies| within_sent(&Question { inner, outer, principal, universe });
            let denied = || [denied(), known.to_vec()].concat();
            match kept(&inner, denied, ask)?.verdict {
                Verdict::Proved => {}
                Verdict::Undecided(reason) => return Ok(Some(reason)),
                Verdict::Violated(found) => return Ok(Some(why(&found.action, &found.resource))),
            }
        }
        Ok(None)
    }
}

/// Both sides about buckets alone, as those of other accounts: resource control policies bind
/// "resources for a specific set of member accounts"
/// (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html>),
/// and of which account a bucket is, its ARN does not say.
fn not_of_account(inner: &Policies, outer: &Policies) -> Option<[Policies; 2]> {
    let is_said = inner.resource.is_some() || outer.resource.is_some();
    if is_said || inner.resource_control.is_empty() || inner.resource_control_of.is_none() {
        return None;
    }
    let others = deny("*", ("NotResource", json!([BUCKETS])))?;
    let [mut inner, outer] =
        [inner, outer].map(|side| Policies { resource_control: Vec::new(), ..side.clone() });
    inner.identity.push(others);
    Some([inner, outer])
}

fn of_resource(action: &str, resource: &str) -> String {
    LetIn::why(action, resource, "is not in the files")
}

fn of_bucket_elsewhere(action: &str, resource: &str) -> String {
    format!(
        "all but resource control policies allows `{action}` on `{resource}`, and whether that \
         bucket is of the account the files do not say"
    )
}
