//! `AWS::Route53::RecordSetGroup`: several record sets of one zone, which are made,
//! changed and deleted at once.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-route53-recordsetgroup.html>

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::route53::{IN_GROUP, ZONE, changes, in_sync, zone};
use super::{Context, Existing, Failure, Kind, Made, Property, ResourceType, text};

pub(super) struct RecordSetGroup;

#[async_trait]
impl ResourceType for RecordSetGroup {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("Comment", Kind::Text),
            Property::new("HostedZoneId", Kind::Text).replaces(),
            Property::new("HostedZoneName", Kind::Text).replaces(),
            Property::new("RecordSets", Kind::List(&IN_GROUP)),
        ];
        PROPERTIES
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let zone = zone(context, wanted).await?;
        let made = Made::new(context.physical_name(64)).with(ZONE, zone.clone());
        let sets: Vec<_> = records(wanted).map(|record| ("CREATE", record)).collect();
        change(context, &zone, wanted, &sets).await?;
        context.initiated(&made);
        Ok(made)
    }

    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let zone = text(&current.made.attributes, ZONE).unwrap_or_default();
        let there = |record: &&Map<String, Value>| !records(wanted).any(|it| same(it, record));
        let gone = records(&current.properties).filter(there).map(|record| ("DELETE", record));
        let sets = records(wanted).map(|record| ("UPSERT", record));
        let sets: Vec<_> = gone.chain(sets).collect();
        change(context, zone, wanted, &sets).await?;
        Ok(current.made.clone())
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let zone = text(&current.made.attributes, ZONE).unwrap_or_default();
        let sets: Vec<_> = records(&current.properties).map(|record| ("DELETE", record)).collect();
        change(context, zone, &current.properties, &sets).await
    }
}

fn records(properties: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let sets = properties.get("RecordSets").and_then(Value::as_array);
    sets.into_iter().flatten().filter_map(Value::as_object)
}

/// Whether two are one record set of a zone.
fn same(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    ["Name", "SetIdentifier", "Type"].iter().all(|key| one.get(*key) == other.get(*key))
}

async fn change(
    context: &Context,
    zone: &str,
    properties: &Map<String, Value>,
    sets: &[(&str, &Map<String, Value>)],
) -> Result<(), Failure> {
    if sets.is_empty() {
        return Ok(());
    }
    let answer = changes(context, zone, properties.get("Comment"), sets).await?;
    in_sync(context, &answer).await
}
