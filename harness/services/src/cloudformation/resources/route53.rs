//! `AWS::Route53::HostedZone` and `AWS::Route53::RecordSet`.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-route53-recordset.html>

use async_trait::async_trait;
use ringfence_models::Service;
use serde_json::{Map, Value, json};

use super::context::{Patience, merged, tag_changes, tag_list};
use super::{Context, Existing, Failure, Kind, Made, Property, ResourceType, Tagging, at, text};

pub(super) struct HostedZone;
pub(super) struct RecordSet;

/// A call of Route 53 as whoever deploys.
async fn call(context: &Context, operation: &str, input: Value) -> Result<Value, Failure> {
    let service = Service::of("route53")
        .ok_or_else(|| Failure::handler("InternalFailure", "Route 53 is not in the models"))?;
    context.call(service, operation, input).await
}

/// What Route 53 puts before an id in its answers.
const PREFIX: &str = "/hostedzone/";

#[async_trait]
impl ResourceType for HostedZone {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("DelegationSetId", Kind::Text).replaces(),
            Property::new("HostedZoneConfig", Kind::Object(&[("Comment", Kind::Text)])),
            Property::new("HostedZoneTags", Kind::Tags),
            Property::new("Name", Kind::Text).required().replaces(),
            Property::new("VPCs", Kind::List(&VPC)),
        ];
        PROPERTIES
    }

    fn tagging(&self) -> Tagging {
        Tagging::Stack
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let vpcs = vpcs(wanted);
        let mut input = Map::new();
        input.insert("Name".to_owned(), json!(text(wanted, "Name")));
        input.insert("CallerReference".to_owned(), uuid::Uuid::new_v4().to_string().into());
        for name in ["DelegationSetId", "HostedZoneConfig"] {
            if let Some(value) = wanted.get(name) {
                input.insert(name.to_owned(), value.clone());
            }
        }
        // One VPC makes a private zone, the others are added to it.
        if let Some(first) = vpcs.first() {
            input.insert("VPC".to_owned(), first.clone());
        }
        let answer = call(context, "CreateHostedZone", input.into()).await?;
        let id = at(&answer, "/HostedZone/Id").trim_start_matches(PREFIX).to_owned();
        let made = Made::new(id.clone()).with("Id", id.clone()).with(
            "NameServers",
            answer.pointer("/DelegationSet/NameServers").cloned().unwrap_or_else(|| json!([])),
        );
        context.initiated(&made);
        in_sync(context, &answer).await?;
        for vpc in vpcs.iter().skip(1) {
            let input = json!({ "HostedZoneId": id, "VPC": vpc });
            call(context, "AssociateVPCWithHostedZone", input).await?;
        }
        let tags = context.tags(wanted.get("HostedZoneTags"), self.tagging());
        tag(context, &id, &tags, &[]).await?;
        Ok(made)
    }

    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let (id, old) = (&current.made.physical_id, &current.properties);
        if old.get("HostedZoneConfig") != wanted.get("HostedZoneConfig") {
            let comment = wanted.get("HostedZoneConfig").and_then(|it| it.get("Comment"));
            let input =
                json!({ "Id": id, "Comment": comment.and_then(Value::as_str).unwrap_or_default() });
            call(context, "UpdateHostedZoneComment", input).await?;
        }
        let (before, now) = (vpcs(old), vpcs(wanted));
        for (operation, those, others) in [
            ("AssociateVPCWithHostedZone", &now, &before),
            ("DisassociateVPCFromHostedZone", &before, &now),
        ] {
            for vpc in those.iter().filter(|vpc| !others.contains(vpc)) {
                call(context, operation, json!({ "HostedZoneId": id, "VPC": vpc })).await?;
            }
        }
        let (set, removed) = tag_changes(
            &merged(old.get("HostedZoneTags"), &current.stack_tags),
            &merged(wanted.get("HostedZoneTags"), &context.stack_tags),
        );
        tag(context, id, &set, &removed).await?;
        Ok(current.made.clone())
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let input = json!({ "Id": current.made.physical_id });
        call(context, "DeleteHostedZone", input).await.map(drop)
    }
}

const VPC: Kind = Kind::Object(&[("VPCId", Kind::Text), ("VPCRegion", Kind::Text)]);

