//! DynamoDB: tables and indexes, batches and transactions item by item, and
//! the keys of fine-grained access (`dynamodb:LeadingKeys`, `Attributes`,
//! `Select`).
//!
//! A table that is made with a resource policy is refused: `PutResourcePolicy`
//! stores one, and is decided by the rule.

use std::collections::BTreeSet;

use ringfence_wire::ServiceError;
use serde_json::Value;

use super::RequirementsError;
use super::generic;
use super::partiql::{self, Keys, Statement, Verb};
use super::requirement::Requirement;
use super::scope::{Mapped, Scope, items, scalar, texts};

/// Operations that need permissions in other services or regions.
const UNMAPPED: &[&str] = &[
    "CreateGlobalTable",
    "EnableKinesisStreamingDestination",
    "ExportTableToPointInTime",
    "ImportTable",
    "RestoreTableFromBackup",
    "RestoreTableToPointInTime",
    "UpdateGlobalTable",
    "UpdateGlobalTableSettings",
    "UpdateTableReplicaAutoScaling",
];

/// Members that make a call one of those.
const UNMAPPED_MEMBERS: &[&str] =
    &["ResourcePolicy", "ReplicaUpdates", "GlobalTableWitnessUpdates"];

/// `GetRecords` of DynamoDB Streams, which names an iterator alone: it is decided
/// on the stream that the iterator was given for.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html>
pub(super) fn stream_records(scope: &Scope<'_>) -> Mapped {
    let iterator = scope.need("ShardIterator")?;
    let stream = scope.state.iterator_stream(iterator);
    let stream = stream
        .filter(|arn| matches!(super::scope::arn_parts(arn), Some([_, _, "dynamodb", ..])))
        .ok_or_else(|| ServiceError::new(400, "ValidationException", "Invalid ShardIterator"))?;
    Ok(vec![Requirement::on("dynamodb:GetRecords", stream)])
}

pub(super) async fn requirements(scope: &Scope<'_>) -> Mapped {
    let name = scope.name();
    if UNMAPPED.contains(&name)
        || UNMAPPED_MEMBERS.iter().any(|member| scope.value(member).is_some())
    {
        return Err(scope.unmapped());
    }
    let mut requirements = match name {
        "BatchGetItem" | "BatchWriteItem" => batch(scope).await?,
        "TransactGetItems" | "TransactWriteItems" => transaction(scope).await?,
        "ExecuteStatement" => {
            let text = scope.need("Statement")?;
            vec![statement(scope, text, scope.value("Parameters"), None).await?]
        }
        "BatchExecuteStatement" => statements(scope, "Statements", None).await?,
        "ExecuteTransaction" => {
            statements(scope, "TransactStatements", Some("ExecuteTransaction")).await?
        }
        "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem" | "Query" | "Scan" => {
            let input = Value::Object(scope.call.input.clone());
            vec![item(scope, name, &input).await?]
        }
        _ => regular(scope)?,
    };
    if name == "ListTables" {
        // As the messages of AWS print it.
        for requirement in &mut requirements {
            requirement.printed_resource = Some(scope.arn("table/*"));
        }
    }
    for requirement in &mut requirements {
        if requirement.resource.contains(":table/") && name != "CreateTable" {
            let table = requirement.resource.split("/index/").next().unwrap_or_default();
            let tags = scope.state.resource_tags(table).await?;
            requirement.add_told_tags(&[], &tags);
        }
    }
    Ok(requirements)
}

fn regular(scope: &Scope<'_>) -> Mapped {
    let mut requirements = generic::same_name(scope, |kind| {
        Ok(match kind {
            "table" => scope
                .any_text(&["TableName", "TableArn", "ResourceArn"])
                .map(|table| table_arn(scope, table)),
            "index" => match (scope.text("TableName"), scope.text("IndexName")) {
                (Some(table), Some(index)) => {
                    Some(format!("{}/index/{index}", table_arn(scope, table)))
                }
                _ => None,
            },
            // A tagging call's ARN stands for both types; `table` has it.
            "stream" => return stream(scope),
            "backup" => scope.text("BackupArn").map(str::to_owned),
            "export" => scope.text("ExportArn").map(str::to_owned),
            "import" => scope.text("ImportArn").map(str::to_owned),
            "global-table" => scope.text("GlobalTableName").map(|name| {
                format!(
                    "arn:{}:dynamodb::{}:global-table/{name}",
                    scope.partition(),
                    scope.account()
                )
            }),
            _ => None,
        }
        .into_iter()
        .collect())
    })?;
    requirements.dedup_by(|next, first| next.resource == first.resource);
    // API reference of CreateTable: tags need dynamodb:TagResource.
    if scope.name() == "CreateTable" && !scope.tags("Tags").is_empty() {
        let table = table_arn(scope, scope.need("TableName")?);
        requirements.push(generic::on(scope, "TagResource", table));
    }
    Ok(requirements)
}

fn stream(scope: &Scope<'_>) -> generic::Named {
    Ok(scope.text("ResourceArn").map(str::to_owned).into_iter().collect())
}

