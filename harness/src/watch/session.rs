//! One stack under watch: what was found, and what comes of a change.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::slice::from_ref;
use std::time::Instant;

use ringfence_evidence::{Places, Proof};
use ringfence_guard::recording::Verdict as Decided;
use ringfence_guard::{Inputs, Overlay};
use ringfence_policy::Principal;

use super::documents::{self, Documents, Made};
use super::kept::{self, Kept};
use super::told::{self, Extent, Times};
use crate::attacks::{Choice, Facts, Finding, Suite, Verdict, campaign};
use crate::changed::{self, Changed, Sources};
use crate::config::Config;
use crate::progress::Progress;
use crate::proof::deployed;
use crate::stack::Stack;

/// Which attacks are watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// All of them.
    All,
    /// These, and no claims.
    Ids(BTreeSet<String>),
    /// Those that look at what changed, before the watch began and in it.
    Changed(Changed),
}

/// A stack with what was found on it.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    stack: &'a mut Stack,
    chosen: Chosen,
    progress: Progress,
    kept: BTreeMap<String, Kept>,
    proofs: Vec<Proof>,
    places: Places,
    /// As the attacks were made with it.
    facts: String,
    /// As it was when the attacks were made that are kept.
    made: Made,
    /// The documents that changed since all attacks were made together: some were made
    /// with one text of them, and some with another.
    several: BTreeSet<String>,
    /// What changed and is not applied, since something was wrong with it.
    pending: Changed,
    /// Whether something was applied of which no answer was given.
    unanswered: bool,
}

impl<'a> Session<'a> {
    /// Of a stack that has started; makes the attacks for the first time.
    ///
    /// # Errors
    /// When they cannot be made.
    pub(crate) async fn begin(
        stack: &'a mut Stack,
        chosen: Chosen,
        progress: Progress,
    ) -> anyhow::Result<Self> {
        let mut session = Self {
            made: stack.made()?,
            places: places(stack.config())?,
            facts: String::new(),
            kept: BTreeMap::new(),
            proofs: Vec::new(),
            several: BTreeSet::new(),
            pending: Changed::default(),
            unanswered: false,
            stack,
            chosen,
            progress,
        };
        session.first().await?;
        Ok(session)
    }

    async fn first(&mut self) -> anyhow::Result<()> {
        let suite = Suite::of(self.stack).await?;
        let ids = ids(&suite, &self.chosen)?;
        let choice = match &self.chosen {
            Chosen::All => Choice::All,
            Chosen::Ids(ids) => Choice::Ids(ids.clone()),
            Chosen::Changed(_) => Choice::Changed(ids),
        };
        let findings = campaign::run(from_ref(&suite), &choice, &self.progress).await?;
        let facts = format!("{:?}", suite.facts());
        let kept = keep(self.stack, findings);
        self.proofs = proofs(&suite, &self.progress).await?;
        (self.facts, self.kept) = (facts, kept);
        Ok(())
    }

