//! What was proved, as text, JSON lines and Markdown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use ringfence_certificate::form::SENT_KEYS;
use ringfence_evidence::prose;
use ringfence_prove::jsonl::Shown;
use ringfence_prove::{Universe, Witness};
use serde::Serialize;

use super::calls::told::{self as called, Called};
use super::decide::{Asked, Broken, End, Finding, Packets};
use super::took::Took;
use crate::access::told::request;
use crate::guard_rail::GuardRail;
use crate::printing::harmless_line;

/// A guard rail with all that was found of it.
#[derive(Debug)]
pub struct Rail<'f> {
    name: &'f str,
    findings: Vec<&'f Finding>,
}

#[derive(Serialize)]
struct Told<'f> {
    rail: &'f str,
    verdict: &'static str,
    claims: usize,
    identities: Vec<&'f str>,
    universe: Stated,
    /// Of a proof: what is not known and does not matter.
    whatever: BTreeSet<&'f str>,
    /// AWS's own policies that count, as they are here.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    aws_policies: BTreeSet<&'f str>,
    violations: Vec<Violation<'f>>,
    undecided: Vec<Open<'f>>,
}

/// What the verdict is about.
#[derive(Serialize)]
#[serde(untagged)]
enum Stated {
    Requests { actions: &'static str, resources: &'static str, keys: &'static str },
    Packets { packets: &'static str },
}

#[derive(Serialize)]
struct Violation<'f> {
    identity: &'f str,
    #[serde(flatten)]
    by: By<'f>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum By<'f> {
    Request {
        request: Shown,
        allowed_by: Vec<String>,
        /// The call that makes it, or another that breaks the same claim.
        #[serde(skip_serializing_if = "Option::is_none")]
        call: Option<Box<Called<'f>>>,
    },
    Packets {
        packet: &'f str,
        path: &'f [String],
    },
}

impl<'f> By<'f> {
    fn of(broken: &'f Broken) -> Self {
        match broken {
            Broken::Request { witness, allowed_by, call } => Self::Request {
                request: Shown::of(witness),
                allowed_by: allowed_by.iter().map(ToString::to_string).collect(),
                call: call.as_ref().map(|call| Box::new(Called::of(call))),
            },
            Broken::Packets(Packets { packet, through, .. }) => {
                Self::Packets { packet, path: through }
            }
        }
    }
}

#[derive(Serialize)]
struct Open<'f> {
    identity: &'f str,
    reason: &'f str,
}

/// The findings by guard rail.
pub fn rails(findings: &[Finding]) -> Vec<Rail<'_>> {
    let mut by_name: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        by_name.entry(finding.rail.title()).or_default().push(finding);
    }
    by_name.into_iter().map(|(name, findings)| Rail { name, findings }).collect()
}

impl<'f> Rail<'f> {
    pub(super) fn violations(&self) -> impl Iterator<Item = (&'f str, &'f Broken)> + use<'f> {
        let all = self.findings.iter().filter_map(|one| match &one.end {
            End::Violated(broken) => Some((one.who.as_str(), &**broken)),
            End::Proved(_) | End::Undecided(_) => None,
        });
        // With a resource's policy the same request is allowed again.
        let all: Vec<_> = all.collect();
        let first = |at: usize, broken: &Broken| {
            let own = witness(broken);
            own.is_none() || all.iter().take(at).all(|(_, before)| witness(before) != own)
        };
        let kept: Vec<_> =
            all.iter().enumerate().filter(|(at, (_, broken))| first(*at, broken)).collect();
        kept.into_iter().map(|(_, one)| *one).collect::<Vec<_>>().into_iter()
    }

    pub(super) fn undecided(&self) -> impl Iterator<Item = (&'f str, &'f str)> + '_ {
        self.findings.iter().filter_map(|one| match &one.end {
            End::Undecided(reason) => Some((one.who.as_str(), reason.as_str())),
            End::Proved(_) | End::Violated(_) => None,
        })
    }

    fn whatever(&self) -> BTreeSet<&'f str> {
        let all = self.findings.iter().filter_map(|one| match &one.end {
            End::Proved(open) => Some(open.iter().map(String::as_str)),
            End::Violated(_) | End::Undecided(_) => None,
        });
        all.flatten().collect()
    }

    fn of_aws(&self) -> BTreeSet<&'f str> {
        self.findings.iter().flat_map(|one| &one.of_aws).map(String::as_str).collect()
    }

    /// `proved`, `violated` or `undecided`.
    pub fn verdict(&self) -> &'static str {
        if self.violations().next().is_some() {
            "violated"
        } else if self.undecided().next().is_some() {
            "undecided"
        } else {
            "proved"
        }
    }

    /// Its name.
    pub fn name(&self) -> &'f str {
        self.name
    }

    /// Its id.
    pub(super) fn id(&self) -> &'f str {
        self.findings.first().map_or("", |one| one.rail.id())
    }

    /// How many claims it comes to.
    pub fn claims(&self) -> usize {
        self.findings.len()
    }

    /// What requests there are, in a sentence.
    pub fn universe_told(&self) -> String {
        match self.universe() {
            Stated::Requests { actions, resources, keys } => {
                format!("actions: {actions}; resources: {resources}; keys: {keys}")
            }
            Stated::Packets { packets } => format!("packets: {packets}"),
        }
    }

    fn universe(&self) -> Stated {
        let any = |asked| self.findings.iter().any(|one| one.universe == asked);
        let packets = self.findings.iter().find_map(|one| match one.universe {
            Asked::Packets(packets) => Some(packets),
            Asked::Requests(_) => None,
        });
        if let Some(packets) = packets {
            return Stated::Packets { packets };
        }
        if any(Asked::Requests(Universe::Catalogue)) {
            return Stated::Requests {
                actions: "those of AWS's reference",
                resources: "ARNs of each action's resource types, and `*` where none is required",
                keys: "those that each action can carry, with values of their types",
            };
        }
        let keys = match any(Asked::Requests(Universe::Sent)) {
            true => SENT_KEYS,
            false => "each absent, any text, any list of texts",
        };
        Stated::Requests { actions: "any name", resources: "`*` and any ARN", keys }
    }

    fn told(&self) -> Told<'f> {
        let violations =
            self.violations().map(|(identity, broken)| Violation { identity, by: By::of(broken) });
        let undecided = self.undecided().map(|(identity, reason)| Open { identity, reason });
        Told {
            rail: self.name,
            verdict: self.verdict(),
            claims: self.findings.len(),
            identities: self.findings.iter().map(|one| one.who.as_str()).collect(),
            universe: self.universe(),
            whatever: self.whatever(),
            aws_policies: self.of_aws(),
            violations: violations.collect(),
            undecided: undecided.collect(),
        }
    }
}

