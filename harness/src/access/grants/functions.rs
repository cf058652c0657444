//! Permissions on functions, as the statements that `AddPermission` makes of them
//! (<https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html>).

use serde_json::{Map, Value as Json, json};

use super::{Beside, Open, literal, needed, principal, text};
use crate::access::complete::Setting;
use crate::lint::known::{Member, Node, Value};
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
    if values.get("invoked_via_function_url").is_some_and(|it| it.value == Value::Bool(true)) {
        condition.insert("Bool".to_owned(), json!({"lambda:InvokedViaFunctionUrl": "true"}));
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

/// The members of an `AWS::Lambda::Permission`, and what an `aws_lambda_permission` calls
/// them.
const PROPERTIES: [(&str, &str); 9] = [
    ("Action", "action"),
    ("EventSourceToken", "event_source_token"),
    ("FunctionName", "function_name"),
    ("FunctionUrlAuthType", "function_url_auth_type"),
    ("InvokedViaFunctionUrl", "invoked_via_function_url"),
    ("Principal", "principal"),
    ("PrincipalOrgID", "principal_org_id"),
    ("SourceAccount", "source_account"),
    ("SourceArn", "source_arn"),
];

/// The statement of an `AWS::Lambda::Permission`; `None` where not all of it is known.
pub(super) fn of_template(properties: &Node, setting: &Setting) -> Option<Vec<Json>> {
    let all = PROPERTIES.iter().filter_map(|(property, attribute)| {
        let value = properties.get(property)?.clone();
        Some(Member { at: value.at, key: (*attribute).to_owned(), value })
    });
    let values = Node::new(properties.at, Value::Map(all.collect()));
    let kind = "aws_lambda_permission".to_owned();
    let resource = Resource { address: String::new(), kind, is_data: false, values };
    let beside = Beside { setting, own: &[], files: Vec::new() };
    permission(&resource, &beside).ok()
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
