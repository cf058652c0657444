//! DynamoDB's older and newer ways to say one thing. The leading key of a query
//! may stand in `KeyConditions` and in `KeyConditionExpression`; AWS takes one. And
//! the one way in which a statement of PartiQL is spaced.

use std::borrow::Cow;

use ringfence_wire::{Call, ServiceError};
use serde_json::{Map, Value};

/// "legacy conditional parameters"
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html>).
const LEGACY: [&str; 7] = [
    "AttributesToGet",
    "AttributeUpdates",
    "ConditionalOperator",
    "Expected",
    "KeyConditions",
    "QueryFilter",
    "ScanFilter",
];

const EXPRESSIONS: [&str; 5] = [
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
];

/// The call with its statements as every upstream reads them: moto's reader takes
/// a condition only with one space on either side of its sign.
pub(super) fn named(call: &Call) -> Result<Cow<'_, Call>, ServiceError> {
    check(call)?;
    let list = match call.name() {
        "ExecuteStatement" => None,
        "BatchExecuteStatement" => Some("Statements"),
        "ExecuteTransaction" => Some("TransactStatements"),
        _ => return Ok(Cow::Borrowed(call)),
    };
    let mut named = call.clone();
    match list {
        None => space(&mut named.input),
        Some(list) => {
            let statements = named.input.get_mut(list).and_then(Value::as_array_mut);
            statements.into_iter().flatten().filter_map(Value::as_object_mut).for_each(space);
        }
    }
    Ok(Cow::Owned(named))
}

fn space(holder: &mut Map<String, Value>) {
    if let Some(Value::String(statement)) = holder.get_mut("Statement") {
        *statement = spaced(statement);
    }
}

/// A statement with one space for each run of white space, and one before and
/// behind each comparison. What stands in quotes stays as it is.
fn spaced(statement: &str) -> String {
    let is_comparison = |one: char| matches!(one, '=' | '<' | '>' | '!');
    let mut written = String::new();
    let mut quote = None;
    for one in statement.trim().chars() {
        if quote.is_some() {
            written.push(one);
            quote = quote.filter(|open| *open != one);
            continue;
        }
        let after_comparison = written.ends_with(is_comparison);
        let starts_anew = match one {
            _ if one.is_whitespace() => true,
            _ if is_comparison(one) => !after_comparison,
            _ => after_comparison,
        };
        if starts_anew && !written.ends_with(' ') {
            written.push(' ');
        }
        if !one.is_whitespace() {
            written.push(one);
        }
        quote = Some(one).filter(|one| matches!(one, '\'' | '"'));
    }
    written
}

/// Refuses a request that uses both. A batch has them by table.
fn check(call: &Call) -> Result<(), ServiceError> {
    one_way(&call.input)?;
    let tables = call.input.get("RequestItems").and_then(Value::as_object);
    tables.into_iter().flat_map(Map::values).filter_map(Value::as_object).try_for_each(one_way)
}

/// The message as in <https://github.com/aws/aws-sdk-js/issues/1127>.
fn one_way(request: &Map<String, Value>) -> Result<(), ServiceError> {
    let given = |members: &[&str]| {
        let given = members.iter().filter(|member| request.contains_key(**member));
        given.copied().collect::<Vec<_>>().join(", ")
    };
    let (legacy, expressions) = (given(&LEGACY), given(&EXPRESSIONS));
    if legacy.is_empty() || expressions.is_empty() {
        return Ok(());
    }
    Err(ServiceError::new(
        400,
        "ValidationException",
        format!(
            "Can not use both expression and non-expression parameters in the same request: \
             Non-expression parameters: {{{legacy}}} Expression parameters: {{{expressions}}}"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::spaced;

    #[rstest::rstest]
    #[case("SELECT * FROM t WHERE pk='own'", "SELECT * FROM t WHERE pk = 'own'")]
    #[case(
        " SELECT *\n FROM \"t\"  WHERE a>=1 AND b <>2 AND c!= ? ",
        "SELECT * FROM \"t\" WHERE a >= 1 AND b <> 2 AND c != ?"
    )]
    #[case(
        "SELECT * FROM t WHERE pk = 'a=b  ''c''=d'",
        "SELECT * FROM t WHERE pk = 'a=b  ''c''=d'"
    )]
    #[case(
        "SELECT * FROM \"a  b\".i WHERE \"x=y\"=''",
        "SELECT * FROM \"a  b\".i WHERE \"x=y\" = ''"
    )]
    #[case("INSERT INTO t VALUE {'pk':'own','n':-1}", "INSERT INTO t VALUE {'pk':'own','n':-1}")]
    #[case("UPDATE t SET a=a+1 WHERE pk='o", "UPDATE t SET a = a+1 WHERE pk = 'o")]
    fn one_space_stands_between_words_and_around_comparisons(
        #[case] given: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(spaced(given), expected);
        assert_eq!(spaced(expected), expected);
    }
}
