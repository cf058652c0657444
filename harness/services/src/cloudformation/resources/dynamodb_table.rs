//! `AWS::DynamoDB::Table`.

use async_trait::async_trait;
use ringfence_wire::services::DynamoDb;
use serde_json::{Map, Value, json};

use super::context::{Patience, merged, tag_changes, tag_list};
use super::{
    Context, Existing, Failure, Kind, Made, Property, ResourceType, Tagging, at, pick, text,
};

const THROUGHPUT: Kind =
    Kind::Object(&[("ReadCapacityUnits", Kind::Integer), ("WriteCapacityUnits", Kind::Integer)]);
const KEYS: Kind =
    Kind::List(&Kind::Object(&[("AttributeName", Kind::Text), ("KeyType", Kind::Text)]));
const PROJECTION: Kind =
    Kind::Object(&[("NonKeyAttributes", Kind::List(&Kind::Text)), ("ProjectionType", Kind::Text)]);
const INSIGHTS: Kind = Kind::Object(&[("Enabled", Kind::Boolean), ("Mode", Kind::Text)]);
const GLOBAL_INDEX: Kind = Kind::Object(&[
    ("ContributorInsightsSpecification", INSIGHTS),
    ("IndexName", Kind::Text),
    ("KeySchema", KEYS),
    ("Projection", PROJECTION),
    ("ProvisionedThroughput", THROUGHPUT),
]);
const LOCAL_INDEX: Kind =
    Kind::Object(&[("IndexName", Kind::Text), ("KeySchema", KEYS), ("Projection", PROJECTION)]);
const ENCRYPTION: Kind = Kind::Object(&[
    ("KMSMasterKeyId", Kind::Text),
    ("SSEEnabled", Kind::Boolean),
    ("SSEType", Kind::Text),
]);
const ATTRIBUTES: Kind =
    Kind::List(&Kind::Object(&[("AttributeName", Kind::Text), ("AttributeType", Kind::Text)]));

const KINESIS: Kind = Kind::Object(&[
    ("ApproximateCreationDateTimePrecision", Kind::Text),
    ("StreamArn", Kind::Text),
]);

pub(super) struct Table;

