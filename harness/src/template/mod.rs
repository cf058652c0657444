//! Layer 1 written in CloudFormation: a stack of a template, made through the guard by
//! whoever applies it, and read as Terraform's state of the same resources would be.

mod beside;
mod table;
mod translate;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use ringfence_guard::Guard;
use ringfence_models::Partition;
use ringfence_services::cloudformation::{Contents, Made};
use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};

use crate::aws::Client;
use crate::config::{Layer1, StackTemplate};
use crate::lint::read::{self, Read};
use crate::scratch::Scratch;
use crate::terraform::{Access, State};
pub(crate) use beside::beside;
use table::MAIN_TABLE;
use translate::{Nested, Place};

/// What makes a stack: who sends the calls, and who tells how they ended.
#[derive(Debug, Clone, Copy)]
pub struct Engine<'e> {
    /// The client.
    pub client: &'e Client,
    /// The guard, whose CloudFormation it is.
    pub guard: &'e Guard,
}

/// A template of Layer 1.
#[derive(Debug)]
pub(crate) struct Template {
    file: PathBuf,
    stack: String,
    /// The account that the stack is of.
    account_id: String,
    parameters: BTreeMap<String, String>,
    /// Where what it made is kept, in the form of Terraform's state.
    state: PathBuf,
}

/// Why a template did not become a stack.
#[derive(Debug)]
pub struct NotMade {
    file: PathBuf,
    stack: String,
    /// What failed, a line each, and the id of the request that was refused.
    failures: Vec<(String, Option<String>)>,
}

/// CloudFormation takes no longer template in a call
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>).
const LONGEST: usize = 51_200;

impl Template {
    /// A template with its parameters; nothing is made yet.
    ///
    /// # Errors
    /// When there is no place for its state.
    pub(crate) fn prepare(
        layer1: &Layer1,
        template: &StackTemplate,
        (number, account_id): (usize, &str),
        scratch: &Scratch,
    ) -> io::Result<Self> {
        let parameters = layer1.variables.iter();
        let parameters = parameters.map(|(name, value)| (name.clone(), plain(value)));
        let place = scratch.subdirectory(&format!("layer1-stack-{number}"))?;
        Ok(Self {
            file: template.file.clone(),
            stack: template.stack_name(layer1),
            account_id: account_id.to_owned(),
            parameters: parameters.collect(),
            state: place.join("terraform.tfstate"),
        })
    }

    /// Makes the stack, or changes it to what the template says now, and keeps what it
    /// made. Says how many resources there are.
    ///
    /// # Errors
    /// What CloudFormation refuses, and what of the template could not be made, with its
    /// places.
    pub(crate) async fn apply(
        &self,
        engine: Engine<'_>,
        access: &Access,
    ) -> Result<usize, NotMade> {
        let text = std::fs::read_to_string(&self.file).map_err(|error| self.failed(error))?;
        if text.len() > LONGEST {
            let why = format!(
                "{} bytes, and CloudFormation takes {LONGEST} in a call; one that is uploaded to a \
                 bucket first is not built: split it",
                text.len()
            );
            return Err(self.failed(why));
        }
        let there = engine.guard.settled_stack(&self.account_id, &self.stack).await.is_some();
        let operation = if there { "UpdateStack" } else { "CreateStack" };
        let parameters = self.parameters.iter();
        let parameters = parameters
            .map(|(name, value)| json!({ "ParameterKey": name, "ParameterValue": value }));
        let input = json!({
            "StackName": self.stack,
            "TemplateBody": text,
            "Parameters": parameters.collect::<Vec<Value>>(),
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        });
        let answer = engine.client.call(access, Service::CloudFormation, operation, input).await;
        let unchanged = match answer.result {
            Ok(_) => false,
            Err(error) if is_unchanged(&error) => true,
            Err(error) => {
                let said = format!("{operation}: {}: {}", error.code, error.message);
                let failures = vec![(said, answer.request_id)];
                return Err(NotMade { failures, ..self.failed("") });
            }
        };
        let contents = engine.guard.settled_stack(&self.account_id, &self.stack).await;
        let contents = contents.ok_or_else(|| self.failed("the stack is gone"))?;
        if !unchanged && !contents.is_complete() {
            return Err(self.incomplete(&contents, &text));
        }
        let mut stacks = vec![(None, contents)];
        self.nested(engine.guard, &mut stacks).await;
        for made in stacks.iter_mut().flat_map(|(_, contents)| &mut contents.resources) {
            if made.kind == "AWS::EC2::VPC" {
                let seen = self.networks(engine.guard, made).await;
                seen.map_err(|error| self.failed(error))?;
            }
        }
        let setting = engine.guard.setting();
        let partition = Partition::of_region(&setting.region);
        let place =
            Place { partition: partition.id, region: &setting.region, account: &self.account_id };
        let state = translate::state(&stacks, &self.stack, place);
        std::fs::write(&self.state, state.to_string()).map_err(|error| self.failed(error))?;
        Ok(stacks.iter().map(|(_, contents)| contents.resources.len()).sum())
    }

    /// What it made.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn state(&self) -> io::Result<State> {
        State::read(&self.state)
    }

    /// The template's file.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    fn failed(&self, why: impl fmt::Display) -> NotMade {
        NotMade {
            file: self.file.clone(),
            stack: self.stack.clone(),
            failures: vec![(why.to_string(), None)],
        }
    }

    /// What failed of a stack that was taken back.
    fn incomplete(&self, contents: &Contents, text: &str) -> NotMade {
        let cancelled = |reason: &str| reason.contains("cancelled");
        let failed = contents.failed.iter().filter(|one| !cancelled(&one.reason));
        let told = failed.map(|one| {
            let at = place(text, &one.logical_id);
            let at = at.map(|line| format!("{}:{line}: ", self.file.display())).unwrap_or_default();
            let said = format!("{at}{} ({}): {}", one.logical_id, one.kind, one.reason);
            (said, request_id(&one.reason))
        });
        let mut failures: Vec<(String, Option<String>)> = told.collect();
        if failures.is_empty() {
            failures.push((format!("the stack is {}", contents.status), None));
        }
        NotMade { failures, ..self.failed("") }
    }
}

