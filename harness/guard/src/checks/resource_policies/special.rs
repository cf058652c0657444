//! What single services refuse beyond the table: permissions that are added one by
//! one, ARNs in the policies of Logs, public policies of secrets.

use ringfence_policy::catalog;
use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

use super::document::named_principals;
use super::word_table::LOGS;
use crate::checks::s3::is_public;

/// Checks a call that adds one statement: of SQS as its documentation has it (seven
/// actions, those of the queue's owner alone are none to give), of SNS as recorded
/// on AWS in LocalStack's `test_add_permission_errors`.
///
/// # Errors
/// The service's own.
pub(super) fn permission(call: &Call) -> Result<(), ServiceError> {
    let listed = |member: &str| {
        let given = call.input.get(member).and_then(Value::as_array);
        let texts = given.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect::<Vec<_>>()
    };
    match (call.service().name(), call.name()) {
        ("sqs", "AddPermission") => queue(&listed("Actions"), &listed("AWSAccountIds")),
        ("sns", "AddPermission") => topic(&listed("ActionName"), &listed("AWSAccountId")),
        _ => Ok(()),
    }
}

/// What a queue's owner may let others do: "Cross-account permissions don't apply to the
/// following actions", the rest
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html>).
const OF_OTHERS: [&str; 9] = [
    "*",
    "ChangeMessageVisibility",
    "DeleteMessage",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
];

fn queue(actions: &[String], accounts: &[String]) -> Result<(), ServiceError> {
    let invalid = |message: String| Err(ServiceError::new(400, "InvalidParameterValue", message));
    if actions.len() > 7 {
        let message = format!("{} Actions were found, maximum allowed is 7.", actions.len());
        return Err(ServiceError::new(403, "OverLimit", message));
    }
    let is_for_others = |action: &&String| OF_OTHERS.contains(&action.as_str());
    if let Some(action) = actions.iter().find(|action| !is_for_others(action)) {
        let is_known = catalog::service("sqs")
            .is_some_and(|sqs| sqs.actions().any(|known| known.name == action));
        let reason = match is_known {
            true => "Only the queue owner is allowed to invoke this action.",
            false => "Please refer to the appropriate WSDL for a list of valid actions.",
        };
        return invalid(format!(
            "Value SQS:{action} for parameter ActionName is invalid. Reason: {reason}"
        ));
    }
    match accounts.iter().find(|account| !is_account(account)) {
        Some(account) => invalid(format!(
            "Value [{account}] for parameter PrincipalId is invalid. Reason: Unable to verify."
        )),
        None => Ok(()),
    }
}

fn topic(actions: &[String], accounts: &[String]) -> Result<(), ServiceError> {
    let invalid = |message: &str| Err(ServiceError::new(400, "InvalidParameter", message));
    let is_known = |action: &String| super::word_table::SNS_ACTIONS.contains(&action.as_str());
    if !actions.iter().all(is_known) {
        return invalid("Invalid parameter: Policy statement action out of service scope!");
    }
    match accounts.iter().all(|account| is_account(account)) {
        true => Ok(()),
        false => invalid("Invalid parameter: Policy Error: PrincipalNotFound"),
    }
}

/// Checks the principals of a policy of Logs: accounts, by their ids alone
/// (<https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2557>).
///
/// # Errors
/// That of Logs.
pub(super) fn before(call: &Call, text: &str) -> Result<(), ServiceError> {
    if (call.service().name(), call.name()) != ("logs", "PutResourcePolicy") {
        return Ok(());
    }
    let refused = |message: &str| ServiceError::new(LOGS.status, LOGS.code, message);
    for principal in named_principals(text, "AWS") {
        if principal.starts_with("arn:") {
            return Err(refused(&format!(
                "Principal section of policy contains ARN instead of account ID: {principal}"
            )));
        }
        if principal != "*" && !is_account(&principal) {
            return Err(refused(LOGS.principal));
        }
    }
    Ok(())
}

/// Checks what a policy that is one gives.
///
/// # Errors
/// That of Secrets Manager for a public policy, where the call does not want one.
pub(super) fn after(call: &Call, text: &str) -> Result<(), ServiceError> {
    if call.service().name() != "secretsmanager" {
        return Ok(());
    }
    let blocks = call.input.get("BlockPublicPolicy").and_then(Value::as_bool) == Some(true);
    match blocks && is_public(text) {
        true => Err(ServiceError::new(
            400,
            "BlockPublicPolicyException",
            "You can't attach a resource-based policy that allows broad access to the secret.",
        )),
        false => Ok(()),
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
