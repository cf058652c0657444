//! Resource policies: what `AddPermission` writes, by qualifier.

use ringfence_models::Partition;
use ringfence_wire::{Call, Reply, ServiceError};
use serde_json::{Map, Value, json};

use crate::lambda::Lambda;
use crate::lambda::error::{conflict, invalid, not_found, stale_revision, validation};
use crate::lambda::name::{LATEST, Name};

/// A qualifier's resource policy: its statements, in the order of arrival.
#[derive(Debug, Default)]
pub(in crate::lambda) struct Policy {
    statements: Vec<Map<String, Value>>,
}

/// AWS's limit for a function's policy.
const LONGEST_POLICY: usize = 20_480;

impl Policy {
    /// The document.
    pub(in crate::lambda) fn document(&self) -> String {
        json!({ "Version": "2012-10-17", "Id": "default", "Statement": self.statements })
            .to_string()
    }

    /// Names a principal by something else from now on.
    pub(in crate::lambda) fn rename(&mut self, principal: &str, to: &str) {
        for statement in &mut self.statements {
            let named = statement.get_mut("Principal").and_then(|it| it.get_mut("AWS"));
            if let Some(named) = named.filter(|named| named.as_str() == Some(principal)) {
                *named = to.into();
            }
        }
    }

    fn position(&self, sid: &str) -> Option<usize> {
        self.statements
            .iter()
            .position(|statement| statement.get("Sid").and_then(Value::as_str) == Some(sid))
    }
}

impl Lambda {
    pub(in crate::lambda) fn add_permission(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        if name.qualifier.as_deref() == Some(LATEST) {
            return Err(invalid("We currently do not support adding policies for $LATEST."));
        }
        check_members(call)?;
        let sid = call.text("StatementId").unwrap_or_default().to_owned();
        self.store.with(&name, &self.function_arn(&name), |function| {
            let arn = function.check_qualifier(name.qualifier.as_deref())?;
            let qualifier = name.qualifier.as_deref().unwrap_or(LATEST);
            check_revision(call, function.revision(qualifier), "GetPolicy")?;
            let statement = statement(call, &arn)?;
            let policy = function.policies.entry(qualifier.to_owned()).or_default();
            if policy.position(&sid).is_some() {
                return Err(conflict(format!(
                    "The statement id ({sid}) provided already exists. Please provide a new \
                     statement id, or remove the existing statement."
                )));
            }
            let written = Value::Object(statement.clone()).to_string();
            policy.statements.push(statement);
            let size = policy.document().len();
            if size > LONGEST_POLICY {
                policy.statements.pop();
                return Err(ServiceError::new(
                    400,
                    "PolicyLengthExceededException",
                    format!("The final policy size ({size}) is bigger than the limit ({LONGEST_POLICY})."),
                )
                .with("Type", "User"));
            }
            function.touch(qualifier);
            Ok(Reply::fields(json!({ "Statement": written })).with_status(201))
        })
    }

    pub(in crate::lambda) fn remove_permission(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        let sid = call.text("StatementId").unwrap_or_default();
        let mut functions = self.store.lock();
        let function = functions.get_mut(&name.function).ok_or_else(|| {
            not_found(format!("No policy found for: {}", self.function_arn(&name)))
        })?;
        function.check_qualifier(name.qualifier.as_deref())?;
        let qualifier = name.qualifier.as_deref().unwrap_or(LATEST);
        let revision = function.revision(qualifier);
        let policy = function
            .policies
            .get_mut(qualifier)
            .ok_or_else(|| not_found("No policy is associated with the given resource."))?;
        let position = policy.position(sid).ok_or_else(|| {
            not_found(format!("Statement {sid} is not found in resource policy."))
        })?;
        check_revision(call, revision, "GetFunction/GetAlias")?;
        policy.statements.remove(position);
        if policy.statements.is_empty() {
            function.policies.remove(qualifier);
        }
        function.touch(qualifier);
        Ok(Reply::empty().with_status(204))
    }

    pub(in crate::lambda) fn get_policy(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        let qualifier = name.qualifier.as_deref().unwrap_or(LATEST);
        let functions = self.store.lock();
        // The same for a function and a policy that are not there (LocalStack's
        // test_permission_exceptions, recorded on AWS).
        let (function, policy) = functions
            .get(&name.function)
            .and_then(|function| Some((function, function.policies.get(qualifier)?)))
            .ok_or_else(|| not_found("The resource you requested does not exist."))?;
        Ok(Reply::fields(json!({
            "Policy": policy.document(),
            "RevisionId": function.revision(qualifier).map(|it| it.to_string()),
        })))
    }
}