#[async_trait]
impl ResourceType for Table {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("AttributeDefinitions", ATTRIBUTES),
            Property::new("BillingMode", Kind::Text),
            Property::new("ContributorInsightsSpecification", INSIGHTS),
            Property::new("DeletionProtectionEnabled", Kind::Boolean),
            Property::new("GlobalSecondaryIndexes", Kind::List(&GLOBAL_INDEX)),
            Property::new("KeySchema", KEYS).required().replaces(),
            Property::new("KinesisStreamSpecification", KINESIS),
            Property::new("LocalSecondaryIndexes", Kind::List(&LOCAL_INDEX)).replaces(),
            Property::new(
                "PointInTimeRecoverySpecification",
                Kind::Object(&[("PointInTimeRecoveryEnabled", Kind::Boolean)]),
            ),
            Property::new("ProvisionedThroughput", THROUGHPUT),
            Property::new("SSESpecification", ENCRYPTION),
            Property::new("StreamSpecification", Kind::Object(&[("StreamViewType", Kind::Text)])),
            Property::new("TableClass", Kind::Text),
            Property::new("TableName", Kind::Text).replaces(),
            Property::new("Tags", Kind::Tags),
            Property::new(
                "TimeToLiveSpecification",
                Kind::Object(&[("AttributeName", Kind::Text), ("Enabled", Kind::Boolean)]),
            ),
        ];
        PROPERTIES
    }

    fn tagging(&self) -> Tagging {
        Tagging::Stack
    }

    fn name_property(&self) -> Option<&'static str> {
        Some("TableName")
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let name =
            text(wanted, "TableName").map_or_else(|| context.physical_name(255), str::to_owned);
        let mut input = pick(
            wanted,
            &[
                "AttributeDefinitions",
                "BillingMode",
                "DeletionProtectionEnabled",
                "KeySchema",
                "LocalSecondaryIndexes",
                "ProvisionedThroughput",
                "TableClass",
            ],
        );
        input.extend(renamed(wanted));
        if wanted.contains_key("GlobalSecondaryIndexes") {
            input.insert("GlobalSecondaryIndexes".to_owned(), indexes(wanted).collect());
        }
        input.insert("TableName".to_owned(), name.clone().into());
        let tags = context.tags(wanted.get("Tags"), self.tagging());
        if !tags.is_empty() {
            input.insert("Tags".to_owned(), tag_list(&tags));
        }
        let answer = context.call(DynamoDb, "CreateTable", input.into()).await?;
        let mut made =
            Made::new(name.clone()).with("Arn", at(&answer, "/TableDescription/TableArn"));
        context.initiated(&made);
        let table = active(context, &name).await?;
        if let Some(stream) = table.pointer("/Table/LatestStreamArn") {
            made = made.with("StreamArn", stream.clone());
        }
        extras(context, &name, &Map::new(), wanted).await?;
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
        if indexes(old).ne(indexes(wanted)) {
            return Err(Failure::handler(
                "NotUpdatable",
                "changing GlobalSecondaryIndexes is not supported by Ringfence's CloudFormation",
            ));
        }
        let mut input: Map<String, Value> = Map::new();
        for member in
            ["BillingMode", "DeletionProtectionEnabled", "ProvisionedThroughput", "TableClass"]
        {
            if old.get(member) != wanted.get(member) {
                input.extend(pick(wanted, &[member]));
            }
        }
        let (before, after) = (renamed(old), renamed(wanted));
        input.extend(after.into_iter().filter(|(key, value)| before.get(key) != Some(value)));
        if !input.is_empty() {
            if old.get("AttributeDefinitions") != wanted.get("AttributeDefinitions") {
                input.extend(pick(wanted, &["AttributeDefinitions"]));
            }
            input.insert("TableName".to_owned(), name.clone().into());
            context.call(DynamoDb, "UpdateTable", input.into()).await?;
            active(context, name).await?;
        }
        extras(context, name, old, wanted).await?;
        let arn = current.made.attributes.get("Arn").cloned().unwrap_or_default();
        let (set, removed) = tag_changes(
            &merged(old.get("Tags"), &current.stack_tags),
            &merged(wanted.get("Tags"), &context.stack_tags),
        );
        if !set.is_empty() {
            let input = json!({"ResourceArn": arn, "Tags": tag_list(&set)});
            context.call(DynamoDb, "TagResource", input).await?;
        }
        if !removed.is_empty() {
            let input = json!({"ResourceArn": arn, "TagKeys": removed});
            context.call(DynamoDb, "UntagResource", input).await?;
        }
        Ok(current.made.clone())
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let input = json!({"TableName": current.made.physical_id});
        context.call(DynamoDb, "DeleteTable", input.clone()).await?;
        let patience = Patience::with("the deleted table");
        loop {
            match context.call(DynamoDb, "DescribeTable", input.clone()).await {
                Ok(_) => patience.wait().await?,
                Err(failure) if failure.not_found() => return Ok(()),
                Err(failure) => return Err(failure),
            }
        }
    }
}

/// What has a call of its own.
const INSIGHTS_PROPERTY: &str = "ContributorInsightsSpecification";

const KINESIS_PROPERTY: &str = "KinesisStreamSpecification";

/// The Kinesis stream that a table's changes go to: the old one is left before a
/// new one is taken.
async fn streamed(
    context: &Context,
    name: &str,
    old: Option<&Value>,
    wanted: Option<&Value>,
) -> Result<(), Failure> {
    if old == wanted {
        return Ok(());
    }
    if let Some(old) = old {
        let input = json!({"TableName": name, "StreamArn": old.get("StreamArn")});
        context.call(DynamoDb, "DisableKinesisStreamingDestination", input).await?;
    }
    let Some(wanted) = wanted else { return Ok(()) };
    let mut input = json!({"TableName": name, "StreamArn": wanted.get("StreamArn")});
    let precision = wanted.get("ApproximateCreationDateTimePrecision");
    if let (Some(precision), Value::Object(members)) = (precision, &mut input) {
        let precision = json!({"ApproximateCreationDateTimePrecision": precision});
        members.insert("EnableKinesisStreamingConfiguration".to_owned(), precision);
    }
    context.call(DynamoDb, "EnableKinesisStreamingDestination", input).await?;
    let patience = Patience::with("the table's stream");
    loop {
        let question = json!({"TableName": name});
        let answer =
            context.call(DynamoDb, "DescribeKinesisStreamingDestination", question).await?;
        let all = answer.get("KinesisDataStreamDestinations").and_then(Value::as_array);
        let is_active = |it: &Value| {
            it.get("StreamArn") == wanted.get("StreamArn")
                && it.get("DestinationStatus").is_some_and(|status| status == "ACTIVE")
        };
        if all.is_some_and(|all| all.iter().any(is_active)) {
            return Ok(());
        }
        patience.wait().await?;
    }
}

