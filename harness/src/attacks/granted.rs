//! What the policies of an identity allow, for all requests (`ringfence-prove`): whether
//! anything, something new of a name, and requests to begin with. What others than its own
//! policies and its boundary say of it is the guard's to tell.

use std::sync::Arc;

use ringfence_guard::Question as Request;
use ringfence_policy::symbolic::{Action, Effect, StatementView, statements};
use ringfence_policy::{Document, DocumentError, Kind, Policies, Principal, catalog};
use ringfence_prove::{Disagreement, Question, Universe, Verdict, Witness, within_for};
use serde_json::json;

use super::actor::Actor;
use super::facts::Facts;
use super::policies::{Named, PoliciesError, RolePolicies, identity_policies};
use crate::access;

/// What a name that is made up has in it.
const MADE_UP: &str = "ringfence";

/// Why it is not known what an identity's policies allow.
#[derive(Debug, thiserror::Error)]
pub(super) enum GrantedError {
    /// They cannot be had.
    #[error(transparent)]
    Policies(#[from] PoliciesError),
    /// One is not a policy.
    #[error("a policy of `{arn}` is none")]
    Document {
        /// The identity.
        arn: String,
        /// What is wrong with it.
        source: DocumentError,
    },
    /// Prover and engine differ.
    #[error(transparent)]
    Disagreement(#[from] Disagreement),
}

/// The policies of an identity.
#[derive(Debug, Clone)]
pub(super) struct Granted {
    /// `None` where they are nobody's yet.
    principal: Option<Principal>,
    /// Its own and its boundary.
    policies: Policies,
    account: String,
    region: String,
}

impl Granted {
    /// Of a deployed role or user, by its ARN.
    ///
    /// # Errors
    /// When its policies cannot be read.
    pub(super) async fn of(
        platform: &Actor,
        arn: &str,
        facts: &Facts,
    ) -> Result<Self, GrantedError> {
        let found = identity_policies(platform, arn).await?;
        let policies = policies(&found)
            .map_err(|source| GrantedError::Document { arn: arn.to_owned(), source })?;
        Ok(Self::new(principal(arn), policies, facts))
    }

    /// Of whoever has one policy alone.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn by(name: &str, text: &str, facts: &Facts) -> Result<Self, DocumentError> {
        let document = Document::parse(name, text, Kind::Identity)?;
        let policies = Policies { identity: vec![Arc::new(document)], ..Policies::default() };
        Ok(Self::new(None, policies, facts))
    }

    fn new(principal: Option<Principal>, policies: Policies, facts: &Facts) -> Self {
        let (account, region) = (facts.account.clone(), facts.region.clone());
        Self { principal, policies, account, region }
    }

    /// Whether an identity policy has a statement that allows anything.
    pub(super) fn allow_something(&self) -> bool {
        self.allows().next().is_some()
    }

    fn allows(&self) -> impl Iterator<Item = StatementView<'_>> {
        let all = self.policies.identity.iter().flat_map(|one| statements(one));
        all.filter(|one| one.effect() == Effect::Allow)
    }

    /// The name of something new that an action may be taken on: the one that is wanted, or
    /// else one that is made up as the policies allow. What is not decided may be allowed.
    ///
    /// # Errors
    /// When prover and engine differ.
    pub(super) fn free(&self, action: &str, wanted: &str) -> Result<Option<String>, GrantedError> {
        let Some(end) = wanted.rfind([':', '/']) else { return Ok(None) };
        let (before, name) = wanted.split_at(end + 1);
        match self.ask(action, &all_but(&[wanted], &[])?)? {
            Verdict::Violated(_) | Verdict::Undecided(_) => return Ok(Some(name.to_owned())),
            Verdict::Proved => {}
        }
        // Of a path, or of what stands below it, it is none.
        let made_up = [&*format!("{before}*{MADE_UP}*")];
        let below = [&*format!("{before}*/*"), &*format!("{before}*:*")];
        Ok(match self.ask(action, &all_but(&made_up, &below)?)? {
            Verdict::Violated(found) => found.resource.strip_prefix(before).map(str::to_owned),
            Verdict::Proved | Verdict::Undecided(_) => None,
        })
    }

    /// Requests that the policies allow, a few of each statement; each is looked for when it
    /// is asked for.
    ///
    /// # Errors
    /// When the account's name or the region's can stand in no ARN.
    pub(super) fn suggested(
        &self,
    ) -> Result<impl Iterator<Item = Result<Request, GrantedError>>, GrantedError> {
        const OF_A_STATEMENT: usize = 8;
        let Self { account, region, .. } = self;
        let of_region = format!("arn:*:*:{region}:{account}:*");
        let of_account = format!("arn:*:*::{account}:*");
        let elsewhere = all_but(&[&of_region, &of_account, "arn:*:*:::*"], &[])?;
        Ok(self.allows().flat_map(move |statement| {
            let elsewhere = elsewhere.clone();
            let spoken_of =
                actions(statement).filter(move |name| statement.is_about(&Action::parse(name)));
            let found =
                spoken_of.filter_map(move |name| self.request(&name, &elsewhere).transpose());
            found.take(OF_A_STATEMENT)
        }))
    }

    /// A request for an action: on something here, where there is one.
    fn request(&self, action: &str, elsewhere: &Policies) -> Result<Option<Request>, GrantedError> {
        for outer in [elsewhere, &Policies::default()] {
            if let Verdict::Violated(found) = self.ask(action, outer)? {
                let Witness { action, resource, context, .. } = *found;
                return Ok(Some(Request { action, resource, context }));
            }
        }
        Ok(None)
    }

