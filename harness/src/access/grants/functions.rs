//! Permissions on functions, as the statements that `AddPermission` makes of them
//! (<https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html>).

use serde_json::{Map, Value as Json, json};

use super::{Beside, Open, literal, needed, principal, text};
use crate::lint::terraform::Resource;

/// The statement of an `aws_lambda_permission`.
pub(super) fn permission(resource: &Resource, beside: &Beside<'_>) -> Result<Vec<Json>, Open> {
    let values = &resource.values;
    let function = function(needed(values, "function_name")?, beside);
    let on = match text(values, "qualifier")? {
        Some(qualifier) => format!("{function}:{qualifier}"),
        None => function,
    };
    let mut condition: Map<String, Json> = Map::new();
    for (operator, key, attribute) in [
        ("ArnLike", "aws:SourceArn", "source_arn"),
        ("StringEquals", "aws:SourceAccount", "source_account"),
        ("StringEquals", "lambda:EventSourceToken", "event_source_token"),
        ("StringEquals", "aws:PrincipalOrgID", "principal_org_id"),
        ("StringEquals", "lambda:FunctionUrlAuthType", "function_url_auth_type"),
    ] {
        if let Some(value) = text(values, attribute)? {
            let block = condition.entry(operator).or_insert_with(|| json!({}));
            if let Some(members) = block.as_object_mut() {
                members.insert(key.to_owned(), literal(value));
            }
        }
    }
    let mut statement = json!({
        "Effect": "Allow",
        "Principal": principal(needed(values, "principal")?),
        "Action": needed(values, "action")?,
        "Resource": on,
    });
    if let Some(members) = statement.as_object_mut().filter(|_| !condition.is_empty()) {
        members.insert("Condition".to_owned(), Json::Object(condition));
    }
    Ok(vec![statement])
}

/// The ARN of a function that is named by its name, by a part of its ARN or by all of it
/// (<https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html>).
fn function(named: &str, beside: &Beside<'_>) -> String {
    if named.starts_with("arn:") {
        return named.to_owned();
    }
    match named.split_once(":function:") {
        Some((account, name)) => {
            let own = beside.arn("lambda", "");
            let mut parts: Vec<&str> = own.split(':').collect();
            if let Some(place) = parts.get_mut(4) {
                *place = account;
            }
            format!("{}function:{name}", parts.join(":"))
        }
        None => beside.arn("lambda", &format!("function:{named}")),
    }
}