/// The global indexes as the API takes them.
fn indexes(properties: &Map<String, Value>) -> impl Iterator<Item = Value> {
    let indexes = properties.get("GlobalSecondaryIndexes").and_then(Value::as_array);
    indexes.into_iter().flatten().cloned().map(|mut index| {
        if let Value::Object(members) = &mut index {
            members.remove(INSIGHTS_PROPERTY);
        }
        index
    })
}

/// Where contributor insights are asked for: of the table, or of an index.
fn insights(properties: &Map<String, Value>) -> Vec<(Option<&str>, bool)> {
    let on = |value: &Value| value.get("Enabled").and_then(Value::as_bool);
    let table = properties.get(INSIGHTS_PROPERTY).and_then(on).map(|on| (None, on));
    let indexes = properties.get("GlobalSecondaryIndexes").and_then(Value::as_array);
    let indexes = indexes.into_iter().flatten().filter_map(|index| {
        let name = index.get("IndexName").and_then(Value::as_str);
        Some((name, index.get(INSIGHTS_PROPERTY).and_then(on)?))
    });
    table.into_iter().chain(indexes).collect()
}

/// Members that the API calls otherwise than CloudFormation.
fn renamed(properties: &Map<String, Value>) -> Map<String, Value> {
    let mut members = Map::new();
    if let Some(encryption) = properties.get("SSESpecification").and_then(Value::as_object) {
        let mut encryption = encryption.clone();
        if let Some(enabled) = encryption.remove("SSEEnabled") {
            encryption.insert("Enabled".to_owned(), enabled);
        }
        members.insert("SSESpecification".to_owned(), encryption.into());
    }
    if let Some(stream) = properties.get("StreamSpecification").and_then(Value::as_object) {
        let mut stream = stream.clone();
        stream.insert("StreamEnabled".to_owned(), true.into());
        members.insert("StreamSpecification".to_owned(), stream.into());
    }
    members
}

async fn active(context: &Context, name: &str) -> Result<Value, Failure> {
    let patience = Patience::with("the table");
    loop {
        let answer = context.call(DynamoDb, "DescribeTable", json!({"TableName": name})).await?;
        if at(&answer, "/Table/TableStatus") == "ACTIVE" {
            return Ok(answer);
        }
        patience.wait().await?;
    }
}

/// What has calls of its own: expiry and backups.
async fn extras(
    context: &Context,
    name: &str,
    old: &Map<String, Value>,
    wanted: &Map<String, Value>,
) -> Result<(), Failure> {
    for (property, operation) in [
        ("TimeToLiveSpecification", "UpdateTimeToLive"),
        ("PointInTimeRecoverySpecification", "UpdateContinuousBackups"),
    ] {
        let Some(value) = wanted.get(property).filter(|value| old.get(property) != Some(value))
        else {
            continue;
        };
        let input = json!({"TableName": name, property: value});
        context.call(DynamoDb, operation, input).await?;
    }
    streamed(context, name, old.get(KINESIS_PROPERTY), wanted.get(KINESIS_PROPERTY)).await?;
    let before = insights(old);
    for (index, on) in insights(wanted) {
        // They are off where nobody asked for them.
        let was = before.iter().find(|(name, _)| *name == index).is_some_and(|(_, on)| *on);
        if was != on {
            let action = if on { "ENABLE" } else { "DISABLE" };
            let mut input = json!({"TableName": name, "ContributorInsightsAction": action});
            if let (Some(index), Value::Object(members)) = (index, &mut input) {
                members.insert("IndexName".to_owned(), index.into());
            }
            context.call(DynamoDb, "UpdateContributorInsights", input).await?;
        }
    }
    Ok(())
}