impl Template {
    /// Adds the stacks that stacks made.
    async fn nested(&self, guard: &Guard, stacks: &mut Vec<Nested>) {
        let mut next = 0;
        while let Some((module, contents)) = stacks.get(next) {
            let mut inner = Vec::new();
            for made in
                contents.resources.iter().filter(|it| it.kind == "AWS::CloudFormation::Stack")
            {
                let outer = module.iter().map(|outer| format!("{outer}.")).collect::<String>();
                let name = format!("{outer}module.{}", made.logical_id);
                let contents = guard.settled_stack(&self.account_id, &made.physical_id).await;
                inner.extend(contents.map(|contents| (Some(name), contents)));
            }
            stacks.extend(inner);
            next += 1;
        }
    }

    /// Adds what EC2 makes with a VPC: the main route table and the default network ACL.
    async fn networks(&self, guard: &Guard, made: &mut Made) -> Result<(), ServiceError> {
        let text = |value: &Value, member: &str| value.get(member).cloned().unwrap_or_default();
        let is = |value: &Value, member: &str| {
            text(value, member) == true || text(value, member) == "true"
        };
        let list = |answer: &Value, member: &str| {
            answer.get(member).and_then(Value::as_array).cloned().unwrap_or_default()
        };
        let vpc = made.physical_id.clone();
        let own = |one: &Value| text(one, "vpcId") == *vpc;
        let acls =
            guard.read(&self.account_id, Service::Ec2, "DescribeNetworkAcls", json!({})).await?;
        for acl in list(&acls, "networkAclSet").iter().filter(|acl| own(acl) && is(acl, "default"))
        {
            made.attributes.insert("DefaultNetworkAcl".to_owned(), text(acl, "networkAclId"));
        }
        let tables =
            guard.read(&self.account_id, Service::Ec2, "DescribeRouteTables", json!({})).await?;
        for table in list(&tables, "routeTableSet").iter().filter(|table| own(table)) {
            if list(table, "associationSet").iter().any(|one| is(one, "main")) {
                made.attributes.insert(MAIN_TABLE.to_owned(), text(table, "routeTableId"));
            }
        }
        Ok(())
    }
}

/// "No updates are to be performed.": the stack is what the template says.
fn is_unchanged(error: &ServiceError) -> bool {
    error.message.contains("No updates are to be performed")
}

/// The id of the request that a service refused, as the reasons of events have it:
/// `Request ID: ID`.
fn request_id(reason: &str) -> Option<String> {
    let (_, rest) = reason.split_once("Request ID: ")?;
    let id: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    (!id.is_empty()).then_some(id)
}

/// A parameter's value: lists are written with commas.
fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// The line of a resource in a template.
fn place(text: &str, logical_id: &str) -> Option<usize> {
    let Ok(Read::Template { root, .. }) = read::read(text) else { return None };
    let resources = root.get("Resources")?;
    let one = resources.members().iter().find(|member| member.key == logical_id)?;
    Some(one.at.line)
}

/// Where a template has what a state's address names: `FILE:LINE`.
pub(crate) fn declared(file: &Path, address: &str) -> Option<String> {
    let plain = address.split('[').next().unwrap_or(address);
    let logical_id = plain.rsplit('.').next()?;
    let line = place(&std::fs::read_to_string(file).ok()?, logical_id)?;
    Some(format!("{}:{line}", file.file_name()?.to_string_lossy()))
}

impl NotMade {
    /// The same, each request that was refused with what decided it, where that is known.
    #[must_use]
    pub fn explained(mut self, decided: impl Fn(&str) -> Option<String>) -> Self {
        for (said, id) in &mut self.failures {
            if let Some(why) = id.as_deref().and_then(&decided) {
                *said = format!("{said} {why}");
            }
        }
        self
    }
}

impl fmt::Display for NotMade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said: Vec<&str> = self.failures.iter().map(|(said, _)| said.as_str()).collect();
        write!(
            f,
            "the stack `{}` of `{}` was not made: {}",
            self.stack,
            self.file.display(),
            said.join("\n")
        )
    }
}

impl std::error::Error for NotMade {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_texts_and_lists_have_commas() {
        let table: toml::Table = "a='x'\nb=[1, 2]\nc=true\n".parse().unwrap();
        let values: Vec<String> = table.values().map(plain).collect();
        assert_eq!(values, ["x", "1,2", "true"]);
    }

    #[test]
    fn a_resource_is_found_in_its_template_by_the_address_of_what_it_became() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("t.yaml");
        let text =
            "Resources:\n  Other:\n    Type: AWS::S3::Bucket\n  Role:\n    Type: AWS::IAM::Role\n";
        std::fs::write(&file, text).unwrap();
        let line = |address: &str| declared(&file, address);
        assert_eq!(line("aws_iam_role_policy.Role[work]").as_deref(), Some("t.yaml:4"));
        assert_eq!(line("aws_iam_role.Nobody"), None);
    }

    #[test]
    fn the_id_of_a_refused_request_is_read_from_its_reason() {
        let reason = "Resource handler returned message: \"User: x is not authorized (Service: Iam, \
                      Status Code: 403, Request ID: 0a1b-2c, Extended Request ID: null)\"";
        assert_eq!(request_id(reason).as_deref(), Some("0a1b-2c"));
        assert_eq!(request_id("cancelled"), None);
    }
}