    /// What was found, in order.
    pub(crate) fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.kept.values().map(|kept| &kept.finding)
    }

    /// Where the statements under test stand.
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// What the proofs came to, in a line.
    pub(crate) fn proved(&self) -> String {
        told::proved(&self.proofs, &self.proofs)
    }

    /// The ids of what can be made alone.
    ///
    /// # Errors
    /// When they cannot be told.
    pub(crate) async fn ids(&self) -> anyhow::Result<BTreeSet<String>> {
        Ok(campaign::ids(from_ref(&Suite::of(self.stack).await?))?.into_iter().collect())
    }

    /// Applies what changed and answers what came of it, in two parts: what the
    /// attacks say is printed before the proof is made.
    ///
    /// # Errors
    /// What is wrong with the sources, with its place: the watch goes on, and the next
    /// change begins where the last good one ended. Also when attacks cannot be made.
    pub(crate) async fn change(&mut self, changed: &Changed) -> anyhow::Result<()> {
        let (began, mut times) = (Instant::now(), Times::default());
        let before = self.found();
        self.pending.add(changed);
        let unanswered = std::mem::replace(&mut self.unanswered, true);
        let pending = self.pending.clone();
        let mut extent = self.apply(&pending, &mut times).await?;
        self.pending = Changed::default();
        if unanswered && extent.is_ok() {
            extent = Err("what changed before was not answered".to_owned());
        }
        if let Chosen::Changed(all) = &mut self.chosen {
            all.add(&pending);
        }
        let suite = Suite::of(self.stack).await?;
        let facts = format!("{:?}", suite.facts());
        if facts != self.facts {
            extent = Err("what is deployed is not what it was".to_owned());
        }
        let ids = ids(&suite, &self.chosen)?;
        let step = Instant::now();
        let extent = match extent {
            Err(why) => Extent::All(why),
            Ok(documents) => {
                let kept = &self.kept;
                let again = tokio::task::block_in_place(|| kept::again(kept, &ids, &documents));
                times.add("decided again", step.elapsed());
                Extent::Some(again)
            }
        };
        let wanted = match &extent {
            Extent::All(_) => ids.clone(),
            Extent::Some(again) => again.keys().cloned().collect(),
        };
        let choice = match self.chosen {
            Chosen::Ids(_) => Choice::Ids(wanted),
            Chosen::All | Chosen::Changed(_) => Choice::Changed(wanted),
        };
        let step = Instant::now();
        let findings = campaign::run(from_ref(&suite), &choice, &self.progress).await?;
        times.add("attacks", step.elapsed());
        let known: BTreeSet<String> = campaign::ids(from_ref(&suite))?.into_iter().collect();
        let made = keep(self.stack, findings);
        let places = places(self.stack.config())?;
        // Claims have no ids before they are made: those that were not made again are
        // no more. What a guard rail has nothing of stays so.
        let estate = |id: &str| id.starts_with("estate/");
        self.kept.retain(|id, _| ids.contains(id) || (!known.contains(id) && estate(id)));
        self.kept.extend(made);
        self.made = self.stack.made()?;
        self.facts = facts;
        self.unanswered = false;
        if matches!(extent, Extent::All(_)) {
            self.several.clear();
        }
        let after = self.found();
        println!("{}", extent.told(ids.len()));
        print!("{}", told::turned(&before, &after, (&self.places, &places)));
        println!("{}", told::ended(&after, &times, began.elapsed()));
        self.places = places;
        let step = Instant::now();
        let proofs = proofs(&suite, &self.progress).await?;
        let told = told::proved(&self.proofs, &proofs);
        println!("{told}, in {:.1} s", step.elapsed().as_secs_f64());
        self.proofs = proofs;
        Ok(())
    }

    fn found(&self) -> BTreeMap<String, Finding> {
        self.kept.iter().map(|(id, kept)| (id.clone(), kept.finding.clone())).collect()
    }

    /// Applies what changed. The documents that differ by that, where nothing else
    /// does; else what does.
    async fn apply(
        &mut self,
        changed: &Changed,
        times: &mut Times,
    ) -> anyhow::Result<Result<Documents, String>> {
        let mut apps = changed.apps.clone();
        let mut differs = Ok(Documents::new());
        if !changed.roots.is_empty() {
            let step = Instant::now();
            // An attack that went through may have changed what Terraform made.
            let refresh = self.findings().any(|finding| finding.verdict == Verdict::Failed);
            apps.extend(self.stack.reapply(&changed.roots, refresh).await?);
            times.add("Terraform", step.elapsed());
            let made = self.stack.made()?;
            differs = documents::changed(&self.made, &made);
            if let Ok(documents) = &mut differs {
                self.several.extend(documents.keys().cloned());
                *documents = documents::of(&made, &self.several);
                apps.extend(self.undeployed(documents).await?);
            }
        }
        let config = self.stack.config();
        apps.retain(|name| config.app(name).is_some_and(|app| config.is_run(app)));
        if !apps.is_empty() {
            let step = Instant::now();
            for app in &apps {
                let roles = self.roles(app).await?;
                self.stack.redeploy(app, &|inputs| is_of(inputs, &roles)).await?;
            }
            times.add("workflows", step.elapsed());
            let names: Vec<&str> = apps.iter().map(String::as_str).collect();
            differs = Err(format!("{} deployed again", are(&names)));
        }
        Ok(differs)
    }

    /// The applications whose deployment would be decided otherwise.
    async fn undeployed(&self, documents: &Documents) -> anyhow::Result<BTreeSet<String>> {
        let overlay = kept::overlay(documents);
        let differing: Vec<&Inputs> = self
            .stack
            .deploying()
            .iter()
            .map(|recorded| &*recorded.inputs)
            .filter(|inputs| deployed_otherwise(inputs, documents, &overlay))
            .collect();
        let mut apps = BTreeSet::new();
        if differing.is_empty() {
            return Ok(apps);
        }
        let all: Vec<String> =
            self.stack.config().apps.iter().map(|app| app.name.get_ref().clone()).collect();
        let mut unknown = differing.clone();
        for app in &all {
            let roles = self.roles(app).await?;
            if differing.iter().any(|inputs| is_of(inputs, &roles)) {
                apps.insert(app.clone());
            }
            unknown.retain(|inputs| !is_of(inputs, &roles));
        }
        // A call of nobody's in particular may be anybody's.
        if !unknown.is_empty() {
            apps.extend(all);
        }
        Ok(apps)
    }

    /// The ARNs of the roles and users that take part in an application's deployment.
    async fn roles(&self, app: &str) -> anyhow::Result<BTreeSet<String>> {
        let suite = Suite::of(self.stack).await?;
        Ok(roles_of(suite.facts(), app))
    }
}

