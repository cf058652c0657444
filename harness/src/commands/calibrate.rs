//! `ringfence calibrate`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use ringfence_calibrate::account::rewritten;
use ringfence_calibrate::answer::{Compared, named, word};
use ringfence_calibrate::cases::{Case, cases};
use ringfence_calibrate::decisions::{DECISIONS, Decisions};
use ringfence_calibrate::deployed::{Difference, differences, moved};
use ringfence_calibrate::scope::{LeftOut, left_out};
use ringfence_calibrate::simulation::{Source, simulations};
use ringfence_calibrate::summary::Summary;
use ringfence_evidence::Calibration;
use ringfence_evidence::manifest::sha256;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

use super::{terminal, to_its_end};
use crate::aws::Client;
use crate::calibrate::{self as aws, Analyzer, PRICE_PER_CHECK_USD, Pace, PolicyType, Session};
use crate::evidence::{record_calibration, recordable};
use crate::exit::Exit;
use crate::progress::Progress;
use crate::tools::PythonTools;

#[derive(Debug, Args)]
pub(super) struct Calibrate {
    /// A bundle of evidence, its decisions.json, or JSON lines as `decide` reads them
    #[arg(default_value = "ringfence-run")]
    from: PathBuf,
    /// A profile of the AWS configuration
    #[arg(long)]
    profile: Option<String>,
    /// The region [default: the profile's, else us-east-1]
    #[arg(long)]
    region: Option<String>,
    /// Ask here in place of AWS: one endpoint for IAM, STS and Access Analyzer
    #[arg(long)]
    endpoint_url: Option<Url>,
    /// Ask about the account's own roles and users of the same names, and compare their policies
    #[arg(long)]
    principals: bool,
    /// Let IAM Access Analyzer look at the documents too (free)
    #[arg(long)]
    validate_policies: bool,
    /// Let Access Analyzer say whether the run's documents grant more than the account's (costs; see --accept-price)
    #[arg(long, requires = "principals")]
    check_no_new_access: bool,
    /// The most, in US dollars, that --check-no-new-access may cost
    #[arg(long, value_name = "USD", requires = "check_no_new_access")]
    accept_price: Option<f64>,
    /// Put the summary into the bundle: its record, its forms and its manifest. Before it is signed
    #[arg(long)]
    record: bool,
    /// The most calls a second
    #[arg(long, default_value_t = 5.0, value_parser = rate)]
    rate: f64,
    /// One JSON object a line for each decision, and a summary
    #[arg(long)]
    json: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && (0.01..=1000.0).contains(&rate) => Ok(rate),
        _ => Err("a number of calls a second, from 0.01 to 1000".to_owned()),
    }
}

/// What was read, under the account's id.
struct Read {
    cases: Vec<Case>,
    /// The run's documents by owner and place; empty where lines were read.
    documents: BTreeMap<String, BTreeMap<String, String>>,
}

