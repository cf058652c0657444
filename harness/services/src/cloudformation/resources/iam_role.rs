//! `AWS::IAM::Role`.
//!
//! Deleting detaches and deletes what the template attached and no more: a
//! policy attached by somebody else makes the deletion fail, as on AWS
//! (<https://github.com/aws/aws-parallelcluster/issues/4031>).

use async_trait::async_trait;
use ringfence_wire::services::Iam;
use serde_json::{Map, Value, json};

use super::context::{merged, tag_changes, tag_list};
use super::{
    Context, Existing, Failure, Kind, Made, Property, ResourceType, Tagging, at, document, pick,
    text, texts,
};

const POLICY: Kind =
    Kind::Object(&[("PolicyName", Kind::Text), ("PolicyDocument", Kind::Document)]);

pub(super) struct Role;

#[async_trait]
impl ResourceType for Role {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("AssumeRolePolicyDocument", Kind::Document).required(),
            Property::new("Description", Kind::Text),
            Property::new("ManagedPolicyArns", Kind::List(&Kind::Text)),
            Property::new("MaxSessionDuration", Kind::Integer),
            Property::new("Path", Kind::Text).replaces(),
            Property::new("PermissionsBoundary", Kind::Text),
            Property::new("Policies", Kind::List(&POLICY)),
            Property::new("RoleName", Kind::Text).replaces(),
            Property::new("Tags", Kind::Tags),
        ];
        PROPERTIES
    }

    fn tagging(&self) -> Tagging {
        Tagging::Stack
    }

    fn name_property(&self) -> Option<&'static str> {
        Some("RoleName")
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let name =
            text(wanted, "RoleName").map_or_else(|| context.physical_name(64), str::to_owned);
        let mut input =
            pick(wanted, &["Description", "MaxSessionDuration", "Path", "PermissionsBoundary"]);
        input.insert("RoleName".to_owned(), name.clone().into());
        input.insert(
            "AssumeRolePolicyDocument".to_owned(),
            document(wanted.get("AssumeRolePolicyDocument")).into(),
        );
        let tags = context.tags(wanted.get("Tags"), self.tagging());
        if !tags.is_empty() {
            input.insert("Tags".to_owned(), tag_list(&tags));
        }
        let answer = context.call(Iam, "CreateRole", input.into()).await?;
        let made = Made::new(name.clone())
            .with("Arn", at(&answer, "/Role/Arn"))
            .with("RoleId", at(&answer, "/Role/RoleId"));
        context.initiated(&made);
        attach(context, &name, &texts(wanted, "ManagedPolicyArns")).await?;
        put(context, &name, &inline(wanted)).await?;
        context.call(Iam, "GetRole", json!({"RoleName": name})).await?;
        Ok(made)
    }

    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let name = &current.made.physical_id;
        let old = &current.properties;
        let differs = |property: &str| old.get(property) != wanted.get(property);
        if differs("Description") || differs("MaxSessionDuration") {
            let input = json!({
                "RoleName": name,
                "Description": text(wanted, "Description").unwrap_or_default(),
                "MaxSessionDuration": wanted.get("MaxSessionDuration").cloned().unwrap_or(json!(3600)),
            });
            context.call(Iam, "UpdateRole", input).await?;
        }
        if differs("AssumeRolePolicyDocument") {
            let policy = document(wanted.get("AssumeRolePolicyDocument"));
            let input = json!({"RoleName": name, "PolicyDocument": policy});
            context.call(Iam, "UpdateAssumeRolePolicy", input).await?;
        }
        let (before, after) = (texts(old, "ManagedPolicyArns"), texts(wanted, "ManagedPolicyArns"));
        detach(context, name, &without(&before, &after)).await?;
        attach(context, name, &without(&after, &before)).await?;
        if differs("PermissionsBoundary") {
            match text(wanted, "PermissionsBoundary") {
                Some(arn) => {
                    let input = json!({"RoleName": name, "PermissionsBoundary": arn});
                    context.call(Iam, "PutRolePermissionsBoundary", input).await?;
                }
                None => {
                    let input = json!({"RoleName": name});
                    context.call(Iam, "DeleteRolePermissionsBoundary", input).await?;
                }
            }
        }
        let (before, after) = (inline(old), inline(wanted));
        let gone: Vec<_> = before
            .iter()
            .filter(|(name, _)| !after.iter().any(|(other, _)| other == name))
            .map(|(name, _)| name.clone())
            .collect();
        delete_inline(context, name, &gone).await?;
        let new: Vec<_> = after.into_iter().filter(|policy| !before.contains(policy)).collect();
        put(context, name, &new).await?;
        let (set, removed) = tag_changes(
            &merged(old.get("Tags"), &current.stack_tags),
            &merged(wanted.get("Tags"), &context.stack_tags),
        );
        if !set.is_empty() {
            let input = json!({"RoleName": name, "Tags": tag_list(&set)});
            context.call(Iam, "TagRole", input).await?;
        }
        if !removed.is_empty() {
            let input = json!({"RoleName": name, "TagKeys": removed});
            context.call(Iam, "UntagRole", input).await?;
        }
        Ok(current.made.clone())
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let name = &current.made.physical_id;
        detach(context, name, &texts(&current.properties, "ManagedPolicyArns")).await?;
        let names: Vec<_> = inline(&current.properties).into_iter().map(|(name, _)| name).collect();
        delete_inline(context, name, &names).await?;
        context.call(Iam, "DeleteRole", json!({"RoleName": name})).await?;
        Ok(())
    }
}

fn without(all: &[String], others: &[String]) -> Vec<String> {
    all.iter().filter(|item| !others.contains(item)).cloned().collect()
}

fn inline(properties: &Map<String, Value>) -> Vec<(String, String)> {
    properties
        .get("Policies")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|policy| {
            (at(policy, "/PolicyName").to_owned(), document(policy.get("PolicyDocument")))
        })
        .collect()
}

async fn attach(context: &Context, role: &str, arns: &[String]) -> Result<(), Failure> {
    for arn in arns {
        let input = json!({"RoleName": role, "PolicyArn": arn});
        context.call(Iam, "AttachRolePolicy", input).await?;
    }
    Ok(())
}

/// What is detached already is no failure: a rollback may come after a partial
/// creation.
async fn detach(context: &Context, role: &str, arns: &[String]) -> Result<(), Failure> {
    for arn in arns {
        let input = json!({"RoleName": role, "PolicyArn": arn});
        present(context.call(Iam, "DetachRolePolicy", input).await)?;
    }
    Ok(())
}

async fn put(context: &Context, role: &str, policies: &[(String, String)]) -> Result<(), Failure> {
    for (name, policy) in policies {
        let input = json!({"RoleName": role, "PolicyName": name, "PolicyDocument": policy});
        context.call(Iam, "PutRolePolicy", input).await?;
    }
    Ok(())
}

async fn delete_inline(context: &Context, role: &str, names: &[String]) -> Result<(), Failure> {
    for name in names {
        let input = json!({"RoleName": role, "PolicyName": name});
        present(context.call(Iam, "DeleteRolePolicy", input).await)?;
    }
    Ok(())
}

fn present(result: Result<Value, Failure>) -> Result<(), Failure> {
    match result {
        Err(failure) if !failure.not_found() => Err(failure),
        _ => Ok(()),
    }
}