fn roles_of(facts: &Facts, app: &str) -> BTreeSet<String> {
    let deployers = facts.deployers.iter().filter(|deployer| deployer.app == app);
    let functions = facts.functions.iter().filter(|function| function.app.as_deref() == Some(app));
    deployers
        .map(|deployer| deployer.arn.clone())
        .chain(functions.map(|function| function.role_arn.clone()))
        .collect()
}

/// Whether a call was made by one of these roles and users, or to become one.
fn is_of(inputs: &Inputs, roles: &BTreeSet<String>) -> bool {
    match &inputs.caller.principal {
        Principal::RoleSession { role_arn, .. } => roles.contains(&**role_arn),
        Principal::User { arn } => roles.contains(&**arn),
        _ => inputs.asked.iter().any(|asked| roles.contains(&asked.resource)),
    }
}

/// Whether a call of a deployment is allowed where it was not, or not where it was.
fn deployed_otherwise(inputs: &Inputs, documents: &Documents, overlay: &Overlay) -> bool {
    let is_changed = |id: &str| documents.contains_key(id);
    let depends = inputs.documents().any(|it| is_changed(&it.id) || is_changed(&it.slot));
    let allowed = |overlay: &Overlay| -> Vec<bool> {
        inputs.verdict_of_each(overlay).iter().map(Decided::allowed).collect()
    };
    depends && allowed(&Overlay::none()) != allowed(overlay)
}

fn are(names: &[&str]) -> String {
    match names {
        [one] => format!("`{one}` was"),
        several => format!("`{}` were", several.join("`, `")),
    }
}

/// The ids of the attacks that are watched.
fn ids(suite: &Suite<'_>, chosen: &Chosen) -> anyhow::Result<BTreeSet<String>> {
    let all = || anyhow::Ok(campaign::ids(from_ref(suite))?.into_iter().collect::<BTreeSet<_>>());
    Ok(match chosen {
        Chosen::All => all()?,
        Chosen::Ids(ids) => {
            let all = all()?;
            ids.iter().filter(|id| all.contains(*id)).cloned().collect()
        }
        Chosen::Changed(changed) => changed::attacks(from_ref(suite), changed)?,
    })
}

/// The findings with what they depend on. The guard's recording begins anew: a watch
/// goes on for days.
fn keep(stack: &Stack, findings: Vec<Finding>) -> BTreeMap<String, Kept> {
    let recording = stack.guard().recording();
    let of = |finding: Finding| (finding.id.clone(), Kept::of(finding, recording));
    let kept = findings.into_iter().map(of).collect();
    if let Some(recording) = recording {
        recording.forget();
    }
    kept
}

/// Each guard rail for all requests, without certificates; none where there is no
/// state to prove it of.
async fn proofs(suite: &Suite<'_>, progress: &Progress) -> anyhow::Result<Vec<Proof>> {
    let phase = progress.phase("proving the guard rails");
    let proofs = deployed::rails(suite).await;
    phase.done();
    match proofs {
        Err(reason) if reason.is::<ringfence_prove::Disagreement>() => Err(reason),
        Err(reason) => {
            println!("no guard rail is proved for all requests: {reason:#}");
            Ok(Vec::new())
        }
        proofs => proofs,
    }
}

/// The largest source that is looked through for statements.
const LARGEST: u64 = 1 << 20;

/// Where the statements of the sources stand, by paths from the configuration's
/// directory.
fn places(config: &Config) -> anyhow::Result<Places> {
    let base = config.file.canonicalize().unwrap_or_else(|_| config.file.clone());
    let base = base.parent().unwrap_or(Path::new(""));
    let mut texts = BTreeMap::new();
    for file in super::tree::files(&Sources::of(config)?.places()) {
        let small = file.metadata().is_ok_and(|metadata| metadata.len() <= LARGEST);
        // What is no text has no statement to point at.
        if small && let Ok(text) = std::fs::read_to_string(&file) {
            let name = file.strip_prefix(base).unwrap_or(&file);
            texts.insert(name.display().to_string(), text);
        }
    }
    Ok(Places::of(&texts))
}

/// Whether the watch goes on after an error: what somebody wrote is wrong, and can be
/// mended. Where prover and engine differ the fault is ours, and nothing is worth
/// anything.
pub(crate) fn survives(error: &anyhow::Error) -> bool {
    !error.is::<ringfence_prove::Disagreement>()
}
