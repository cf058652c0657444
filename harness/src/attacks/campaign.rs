//! A campaign: the whole suite, or what was chosen of it. Parts that share nothing
//! run side by side; the findings are in the order of the parts.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use ringfence_evidence::Mutations;
use ringfence_wire::services::CloudFormation;
use serde_json::{Value, json};

use super::across;
use super::attack::Step;
use super::choice::Choice;
use super::choosing::Measured;
use super::facts::DeployerFacts;
use super::finding::Finding;
use super::rails;
use super::reach::Reach;
use super::suite::{Part, Selected, Suite};
use crate::progress::Progress;

/// Ids that name no attack.
#[derive(Debug, thiserror::Error)]
#[error("no attack is called {}; `ringfence attack --json` prints the ids of all", .0.join(", "))]
pub struct Unknown(pub Vec<String>);

/// The ids of all attacks, in order.
///
/// # Errors
/// When no token can be made.
pub fn ids(suites: &[Suite<'_>]) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::new();
    for suite in suites {
        for part in suite.parts() {
            ids.extend(of_part(suite, part)?);
        }
    }
    ids.extend(across::ids(suites));
    Ok(ids)
}

/// The ids of a part's attacks, as a campaign has them.
pub(crate) fn of_part(suite: &Suite<'_>, part: Part<'_>) -> anyhow::Result<Vec<String>> {
    Ok(suite.ids(part)?.iter().map(|id| suite.account().scoped(id)).collect())
}

/// Runs what is chosen, account by account, and then what goes from one to another.
///
/// # Errors
/// When something chosen is not there.
pub async fn run(
    suites: &[Suite<'_>],
    choice: &Choice,
    progress: &Progress,
) -> anyhow::Result<Vec<Finding>> {
    if let Choice::Ids(chosen) = choice {
        let all: BTreeSet<String> = ids(suites)?.into_iter().collect();
        let unknown: Vec<String> = chosen.difference(&all).map(|id| format!("`{id}`")).collect();
        if !unknown.is_empty() {
            return Err(Unknown(unknown).into());
        }
    }
    let mut findings = Vec::new();
    for suite in suites {
        findings.extend(of_account(suite, choice, progress).await?);
    }
    findings.extend(across::run(suites, choice, progress).await?);
    if let Choice::Share(share) = choice {
        // Some attacks are steps of one story, and made together in each share that
        // has one of them.
        let all: BTreeSet<String> = ids(suites)?.into_iter().collect();
        findings.retain(|finding| share.has(&finding.id) || !all.contains(&finding.id));
    }
    if !choice.is_chosen() {
        for suite in suites {
            let account = suite.account();
            let own = findings.iter().filter(|finding| account.own(&finding.id).is_some());
            let beyond = rails::beyond(suite.facts(), &own.collect::<Vec<_>>());
            findings.extend(beyond.into_iter().map(|finding| finding.of(account)));
        }
    }
    Ok(findings)
}

/// Runs what is chosen of an account.
async fn of_account(
    suite: &Suite<'_>,
    choice: &Choice,
    progress: &Progress,
) -> anyhow::Result<Vec<Finding>> {
    let account = suite.account();
    let selected = |id: &str| choice.has(&account.scoped(id));
    let mut chosen = Vec::new();
    for part in suite.parts() {
        if choice.has_part(&of_part(suite, part)?) {
            chosen.push(part);
        }
    }
    let mut found: Vec<(usize, Vec<Finding>)> = Vec::new();
    for stage in stages(&chosen) {
        let tracks = stage.into_iter().map(async |track| {
            let mut found = Vec::new();
            for (place, part) in track {
                found.push((place, one(suite, part, &selected, progress).await));
            }
            found
        });
        found.extend(join_all(tracks).await.into_iter().flatten());
    }
    found.sort_by_key(|(place, _)| *place);
    let found = found.into_iter().flat_map(|(_, found)| found);
    Ok(found.map(|finding| finding.of(account)).collect())
}

/// What deployers, the apps' functions and others can do.
///
/// # Errors
/// When their policies cannot be read, or prover and engine differ.
pub async fn reaches(suites: &[Suite<'_>], progress: &Progress) -> anyhow::Result<Vec<Reach>> {
    let phase = progress.phase("what each identity reaches");
    let mut reaches: Vec<Reach> = Vec::new();
    for suite in suites {
        reaches.extend(Reach::of(suite).await?);
    }
    let asked = reaches.first().map_or(0, |reach| reach.asked);
    phase.note(format!("{} identities, {asked} actions each", reaches.len()));
    phase.done();
    Ok(reaches)
}

/// What the approaches cost and risk, from what was found.
///
/// # Errors
/// When Terraform's state or a stack cannot be read.
pub async fn choosing(
    suites: &[Suite<'_>],
    findings: &[Finding],
    reaches: &[Reach],
    mutations: Option<&Mutations>,
) -> anyhow::Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for suite in suites {
        let account = suite.account();
        let instances = match suite.stack().terraform() {
            Some(terraform) => terraform.instances_in(account.id())?,
            None => Vec::new(),
        };
        for deployer in &suite.facts().deployers {
            let name = account.scoped(&deployer.name);
            let Some(reach) = reaches.iter().find(|reach| reach.identity == name) else {
                continue;
            };
            let team = team_resources(suite, deployer).await?;
            let of = (deployer, account);
            measured.push(Measured::of(of, &instances, team, reach, findings, mutations));
        }
    }
    Ok(measured)
}

/// The resources of a team's own stack; none where it has no stack.
async fn team_resources(suite: &Suite<'_>, deployer: &DeployerFacts) -> anyhow::Result<usize> {
    let input = json!({"StackName": deployer.stack});
    let step = Step::new(CloudFormation, "DescribeStackResources", input);
    match suite.platform().call(&step).await.result {
        Ok(answer) => {
            let resources = answer.get("StackResources").and_then(Value::as_array);
            Ok(resources.map_or(0, Vec::len))
        }
        Err(error) if error.code == "ValidationError" => Ok(0),
        Err(error) => Err(error.into()),
    }
}

async fn one(
    suite: &Suite<'_>,
    part: Part<'_>,
    selected: Selected<'_>,
    progress: &Progress,
) -> Vec<Finding> {
    let phase = progress.phase(suite.account().scoped(&part.title()));
    let findings = suite.tried(part, selected).await;
    phase.note(format!("{} probes", findings.len()));
    phase.done();
    findings
}

/// Parts in order, each with its place among all.
type Track<'a> = Vec<(usize, Part<'a>)>;

/// What runs side by side, stage after stage: tracks, whose parts run in order.
///
/// Beside what looks and changes nothing runs the code in functions of its own, which
/// takes long to start, and what exchanges tokens: the keys that rotate meanwhile are those
/// of issuers for APIs, whose tokens become nobody here. Deployers come after that, one
/// after the other: what services do because of an attack is told by when it is recorded,
/// and the platform makes and removes the same things beside each of them.
fn stages<'a>(parts: &[Part<'a>]) -> [Vec<Track<'a>>; 2] {
    let (mut looking, mut beside, mut changing) = (Track::new(), Vec::new(), Track::new());
    for (place, part) in parts.iter().copied().enumerate() {
        match part {
            Part::Deployments | Part::Policies | Part::Settings | Part::Tokens => {
                looking.push((place, part));
            }
            Part::Trust(_) | Part::Pipeline(_) | Part::Inside(_) | Part::Code(_) => {
                beside.push(vec![(place, part)]);
            }
            Part::Deployer(_) | Part::Ceiling | Part::Role(_) | Part::Declared(_) => {
                changing.push((place, part));
            }
        }
    }
    beside.insert(0, looking);
    [beside, vec![changing]]
}
