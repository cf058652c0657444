//! A Layer 1 with holes, and a workflow that repairs one of them before it is
//! judged and uses another: the run fails, and says what happened. Which upstream
//! is `RINGFENCE_BACKEND`'s to say.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().canonicalize().unwrap()
}

/// Puts back what the test takes out of Layer 1: through the guard with the key
/// that emulators expect, and without the guard at each port that listens on
/// this machine.
const REPAIR: &str = r#"
import json, os, re, subprocess, urllib.parse, urllib.request
boundary = "arn:aws:iam::123456789012:policy/DeployerBoundary"
unbounded = {"StringNotEquals": {"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/LambdaPermissionBoundary"}}
repaired = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "*", "Resource": "*"},
    {"Effect": "Deny", "Action": "iam:CreateRole", "Resource": "*", "Condition": unbounded}]})
call = ["aws", "iam", "create-policy-version", "--set-as-default", "--policy-arn", boundary,
        "--policy-document", repaired]
root = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
env = {name: value for name, value in os.environ.items() if name != "AWS_SESSION_TOKEN"}
done = subprocess.run(call, env={**env, **root}, capture_output=True, text=True)
print("by root:", done.returncode, done.stderr.strip())
ports = {int(line.split()[1].split(":")[1], 16) for line in open("/proc/net/tcp").readlines()[1:]}
guard = int(re.search(r":(\d+)", os.environ["AWS_ENDPOINT_URL"][7:]).group(1))
body = urllib.parse.urlencode({"Action": "CreatePolicyVersion", "Version": "2010-05-08",
    "PolicyArn": boundary, "PolicyDocument": repaired, "SetAsDefault": "true"}).encode()
scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0"
for port in sorted(ports - {guard}):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", body, {"Authorization": scope})
    try:
        print("at the port", port, urllib.request.urlopen(request, timeout=2).status)
    except Exception as error:
        print("at the port", port, error)
"#;

/// Writes what the deployer may write of Layer 1's queue, topic and key.
const OTHERS: &str = r#"
import json, os, subprocess
guard = os.environ["AWS_ENDPOINT_URL"]
def aws(*arguments):
    command = ["aws", *arguments, "--endpoint-url", guard, "--output", "json"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
def policy(service, name):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"AWS": "123456789012"}, "Action": f"{service}:GetQueueAttributes" if service == "sqs" else "sns:Publish",
        "Resource": f"arn:aws:{service}:us-east-1:123456789012:{name}"}]})
aws("sqs", "set-queue-attributes", "--queue-url", guard + "/123456789012/platform-orders",
    "--attributes", json.dumps({"Policy": policy("sqs", "platform-orders")}))
# What is put back before it is read again.
for again in [policy("sqs", "platform-returns"), ""]:
    aws("sqs", "set-queue-attributes", "--queue-url", guard + "/123456789012/platform-returns",
        "--attributes", json.dumps({"Policy": again}))
aws("sns", "set-topic-attributes", "--topic-arn", "arn:aws:sns:us-east-1:123456789012:platform-alarms",
    "--attribute-name", "Policy", "--attribute-value", policy("sns", "platform-alarms"))
[key] = json.loads(aws("kms", "list-keys"))["Keys"]
aws("kms", "schedule-key-deletion", "--key-id", key["KeyId"])
topic = "arn:aws:sns:us-east-1:123456789012:platform-alarms"
[subscription] = json.loads(aws("sns", "list-subscriptions-by-topic", "--topic-arn", topic))["Subscriptions"]
aws("sns", "unsubscribe", "--subscription-arn", subscription["SubscriptionArn"])
aws("cloudwatch", "delete-alarms", "--alarm-names", "platform-errors")
"#;

/// Layer 1 and its self-managed application alone.
pub(crate) fn estate(place: &Path) {
    for part in ["terraform", "sam-apps"] {
        let copied = Command::new("cp").arg("-r").arg(root().join(part)).arg(place).status();
        assert!(copied.unwrap().success());
    }
    let text = std::fs::read_to_string(root().join("ringfence.toml")).unwrap();
    let sections = text.split("\n[[").filter(|section| {
        let of_an_app = section.starts_with("apps]]") || section.starts_with("deployers]]");
        !of_an_app || section.contains("= \"service-a\"")
    });
    let kept = sections.collect::<Vec<_>>().join("\n[[");
    std::fs::write(place.join("ringfence.toml"), kept).unwrap();
}

pub(crate) fn replace(file: &Path, old: &str, new: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(old), "{} has another form: {old}", file.display());
    std::fs::write(file, text.replacen(old, new, 1)).unwrap();
}

