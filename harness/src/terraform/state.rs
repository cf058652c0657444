//! The state that Terraform keeps of a root module, read from its file.
//!
//! `terraform output` and `terraform show` start the providers to print the same:
//! with the AWS provider that takes seconds of both cores. The file is written by the
//! Terraform of this run and read with its version.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Instance;

/// The version of the file's form, since Terraform 0.12
/// (<https://github.com/hashicorp/terraform/blob/main/internal/states/statefile/version4.go>).
const VERSION: u64 = 4;

/// The version of what `terraform show -json` prints
/// (<https://developer.hashicorp.com/terraform/internals/json-format>).
const SHOWN: &str = "1.0";

/// What was applied of a root module.
#[derive(Debug, Clone, Default)]
pub struct State {
    outputs: BTreeMap<String, Value>,
    resources: Vec<Resource>,
    /// The file itself.
    raw: Value,
}

#[derive(Deserialize)]
struct File {
    version: u64,
    #[serde(default)]
    outputs: BTreeMap<String, Output>,
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    value: Value,
}

#[derive(Debug, Clone, Deserialize)]
struct Resource {
    module: Option<String>,
    mode: String,
    r#type: String,
    name: String,
    #[serde(default)]
    instances: Vec<Made>,
}

#[derive(Debug, Clone, Deserialize)]
struct Made {
    index_key: Option<Value>,
    attributes: Option<Value>,
}

impl State {
    /// The state in a file; an empty one where there is none, as after an apply that
    /// had nothing to make.
    ///
    /// # Errors
    /// When it cannot be read, or has another form.
    pub fn read(path: &Path) -> io::Result<Self> {
        match std::fs::read(path) {
            Ok(text) => Self::parse(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    fn parse(raw: Value) -> io::Result<Self> {
        let File { version, outputs, resources } = File::deserialize(&raw)?;
        if version != VERSION {
            let why = format!("its form has version {version}; {VERSION} is read here");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let outputs = outputs.into_iter().map(|(name, output)| (name, output.value)).collect();
        Ok(Self { outputs, resources, raw })
    }

    /// The values of its outputs.
    pub fn outputs(&self) -> &BTreeMap<String, Value> {
        &self.outputs
    }

    /// Each resource that was made.
    pub fn instances(&self) -> Vec<Instance> {
        Instance::of(&self.raw)
    }

    /// What `terraform show -json` prints of it, as far as it is read here: outputs,
    /// and resources and data sources with addresses and values, those of modules
    /// among them.
    pub fn shown(&self) -> Value {
        let output = |(name, value): (&String, &Value)| (name.clone(), json!({ "value": value }));
        let outputs: Map<String, Value> = self.outputs.iter().map(output).collect();
        let resources: Vec<Value> = self.resources.iter().flat_map(Resource::shown).collect();
        json!({
            "format_version": SHOWN,
            "values": {
                "outputs": outputs,
                "root_module": { "resources": resources },
            },
        })
    }
}

impl Resource {
    fn shown(&self) -> impl Iterator<Item = Value> + '_ {
        self.instances.iter().map(|made| {
            json!({
                "address": self.address(made.index_key.as_ref()),
                "mode": self.mode,
                "type": self.r#type,
                "name": self.name,
                "values": made.attributes.clone().unwrap_or_default(),
            })
        })
    }

    /// `module.network.data.aws_vpc.main["a"]`.
    fn address(&self, key: Option<&Value>) -> String {
        let module = self.module.iter().map(|module| format!("{module}.")).collect::<String>();
        let data = if self.mode == "data" { "data." } else { "" };
        let key = key.map(|key| format!("[{key}]")).unwrap_or_default();
        format!("{module}{data}{}.{}{key}", self.r#type, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_shown_with_the_addresses_of_its_resources() {
        let state = State::parse(json!({
            "version": 4,
            "outputs": {"vpc_id": {"value": "vpc-1", "type": "string"}},
            "resources": [
                {"mode": "data", "type": "aws_region", "name": "here", "instances": [
                    {"attributes": {"name": "us-east-1"}},
                ]},
                {"mode": "managed", "type": "aws_iam_role", "name": "r", "module": "module.m[\"x\"]",
                 "instances": [
                    {"index_key": "a", "attributes": {"arn": "arn:aws:iam::1:role/a"}},
                    {"index_key": 0, "attributes": {}},
                ]},
            ],
        }))
        .unwrap();
        assert_eq!(state.outputs()["vpc_id"], json!("vpc-1"));
        assert_eq!(state.instances().len(), 2);
        assert_eq!(
            state.shown(),
            json!({"format_version": "1.0", "values": {
                "outputs": {"vpc_id": {"value": "vpc-1"}},
                "root_module": {"resources": [
                    {"address": "data.aws_region.here", "mode": "data", "type": "aws_region",
                     "name": "here", "values": {"name": "us-east-1"}},
                    {"address": "module.m[\"x\"].aws_iam_role.r[\"a\"]", "mode": "managed",
                     "type": "aws_iam_role", "name": "r",
                     "values": {"arn": "arn:aws:iam::1:role/a"}},
                    {"address": "module.m[\"x\"].aws_iam_role.r[0]", "mode": "managed",
                     "type": "aws_iam_role", "name": "r", "values": {}},
                ]},
            }})
        );
    }

    #[test]
    fn a_state_of_another_form_is_refused() {
        let error = State::parse(json!({"version": 5})).unwrap_err();
        assert_eq!(error.to_string(), "its form has version 5; 4 is read here");
    }

    #[test]
    fn nothing_was_made_where_there_is_no_file() {
        let state = State::read(Path::new("/nonexistent/terraform.tfstate")).unwrap();
        assert!(state.instances().is_empty() && state.outputs().is_empty());
    }
}
