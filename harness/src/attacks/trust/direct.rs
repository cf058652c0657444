//! Tokens at the role of a deployer that another role comes to: each is refused, the
//! workflow's own too, which becomes that other role.

use std::borrow::Cow;
use std::time::Instant;

use ringfence_guard::Overlay;

use super::cases::{By, Case};
use super::{Assumed, TRUST, Trust};
use crate::attacks::companions;
use crate::attacks::finding::{Companion, Companions, Finding, Road, Scope, Traces};
use crate::attacks::suite::Selected;
use crate::issuers::IssuerError;

/// What STS answers where the account has no provider for the issuer
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>).
const NO_PROVIDER: &str = "InvalidIdentityToken";

impl Trust<'_> {
    /// The tokens, with the names of their findings.
    fn direct_cases(&self, of: &Assumed) -> Result<Vec<Case>, IssuerError> {
        let own = Case::by_policy("own-token", "of its own workflow", self.token(of)?);
        let others = self.cases(of)?.into_iter();
        // What STS refuses whoever the role trusts is tried at the role that a token becomes.
        let others = others.filter(|case| case.role.is_none() && case.by == By::Policy);
        let named = |case: Case| {
            let name = Cow::from(format!("direct-{}", case.name));
            Case { name, ..case }
        };
        Ok(std::iter::once(own).chain(others).map(named).collect())
    }

    /// The findings' ids.
    ///
    /// # Errors
    /// When no token can be made.
    pub fn direct_ids(&self, role: &Assumed) -> Result<Vec<String>, IssuerError> {
        Ok(self.direct_cases(role)?.iter().map(|case| super::id(role, case)).collect())
    }

    /// Shows each token to the deployer's own role. `through` is the role that its
    /// workflow's token becomes.
    ///
    /// # Errors
    /// When no token can be made.
    pub async fn run_direct(
        &self,
        role: &Assumed,
        through: &str,
        selected: Selected<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        let cases = self.direct_cases(role)?;
        let mut chosen = cases.iter().filter(|case| selected(&super::id(role, case))).peekable();
        if chosen.peek().is_none() {
            return Ok(Vec::new());
        }
        let canary = self.canary(role).await?;
        let mut findings = Vec::new();
        for case in chosen {
            findings.push(self.direct(role, through, case, &canary).await?);
        }
        Ok(findings)
    }

    async fn direct(
        &self,
        role: &Assumed,
        through: &str,
        case: &Case,
        canary: &Companion,
    ) -> anyhow::Result<Finding> {
        let start = Instant::now();
        let (attempt, request_id) = self.exchange(&role.role_arn, &case.token, None).await;
        let (twin, twin_id) = self.exchange(through, &self.token(role)?, None).await;
        let twin = match twin {
            Ok(_) => Companion::shown("the right token becomes the role that assumes it"),
            Err(error) => Companion::missing(format!("the right token was refused too: {error}")),
        };
        let (fault, observed, is_known) = match &attempt {
            Ok(_) => (Some("it was allowed".to_owned()), "it was allowed".to_owned(), true),
            Err(error) => {
                let observed = format!("{} {error}", error.status);
                let is_known = error.code != NO_PROVIDER;
                let is_refusal = !is_known || super::same(error, &case.refusal);
                let fault = format!("it was refused otherwise: {observed}");
                ((!is_refusal).then_some(fault), observed, is_known)
            }
        };
        let kept = self.guard.recording().zip(request_id.as_deref());
        let (decided_by, mutant) = match kept.and_then(|(kept, id)| kept.find(id)) {
            Some(recorded) => {
                let inputs = &recorded.inputs;
                let decisions = inputs.decide(&Overlay::none());
                (companions::deciders(inputs, &decisions), companions::mutant(inputs))
            }
            // The account has no provider that could be told to trust it.
            None if !is_known && twin.shown => {
                let shown = "the same workflow's token is admitted where there is a provider";
                (Vec::new(), Companion::shown(shown))
            }
            None => (Vec::new(), Companion::missing("the guard keeps no recording of the request")),
        };
        let companions =
            Companions { twin: Some(twin), canary: Some(canary.clone()), mutant: Some(mutant) };
        let (verdict, reason) = companions.judge(fault.as_deref(), &decided_by);
        Ok(Finding {
            id: super::id(role, case),
            guard_rail: TRUST,
            identity: role.name.clone(),
            road: Road::Oidc,
            scope: Scope::Executed,
            title: format!("a token {} does not become {} directly", case.title, role.name),
            expected: "it is refused: another role assumes it".to_owned(),
            observed,
            verdict,
            reason,
            companions,
            decided_by,
            duration: start.elapsed(),
            request_ids: request_id.into_iter().chain(twin_id).collect(),
            traces: Traces::default(),
        })
    }
}
