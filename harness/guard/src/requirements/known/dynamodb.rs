//! DynamoDB.

use super::{Known, absent, set};

/// The calls about items, which are read member by member.
const ITEMS: &[&str] = &[
    "BatchGetItem",
    "BatchWriteItem",
    "ConditionCheckItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "UpdateItem",
];

const PARTIQL: &[&str] = &["PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate"];

pub(super) const KNOWN: &[Known] = &[
    set(&["aws:RequestTag/*", "aws:TagKeys"]),
    set(&["aws:ResourceTag/*"]).on(&["table", "index"]),
    set(&["dynamodb:Attributes"]).of(ITEMS),
    set(&["dynamodb:LeadingKeys"]).of(ITEMS),
    // A statement whose keys cannot be pinned down says that they are unknown.
    set(&["dynamodb:LeadingKeys", "dynamodb:FullTableScan"]).of(PARTIQL),
    set(&["dynamodb:EnclosingOperation"]),
    set(&["dynamodb:ReturnConsumedCapacity"]),
    // "Represents the Select parameter of a Query or Scan request"
    // (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html>).
    set(&["dynamodb:Select"]).of(&["Query", "Scan"]),
    absent(&["dynamodb:Select"], "only a Query and a Scan have the parameter")
        .of(&["BatchGetItem", "GetItem"]),
    set(&["dynamodb:ReturnValues"]).of(&["DeleteItem", "PutItem", "UpdateItem"]),
    absent(&["dynamodb:ReturnValues"], "the operation has no such parameter").of(&[
        "ConditionCheckItem",
        "Query",
        "Scan",
    ]),
];
