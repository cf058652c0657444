//! Resources of Terraform's state that no listing shows, each read by the
//! questions that `rows.txt` has for its type. What cannot be read is no
//! content and no absence: it is told by name.
//!
//! - [`row`]: a line of that file, its input and its place, filled in;
//! - here: asking, and what of the answers is content.

mod row;

use std::collections::BTreeMap;

use futures_util::future::join_all;
use ringfence_wire::Service;
use serde_json::{Map, Value};

use self::row::Row;
use super::canonical::canonical;
use super::reader::Reader;
use super::storage::hidden;
use super::{Object, ObjectId};
use crate::terraform::Instance;

/// Members that say when something was, in any service's spelling. `StartDate` of
/// a schedule is none of them: it says when something will be.
const DATES: [&str; 22] = [
    "createdat",
    "createddate",
    "createdtime",
    "createtime",
    "creationdate",
    "creationtime",
    "creationtimestamp",
    "instancecreatetime",
    "lastmodified",
    "lastmodifieddate",
    "lastmodifiedtime",
    "lastmodifieduser",
    "lastupdated",
    "lastupdateddate",
    "lastupdatedtime",
    "lastupdatetime",
    "latestrestorabletime",
    "modificationdate",
    "registeredat",
    "responsemetadata",
    "updatedate",
    "updatedtime",
];

/// How members that hold a secret end.
const SECRETS: [&str; 4] = ["secret", "password", "privatekey", "token"];

/// By the address of a resource, the questions about it that were not answered,
/// each with the reason.
pub(in crate::integrity) type Unread = BTreeMap<String, BTreeMap<String, String>>;

/// What was read of Terraform's resources.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The resources, by their address.
    pub objects: Vec<(ObjectId, Object)>,
    /// What was asked of which and not answered.
    pub unread: Unread,
}

/// The kind of objects that resources of a type are here; none where no row reads
/// them.
pub(in crate::integrity) fn kind(of: &str) -> Option<&'static str> {
    Row::all().find(|row| row.kind == of).map(|row| row.kind)
}

/// Asks for each resource what its rows say.
pub(super) async fn read(reader: &Reader<'_>, instances: &[Instance]) -> Found {
    let mut found = Found::default();
    let all = join_all(instances.iter().map(|instance| one(reader, instance))).await;
    for (instance, one) in instances.iter().zip(all) {
        let Some(One { kind, members, refused }) = one else { continue };
        let address = instance.address();
        if !refused.is_empty() {
            found.unread.insert(address.clone(), refused);
        }
        if !members.is_empty() {
            let arn = ["arn", "id"].into_iter().filter_map(|name| instance.text(name));
            let arns = arn.filter(|text| text.starts_with("arn:")).map(str::to_owned).collect();
            let members = members.into_iter().collect();
            found.objects.push((ObjectId { kind, name: address }, Object { members, arns }));
        }
    }
    found
}

/// What was read of one resource.
struct One {
    kind: &'static str,
    /// `OPERATION/MEMBER` and its value.
    members: Map<String, Value>,
    /// The questions that were not answered, and why.
    refused: BTreeMap<String, String>,
}

async fn one(reader: &Reader<'_>, instance: &Instance) -> Option<One> {
    let rows = Row::all().filter(|row| row.kind == instance.kind);
    let asked: Vec<(Row, Value)> =
        rows.filter_map(|row| Some((row, row.input(&instance.attributes)?))).collect();
    let kind = asked.first()?.0.kind;
    let answers = asked.into_iter().map(async |(row, input)| {
        let answer = ask(reader, row, input).await;
        (row, answer.map(|answer| row.place(&answer, &instance.attributes)))
    });
    let mut one = One { kind, members: Map::new(), refused: BTreeMap::new() };
    for (row, answer) in join_all(answers).await {
        match answer {
            Ok(Some(value)) => one.members.extend(content(row, value)),
            // It is not there; of the first question that is the resource itself.
            Ok(None) => {}
            Err(why) => drop(one.refused.insert(row.operation.to_owned(), why)),
        }
    }
    Some(one)
}

async fn ask(reader: &Reader<'_>, row: Row, input: Value) -> Result<Value, String> {
    let Some(service) = Service::of(row.service) else {
        return Err(format!("{} is not known", row.name()));
    };
    match reader.ask(service, row.operation, input).await {
        Ok(answer) => Ok(answer.unwrap_or_default()),
        Err(error) => Err(format!("{}: {}", error.operation, error.cause)),
    }
}

/// What a row's answer says, member by member.
fn content(row: Row, value: Value) -> Vec<(String, Value)> {
    let left_out: Vec<&str> = row.left_out().collect();
    match canonical(clean(value, &left_out)) {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (format!("{}/{name}", row.operation), value))
            .collect(),
        other => vec![(row.operation.to_owned(), other)],
    }
}

/// A value without what is no content, at any depth, and with the hashes of its
/// secrets.
fn clean(value: Value, left_out: &[&str]) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(name, _)| {
                !left_out.contains(&name.as_str())
                    && !DATES.contains(&name.to_ascii_lowercase().as_str())
            })
            .map(|(name, value)| {
                let plain = name.to_ascii_lowercase();
                let value = match value {
                    Value::String(text) if SECRETS.iter().any(|end| plain.ends_with(end)) => {
                        hidden(&text, true)
                    }
                    other => clean(other, left_out),
                };
                (name, value)
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(|item| clean(item, left_out)).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests;
