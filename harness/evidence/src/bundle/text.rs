//! The pages for a person who has nothing but the bundle.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::DESIGN_EVIDENCE;
use crate::controls::{Assessment, Catalogue, State, Tally};
use crate::manifest::{MANIFEST, SIGNATURE};
use crate::mutations::MutantVerdict;
use crate::probe::{Probe, Verdict};
use crate::record::{RunRecord, RunStatus, Summary};
use crate::signature::NAMESPACE;
use crate::visible::{code, markdown};

/// `SCOPE.md`: what was tested, what came of it, and what it does not show.
pub(super) fn scope(record: &RunRecord, catalogue: &Catalogue, assessment: &Assessment) -> String {
    let mut out = format!("# Scope of the run {}\n\n", markdown(&record.run_id));
    if let RunStatus::Incomplete { reason } = &record.status {
        let _ = writeln!(
            out,
            "**INCOMPLETE: the run did not come to its end ({}). Nothing below is a result.**\n",
            markdown(reason)
        );
    }
    if let Some(part) = &record.part {
        let _ = writeln!(out, "**{}.**\n", markdown(&part.words()));
    }
    if let Some(reason) = record.unisolated() {
        let _ = writeln!(
            out,
            "**UNISOLATED: code under test could have changed anything that stands below ({}).**\n",
            markdown(reason)
        );
    }
    let upstream = &record.upstream;
    let _ = writeln!(out, "{DESIGN_EVIDENCE}\n");
    let rows = [
        ("configuration", record.configuration.clone()),
        ("account, region", format!("{}, {}", record.accounts_told(), record.region)),
        ("from, to (UTC)", {
            format!("{}, {}", record.started, record.ended.as_deref().unwrap_or("no end"))
        }),
        ("result", result(record)),
        ("behind the guard", {
            let parts =
                [Some(&upstream.product), upstream.version.as_ref(), upstream.image.as_ref()];
            let said: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
            said.join(" ")
        }),
        ("image digest", upstream.digest.clone().unwrap_or_else(|| "none".to_owned())),
        ("Ringfence", format!("{}, SHA-256 {}", record.version, record.provenance.binary_sha256)),
        ("started by", record.provenance.actor.clone()),
        ("commit", commit(record)),
        ("command", record.provenance.command.join(" ")),
        ("platform", record.provenance.platform.clone()),
        ("code under test kept apart by", isolation(record)),
        ("signed by", {
            let key = record.provenance.signing_key.clone();
            key.unwrap_or_else(|| "nobody: this bundle is UNSIGNED".to_owned())
        }),
        ("previous run's manifest", {
            let hash = record.provenance.previous_manifest_sha256.clone();
            hash.unwrap_or_else(|| "none known".to_owned())
        }),
    ];
    out.push_str("| | |\n|---|---|\n");
    for (name, value) in rows {
        let _ = writeln!(out, "| {name} | {} |", markdown(&value));
    }
    for (name, value) in record.tools.iter().chain(&record.provenance.ci) {
        let _ = writeln!(out, "| {} | {} |", markdown(name), markdown(value));
    }
    objectives(&mut out, catalogue, assessment);
    population(&mut out, record);
    open(&mut out, record);
    stale(&mut out, record);
    mutations(&mut out, record);
    readings(&mut out, record);
    calibrated(&mut out, record);
    out.push_str("\n## What differs from what was asked for\n\n");
    let deviations: Vec<String> = record.deviations.iter().map(|text| markdown(text)).collect();
    list(&mut out, deviations.iter().map(String::as_str), "Nothing.");
    out.push_str(
        "\n## What was removed\n\nNo secret is kept: signatures, session tokens, secret keys and \
         the signatures of tokens are cut out of `raw/` where they stood, each place marked \
         `[removed: …]`; values that the configuration, the environment or Terraform call secret \
         are cut out of every file in the same way. The list above says in which inputs. Bodies \
         over the limit that `raw/` names are cut, with their length and SHA-256.\n",
    );
    out.push_str("\n## What was under test\n\n");
    let inputs: Vec<String> = record
        .inputs
        .iter()
        .map(|input| {
            let path = code(&format!("inputs/{}", input.path));
            format!("{path} ({}) {}", markdown(&input.kind), markdown(&input.sha256))
        })
        .collect();
    list(&mut out, inputs.iter().map(String::as_str), "No file.");
    out
}

fn result(record: &RunRecord) -> String {
    let summary = &record.summary;
    format!(
        "{}: {} probes, {}",
        if record.summary.all_held() && record.status.is_complete() {
            match summary.not_applicable {
                0 => "every probe held",
                _ => "every applicable probe held",
            }
        } else if record.summary.none_open() && record.status.is_complete() {
            "NOT every probe held; what did not is accepted"
        } else {
            "NOT every probe held"
        },
        summary.probes,
        summary.words()
    )
}