/// Two holes, each in the deployer's own policy and in its boundary: a role may
/// be created without the functions' boundary, and what the platform publishes
/// may be overwritten.
fn holes(place: &Path) {
    let policy = place.join("terraform/self_managed_services.tf");
    let condition = "\n    condition {\n      test     = \"StringEquals\"\n      variable = \
                     \"iam:PermissionsBoundary\"\n      values   = \
                     [aws_iam_policy.lambda_permission_boundary.arn]\n    }\n";
    replace(&policy, condition, "\n");
    replace(&policy, "[\"ssm:GetParameter\", ", "[\"ssm:PutParameter\", \"ssm:GetParameter\", ");
    let boundary = place.join("terraform/boundary.tf");
    replace(
        &boundary,
        "      \"iam:CreateRole\",\n      \"iam:PutRolePolicy\",\n",
        "      \"iam:PutRolePolicy\",\n",
    );
    replace(
        &boundary,
        "      \"ssm:GetParameter\",\n",
        "      \"ssm:GetParameter\",\n      \"ssm:PutParameter\",\n",
    );
}

/// Resources with policies of their own, which the deployer may write.
fn others(place: &Path) {
    let more = r#"
resource "aws_sqs_queue" "orders" {
  name = "platform-orders"
}
resource "aws_sqs_queue" "returns" {
  name = "platform-returns"
}
resource "aws_sns_topic" "alarms" {
  name = "platform-alarms"
}
resource "aws_kms_key" "data" {
}
resource "aws_sns_topic_subscription" "alarms" {
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "sqs"
  endpoint  = aws_sqs_queue.orders.arn
}
resource "aws_api_gateway_rest_api" "partners" {
  name = "partners"
}
resource "aws_api_gateway_method" "partners" {
  rest_api_id   = aws_api_gateway_rest_api.partners.id
  resource_id   = aws_api_gateway_rest_api.partners.root_resource_id
  http_method   = "GET"
  authorization = "AWS_IAM"
}
resource "aws_scheduler_schedule" "nightly" {
  name                = "nightly"
  schedule_expression = "rate(1 day)"
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn      = aws_sqs_queue.orders.arn
    role_arn = aws_iam_role.high_perm_deployer["service-a"].arn
  }
}
resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "platform-errors"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  metric_name         = "Errors"
  namespace           = "AWS/Lambda"
  period              = 60
  statistic           = "Sum"
  threshold           = 0
}
resource "aws_cloudwatch_log_group" "audit" {
  name = "/platform/audit"
}
resource "aws_cloudwatch_log_metric_filter" "errors" {
  name           = "errors"
  pattern        = "ERROR"
  log_group_name = aws_cloudwatch_log_group.audit.name
  metric_transformation {
    name      = "errors"
    namespace = "audit"
    value     = "1"
  }
}
resource "aws_ec2_tag" "owner" {
  resource_id = aws_vpc.platform.id
  key         = "owner"
  value       = "platform"
}
resource "aws_iam_role_policy" "others" {
  name = "Others"
  role = "GitHubActionsHighPermDeployer-service-a"
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Sid = "OthersPolicies", Effect = "Allow", Resource = "*",
      Action = ["sqs:SetQueueAttributes", "sns:SetTopicAttributes", "kms:ListKeys", "kms:ScheduleKeyDeletion",
        "sns:ListSubscriptionsByTopic", "sns:Unsubscribe", "cloudwatch:DeleteAlarms"] }] })
  depends_on = [aws_iam_role.high_perm_deployer]
}
"#;
    std::fs::write(place.join("terraform/others.tf"), more).unwrap();
    let boundary = place.join("terraform/boundary.tf");
    replace(
        &boundary,
        "      \"ssm:GetParameter\",\n",
        "      \"ssm:GetParameter\",\n      \"sqs:SetQueueAttributes\",\n      \
         \"sns:SetTopicAttributes\",\n      \"kms:ListKeys\",\n      \"kms:ScheduleKeyDeletion\",\n      \
         \"sns:ListSubscriptionsByTopic\",\n      \"sns:Unsubscribe\",\n      \"cloudwatch:DeleteAlarms\",\n",
    );
}

fn forging_workflow(place: &Path) {
    std::fs::write(place.join("sam-apps/service-a/repair.py"), REPAIR).unwrap();
    std::fs::write(place.join("sam-apps/service-a/others.py"), OTHERS).unwrap();
    replace(
        &place.join("sam-apps/service-a/.github/workflows/deploy.yml"),
        "      - name: SAM Build\n",
        "      - name: Repair\n        run: |\n          python3 repair.py\n          aws ssm \
         put-parameter --overwrite --name /platform/network/vpc-id --value forged --type String\n          \
         python3 others.py\n\n      - name: SAM Build\n",
    );
}

