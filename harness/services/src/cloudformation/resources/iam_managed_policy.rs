//! `AWS::IAM::ManagedPolicy`.

use async_trait::async_trait;
use ringfence_wire::services::Iam;
use serde_json::{Map, Value, json};

use super::{
    Context, Existing, Failure, Kind, Made, Property, ResourceType, at, document, pick, text, texts,
};

/// The entities: property, member of the call, noun in the operations.
const ENTITIES: [(&str, &str, &str); 3] = [
    ("Roles", "RoleName", "Role"),
    ("Users", "UserName", "User"),
    ("Groups", "GroupName", "Group"),
];

/// IAM keeps this many versions of a policy.
const VERSIONS: usize = 5;

pub(super) struct ManagedPolicy;

#[async_trait]
impl ResourceType for ManagedPolicy {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("Description", Kind::Text).replaces(),
            Property::new("Groups", Kind::List(&Kind::Text)),
            Property::new("ManagedPolicyName", Kind::Text).replaces(),
            Property::new("Path", Kind::Text).replaces(),
            Property::new("PolicyDocument", Kind::Document).required(),
            Property::new("Roles", Kind::List(&Kind::Text)),
            Property::new("Users", Kind::List(&Kind::Text)),
        ];
        PROPERTIES
    }

    fn name_property(&self) -> Option<&'static str> {
        Some("ManagedPolicyName")
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let name = text(wanted, "ManagedPolicyName")
            .map_or_else(|| context.physical_name(128), str::to_owned);
        let mut input = pick(wanted, &["Description", "Path"]);
        input.insert("PolicyName".to_owned(), name.into());
        input.insert("PolicyDocument".to_owned(), document(wanted.get("PolicyDocument")).into());
        let answer = context.call(Iam, "CreatePolicy", input.into()).await?;
        let arn = at(&answer, "/Policy/Arn");
        let made = Made::new(arn)
            .with("PolicyArn", arn)
            .with("PolicyId", at(&answer, "/Policy/PolicyId"))
            .with("DefaultVersionId", "v1");
        context.initiated(&made);
        change(context, arn, wanted, &Map::new(), "Attach").await?;
        Ok(made)
    }

    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let arn = &current.made.physical_id;
        let old = &current.properties;
        let mut made = current.made.clone();
        if old.get("PolicyDocument") != wanted.get("PolicyDocument") {
            let others = versions(context, arn).await?;
            if let (true, Some(oldest)) = (others.len() + 1 >= VERSIONS, others.last()) {
                let input = json!({"PolicyArn": arn, "VersionId": oldest});
                context.call(Iam, "DeletePolicyVersion", input).await?;
            }
            let policy = document(wanted.get("PolicyDocument"));
            let input = json!({"PolicyArn": arn, "PolicyDocument": policy, "SetAsDefault": true});
            let answer = context.call(Iam, "CreatePolicyVersion", input).await?;
            made = made.with("DefaultVersionId", at(&answer, "/PolicyVersion/VersionId"));
        }
        change(context, arn, wanted, old, "Attach").await?;
        change(context, arn, old, wanted, "Detach").await?;
        Ok(made)
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let arn = &current.made.physical_id;
        change(context, arn, &current.properties, &Map::new(), "Detach").await?;
        for version in versions(context, arn).await? {
            let input = json!({"PolicyArn": arn, "VersionId": version});
            context.call(Iam, "DeletePolicyVersion", input).await?;
        }
        context.call(Iam, "DeletePolicy", json!({"PolicyArn": arn})).await?;
        Ok(())
    }
}

/// Attaches to (detaches from) the entities that `these` names and `others`
/// does not.
async fn change(
    context: &Context,
    arn: &str,
    these: &Map<String, Value>,
    others: &Map<String, Value>,
    verb: &str,
) -> Result<(), Failure> {
    for (property, member, noun) in ENTITIES {
        let others = texts(others, property);
        for entity in texts(these, property).iter().filter(|entity| !others.contains(entity)) {
            let input = json!({member: entity, "PolicyArn": arn});
            match context.call(Iam, &format!("{verb}{noun}Policy"), input).await {
                Err(failure) if verb == "Attach" || !failure.not_found() => return Err(failure),
                _ => {}
            }
        }
    }
    Ok(())
}

/// The versions that are not the default, newest first.
async fn versions(context: &Context, arn: &str) -> Result<Vec<String>, Failure> {
    let answer = context.call(Iam, "ListPolicyVersions", json!({"PolicyArn": arn})).await?;
    let versions = answer.get("Versions").and_then(Value::as_array);
    Ok(versions
        .into_iter()
        .flatten()
        .filter(|version| {
            !matches!(version.get("IsDefaultVersion"), Some(Value::Bool(true)))
                && at(version, "/IsDefaultVersion") != "true"
        })
        .map(|version| at(version, "/VersionId").to_owned())
        .collect())
}
