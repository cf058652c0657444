//! `AWS::EC2::SecurityGroup`.

use async_trait::async_trait;
use ringfence_wire::services::Ec2;
use serde_json::{Map, Value, json};

use super::context::{merged, tag_changes, tag_list};
use super::{
    Context, Existing, Failure, Kind, Made, Property, ResourceType, Tagging, at, pick, text,
};

const RULE: Kind = Kind::Object(&[
    ("CidrIp", Kind::Text),
    ("CidrIpv6", Kind::Text),
    ("Description", Kind::Text),
    ("DestinationPrefixListId", Kind::Text),
    ("DestinationSecurityGroupId", Kind::Text),
    ("FromPort", Kind::Integer),
    ("IpProtocol", Kind::Text),
    ("SourcePrefixListId", Kind::Text),
    ("SourceSecurityGroupId", Kind::Text),
    ("SourceSecurityGroupOwnerId", Kind::Text),
    ("ToPort", Kind::Integer),
]);

pub(super) struct SecurityGroup;

#[async_trait]
impl ResourceType for SecurityGroup {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("GroupDescription", Kind::Text).required().replaces(),
            Property::new("GroupName", Kind::Text).replaces(),
            Property::new("SecurityGroupEgress", Kind::List(&RULE)),
            Property::new("SecurityGroupIngress", Kind::List(&RULE)),
            Property::new("Tags", Kind::Tags),
            Property::new("VpcId", Kind::Text).replaces(),
        ];
        PROPERTIES
    }

    fn tagging(&self) -> Tagging {
        Tagging::System
    }

    fn name_property(&self) -> Option<&'static str> {
        Some("GroupName")
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let name =
            text(wanted, "GroupName").map_or_else(|| context.physical_name(255), str::to_owned);
        let mut input = pick(wanted, &["GroupDescription", "VpcId"]);
        input.insert("GroupName".to_owned(), name.into());
        let tags = context.tags(wanted.get("Tags"), self.tagging());
        input.insert(
            "TagSpecification".to_owned(),
            json!([{"ResourceType": "security-group", "Tag": tag_list(&tags)}]),
        );
        let answer = context.call(Ec2, "CreateSecurityGroup", input.into()).await?;
        let id = at(&answer, "/groupId").to_owned();
        let made = Made::new(id.clone())
            .with("GroupId", id.clone())
            .with("Id", id.clone())
            .with("VpcId", wanted.get("VpcId").cloned().unwrap_or_default());
        context.initiated(&made);
        rules(context, "AuthorizeSecurityGroupIngress", &id, list(wanted, "SecurityGroupIngress"))
            .await?;
        let egress = list(wanted, "SecurityGroupEgress");
        if !egress.is_empty() {
            // A group's own "all out" rule goes when the template has others.
            let everything = json!({"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"});
            if !egress.contains(&everything) {
                rules(context, "RevokeSecurityGroupEgress", &id, vec![everything.clone()]).await?;
            }
            let new = egress.into_iter().filter(|rule| *rule != everything).collect();
            rules(context, "AuthorizeSecurityGroupEgress", &id, new).await?;
        }
        context.call(Ec2, "DescribeSecurityGroups", json!({"GroupId": [id]})).await?;
        Ok(made)
    }

    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let id = &current.made.physical_id;
        let old = &current.properties;
        for (property, direction) in
            [("SecurityGroupIngress", "Ingress"), ("SecurityGroupEgress", "Egress")]
        {
            let (before, after) = (list(old, property), list(wanted, property));
            let gone = before.iter().filter(|rule| !after.contains(rule)).cloned().collect();
            rules(context, &format!("RevokeSecurityGroup{direction}"), id, gone).await?;
            let new = after.iter().filter(|rule| !before.contains(rule)).cloned().collect();
            rules(context, &format!("AuthorizeSecurityGroup{direction}"), id, new).await?;
        }
        let (set, removed) = tag_changes(
            &merged(old.get("Tags"), &current.stack_tags),
            &merged(wanted.get("Tags"), &context.stack_tags),
        );
        if !set.is_empty() {
            let input = json!({"ResourceId": [id], "Tag": tag_list(&set)});
            context.call(Ec2, "CreateTags", input).await?;
        }
        if !removed.is_empty() {
            let tags: Vec<Value> = removed.iter().map(|key| json!({"Key": key})).collect();
            let input = json!({"ResourceId": [id], "Tag": tags});
            context.call(Ec2, "DeleteTags", input).await?;
        }
        Ok(current.made.clone())
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let input = json!({"GroupId": current.made.physical_id});
        context.call(Ec2, "DeleteSecurityGroup", input).await?;
        Ok(())
    }
}

fn list(properties: &Map<String, Value>, name: &str) -> Vec<Value> {
    properties.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
}

async fn rules(
    context: &Context,
    operation: &str,
    group: &str,
    rules: Vec<Value>,
) -> Result<(), Failure> {
    if rules.is_empty() {
        return Ok(());
    }
    let permissions: Vec<Value> = rules.iter().map(permission).collect();
    let input = json!({"GroupId": group, "IpPermissions": permissions});
    context.call(Ec2, operation, input).await?;
    Ok(())
}

/// A rule as EC2's wire takes it.
pub(super) fn permission(rule: &Value) -> Value {
    let rule = rule.as_object().cloned().unwrap_or_default();
    let mut permission = pick(&rule, &["IpProtocol", "FromPort", "ToPort"]);
    let mut peer = |list: &str, member: &str, properties: &[&str]| {
        for property in properties {
            let Some(value) = rule.get(*property) else { continue };
            let mut entry = Map::from_iter([(member.to_owned(), value.clone())]);
            if let Some(description) = rule.get("Description") {
                entry.insert("Description".to_owned(), description.clone());
            }
            if let (Some(owner), "Groups") = (rule.get("SourceSecurityGroupOwnerId"), list) {
                entry.insert("UserId".to_owned(), owner.clone());
            }
            permission.insert(list.to_owned(), json!([entry]));
        }
    };
    peer("IpRanges", "CidrIp", &["CidrIp"]);
    peer("Ipv6Ranges", "CidrIpv6", &["CidrIpv6"]);
    peer("PrefixListIds", "PrefixListId", &["SourcePrefixListId", "DestinationPrefixListId"]);
    peer("Groups", "GroupName", &["SourceSecurityGroupName"]);
    peer("Groups", "GroupId", &["SourceSecurityGroupId", "DestinationSecurityGroupId"]);
    permission.into()
}