/// That the revision is the one that the caller expects, where it expects one.
pub(in crate::lambda) fn check_revision(
    call: &Call,
    revision: Option<uuid::Uuid>,
    api: &str,
) -> Result<(), ServiceError> {
    match call.text("RevisionId") {
        Some(expected) if Some(expected) != revision.map(|it| it.to_string()).as_deref() => {
            Err(stale_revision(api))
        }
        _ => Ok(()),
    }
}

/// The constraints of the model.
fn check_members(call: &Call) -> Result<(), ServiceError> {
    let fail = |member: &str, value: &str, pattern: &str| {
        Err(validation(format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy \
             constraint: Member must satisfy regular expression pattern: {pattern}"
        )))
    };
    let sid = call.text("StatementId").unwrap_or_default();
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if sid.is_empty() || !sid.chars().all(word) {
        return fail("statementId", sid, "([a-zA-Z0-9-_]+)");
    }
    let action = call.text("Action").unwrap_or_default();
    let named = action.strip_prefix("lambda:").is_some_and(|verb| {
        verb == "*" || (!verb.is_empty() && verb.chars().all(|c| c.is_ascii_alphabetic()))
    });
    if !named && action != "*" {
        return fail("action", action, "(lambda:[*]|lambda:[a-zA-Z]+|[*])");
    }
    if let Some(account) = call.text("SourceAccount")
        && !is_account(account)
    {
        return fail("sourceAccount", account, r"\d{12}");
    }
    if let Some(auth_type) = call.text("FunctionUrlAuthType") {
        if !["NONE", "AWS_IAM"].contains(&auth_type) {
            return Err(validation(format!(
                "1 validation error detected: Value '{auth_type}' at 'functionUrlAuthType' failed \
                 to satisfy constraint: Member must satisfy enum value set: [NONE, AWS_IAM]"
            )));
        }
        if action != "lambda:InvokeFunctionUrl" {
            return Err(invalid(
                "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action",
            ));
        }
    }
    Ok(())
}

/// The statement that a permission becomes (recorded on AWS: LocalStack's
/// `tests/aws/services/lambda_/test_lambda_api.snapshot.json`).
fn statement(call: &Call, arn: &str) -> Result<Map<String, Value>, ServiceError> {
    let given = call.text("Principal").unwrap_or_default();
    let partition = Partition::of_region(&call.region);
    let principal = if given == "*" {
        json!("*")
    } else if Partition::is_service_principal(given) {
        json!({ "Service": given })
    } else if is_account(given) {
        json!({ "AWS": format!("arn:{partition}:iam::{given}:root") })
    } else if given.starts_with(&format!("arn:{partition}:iam::"))
        || given.starts_with(&format!("arn:{partition}:sts::"))
    {
        json!({ "AWS": given })
    } else {
        return Err(invalid(
            "The provided principal was invalid. Please check the principal and try again.",
        ));
    };
    let mut equals = Map::new();
    let mut condition = Map::new();
    for (member, key) in [
        ("FunctionUrlAuthType", "lambda:FunctionUrlAuthType"),
        ("PrincipalOrgID", "aws:PrincipalOrgID"),
        ("SourceAccount", "AWS:SourceAccount"),
        ("EventSourceToken", "lambda:EventSourceToken"),
    ] {
        if let Some(value) = call.text(member) {
            equals.insert(key.to_owned(), json!(value));
        }
    }
    if !equals.is_empty() {
        condition.insert("StringEquals".to_owned(), Value::Object(equals));
    }
    if let Some(via_url) = call.input.get("InvokedViaFunctionUrl").and_then(Value::as_bool) {
        let wanted = json!({ "lambda:InvokedViaFunctionUrl": via_url.to_string() });
        condition.insert("Bool".to_owned(), wanted);
    }
    if let Some(source) = call.text("SourceArn") {
        condition.insert("ArnLike".to_owned(), json!({ "AWS:SourceArn": source }));
    }
    let mut statement = Map::new();
    statement.insert("Sid".to_owned(), json!(call.text("StatementId")));
    statement.insert("Effect".to_owned(), json!("Allow"));
    statement.insert("Principal".to_owned(), principal);
    statement.insert("Action".to_owned(), json!(call.text("Action")));
    statement.insert("Resource".to_owned(), json!(arn));
    if !condition.is_empty() {
        statement.insert("Condition".to_owned(), Value::Object(condition));
    }
    Ok(statement)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
