//! `AWS::IAM::Policy`: one inline policy on roles, users and groups.

use async_trait::async_trait;
use ringfence_wire::services::Iam;
use serde_json::{Map, Value, json};

use super::{
    Context, Existing, Failure, Kind, Made, Property, ResourceType, document, text, texts,
};

/// The entities: property, member of the call, noun in the operations.
const ENTITIES: [(&str, &str, &str); 3] = [
    ("Roles", "RoleName", "Role"),
    ("Users", "UserName", "User"),
    ("Groups", "GroupName", "Group"),
];

pub(super) struct Policy;

#[async_trait]
impl ResourceType for Policy {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("Groups", Kind::List(&Kind::Text)),
            Property::new("PolicyDocument", Kind::Document).required(),
            Property::new("PolicyName", Kind::Text).required(),
            Property::new("Roles", Kind::List(&Kind::Text)),
            Property::new("Users", Kind::List(&Kind::Text)),
        ];
        PROPERTIES
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        if ENTITIES.iter().all(|(property, _, _)| texts(wanted, property).is_empty()) {
            return Err(Failure::handler(
                "InvalidRequest",
                "At least one of [Groups,Roles,Users] must be non-empty.",
            ));
        }
        let id = context.physical_name(64);
        let made = Made::new(id.clone()).with("Id", id);
        put(context, wanted, Some(&made)).await?;
        Ok(made)
    }

    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        put(context, wanted, None).await?;
        let renamed = text(&current.properties, "PolicyName") != text(wanted, "PolicyName");
        for (property, _, _) in ENTITIES {
            let kept = texts(wanted, property);
            let gone: Vec<_> = texts(&current.properties, property)
                .into_iter()
                .filter(|name| renamed || !kept.contains(name))
                .collect();
            remove(context, &current.properties, property, &gone).await?;
        }
        Ok(current.made.clone())
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        for (property, _, _) in ENTITIES {
            let all = texts(&current.properties, property);
            remove(context, &current.properties, property, &all).await?;
        }
        Ok(())
    }
}

/// Writes the policy to all entities. A new one exists once the first has it:
/// before that, a rollback must not delete what it did not make.
async fn put(
    context: &Context,
    properties: &Map<String, Value>,
    mut new: Option<&Made>,
) -> Result<(), Failure> {
    let policy = document(properties.get("PolicyDocument"));
    for (property, member, noun) in ENTITIES {
        for entity in texts(properties, property) {
            let input = json!({
                member: entity,
                "PolicyName": text(properties, "PolicyName"),
                "PolicyDocument": policy,
            });
            context.call(Iam, &format!("Put{noun}Policy"), input).await?;
            if let Some(made) = new.take() {
                context.initiated(made);
            }
        }
    }
    Ok(())
}

async fn remove(
    context: &Context,
    properties: &Map<String, Value>,
    property: &str,
    entities: &[String],
) -> Result<(), Failure> {
    let Some((_, member, noun)) = ENTITIES.iter().find(|(name, _, _)| *name == property) else {
        return Ok(());
    };
    for entity in entities {
        let input = json!({*member: entity, "PolicyName": text(properties, "PolicyName")});
        match context.call(Iam, &format!("Delete{noun}Policy"), input).await {
            Err(failure) if !failure.not_found() => return Err(failure),
            _ => {}
        }
    }
    Ok(())
}