    /// Whether a request for an action is allowed that is not among others.
    fn ask(&self, action: &str, outer: &Policies) -> Result<Verdict, GrantedError> {
        let (inner, principal) = (&self.policies, self.principal.as_ref());
        let universe = Universe::Catalogue;
        Ok(within_for(&Question { inner, outer, principal, universe }, action)?)
    }
}

fn principal(arn: &str) -> Option<Principal> {
    access::principal(if arn.contains(":user/") { "user" } else { "role" }, arn)
}

/// An identity's own policies and its boundary.
fn policies(found: &RolePolicies) -> Result<Policies, DocumentError> {
    let parse = |(name, text): &Named, kind| Document::parse(name, text, kind).map(Arc::new);
    let own = found.inline.iter().chain(&found.attached);
    let boundary = found.boundary.as_ref().map(|it| Ok(vec![parse(it, Kind::Boundary)?]));
    Ok(Policies {
        identity: own.map(|it| parse(it, Kind::Identity)).collect::<Result<_, _>>()?,
        boundary: boundary.transpose()?,
        ..Policies::default()
    })
}

/// The names of the actions of the services that a statement may speak of.
fn actions(statement: StatementView<'_>) -> impl Iterator<Item = String> {
    let of = catalog::prefixes().filter(move |prefix| statement.is_about_service(prefix));
    let services = of.filter_map(|it| Some((it, catalog::service(it)?)));
    services.flat_map(|(prefix, service)| {
        service.actions().map(move |action| format!("{prefix}:{}", action.name))
    })
}

/// What allows everything but what is done to these, and is not to those.
fn all_but(these: &[&str], those: &[&str]) -> Result<Policies, GrantedError> {
    let mut statements = vec![json!({"Effect": "Allow", "Action": "*", "NotResource": these})];
    if !those.is_empty() {
        statements.push(json!({"Effect": "Allow", "Action": "*", "Resource": those}));
    }
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let document = Document::parse("all but this", &text, Kind::Identity)
        .map_err(|source| GrantedError::Document { arn: these.join(", "), source })?;
    Ok(Policies { identity: vec![Arc::new(document)], ..Policies::default() })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/app";

    fn granted(identity: Value, boundary: Option<Value>) -> Granted {
        let document = |statements: Value| {
            json!({"Version": "2012-10-17", "Statement": statements}).to_string()
        };
        let found = RolePolicies {
            inline: vec![("own".to_owned(), document(identity))],
            boundary: boundary.map(|it| ("limits".to_owned(), document(it))),
            ..RolePolicies::default()
        };
        Granted {
            principal: principal(ROLE),
            policies: policies(&found).unwrap(),
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
        }
    }

    fn function(name: &str) -> String {
        format!("arn:aws:lambda:us-east-1:123456789012:function:{name}")
    }

    /// Where the usual name is not allowed, another one is made up as the policies allow;
    /// names without one leave nothing new.
    #[rstest::rstest]
    #[case::the_usual("ledger-*", Some("ledger-inside"))]
    #[case::made_up("ledger-fn-*", Some("ledger-fn-ringfence"))]
    #[case::with_an_end("*-fn", Some("ringfence-fn"))]
    #[case::none("ledger", None)]
    fn a_new_name_is_one_that_the_policies_allow(
        #[case] allowed: &str,
        #[case] name: Option<&str>,
    ) {
        let statement = json!([
            {"Effect": "Allow", "Action": "lambda:CreateFunction", "Resource": function(allowed)},
        ]);
        let granted = granted(statement, None);
        let wanted = function("ledger-inside");
        let free = granted.free("lambda:CreateFunction", &wanted).unwrap();
        assert_eq!(free.as_deref(), name);
        assert_eq!(granted.free("lambda:DeleteFunction", &wanted).unwrap(), None);
    }

    /// A role of a path is no role of a name that is asked for without one.
    #[test]
    fn a_new_name_has_no_path() {
        let role = "arn:aws:iam::123456789012:role/teams/*";
        let statement = json!([{"Effect": "Allow", "Action": "iam:CreateRole", "Resource": role}]);
        let wanted = "arn:aws:iam::123456789012:role/ledger";
        assert_eq!(granted(statement, None).free("iam:CreateRole", wanted).unwrap(), None);
    }

    #[test]
    fn what_is_denied_or_beyond_the_boundary_is_not_suggested() {
        let statements = json!([
            {"Effect": "Allow", "Action": ["iam:CreateUser", "logs:PutLogEvents", "s3:GetObject"],
             "Resource": "*"},
            {"Effect": "Deny", "Action": "s3:*", "Resource": "*"},
        ]);
        let boundary = json!([
            {"Effect": "Allow", "Action": ["logs:*", "s3:*"], "Resource": "*",
             "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}},
        ]);
        let granted = granted(statements, Some(boundary));
        assert!(granted.allow_something());
        let found: Vec<Request> = granted.suggested().unwrap().map(Result::unwrap).collect();
        let [one] = &found[..] else { panic!("{found:?}") };
        assert_eq!(one.action, "logs:PutLogEvents");
        assert!(one.resource.starts_with("arn:aws:logs:us-east-1:123456789012:"), "{one:?}");
        assert!(one.context.get("aws:RequestedRegion").is_some(), "{one:?}");
    }

    #[test]
    fn of_a_statement_a_few_requests_are_suggested() {
        let statements = json!([
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::one/*"},
        ]);
        let granted = granted(statements, None);
        assert_eq!(granted.suggested().unwrap().count(), 9);
    }
}
