//! The guard rails of a stack that runs, proved on what is deployed: the states of
//! Layer 1's root modules, and the roles and functions that the applications' stacks made.

use ringfence_certificate::Certificates;
use ringfence_evidence::{Proof, ProofVerdict};
use ringfence_wire::services::{Iam, Lambda};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::claims::Claim;
use super::decide::Finding;
use super::guarded::{Entrance, Guarded, Ways};
use super::{calls, certificates, claims, decide, reach, told, trust};
use crate::access::deployed;
use crate::access::estate::Estate;
use crate::access::files;
use crate::access::stated::stated;
use crate::attacks::reach::stacks;
use crate::attacks::{Step, Suite, role_policies};

/// What was proved, and its certificates.
pub type Proved = (Vec<Proof>, Certificates);

/// Proves the guard rails, and sends a call that gets past each that is violated.
///
/// # Errors
/// Why they cannot be proved: nothing that Terraform made, or state that does not fit
/// the configuration; and where prover and guard differ about a call.
pub async fn proofs(suite: &Suite<'_>) -> anyhow::Result<Proved> {
    let now = OffsetDateTime::now_utc();
    let deciding = decided(suite, move |guarded, claims, found| {
        calls::add(guarded, claims, found, now);
        Ok(certificates::certificates(claims, found)?)
    });
    let (claims, mut findings, certificates) = deciding.await?;
    calls::send(suite, &claims, &mut findings).await?;
    Ok((all_told(&findings), certificates))
}

/// Proves the guard rails, makes no certificates and sends nothing.
///
/// # Errors
/// As [`proofs`].
pub(crate) async fn rails(suite: &Suite<'_>) -> anyhow::Result<Vec<Proof>> {
    let (_, findings, ()) = decided(suite, |_, _, _| Ok(())).await?;
    Ok(all_told(&findings))
}

fn all_told(findings: &[Finding]) -> Vec<Proof> {
    told::rails(findings).iter().map(told::Rail::proof).collect()
}

/// The claims, what was decided of each, and what is made of that beside it.
async fn decided<T: Send + 'static>(
    suite: &Suite<'_>,
    beside: impl FnOnce(&Guarded<'_>, &[Claim], &mut [Finding]) -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<(Vec<Claim>, Vec<Finding>, T)> {
    let estate = estate(suite).await?;
    let estate = estate.ok_or_else(|| anyhow::anyhow!("there is no state of Terraform's"))?;
    let (config, ways) = (suite.account().config().clone(), ways(suite)?);
    let deciding = tokio::task::spawn_blocking(move || {
        let guarded = Guarded::within(&estate, &config, &ways)?;
        let claims = claims::all(&guarded, &stated(&config)?)?;
        let mut findings = decide::all(&claims)?;
        findings.extend(reach::findings(&guarded));
        let beside = beside(&guarded, &claims, &mut findings)?;
        Ok((claims, findings, beside))
    });
    deciding.await?
}

/// The ways between accounts by which the deployers of this one, or through this one, come
/// to their roles.
fn ways(suite: &Suite<'_>) -> anyhow::Result<Ways> {
    let (stack, mut ways) = (suite.stack(), Ways::default());
    for deployer in &stack.config().deployers {
        let Some(through) = &deployer.through_output else { continue };
        let name = deployer.name.get_ref();
        let field = format!("deployers.{name}.through_output");
        let role_arn = stack.outputs().text_of(&field, through.get_ref())?;
        let app = stack.app(deployer.app.get_ref())?;
        ways.through.insert(name.clone(), role_arn.clone());
        if role_arn.split(':').nth(4) == Some(suite.account().id()) {
            let subjects = trust::subjects(stack.config(), app);
            let (name, app) = (name.clone(), app.clone());
            ways.entrances.push(Entrance { name, role_arn, app, subjects });
        }
    }
    Ok(ways)
}

/// What is deployed, where Terraform made some of it.
pub(crate) async fn estate(suite: &Suite<'_>) -> anyhow::Result<Option<Estate>> {
    let account = suite.account();
    let mut states = suite.stack().printed()?;
    states.retain(|state| account.has_state(&state.name));
    if states.is_empty() {
        return Ok(None);
    }
    let mut estate = files::printed(states, &account.config().account)?;
    of_stacks(suite, &mut estate).await?;
    denies_of_stacks(suite, &mut estate).await?;
    functions(suite, &mut estate).await?;
    Ok(Some(estate))
}

/// The roles that Lambda takes and that Terraform did not make.
async fn of_stacks(suite: &Suite<'_>, estate: &mut Estate) -> anyhow::Result<()> {
    let platform = suite.platform();
    let answer = platform.call(&Step::new(Iam, "ListRoles", json!({}))).await.result?;
    let roles = answer.get("Roles").and_then(Value::as_array).cloned().unwrap_or_default();
    for role in roles {
        let text = |member: &str| role.get(member).and_then(Value::as_str);
        let (Some(name), Some(arn)) = (text("RoleName"), text("Arn")) else { continue };
        let entry = format!("role/{name}");
        if estate.entries.get(&entry).is_some_and(|entry| !entry.is_elsewhere) {
            continue;
        }
        let found = role_policies(platform, name).await?;
        if found.trust.contains("lambda.amazonaws.com") {
            // IAM has all that Terraform's files give it, too.
            estate.entries.remove(&entry);
            deployed::role(estate, arn, &found)?;
        }
    }
    Ok(())
}

/// What the policies deny of the resources that stacks made.
async fn denies_of_stacks(suite: &Suite<'_>, estate: &mut Estate) -> anyhow::Result<()> {
    let place = stacks::place(suite.facts());
    for found in stacks::all(suite.platform()).await? {
        match &found {
            Ok(stack) => deployed::denies(estate, &stack.name, Ok(stack), &place),
            Err(unread) => deployed::denies(estate, &unread.stack, Err(unread.why.clone()), &place),
        }
    }
    Ok(())
}

/// The functions that Terraform did not make, and no probe of ours is.
async fn functions(suite: &Suite<'_>, estate: &mut Estate) -> anyhow::Result<()> {
    let mut marker = None;
    loop {
        let asked = marker.map_or_else(|| json!({}), |marker: String| json!({"Marker": marker}));
        let step = Step::new(Lambda, "ListFunctions", asked);
        let answer = suite.platform().call(&step).await.result?;
        let listed = answer.get("Functions").and_then(Value::as_array);
        for found in listed.into_iter().flatten() {
            let Some(name) = found.get("FunctionName").and_then(Value::as_str) else { continue };
            if suite.facts().function_named(name).is_some() {
                deployed::function(estate, name, found);
            }
        }
        match answer.get("NextMarker").and_then(Value::as_str).filter(|it| !it.is_empty()) {
            Some(next) => marker = Some(next.to_owned()),
            None => return Ok(()),
        }
    }
}

impl told::Rail<'_> {
    /// As the record has it.
    fn proof(&self) -> Proof {
        Proof {
            guard_rail: self.name().to_owned(),
            verdict: match self.verdict() {
                "proved" => ProofVerdict::Proved,
                "violated" => ProofVerdict::Violated,
                _ => ProofVerdict::Undecided,
            },
            claims: self.claims(),
            universe: self.universe_told(),
            told: told::lines(self),
        }
    }
}
