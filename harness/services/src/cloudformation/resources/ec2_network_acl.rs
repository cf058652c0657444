//! `AWS::EC2::SubnetNetworkAclAssociation`: a subnet always has one network ACL, so
//! its association is replaced by one with another.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-subnetnetworkaclassociation.html>

use async_trait::async_trait;
use ringfence_wire::services::Ec2;
use serde_json::{Map, Value, json};

use super::{Context, Existing, Failure, Kind, Made, Property, ResourceType, at, text};

pub(super) struct Association;

#[async_trait]
impl ResourceType for Association {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("NetworkAclId", Kind::Text).required().replaces(),
            Property::new("SubnetId", Kind::Text).required().replaces(),
        ];
        PROPERTIES
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let subnet = text(wanted, "SubnetId").unwrap_or_default();
        let acl = text(wanted, "NetworkAclId").unwrap_or_default();
        let Some((old, _)) = association(context, subnet).await? else {
            let told = format!("the subnet {subnet} has no network ACL");
            return Err(Failure::handler("NotFound", told));
        };
        let id = replace(context, &old, acl).await?;
        let made = Made::new(id.clone()).with("AssociationId", id);
        context.initiated(&made);
        Ok(made)
    }

    async fn update(
        &self,
        _: &Context,
        current: &Existing,
        _: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        Ok(current.made.clone())
    }

    /// The subnet gets its VPC's default ACL back, unless another has taken this one's
    /// place.
    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let subnet = text(&current.properties, "SubnetId").unwrap_or_default();
        let own = current.made.physical_id.as_str();
        match association(context, subnet).await? {
            Some((id, vpc)) if id == own => {
                let filters = [("vpc-id", vpc.as_str()), ("default", "true")];
                let answer = describe(context, &filters).await?;
                let default = at(&answer, "/networkAclSet/0/networkAclId").to_owned();
                replace(context, &id, &default).await.map(drop)
            }
            _ => Ok(()),
        }
    }
}

async fn describe(context: &Context, filters: &[(&str, &str)]) -> Result<Value, Failure> {
    let filters: Vec<Value> =
        filters.iter().map(|(name, value)| json!({"Name": name, "Value": [value]})).collect();
    context.call(Ec2, "DescribeNetworkAcls", json!({ "Filter": filters })).await
}

/// The association of a subnet, and the VPC that it is in.
async fn association(context: &Context, subnet: &str) -> Result<Option<(String, String)>, Failure> {
    let answer = describe(context, &[("association.subnet-id", subnet)]).await?;
    let acls = answer.get("networkAclSet").and_then(Value::as_array);
    Ok(acls.into_iter().flatten().find_map(|acl| {
        let all = acl.get("associationSet").and_then(Value::as_array);
        let own = all.into_iter().flatten().find(|it| at(it, "/subnetId") == subnet)?;
        Some((at(own, "/networkAclAssociationId").to_owned(), at(acl, "/vpcId").to_owned()))
    }))
}

async fn replace(context: &Context, old: &str, acl: &str) -> Result<String, Failure> {
    let input = json!({ "AssociationId": old, "NetworkAclId": acl });
    let answer = context.call(Ec2, "ReplaceNetworkAclAssociation", input).await?;
    Ok(at(&answer, "/newAssociationId").to_owned())
}