/// A table's ARN; a name may be an ARN already.
fn table_arn(scope: &Scope<'_>, table: &str) -> String {
    if table.starts_with("arn:") { table.to_owned() } else { scope.arn(&format!("table/{table}")) }
}

/// One requirement a table; the same action on the same table once.
async fn batch(scope: &Scope<'_>) -> Mapped {
    let Some(Value::Object(tables)) = scope.value("RequestItems") else {
        return Err(scope.missing("RequestItems"));
    };
    let mut requirements = Vec::new();
    for (table, request) in tables {
        let mut requirement = generic::on(scope, scope.name(), table_arn(scope, table));
        let mut keys = BTreeSet::new();
        let mut attributes = BTreeSet::new();
        let partition = scope.state.partition_key(table, None).await?;
        let written = items(request).into_iter().filter_map(|write| {
            write.pointer("/PutRequest/Item").or_else(|| write.pointer("/DeleteRequest/Key"))
        });
        let read = request.get("Keys").map(items).unwrap_or_default();
        for key in written.chain(read) {
            leading(key, partition.as_deref(), &mut keys);
            attributes.extend(names(key));
        }
        collect_attributes(request, &mut attributes);
        requirement =
            requirement.keys("dynamodb:LeadingKeys", keys).keys("dynamodb:Attributes", attributes);
        requirements.push(requirement);
    }
    Ok(requirements)
}

/// Each part of a transaction needs the permission of the single call
/// (developer guide, "IAM permissions for transactions").
async fn transaction(scope: &Scope<'_>) -> Mapped {
    const PARTS: &[(&str, &str)] = &[
        ("ConditionCheck", "ConditionCheckItem"),
        ("Delete", "DeleteItem"),
        ("Get", "GetItem"),
        ("Put", "PutItem"),
        ("Update", "UpdateItem"),
    ];
    let parts = scope.value("TransactItems").map(items).unwrap_or_default();
    if parts.is_empty() {
        return Err(scope.missing("TransactItems"));
    }
    let mut requirements = Vec::new();
    for part in parts {
        let (action, request) = PARTS
            .iter()
            .find_map(|(kind, action)| Some((*action, part.get(kind)?)))
            .ok_or_else(|| scope.missing("TransactItems"))?;
        let requirement = item(scope, action, request).await?;
        requirements.push(requirement.key("dynamodb:EnclosingOperation", scope.name()));
    }
    Ok(requirements)
}

/// One item, or one query. A query on an index needs the index, not the table.
async fn item(
    scope: &Scope<'_>,
    action: &str,
    request: &Value,
) -> Result<Requirement, RequirementsError> {
    let table = request
        .get("TableName")
        .and_then(Value::as_str)
        .ok_or_else(|| scope.missing("TableName"))?;
    let index = request.get("IndexName").and_then(Value::as_str);
    let mut resource = table_arn(scope, table);
    if let Some(index) = index {
        resource = format!("{resource}/index/{index}");
    }
    let mut keys = BTreeSet::new();
    let mut attributes = BTreeSet::new();
    // A scan has no key; what else reads or writes has one, which is told or
    // unknown.
    let has_key = action != "Scan";
    if has_key {
        let partition = scope.state.partition_key(table, index).await?;
        for member in ["Key", "Item"] {
            if let Some(key) = request.get(member) {
                leading(key, partition.as_deref(), &mut keys);
            }
        }
        if action == "Query" {
            queried(request, partition.as_deref(), &mut keys);
        }
    }
    collect_attributes(request, &mut attributes);
    let mut requirement =
        generic::on(scope, action, resource).keys("dynamodb:Attributes", attributes);
    if has_key && keys.is_empty() {
        requirement.context.set_unknown("dynamodb:LeadingKeys");
    }
    Ok(requirement.keys("dynamodb:LeadingKeys", keys))
}

/// The partition key's value of an item.
fn leading(item: &Value, partition: Option<&str>, keys: &mut BTreeSet<String>) {
    let value = partition.and_then(|name| item.get(name)).and_then(plain);
    keys.extend(value);
}

/// `{"S": "x"}` is `x`.
fn plain(attribute: &Value) -> Option<String> {
    attribute.as_object()?.values().next().and_then(scalar)
}

/// The partition key's value that a query asks for.
fn queried(request: &Value, partition: Option<&str>, keys: &mut BTreeSet<String>) {
    let Some(partition) = partition else { return };
    let old = request.get("KeyConditions").and_then(|conditions| conditions.get(partition));
    if let Some(values) = old.and_then(|condition| condition.get("AttributeValueList")) {
        keys.extend(items(values).into_iter().filter_map(plain));
    }
    let Some(expression) = request.get("KeyConditionExpression").and_then(Value::as_str) else {
        return;
    };
    let tokens = tokens(expression);
    for window in tokens.windows(3) {
        let [left, operator, right] = window else { continue };
        if operator == "=" {
            for (name, value) in [(left, right), (right, left)] {
                if resolve(request, name) == partition {
                    let values = request.get("ExpressionAttributeValues");
                    let value = values.and_then(|values| values.get(value)).and_then(plain);
                    keys.extend(value);
                }
            }
        }
    }
}

