//! The proof of each guard rail in a run.

use std::time::Instant;

use ringfence_evidence::bundle::put;
use ringfence_evidence::manifest::sha256;
use ringfence_evidence::shown;
use ringfence_evidence::{Part, Phase, RunRecord, Summary};
use ringfence_prove::Disagreement;

use super::probe;
use crate::attacks::{Suite, rails};
use crate::evidence::Keeper;
use crate::progress::Progress;
use crate::proof::accounts::{OfAccount, Proving, together};
use crate::proof::calls::ended::Differs;
use crate::proof::certificates::CERTIFICATES;
use crate::proof::deployed;
use crate::proof::guarded::Unfit;

/// Each guard rail that speaks of permissions, for all requests; before any is
/// weakened. Account by account: what one claims of its identities is of their requests
/// to whatever account, which their own policies bound.
pub(super) async fn prove(
    suites: &[Suite<'_>],
    progress: &Progress,
    keeper: &Keeper,
    record: &mut RunRecord,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let phase = progress.phase("proving the guard rails");
    let mut accounts = Vec::new();
    for suite in suites {
        let proving = match deployed::proofs(suite).await {
            Ok((proofs, certificates)) => {
                // Of a part of the attacks nothing is told to be beyond.
                if !matches!(record.part, Some(Part::Chosen { .. })) {
                    let beyond = rails::unproved(&proofs).into_iter();
                    let beyond = beyond.map(|finding| probe(finding.of(suite.account())));
                    record.probes.extend(beyond);
                    record.summary = Summary::of(&record.probes);
                }
                Proving::Done(proofs, certificates)
            }
            // A fault of ours, and no result.
            Err(reason) if is_fault(&reason) => return Err(reason),
            Err(reason) if is_nobody(&reason) && has_nothing(suite) => {
                Proving::Nobody(format!("{reason:#}"))
            }
            Err(reason) => Proving::Failed(format!("{reason:#}")),
        };
        accounts.push(OfAccount { scope: suite.account().scope(), proving });
    }
    let together = together(accounts);
    record.proofs = together.proofs;
    record.deviations.extend(together.told);
    if let Some(certificates) = together.certificates {
        let text = String::from_utf8(shown::line(&certificates)?)?;
        // A policy without what was removed has another digest.
        if keeper.redactor().traffic(&text).text == text {
            put(&keeper.directory().join(CERTIFICATES), text.as_bytes())?;
            record.certificates_sha256 = Some(sha256(text.as_bytes()));
        } else {
            let why = "no certificates were kept: a policy in them holds what must not be";
            record.deviations.push(why.to_owned());
        }
        let duration_ms = u64::try_from(began.elapsed().as_millis())?;
        record.phases.push(Phase { name: "prove".to_owned(), duration_ms });
    }
    if let Some(proved) = record.proved() {
        phase.note(proved);
    }
    phase.done();
    Ok(())
}

/// Whether an account has nothing that a guard rail could be about without a deployer:
/// no function, no role or user and no network.
fn has_nothing(suite: &Suite<'_>) -> bool {
    let (facts, outputs) = (suite.facts(), suite.account().outputs());
    let is_made = |kind: &str| outputs.resources(kind).next().is_some();
    let functions = facts.functions.iter().any(|function| function.deployed);
    let networks = ["aws_vpc", "aws_subnet", "aws_security_group", "aws_vpc_endpoint"];
    !functions
        && facts.roles.is_empty()
        && !is_made("aws_iam_role")
        && !networks.iter().any(|it| is_made(it))
}

/// Whether prover and engine, or prover and guard, say otherwise of one request.
fn is_fault(reason: &anyhow::Error) -> bool {
    reason.is::<Disagreement>() || reason.is::<Box<Differs>>()
}

/// Whether nothing is claimed of anybody in an account.
fn is_nobody(reason: &anyhow::Error) -> bool {
    matches!(reason.downcast_ref::<Unfit>(), Some(Unfit::NoDeployers))
}
