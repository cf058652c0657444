//! `ringfence explain`.

use std::fmt::Write as _;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use ringfence_policy::jsonl::{Decider, Question};
use ringfence_policy::{Document, Outcome, Policies, StatementRef, decide, near_misses};

use crate::exit::Exit;

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// A request with its policies, one JSON object as `decide` reads it; `-` is standard input
    file: PathBuf,
}

impl Explain {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let name = self.file.display();
        let mut text = String::new();
        if self.file == Path::new("-") {
            io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        } else {
            text = std::fs::read_to_string(&self.file)
                .with_context(|| format!("cannot read `{name}`"))?;
        }
        let question = Decider::default()
            .read(&text)
            .map_err(|error| anyhow::anyhow!("cannot read `{name}`: {error}"))?;
        print!("{}", explanation(&question));
        Ok(Exit::Held)
    }
}

/// What is printed.
fn explanation(question: &Question) -> String {
    let (request, policies) = (question.request(), &question.policies);
    let decision = decide(&request, policies);
    let near = near_misses(&request, policies, &decision);
    let mut out = String::new();
    let Question { caller, action, resource, .. } = question;
    let _ = writeln!(
        out,
        "{}: {caller} asks for {action} on {resource}",
        match decision.outcome {
            Outcome::Allow => "ALLOWED",
            Outcome::ImplicitDeny => "DENIED (implicitly)",
            Outcome::ExplicitDeny => "DENIED (explicitly)",
            Outcome::Undecided => "UNDECIDED",
        }
    );
    let _ = writeln!(out, "layer: {}", decision.layer.as_str());
    // With near misses, the explanation's own list of them would be a second.
    match near.is_empty() {
        true => writeln!(out, "why: {}", decision.explanation),
        false => writeln!(out, "why: denied {}", decision.reason(action)),
    }
    .unwrap_or_default();
    if !decision.unknown.is_empty() {
        let _ = writeln!(out, "unknown: {}", decision.unknown.join(", "));
    }
    for statement in &decision.statements {
        let _ = writeln!(out, "\n{statement} ({}):", statement.layer.as_str());
        cite(&mut out, policies, statement);
    }
    for miss in &near {
        let _ = writeln!(out, "\nnear miss: {}, but for", miss.statement);
        for missing in &miss.missing {
            let _ = writeln!(out, "  - {missing}");
        }
        cite(&mut out, policies, &miss.statement);
    }
    out
}

/// The statement as it was written, moved to the left.
fn cite(out: &mut String, policies: &Policies, statement: &StatementRef) {
    let document = all(policies).find(|document| document.name() == statement.policy);
    let Some(text) = document.and_then(|document| document.statement_text(statement.index)) else {
        return;
    };
    // All lines but the first stand as deep as in the file.
    let indent = text
        .lines()
        .skip(1)
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or_default();
    for (index, line) in text.lines().enumerate() {
        let line = if index == 0 { line } else { line.get(indent..).unwrap_or(line) };
        let _ = writeln!(out, "    {line}");
    }
}

fn all(policies: &Policies) -> impl Iterator<Item = &Arc<Document>> {
    let Policies {
        vpc_endpoint,
        resource_control,
        resource_control_of: _,
        service_control,
        identity,
        boundary,
        session,
        resource,
    } = policies;
    vpc_endpoint
        .iter()
        .chain(resource_control.iter().flatten())
        .chain(service_control.iter().flatten())
        .chain(identity)
        .chain(boundary.iter().flatten())
        .chain(session.iter().flatten())
        .chain(resource)
}