impl Calibrate {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        to_its_end(self.work()).await
    }

    async fn work(&self) -> anyhow::Result<Exit> {
        let progress = terminal::progress();
        // What is wrong with the file shows before anybody is asked.
        let text = read(&self.from)?;
        if self.record {
            if !self.from.is_dir() {
                bail!("--record needs a bundle, and `{}` is no directory", self.from.display());
            }
            recordable(&self.from)?;
        }
        let tools = PythonTools::provision(&progress).await?;
        let client = Client::new();
        let session = aws::session(
            &tools,
            &client,
            self.profile.as_deref(),
            self.region.as_deref(),
            self.endpoint_url.clone(),
        )
        .await?;
        eprintln!("ringfence: asking account {} as {}", session.account_id, session.caller);
        let read = under(&text, &session.account_id, self.principals)
            .with_context(|| format!("`{}`", self.from.display()))?;
        if read.cases.is_empty() {
            bail!("`{}` has no decisions", self.from.display());
        }
        let mut pace = Pace::per_second(self.rate);
        let deployed = match self.principals {
            true => deployed(&client, &session, &read, &mut pace, &progress).await?,
            false => BTreeMap::new(),
        };
        let differing = self.policies(&session, &read, &deployed, &mut pace, &progress).await?;
        let compared = self.ask(&client, &session, &read, &deployed, &mut pace, &progress).await?;
        let summary = Summary::of(&compared);
        let own = self.calibration(&text, &summary, differing, &session.account_id)?;
        self.print(&read, &compared, &summary, &own);
        if self.record {
            record_calibration(&self.from, own)?;
            eprintln!("ringfence: recorded in `{}`, which is to be signed", self.from.display());
        }
        let alike = summary.agrees() && differing == 0;
        Ok(if alike { Exit::Held } else { Exit::Failed })
    }

    /// What the bundle keeps of it.
    fn calibration(
        &self,
        decisions: &str,
        summary: &Summary,
        differing_policies: usize,
        account_id: &str,
    ) -> anyhow::Result<Calibration> {
        Ok(Calibration {
            asked: OffsetDateTime::now_utc().replace_nanosecond(0)?.format(&Rfc3339)?,
            simulator: self.simulator(),
            account_id: account_id.to_owned(),
            principals: self.principals,
            decisions_sha256: sha256(decisions.as_bytes()),
            decisions: summary.decisions,
            judged: summary.judged,
            agree: summary.agree,
            same_statement: summary.same_statement,
            other_statement: summary.other_statement,
            left_out: summary.left_out.clone(),
            refused: summary.refused.clone(),
            differing_policies,
        })
    }

    async fn ask(
        &self,
        client: &Client,
        session: &Session,
        read: &Read,
        deployed: &BTreeMap<String, aws::Deployed>,
        pace: &mut Pace,
        progress: &Progress,
    ) -> anyhow::Result<Vec<Compared>> {
        let phase = progress.phase(self.simulator());
        let arns: BTreeMap<String, String> =
            deployed.iter().map(|(owner, it)| (owner.clone(), it.arn.clone())).collect();
        let source = if self.principals { Source::Account(&arns) } else { Source::Documents };
        let why = |case: &Case| {
            let known = case.owner.as_ref().is_some_and(|owner| arns.contains_key(owner));
            let unknown = (self.principals && !known).then_some(LeftOut::NoSuchPrincipal);
            left_out(case).or(unknown)
        };
        let whys: Vec<Option<LeftOut>> = read.cases.iter().map(why).collect();
        let judged = read.cases.iter().enumerate().zip(&whys);
        let judged = judged.filter(|(_, why)| why.is_none()).map(|(case, _)| case);
        let calls = simulations(judged, source);
        let mut asked = aws::ask(client, &session.iam, calls, &read.cases, pace, &phase).await?;
        phase.note(format!("{} calls", asked.calls));
        phase.done();
        let result = |(index, why): (usize, Option<LeftOut>)| match why {
            Some(why) => Compared::LeftOut { why },
            None => asked.compared.remove(&index).unwrap_or_else(|| Compared::Refused {
                code: "NotAsked".to_owned(),
                message: "no call asked about it".to_owned(),
            }),
        };
        Ok(whys.into_iter().enumerate().map(result).collect())
    }

    /// Compares documents and lets Access Analyzer look at them; how many
    /// policies differ or grant more.
    async fn policies(
        &self,
        session: &Session,
        read: &Read,
        deployed: &BTreeMap<String, aws::Deployed>,
        pace: &mut Pace,
        progress: &Progress,
    ) -> anyhow::Result<usize> {
        let mut differing = 0;
        for (owner, theirs) in deployed {
            let none = BTreeMap::new();
            let ours = read.documents.get(owner).unwrap_or(&none);
            // A trust policy is no document of the role's own decisions.
            let theirs = theirs.documents.iter().filter(|(place, _)| !place.ends_with("/trust"));
            let theirs = theirs.map(|(place, text)| (place.clone(), text.clone())).collect();
            for difference in differences(ours, &theirs) {
                differing += 1;
                self.say_difference(&difference);
            }
        }
        let analyzer = Analyzer::new(&session.analyzer);
        if self.validate_policies {
            self.validate(&analyzer, read, pace, progress).await?;
        }
        if self.check_no_new_access {
            differing += self.new_access(&analyzer, read, deployed, pace).await?;
        }
        Ok(differing)
    }

    async fn validate(
        &self,
        analyzer: &Analyzer<'_>,
        read: &Read,
        pace: &mut Pace,
        progress: &Progress,
    ) -> anyhow::Result<()> {
        let phase = progress.phase("IAM Access Analyzer");
        let identity: BTreeSet<&str> = read
            .cases
            .iter()
            .flat_map(|case| {
                let policies = &case.question.policies;
                policies.identity.iter().chain(policies.boundary.iter().flatten())
            })
            .map(|document| document.text())
            .collect();
        for text in identity {
            for check in analyzer.validate(text, PolicyType::Identity, pace).await? {
                let start: String = text.chars().take(60).collect();
                if self.json {
                    println!("{}", json!({"document": start, "access_analyzer": check}));
                } else {
                    let code = check.code.unwrap_or_default();
                    println!("{} {code}: {} ({start}…)", check.result, check.message);
                }
            }
        }
        phase.done();
        Ok(())
    }

    async fn new_access(
        &self,
        analyzer: &Analyzer<'_>,
        read: &Read,
        deployed: &BTreeMap<String, aws::Deployed>,
        pace: &mut Pace,
    ) -> anyhow::Result<usize> {
        let mut pairs = Vec::new();
        for (owner, theirs) in deployed {
            for (place, ours) in read.documents.get(owner).into_iter().flatten() {
                if let Some(theirs) = theirs.documents.get(place) {
                    pairs.push((place, theirs, ours));
                }
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a count of policies")]
        let price = pairs.len() as f64 * PRICE_PER_CHECK_USD;
        let said = format!(
            "CheckNoNewAccess for {} policies costs {price:.3} USD at {PRICE_PER_CHECK_USD} USD a \
             check (AWS's page on prices counts)",
            pairs.len()
        );
        if self.accept_price.is_none_or(|most| price > most) {
            bail!("{said}; repeat with --accept-price {price:.3} to pay that");
        }
        eprintln!("ringfence: {said}");
        let mut more = 0;
        for (place, theirs, ours) in pairs {
            let check = analyzer.no_new_access(theirs, ours, PolicyType::Identity, pace).await?;
            more += usize::from(check.result != "PASS");
            if self.json {
                println!("{}", json!({"place": place, "no_new_access": check}));
            } else {
                println!("{} {place}: {}", check.result, check.message);
            }
        }
        Ok(more)
    }

    /// Whose simulator was asked: an endpoint of the user's is not AWS's.
    fn simulator(&self) -> String {
        match &self.endpoint_url {
            Some(url) => format!("the policy simulator at {url}"),
            None => "AWS's policy simulator".to_owned(),
        }
    }

    fn say_difference(&self, difference: &Difference) {
        if self.json {
            println!("{}", json!(difference));
            return;
        }
        match difference {
            Difference::Changed { place } => println!("differs: {place}"),
            Difference::MissingInAccount { place } => println!("not in the account: {place}"),
            Difference::OnlyInAccount { place } => println!("in the account alone: {place}"),
            Difference::Unreadable { place } => println!("cannot be compared: {place}"),
        }
    }

    fn print(&self, read: &Read, compared: &[Compared], summary: &Summary, own: &Calibration) {
        for (case, compared) in read.cases.iter().zip(compared) {
            let ours = word(case.ours.outcome);
            if self.json {
                println!(
                    "{}",
                    json!({
                        "id": case.id,
                        "principal": case.question.caller,
                        "action": case.question.action,
                        "resource": case.question.resource,
                        "ours": {"decision": ours, "statements": named(&case.ours)},
                        "compared": compared,
                    })
                );
            } else if let Compared::Disagrees { aws } = compared {
                println!(
                    "disagrees: {}: {} on {} for {}",
                    case.id, case.question.action, case.question.resource, case.question.caller
                );
                println!("    AWS:  {} {}", aws.decision, statements(&aws.statements));
                println!("    ours: {ours} {}", statements(&named(&case.ours)));
                println!("    {}", case.ours.explanation);
            }
        }
        if self.json {
            println!("{}", json!({"account_id": own.account_id, "summary": summary}));
            return;
        }
        println!("{}", own.sentence());
        for line in own.beside() {
            println!("{line}");
        }
    }
}

fn statements(statements: &[ringfence_calibrate::answer::Statement]) -> String {
    let each = statements.iter().map(|it| match it.index {
        Some(index) => format!("{} statement {index}", it.source),
        None => it.source.clone(),
    });
    each.collect::<Vec<_>>().join(", ")
}

/// The text of a file of decisions, or of a bundle's.
fn read(from: &Path) -> anyhow::Result<String> {
    let file = if from.is_dir() { from.join(DECISIONS) } else { from.to_owned() };
    if file == Path::new("-") {
        return std::io::read_to_string(std::io::stdin()).context("cannot read standard input");
    }
    std::fs::read_to_string(&file).with_context(|| format!("cannot read `{}`", file.display()))
}

/// What was decided, as if in another account.
fn under(text: &str, account_id: &str, of_principals: bool) -> anyhow::Result<Read> {
    let Ok(run) = Decisions::parse(text) else {
        if of_principals {
            bail!(
                "--principals needs the decisions of a run: lines do not say whose policies they hold"
            );
        }
        let cases = cases(text.lines().map(|line| (line, None)))?;
        return Ok(Read { cases, documents: BTreeMap::new() });
    };
    let lines = run.lines()?;
    let lines: Vec<(String, Option<String>)> = lines
        .into_iter()
        .map(|(line, owner)| (rewritten(&line, &run.account_id, account_id), owner))
        .collect();
    let cases = cases(lines.iter().map(|(line, owner)| (line.as_str(), owner.clone())))?;
    let mut documents: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for entry in &run.decisions {
        let Some(owner) = &entry.owner else { continue };
        let own = entry.policies.identity.iter().chain(entry.policies.boundary.iter().flatten());
        for place in own {
            if let Some(text) = run.documents.get(&place.sha256) {
                let places = documents.entry(owner.clone()).or_default();
                places.insert(place.slot.clone(), text.clone());
            }
        }
    }
    for places in documents.values_mut() {
        *places = moved(places, &run.account_id, account_id);
    }
    Ok(Read { cases, documents })
}

async fn deployed(
    client: &Client,
    session: &Session,
    read: &Read,
    pace: &mut Pace,
    progress: &Progress,
) -> anyhow::Result<BTreeMap<String, aws::Deployed>> {
    let phase = progress.phase("the account's policies");
    let mut found = BTreeMap::new();
    for owner in read.documents.keys() {
        if let Some(deployed) = aws::deployed(client, &session.iam, owner, pace).await? {
            found.insert(owner.clone(), deployed);
        }
    }
    phase.note(format!("{} of {} roles and users are there", found.len(), read.documents.len()));
    phase.done();
    Ok(found)
}