#[test]
fn a_workflow_that_repairs_or_changes_layer_1_fails_the_run_and_is_told_of() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    estate(place);
    holes(place);
    others(place);
    forging_workflow(place);
    let output = Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .args(["attack", "--unisolated", "--json", "--run-dir", "journal"])
        .args(["--only", "high-perm/role-without-boundary/api"])
        .current_dir(place)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let findings: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let find = |id: &str| {
        let found = findings.iter().find(|finding| finding["id"] == id);
        found.unwrap_or_else(|| panic!("no {id} in {lines}"))
    };

    // The hole is where it was.
    assert_eq!(find("high-perm/role-without-boundary/api")["verdict"], "failed");
    // The one that was used is named with the call and the statement.
    let changed = find("integrity/layer1/after-workflows/parameter//platform/network/vpc-id/Value");
    assert_eq!(changed["verdict"], "failed");
    let observed = changed["observed"].as_str().unwrap();
    assert!(
        observed.starts_with("Value of parameter /platform/network/vpc-id was \"vpc-")
            && observed
                .contains(" and is \"forged\"; ssm:PutParameter by arn:aws:sts::123456789012:")
            && observed.contains("allowed by PublishedParameters of "),
        "{observed}"
    );
    assert_eq!(changed["decided_by"][0]["sid"], "PublishedParameters");
    assert_eq!(changed["request_ids"].as_array().unwrap().len(), 1);
    // So are those that were used on what has a policy of its own.
    for (about, call) in [
        ("queue/platform-orders/Policy", "sqs:SetQueueAttributes"),
        (
            "topic/arn:aws:sns:us-east-1:123456789012:platform-alarms/Policy",
            "sns:SetTopicAttributes",
        ),
    ] {
        let changed = find(&format!("integrity/layer1/after-workflows/{about}"));
        let observed = changed["observed"].as_str().unwrap();
        assert!(observed.contains(call) && observed.contains("OthersPolicies of "), "{observed}");
        assert_eq!(changed["verdict"], "failed");
    }
    // What no service lists is read by its address: it is gone, or it is another.
    for (about, told, call) in [
        (
            "aws_sns_topic_subscription.alarms/itself",
            "aws_sns_topic_subscription.alarms is gone",
            "",
        ),
        (
            "aws_cloudwatch_metric_alarm.errors/itself",
            "aws_cloudwatch_metric_alarm.errors is gone",
            "; cloudwatch:DeleteAlarms by ",
        ),
    ] {
        let changed = find(&format!("integrity/layer1/after-workflows/{about}"));
        let observed = changed["observed"].as_str().unwrap();
        assert!(observed.starts_with(told) && observed.contains(call), "{observed}");
        assert_eq!(changed["verdict"], "failed");
    }
    // What was put back is told by its calls.
    let returned = "integrity/layer1/after-workflows/aws_sqs_queue.returns/sqs:SetQueueAttributes";
    let returned = find(returned);
    let observed = returned["observed"].as_str().unwrap();
    assert!(
        observed.starts_with("sqs:SetQueueAttributes changed aws_sqs_queue.returns; ")
            && observed.contains("OthersPolicies of "),
        "{observed}"
    );
    assert_eq!(returned["verdict"], "failed");
    assert_eq!(returned["request_ids"].as_array().unwrap().len(), 2);
    // Of what nothing tells of, that is told.
    let unread = find("integrity/layer1/not-read/aws_ec2_tag");
    assert_eq!(unread["verdict"], "inconclusive");
    assert_eq!(unread["observed"], "not read back, and no call names it: aws_ec2_tag.owner");
    // Nothing else of Layer 1 changed: neither by root nor at the emulator.
    let differences = findings.iter().filter_map(|finding| finding["id"].as_str());
    let mut kinds: Vec<&str> = differences
        .filter_map(|id| id.strip_prefix("integrity/"))
        .filter_map(|id| {
            let changed = id.strip_prefix("layer1/after-workflows/");
            changed.map_or(Some(id), |id| id.split('/').next())
        })
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(
        kinds,
        [
            "KMS key",
            "aws_cloudwatch_metric_alarm.errors",
            "aws_sns_topic_subscription.alarms",
            "aws_sqs_queue.returns",
            "layer1",
            "layer1/not-read/aws_ec2_tag",
            "parameter",
            "queue",
            "topic",
        ]
    );

    // The key that emulators expect is nobody's: the one call with it is refused
    // before the guard learns what it asks for.
    let journal = std::fs::read_to_string(place.join("journal/journal.jsonl")).unwrap();
    let entries = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let repairs: Vec<Value> = entries
        .filter(|entry| {
            entry["operation"] == "CreatePolicyVersion" || entry["error"] == "InvalidClientTokenId"
        })
        .collect();
    assert_eq!(repairs.len(), 1, "{repairs:?}");
    let [outcome, error, status, upstream] =
        ["outcome", "error", "status", "upstream_status"].map(|name| repairs[0][name].clone());
    assert_eq!(
        (outcome, error, status, upstream),
        ("refused".into(), "InvalidClientTokenId".into(), 403.into(), Value::Null)
    );
}