/// How many there are of each verdict.
fn counts(rails: &[Rail<'_>]) -> [usize; 3] {
    ["proved", "violated", "undecided"]
        .map(|verdict| rails.iter().filter(|rail| rail.verdict() == verdict).count())
}

/// One line of JSON a rail, and a last one with the numbers.
///
/// # Errors
/// None that is known.
pub fn json(rails: &[Rail<'_>], took: Took) -> serde_json::Result<String> {
    let mut out = String::new();
    for rail in rails {
        out += &serde_json::to_string(&rail.told())?;
        out.push('\n');
    }
    let [proved, violated, undecided] = counts(rails);
    let numbers = [
        ("rails", rails.len()),
        ("proved", proved),
        ("violated", violated),
        ("undecided", undecided),
    ];
    Ok(out + &took.summary(&numbers).to_string() + "\n")
}

/// What is proved of who becomes a deployer.
const OF_OTHERS: &str = "of other repositories and other teams; which branches, environments and \
                         events of its own repository become it, `ringfence verify` tries";

/// What there is to say of a guard rail beside its verdict.
pub fn lines(rail: &Rail<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for (who, broken) in rail.violations() {
        lines.push(format!("{who}: {}", told(broken)));
        if let Broken::Request { witness, call: Some(call), .. } = broken {
            lines.push(format!("{who}: {}", called::line(call, witness)));
        }
    }
    lines.extend(rail.undecided().map(|(who, reason)| format!("{who}: undecided: {reason}")));
    if rail.verdict() == "proved" && rail.id() == GuardRail::Trust.id() {
        lines.push(OF_OTHERS.to_owned());
    }
    let whatever = rail.whatever();
    if rail.verdict() == "proved" && !whatever.is_empty() {
        let whatever: Vec<&str> = whatever.into_iter().collect();
        lines.push(format!("holds whatever this is: {}", whatever.join("; ")));
    }
    let of_aws: Vec<&str> = rail.of_aws().into_iter().collect();
    if rail.verdict() == "proved" && !of_aws.is_empty() {
        lines.push(format!("holds with these versions of AWS's policies: {}", of_aws.join("; ")));
    }
    lines
}

fn witness(broken: &Broken) -> Option<&Witness> {
    match broken {
        Broken::Request { witness, .. } => Some(witness),
        Broken::Packets(_) => None,
    }
}

pub(super) fn told(broken: &Broken) -> String {
    match broken {
        Broken::Request { witness, allowed_by, .. } => {
            let mut line = request(witness);
            let by: Vec<String> = allowed_by.iter().map(ToString::to_string).collect();
            let _ = write!(line, " is allowed by {}", by.join(", "));
            line
        }
        Broken::Packets(Packets { packet, way, through }) => {
            format!("{packet} {way} {}", through.join(", "))
        }
    }
}

fn closing(rails: &[Rail<'_>], took: Took) -> String {
    let [proved, violated, undecided] = counts(rails);
    format!(
        "{} guard rails for all requests: {proved} proved, {violated} violated, {undecided} undecided ({})",
        rails.len(),
        took.answer()
    )
}

/// As text.
pub fn text(rails: &[Rail<'_>], took: Took) -> String {
    let mut out = String::new();
    for rail in rails {
        let _ =
            writeln!(out, "{:9} {} ({} claims)", rail.verdict(), rail.name, rail.findings.len());
        for line in lines(rail) {
            let _ = writeln!(out, "          {}", harmless_line(&line));
        }
    }
    out + &took.closed(closing(rails, took), "\n")
}

/// As Markdown.
pub fn markdown(rails: &[Rail<'_>], took: Took) -> String {
    let mut out = format!(
        "### Guard rails\n\n{}\n| guard rail | verdict | claims |\n|---|---|---|\n",
        took.closed(closing(rails, took), ".\n")
    );
    for rail in rails {
        let (name, claims) = (prose(rail.name), rail.findings.len());
        let _ = writeln!(out, "| {name} | {} | {claims} |", rail.verdict());
    }
    for rail in rails.iter().filter(|rail| rail.verdict() != "proved") {
        let _ = write!(out, "\n**{}**\n\n", prose(rail.name));
        for line in lines(rail) {
            let _ = writeln!(out, "- {}", prose(&line));
        }
    }
    out
}