fn isolation(record: &RunRecord) -> String {
    let Some(own) = &record.isolation else { return "not known".to_owned() };
    let mut said = own.mechanism.clone();
    if own.unisolated.is_some() {
        said.push_str(": UNISOLATED");
    }
    if let Some(starts) = own.starts {
        let seconds = Duration::from_millis(starts.duration_ms).as_secs_f64();
        let _ = write!(said, "; {} programs waited {seconds:.1} s in sum for it", starts.count);
    }
    said
}

fn calibrated(out: &mut String, record: &RunRecord) {
    out.push_str("\n## What AWS's simulator says of the decisions\n\n");
    let Some(own) = &record.calibration else {
        out.push_str("It was not asked.\n");
        return;
    };
    let of = match own.principals {
        true => "the account's own roles and users, with their policies",
        false => "the run's documents",
    };
    let _ = writeln!(
        out,
        "{}, asked on {} about {of}. The decisions are those of SHA-256 {}.\n",
        markdown(&own.sentence()),
        markdown(&own.asked),
        markdown(&own.decisions_sha256)
    );
    let beside: Vec<String> = own.beside().iter().map(|text| markdown(text)).collect();
    list(out, beside.iter().map(String::as_str), "Nothing was left out.");
}

fn readings(out: &mut String, record: &RunRecord) {
    out.push_str("\n## What Layer 1 applied, read back\n\n");
    if record.readings.is_empty() {
        out.push_str("It was not read back.\n");
        return;
    }
    out.push_str("| when | objects | SHA-256 over those of the first reading |\n|---|---|---|\n");
    for reading in &record.readings {
        let moment = match &reading.account_id {
            Some(account) => format!("{}, {account}", reading.moment),
            None => reading.moment.clone(),
        };
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            markdown(&moment),
            reading.objects,
            markdown(&reading.sha256)
        );
    }
}

fn commit(record: &RunRecord) -> String {
    let Some(commit) = &record.provenance.commit else {
        return "no repository".to_owned();
    };
    let tree = match record.provenance.tree_clean {
        Some(true) => "the working tree was this commit",
        Some(false) => "the working tree DIFFERED from it",
        None => "whether the working tree was this commit is not known",
    };
    format!("{commit}; {tree}")
}

fn objectives(out: &mut String, catalogue: &Catalogue, assessment: &Assessment) {
    out.push_str(
        "\n## Objectives\n\n| objective | state | held | failed | inconclusive | not run | not shown |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for objective in catalogue.objectives() {
        let State { verdict, tally, reason } = assessment.objective(&objective.id);
        let mut not_shown = objective.not_shown.clone();
        let beyond = tally.beyond();
        if let Some(beyond) = beyond.strip_prefix(", ") {
            let _ = write!(not_shown, " ({beyond})");
        }
        if let Some(reason) = reason {
            let _ = write!(not_shown, " ({reason})");
        }
        let _ = writeln!(
            out,
            "| {} {} | {} | {} | {} | {} | {} | {} |",
            markdown(&objective.id),
            markdown(&objective.title),
            verdict.as_str(),
            tally.held,
            tally.failed,
            tally.inconclusive,
            tally.not_run,
            markdown(&not_shown)
        );
    }
}

fn population(out: &mut String, record: &RunRecord) {
    out.push_str(
        "\n## Population\n\nEvery probe of the catalogue was taken; nothing was sampled. Each is in \
         `probes.csv`.\n",
    );
    for (title, of) in [
        ("guard rail", (|probe| &probe.guard_rail) as fn(&Probe) -> &String),
        ("identity", |probe| &probe.identity),
        ("road", |probe| &probe.road),
    ] {
        let mut tallies: BTreeMap<&str, Vec<Verdict>> = BTreeMap::new();
        for probe in &record.probes {
            tallies.entry(of(probe)).or_default().push(probe.verdict);
        }
        let _ = write!(
            out,
            "\n| {title} | probes | held | failed | inconclusive | not run |\n|---|---|---|---|---|---|\n"
        );
        for (name, verdicts) in tallies {
            let tally = Tally::of(verdicts);
            let all = match tally.beyond().strip_prefix(", ") {
                None => tally.all().to_string(),
                Some(beyond) => format!("{} ({beyond})", tally.all()),
            };
            let _ = writeln!(
                out,
                "| {} | {all} | {} | {} | {} | {} |",
                markdown(name),
                tally.held,
                tally.failed,
                tally.inconclusive,
                tally.not_run
            );
        }
    }
}