fn vpcs(properties: &Map<String, Value>) -> Vec<Value> {
    properties.get("VPCs").and_then(Value::as_array).cloned().unwrap_or_default()
}

async fn tag(
    context: &Context,
    id: &str,
    set: &[(String, String)],
    removed: &[String],
) -> Result<(), Failure> {
    if set.is_empty() && removed.is_empty() {
        return Ok(());
    }
    let mut input = Map::new();
    input.insert("ResourceType".to_owned(), "hostedzone".into());
    input.insert("ResourceId".to_owned(), id.into());
    if !set.is_empty() {
        input.insert("AddTags".to_owned(), json!({ "Tag": tag_list(set) }));
    }
    if !removed.is_empty() {
        input.insert("RemoveTagKeys".to_owned(), json!({ "Key": removed }));
    }
    call(context, "ChangeTagsForResource", input.into()).await.map(drop)
}

/// Waits until all name servers have a change.
pub(super) async fn in_sync(context: &Context, answer: &Value) -> Result<(), Failure> {
    let id = at(answer, "/ChangeInfo/Id").trim_start_matches("/change/").to_owned();
    let patience = Patience::with("the change");
    loop {
        let answer = call(context, "GetChange", json!({ "Id": id })).await?;
        if at(&answer, "/ChangeInfo/Status") == "INSYNC" {
            return Ok(());
        }
        patience.wait().await?;
    }
}

/// Under which name the zone is remembered; no attribute is called so.
pub(super) const ZONE: &str = "(zone)";
/// The properties of a record set that go into the call as they are.
const RECORD: [&str; 14] = [
    "AliasTarget",
    "CidrRoutingConfig",
    "Failover",
    "GeoLocation",
    "GeoProximityLocation",
    "HealthCheckId",
    "MultiValueAnswer",
    "Name",
    "Region",
    "SetIdentifier",
    "TTL",
    "Type",
    "Weight",
    "ResourceRecords",
];

const ALIAS: Kind = Kind::Object(&[
    ("DNSName", Kind::Text),
    ("EvaluateTargetHealth", Kind::Boolean),
    ("HostedZoneId", Kind::Text),
]);
const CIDR: Kind = Kind::Object(&[("CollectionId", Kind::Text), ("LocationName", Kind::Text)]);
const PLACE: Kind = Kind::Object(&[
    ("ContinentCode", Kind::Text),
    ("CountryCode", Kind::Text),
    ("SubdivisionCode", Kind::Text),
]);
const PROXIMITY: Kind = Kind::Object(&[
    ("AWSRegion", Kind::Text),
    ("Bias", Kind::Integer),
    ("Coordinates", Kind::Map(&Kind::Text)),
    ("LocalZoneGroup", Kind::Text),
]);
/// A record set in a group
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-route53-recordsetgroup-recordset.html>).
pub(super) const IN_GROUP: Kind = Kind::Object(&[
    ("AliasTarget", ALIAS),
    ("CidrRoutingConfig", CIDR),
    ("Failover", Kind::Text),
    ("GeoLocation", PLACE),
    ("GeoProximityLocation", PROXIMITY),
    ("HealthCheckId", Kind::Text),
    ("MultiValueAnswer", Kind::Boolean),
    ("Name", Kind::Text),
    ("Region", Kind::Text),
    ("ResourceRecords", Kind::List(&Kind::Text)),
    ("SetIdentifier", Kind::Text),
    ("TTL", Kind::Integer),
    ("Type", Kind::Text),
    ("Weight", Kind::Integer),
]);

