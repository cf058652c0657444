//! Destinations that AWS tries when they are configured: whoever is to send there
//! must be let in, or the call is refused.

use ringfence_models::Partition;
use ringfence_policy::{Context, Outcome};
use ringfence_services::Setting;
use ringfence_wire::{Call, Service, ServiceError};
use serde_json::Value;

use super::Pipeline;
use crate::ask::{Caller, Question};
use crate::directory::arns::Arn;
use crate::recording::Overlay;
use crate::refusal;
use crate::requirements::Requirement;

/// Who is to send.
#[derive(Debug)]
enum Sender {
    /// A service, for a resource.
    Service { principal: &'static str, source: String },
    /// A service, with the session of a role, by its ARN.
    Role(String),
}

/// What is to be sent where, and AWS's refusal.
#[derive(Debug)]
struct Delivery {
    sender: Sender,
    action: &'static str,
    resource: String,
    context: Context,
    refusal: ServiceError,
}

impl Delivery {
    fn of(sender: Sender, action: &'static str, resource: &str, refusal: ServiceError) -> Self {
        let mut context = Context::new();
        if let Sender::Role(_) = sender {
            for key in ["SourceIp", "SourceVpc", "SourceVpce", "ViaAWSService", "VpcSourceIp"] {
                context.set_unknown(&format!("aws:{key}"));
            }
        }
        Self { sender, action, resource: resource.to_owned(), context, refusal }
    }
}

impl Pipeline {
    /// Checks the destinations of a call that configures some.
    ///
    /// # Errors
    /// AWS's refusal, or that it cannot be decided.
    pub(super) async fn destinations(&self, call: &Call) -> Result<(), ServiceError> {
        let rotation = self.rotation(call).await?;
        for delivery in self.deliveries(call).into_iter().chain(rotation) {
            let own = &self.setting.account_id;
            // What an account says of its own that is not guarded nobody knows here.
            let is_beyond = Arn::parse(&delivery.resource).is_some_and(|arn| {
                !arn.account.is_empty() && self.directories.of(arn.account).is_none()
            });
            if is_beyond {
                continue;
            }
            let caller = match &delivery.sender {
                Sender::Service { principal, source } => Caller::Service {
                    principal,
                    source_arn: Some(source),
                    source_account: Some(own),
                },
                Sender::Role(arn) => Caller::Role { arn, session: "destination" },
            };
            let question = Question {
                action: delivery.action.to_owned(),
                resource: delivery.resource.clone(),
                context: delivery.context.clone(),
            };
            let inputs = match self.inputs(caller, &[question]).await {
                Ok(inputs) => inputs,
                // The answer to the call itself says that the role is not there.
                Err(error) if error.code == "NoSuchEntity" => continue,
                Err(error) => return Err(error),
            };
            let Some(decision) = inputs.decide(&Overlay::none()).pop() else { continue };
            match decision.outcome {
                Outcome::Allow => {}
                Outcome::Undecided => {
                    let asked = Requirement::on(delivery.action, &delivery.resource);
                    return Err(refusal::undecided(&asked, &decision));
                }
                Outcome::ImplicitDeny | Outcome::ExplicitDeny => return Err(delivery.refusal),
            }
        }
        Ok(())
    }