fn open(out: &mut String, record: &RunRecord) {
    for (verdict, title) in [
        (Verdict::Failed, "What failed"),
        (Verdict::Inconclusive, "What was inconclusive"),
        (Verdict::NotRun, "What was not run"),
        (Verdict::Accepted, "What did not hold and is accepted"),
        (Verdict::NotApplicable, "What the estate has none of"),
    ] {
        let Summary { not_applicable, accepted, .. } = record.summary;
        match verdict {
            Verdict::NotApplicable if not_applicable == 0 => continue,
            Verdict::Accepted if accepted == 0 => continue,
            _ => {}
        }
        let _ = write!(out, "\n## {title}\n\n");
        let said: Vec<String> = record
            .probes
            .iter()
            .filter(|probe| probe.verdict == verdict)
            .map(|probe| {
                let why = markdown(&probe.why());
                format!("{}: {}; {why}", code(&probe.id), markdown(&probe.title))
            })
            .collect();
        list(out, said.iter().map(String::as_str), "Nothing.");
    }
}

/// Entries that accept findings in vain; nothing where there are none.
fn stale(out: &mut String, record: &RunRecord) {
    if !record.stale.is_empty() {
        out.push_str("\n## What is accepted in vain\n\n");
        let stale: Vec<String> = record.stale.iter().map(|text| markdown(text)).collect();
        list(out, stale.iter().map(String::as_str), "Nothing.");
    }
}

fn mutations(out: &mut String, record: &RunRecord) {
    out.push_str("\n## Weakened guard rails\n\n");
    let Some(mutations) = &record.mutations else {
        out.push_str("None were made in this run: whether the probes notice is not shown.\n");
        return;
    };
    let summary = &mutations.summary;
    let _ = writeln!(
        out,
        "{} mutants: {} killed, {} survived, {} equivalent, {} not run. Each is in `mutation.json`.\n",
        summary.mutants, summary.killed, summary.survived, summary.equivalent, summary.not_run
    );
    let survived: Vec<String> = mutations
        .mutants
        .iter()
        .filter(|mutant| mutant.verdict == MutantVerdict::Survived)
        .map(|mutant| format!("{}: {}", code(&mutant.id), markdown(&mutant.change)))
        .collect();
    list(out, survived.iter().map(String::as_str), "None survived.");
}

fn list<'a>(out: &mut String, items: impl Iterator<Item = &'a str>, none: &str) {
    let mut any = false;
    for item in items {
        let _ = writeln!(out, "- {item}");
        any = true;
    }
    if !any {
        let _ = writeln!(out, "{none}");
    }
}

/// `VERIFY.md`: how to check the bundle with stock tools.
pub(super) fn verify(record: &RunRecord) -> String {
    let signed = match &record.provenance.signing_key {
        Some(key) => format!(
            "This bundle is to be signed by the key {key}. A bundle without {SIGNATURE} is \
             UNSIGNED, whatever stands here."
        ),
        None => "**This bundle is UNSIGNED: nobody vouches for it. The hashes show damage, not \
                 forgery: whoever changes a file can change its hash.**"
            .to_owned(),
    };
    format!(
        "# How to check this bundle\n\n\
         {signed}\n\n\
         The public key must come by another way than the bundle: from the protected branch of \
         the team's repository, or from a person. Put it into a file `allowed_signers`, with the \
         time for which it is good (UTC):\n\n\
         ```\n\
         ringfence namespaces=\"{NAMESPACE}\",valid-after=\"20260101Z\",valid-before=\"20270101Z\" ssh-ed25519 AAAA…\n\
         ```\n\n\
         Then, in this directory, with OpenSSH, coreutils and findutils; each command must end \
         with 0, and the last must print nothing:\n\n\
         ```\n\
         ssh-keygen -Y verify -f allowed_signers -I ringfence -n {NAMESPACE} -s {SIGNATURE} < {MANIFEST}\n\
         sha256sum --strict --quiet -c {MANIFEST}\n\
         diff <(cut -c67- {MANIFEST} | LC_ALL=C sort) <(find . ! -type d ! -path ./{MANIFEST} ! -path ./{SIGNATURE} -printf '%P\\n' | LC_ALL=C sort)\n\
         ```\n\n\
         The first shows who signed the list of files; for evidence from before a key's rotation \
         add `-Overify-time=YYYYMMDD`. The second shows that no listed file was changed, removed \
         or renamed, the third that none was added. `ssh-keygen -Y check-novalidate` is no check: \
         it is content with any key.\n\n\
         `ringfence evidence verify DIR --allowed-key allowed_signers` does the same by its own \
         code, and checks in addition that the run came to its end and that the counts agree in \
         all files. `ringfence report DIR` renders every file from `run.json` again and names what \
         differs.\n\n\
         What a signature shows is that the holder of the key signed this. It does not show that \
         the run was honest: a key that the tested deployers can read proves nothing. \
         `run.json` names the previous run's manifest by its SHA-256, so that a run that was taken \
         out of the history leaves a gap.\n"
    )
}