#[async_trait]
impl ResourceType for RecordSet {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("AliasTarget", ALIAS),
            Property::new("CidrRoutingConfig", CIDR),
            Property::new("Comment", Kind::Text),
            Property::new("Failover", Kind::Text),
            Property::new("GeoLocation", PLACE),
            Property::new("GeoProximityLocation", PROXIMITY),
            Property::new("HealthCheckId", Kind::Text),
            Property::new("HostedZoneId", Kind::Text).replaces(),
            Property::new("HostedZoneName", Kind::Text).replaces(),
            Property::new("MultiValueAnswer", Kind::Boolean),
            Property::new("Name", Kind::Text).required().replaces(),
            Property::new("Region", Kind::Text),
            Property::new("ResourceRecords", Kind::List(&Kind::Text)),
            Property::new("SetIdentifier", Kind::Text).replaces(),
            Property::new("TTL", Kind::Integer),
            Property::new("Type", Kind::Text).required().replaces(),
            Property::new("Weight", Kind::Integer),
        ];
        PROPERTIES
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let zone = zone(context, wanted).await?;
        let answer = change(context, &zone, "CREATE", wanted).await?;
        let name = text(wanted, "Name").unwrap_or_default();
        let made = Made::new(name).with(ZONE, zone);
        context.initiated(&made);
        in_sync(context, &answer).await?;
        Ok(made)
    }

    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let zone = text(&current.made.attributes, ZONE).unwrap_or_default();
        let answer = change(context, zone, "UPSERT", wanted).await?;
        in_sync(context, &answer).await?;
        Ok(current.made.clone())
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let zone = text(&current.made.attributes, ZONE).unwrap_or_default();
        let answer = change(context, zone, "DELETE", &current.properties).await?;
        in_sync(context, &answer).await
    }
}

/// The zone that a record set is in: by its id, or by the name that only one zone
/// has.
pub(super) async fn zone(
    context: &Context,
    wanted: &Map<String, Value>,
) -> Result<String, Failure> {
    let name = match (text(wanted, "HostedZoneId"), text(wanted, "HostedZoneName")) {
        (Some(id), None) => return Ok(id.trim_start_matches(PREFIX).to_owned()),
        (None, Some(name)) => name,
        (Some(_), Some(_)) => {
            let told = "HostedZoneId and HostedZoneName cannot both be specified";
            return Err(Failure::handler("InvalidRequest", told));
        }
        (None, None) => {
            let told = "HostedZoneId or HostedZoneName must be specified";
            return Err(Failure::handler("InvalidRequest", told));
        }
    };
    let mut marker = None;
    let mut found = Vec::new();
    loop {
        let question = match &marker {
            Some(marker) => json!({ "Marker": marker }),
            None => json!({}),
        };
        let answer = call(context, "ListHostedZones", question).await?;
        let zones = answer.get("HostedZones").and_then(Value::as_array);
        found.extend(
            zones
                .into_iter()
                .flatten()
                .filter(|zone| {
                    at(zone, "/Name").trim_end_matches('.') == name.trim_end_matches('.')
                })
                .map(|zone| at(zone, "/Id").trim_start_matches(PREFIX).to_owned()),
        );
        match answer.get("NextMarker").and_then(Value::as_str) {
            Some(next) => marker = Some(next.to_owned()),
            None => break,
        }
    }
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => {
            Err(Failure::handler("NotFound", format!("No hosted zones named {name} found.")))
        }
        _ => Err(Failure::handler(
            "InvalidRequest",
            format!(
                "Found multiple hosted zones with name {name}. Please use HostedZoneId instead."
            ),
        )),
    }
}

async fn change(
    context: &Context,
    zone: &str,
    action: &str,
    properties: &Map<String, Value>,
) -> Result<Value, Failure> {
    changes(context, zone, properties.get("Comment"), &[(action, properties)]).await
}

/// Several changes of one zone at once: all or none.
pub(super) async fn changes(
    context: &Context,
    zone: &str,
    comment: Option<&Value>,
    changes: &[(&str, &Map<String, Value>)],
) -> Result<Value, Failure> {
    let changes: Vec<Value> = changes
        .iter()
        .map(|(action, properties)| {
            let mut record = super::pick(properties, &RECORD);
            if let Some(Value::Array(values)) = record.remove("ResourceRecords") {
                let values: Vec<Value> =
                    values.into_iter().map(|it| json!({ "Value": it })).collect();
                record.insert("ResourceRecords".to_owned(), json!({ "ResourceRecord": values }));
            }
            json!({ "Action": action, "ResourceRecordSet": record })
        })
        .collect();
    let mut batch = Map::new();
    batch.extend(comment.map(|comment| ("Comment".to_owned(), comment.clone())));
    batch.insert("Changes".to_owned(), json!({ "Change": changes }));
    let input = json!({ "HostedZoneId": zone, "ChangeBatch": batch });
    call(context, "ChangeResourceRecordSets", input).await
}