/// An expression's words: names with their path cut off, `:values`, `#names`
/// and operators.
fn tokens(expression: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut in_path = false;
    for character in expression.chars().chain([' ']) {
        match character {
            '.' | '[' => in_path = true,
            _ if character.is_alphanumeric()
                || matches!(character, '_' | '#' | ':' | '-' | ']') =>
            {
                if !in_path {
                    word.push(character);
                }
            }
            _ => {
                in_path = false;
                if !word.is_empty() {
                    tokens.push(std::mem::take(&mut word));
                }
                if matches!(character, '=' | '<' | '>' | '(') {
                    tokens.push(character.to_string());
                }
            }
        }
    }
    tokens
}

fn resolve(request: &Value, name: &str) -> String {
    let resolved = request.get("ExpressionAttributeNames").and_then(|names| names.get(name));
    resolved.and_then(Value::as_str).unwrap_or(name).to_owned()
}

fn names(item: &Value) -> Vec<String> {
    item.as_object().map(|item| item.keys().cloned().collect()).unwrap_or_default()
}

/// `dynamodb:Attributes`: the top-level attributes that a request names.
fn collect_attributes(request: &Value, attributes: &mut BTreeSet<String>) {
    const KEYWORDS: &[&str] = &[
        "ADD",
        "AND",
        "BETWEEN",
        "DELETE",
        "IN",
        "NOT",
        "OR",
        "REMOVE",
        "SET",
        "IF_NOT_EXISTS",
        "LIST_APPEND",
    ];
    for member in [
        "Key",
        "Item",
        "KeyConditions",
        "QueryFilter",
        "ScanFilter",
        "Expected",
        "AttributeUpdates",
    ] {
        if let Some(named) = request.get(member) {
            attributes.extend(names(named));
        }
    }
    if let Some(list) = request.get("AttributesToGet") {
        attributes.extend(texts(list).into_iter().map(str::to_owned));
    }
    for member in [
        "ConditionExpression",
        "FilterExpression",
        "KeyConditionExpression",
        "ProjectionExpression",
        "UpdateExpression",
    ] {
        let Some(expression) = request.get(member).and_then(Value::as_str) else { continue };
        let tokens = tokens(expression);
        for (place, token) in tokens.iter().enumerate() {
            let is_function = tokens.get(place + 1).is_some_and(|next| next == "(");
            let is_word = token
                .chars()
                .next()
                .is_some_and(|first| first.is_alphabetic() || matches!(first, '#' | '_'));
            let keyword = KEYWORDS.contains(&token.to_ascii_uppercase().as_str());
            if is_word && !keyword && !is_function {
                attributes.insert(resolve(request, token));
            }
        }
    }
}

async fn statements(scope: &Scope<'_>, member: &str, enclosing: Option<&str>) -> Mapped {
    let listed = scope.value(member).map(items).unwrap_or_default();
    if listed.is_empty() {
        return Err(scope.missing(member));
    }
    let mut requirements = Vec::new();
    for one in listed {
        let text = one
            .get("Statement")
            .and_then(Value::as_str)
            .ok_or_else(|| scope.missing("Statement"))?;
        requirements.push(statement(scope, text, one.get("Parameters"), enclosing).await?);
    }
    Ok(requirements)
}

/// A PartiQL statement has an action of its own for each verb.
async fn statement(
    scope: &Scope<'_>,
    text: &str,
    parameters: Option<&Value>,
    enclosing: Option<&str>,
) -> Result<Requirement, RequirementsError> {
    let read = Statement::read(text).ok_or_else(|| {
        let message = "Statement wasn't well formed, can't be processed".to_owned();
        scope.refused("ValidationException", message)
    })?;
    let mut resource = table_arn(scope, &read.table);
    if let Some(index) = &read.index {
        resource = format!("{resource}/index/{index}");
    }
    let partition = scope.state.partition_key(&read.table, read.index.as_deref()).await?;
    let parameters: Vec<Option<String>> =
        parameters.map(items).unwrap_or_default().into_iter().map(plain).collect();
    let keys = partition.map(|partition| partiql::keys(&read, &partition, &parameters));
    let mut requirement = generic::on(scope, read.verb.action(), resource)
        .key_if("dynamodb:EnclosingOperation", enclosing);
    // Of a table that is not there nobody knows the key.
    leading_keys(&mut requirement, &read, keys.unwrap_or(Keys::Unclear { scans: false }));
    Ok(requirement)
}

/// `dynamodb:LeadingKeys`, and of a `SELECT` `dynamodb:FullTableScan`, which
/// tells whether "an equality or IN condition with the partition key" is missing
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html>).
fn leading_keys(requirement: &mut Requirement, statement: &Statement, keys: Keys) {
    let context = &mut requirement.context;
    let scans = match keys {
        Keys::These(keys) => {
            context.set_list("dynamodb:LeadingKeys", keys);
            false
        }
        Keys::All => true,
        Keys::Unclear { scans } => {
            context.set_unknown("dynamodb:LeadingKeys");
            scans
        }
    };
    if statement.verb == Verb::Select {
        context.set("dynamodb:FullTableScan", scans.to_string());
    }
}