    fn deliveries(&self, call: &Call) -> Vec<Delivery> {
        match (call.service().name(), call.name()) {
            ("s3", "PutBucketNotificationConfiguration") => notifications(call),
            ("cloudtrail", "CreateTrail" | "UpdateTrail") => trail(call, &self.setting),
            ("stepfunctions", "CreateStateMachine" | "UpdateStateMachine") => executions(call),
            ("lambda", "CreateFunction" | "UpdateFunctionConfiguration") => {
                let target = call.input.get("DeadLetterConfig").and_then(|it| it.get("TargetArn"));
                let role = call.text("Role").and_then(role_arn).or_else(|| self.role_of(call));
                let dead = target.and_then(Value::as_str).and_then(|arn| dead_letter(arn, role?));
                dead.into_iter().collect()
            }
            ("lambda", "PutFunctionEventInvokeConfig" | "UpdateFunctionEventInvokeConfig") => {
                self.role_of(call).map(|role| results(call, &role)).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// Secrets Manager tries the function that is to rotate a secret, which it looks for
    /// first (recorded on AWS: LocalStack's `test_rotate_secret_invalid_lambda_arn`).
    async fn rotation(&self, call: &Call) -> Result<Option<Delivery>, ServiceError> {
        if (call.service(), call.name()) != (Service::SecretsManager, "RotateSecret") {
            return Ok(None);
        }
        let Some((id, function)) = call.text("SecretId").zip(call.text("RotationLambdaARN")) else {
            return Ok(None);
        };
        let Some(secret) = self.directory.secret(&call.region, id).await? else {
            return Ok(None);
        };
        let principal = "secretsmanager.amazonaws.com";
        let text = "Secrets Manager cannot invoke the specified Lambda function. Ensure that the \
                    function policy grants access to the principal secretsmanager.amazonaws.com.";
        let refusal = ServiceError::new(400, "AccessDeniedException", text);
        let sender = Sender::Service { principal, source: secret.arn };
        Ok(Some(Delivery::of(sender, "lambda:InvokeFunction", function, refusal)))
    }

    /// The execution role of the function that a call names.
    fn role_of(&self, call: &Call) -> Option<String> {
        let name = call.text("FunctionName")?;
        let name = match Arn::parse(name) {
            Some(arn) => arn.resource.strip_prefix("function:")?.to_owned(),
            None => name.to_owned(),
        };
        let name = name.split(':').next()?.to_owned();
        role_arn(&self.services.function(&name)?.role)
    }
}

fn role_arn(role: &str) -> Option<String> {
    let is_role = Arn::parse(role)?.resource.starts_with("role/");
    is_role.then(|| role.to_owned())
}

/// The items of a list, which XML writes as one element where there is one.
fn each<'v>(value: &'v Value, member: &str) -> Vec<&'v Value> {
    match value.get(member) {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(Value::Object(_)) => value.get(member).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// "Amazon S3 validates … that the bucket owner has permission to publish to it"
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html>);
/// the sentences as in <https://github.com/localstack/localstack>, `s3/notifications.py`,
/// and <https://repost.aws/knowledge-center/unable-validate-destination-s3>.
fn notifications(call: &Call) -> Vec<Delivery> {
    let skips = call
        .input
        .get("SkipDestinationValidation")
        .is_some_and(|value| value.as_bool().unwrap_or_else(|| value.as_str() == Some("true")));
    let Some(given) = call.input.get("NotificationConfiguration").filter(|_| !skips) else {
        return Vec::new();
    };
    let bucket = call.text("Bucket").unwrap_or_default();
    let source = format!("arn:{}:s3:::{bucket}", Partition::of_region(&call.region));
    let kinds = [
        ("QueueConfiguration", "Queue", "sqs:SendMessage"),
        ("TopicConfiguration", "Topic", "sns:Publish"),
        ("CloudFunctionConfiguration", "CloudFunction", "lambda:InvokeFunction"),
    ];
    let mut found = Vec::new();
    for (list, member, action) in kinds {
        for arn in each(given, list).into_iter().filter_map(|it| it.get(member)?.as_str()) {
            let why = match member {
                "CloudFunction" => format!("Not authorized to invoke function [{arn}]"),
                kind => format!(
                    "Permissions on the destination {} do not allow S3 to publish notifications \
                     from this bucket",
                    kind.to_ascii_lowercase()
                ),
            };
            let text = "Unable to validate the following destination configurations";
            let refusal = ServiceError::new(400, "InvalidArgument", text)
                .with("ArgumentName", arn)
                .with("ArgumentValue", why);
            let sender = Sender::Service { principal: "s3.amazonaws.com", source: source.clone() };
            found.push(Delivery::of(sender, action, arn, refusal));
        }
    }
    found
}

/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html>;
/// the sentence: <https://github.com/hashicorp/terraform-provider-aws/issues/6489>.
fn trail(call: &Call, setting: &Setting) -> Vec<Delivery> {
    let (Some(bucket), Some(name)) = (call.text("S3BucketName"), call.text("Name")) else {
        return Vec::new();
    };
    let (partition, account) = (Partition::of_region(&call.region), &setting.account_id);
    let source = match name.starts_with("arn:") {
        true => name.to_owned(),
        false => format!("arn:{partition}:cloudtrail:{}:{account}:trail/{name}", call.region),
    };
    let prefix = call.text("S3KeyPrefix").filter(|prefix| !prefix.is_empty());
    let prefix = prefix.map(|prefix| format!("{prefix}/")).unwrap_or_default();
    let object = format!("{bucket}/{prefix}AWSLogs/{account}/CloudTrail/{}/x", call.region);
    let of = |action, resource: &str| {
        let sender =
            Sender::Service { principal: "cloudtrail.amazonaws.com", source: source.clone() };
        let text = format!("Incorrect S3 bucket policy is detected for bucket: {bucket}");
        let refusal = ServiceError::new(400, "InsufficientS3BucketPolicyException", text);
        Delivery::of(sender, action, &format!("arn:{partition}:s3:::{resource}"), refusal)
    };
    let mut put = of("s3:PutObject", &object);
    put.context.set("s3:x-amz-acl", "bucket-owner-full-control");
    encryption(call, &mut put.context);
    vec![of("s3:GetBucketAcl", bucket), put]
}

/// How a trail's logs are encrypted: with its key, or as CloudTrail chooses
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/encrypting-cloudtrail-log-files-with-aws-kms.html>).
fn encryption(call: &Call, context: &mut Context) {
    const KEY: &str = "s3:x-amz-server-side-encryption-aws-kms-key-id";
    const ALGORITHM: &str = "s3:x-amz-server-side-encryption";
    match call.text("KmsKeyId").filter(|key| !key.is_empty()) {
        Some(key) => {
            context.set(ALGORITHM, "aws:kms");
            match key.contains(":key/") {
                true => context.set(KEY, key),
                false => context.set_unknown(KEY),
            };
        }
        None => {
            context.set_unknown(ALGORITHM).set_unknown(KEY);
        }
    }
}

/// The logs of executions are delivered with the role of the state machine
/// (<https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html>; the sentence:
/// <https://github.com/hashicorp/terraform-provider-aws/issues/12192>).
fn executions(call: &Call) -> Vec<Delivery> {
    let Some(logging) = call.input.get("loggingConfiguration") else { return Vec::new() };
    let level = logging.get("level").and_then(Value::as_str).unwrap_or("OFF");
    let Some(role) = call.text("roleArn").and_then(role_arn).filter(|_| level != "OFF") else {
        return Vec::new();
    };
    let text = "The state machine IAM Role is not authorized to access the Log Destination";
    let refusal = ServiceError::new(400, "AccessDeniedException", text);
    vec![Delivery::of(Sender::Role(role), "logs:CreateLogDelivery", "*", refusal)]
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>;
/// the sentence: <https://github.com/serverless/serverless/issues/2969>.
fn dead_letter(arn: &str, role: String) -> Option<Delivery> {
    let (action, calls) = match Arn::parse(arn)?.service {
        "sqs" => ("sqs:SendMessage", "SendMessage on SQS"),
        "sns" => ("sns:Publish", "Publish on SNS"),
        _ => return None,
    };
    let text = format!("The provided execution role does not have permissions to call {calls}");
    let refusal = ServiceError::new(400, "InvalidParameterValueException", text);
    Some(Delivery::of(Sender::Role(role), action, arn, refusal))
}

/// Where the results of a function go, which its role sends there
/// (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>).
fn results(call: &Call, role: &str) -> Vec<Delivery> {
    let Some(given) = call.input.get("DestinationConfig") else { return Vec::new() };
    let ends = ["OnSuccess", "OnFailure"].into_iter();
    let arns = ends.filter_map(|end| given.get(end)?.get("Destination")?.as_str());
    let of = |arn: &str| {
        let (action, name) = match Arn::parse(arn)?.service {
            "sqs" => ("sqs:SendMessage", "SendMessage"),
            "sns" => ("sns:Publish", "Publish"),
            "lambda" => ("lambda:InvokeFunction", "InvokeFunction"),
            "events" => ("events:PutEvents", "PutEvents"),
            _ => return None,
        };
        let text = format!(
            "The function's execution role does not have permissions to call {name} on {arn}"
        );
        let refusal = ServiceError::new(400, "InvalidParameterValueException", text);
        Some(Delivery::of(Sender::Role(role.to_owned()), action, arn, refusal))
    };
    arns.filter_map(of).collect()
}
