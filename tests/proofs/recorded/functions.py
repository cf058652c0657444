"""CloudWatch Logs and Secrets Manager reach functions only where these let them.

Reads {"endpoint", "root", "region", "account", "rotates"} from standard input and writes one
JSON object a line: {"question", "expected", "observed"}.
"""

import io
import json
import sys
import time
import zipfile

import boto3
from botocore.exceptions import ClientError

SETTING = json.load(sys.stdin)
REGION, ACCOUNT = SETTING["region"], SETTING["account"]
FUNCTIONS = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
ALL = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
RECEIVER = """
import base64, gzip, json, boto3
def handler(event, context):
    told = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    text = ",".join(it["message"] for it in told["logEvents"])
    boto3.client("ssm").put_parameter(Name="told", Value=text, Type="String", Overwrite=True)
"""
# The four steps of AWS's template for rotations.
ROTATOR = """
import boto3
def handler(event, context):
    secrets = boto3.client("secretsmanager")
    of, token = {"SecretId": event["SecretId"]}, event["ClientRequestToken"]
    stages = secrets.describe_secret(**of)["VersionIdsToStages"]
    assert stages[token] == ["AWSPENDING"], stages
    if event["Step"] == "createSecret":
        secrets.put_secret_value(
            **of, ClientRequestToken=token, SecretString="new", VersionStages=["AWSPENDING"])
    if event["Step"] == "finishSecret":
        current = next(it for it in stages if "AWSCURRENT" in stages[it])
        secrets.update_secret_version_stage(
            **of, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current)
"""


def client(service):
    return boto3.client(
        service,
        endpoint_url=SETTING["endpoint"],
        region_name=REGION,
        aws_access_key_id=SETTING["root"]["AccessKeyId"],
        aws_secret_access_key=SETTING["root"]["SecretAccessKey"],
    )


def tell(question, expected, observed):
    print(json.dumps({"question": question, "expected": expected, "observed": observed}))


def answer(call, **given):
    try:
        call(**given)
    except ClientError as error:
        return [error.response["Error"]["Code"], error.response["Error"]["Message"]]
    return "taken"


def until(good, read):
    for _ in range(300):
        try:
            observed = read()
        except ClientError as error:
            observed = error.response["Error"]["Code"]
        if observed == good:
            break
        time.sleep(0.1)
    return observed


def function(name, source):
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as packed:
        packed.writestr("index.py", source)
    functions = client("lambda")
    functions.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="index.handler",
        Timeout=30,
        Role=f"arn:aws:iam::{ACCOUNT}:role/runs",
        Code={"ZipFile": code.getvalue()},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    return FUNCTIONS + name


iam, functions, logs = client("iam"), client("lambda"), client("logs")
iam.create_role(RoleName="runs", AssumeRolePolicyDocument=json.dumps(TRUST))
iam.put_role_policy(RoleName="runs", PolicyName="all", PolicyDocument=json.dumps(ALL))
receiver = function("receiver", RECEIVER)
logs.create_log_group(logGroupName="/app")
logs.create_log_stream(logGroupName="/app", logStreamName="s")


def subscribe(function=receiver, **changes):
    given = {"logGroupName": "/app", "filterName": "f", "filterPattern": ""}
    return answer(logs.put_subscription_filter, **{**given, "destinationArn": function, **changes})


NOT_LET_IN = [
    "InvalidParameterException",
    "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission "
    "to execute your function.",
]
OF_ANOTHER = [
    "AccessDeniedException",
    "Cross-account lambda invocation passing is not allowed. You must use DestinationPolicies to "
    "create cross account lambda triggers.",
]
NO_GROUP = ["ResourceNotFoundException", "The specified log group does not exist."]
other = f"arn:aws:lambda:{REGION}:444455556666:function:receiver"
tell("a filter to a function that does not let logs in", NOT_LET_IN, subscribe())
tell("a filter to no function", NOT_LET_IN, subscribe(FUNCTIONS + "nobody"))
tell("a filter to another account's function", OF_ANOTHER, subscribe(other))
tell(
    "of a group that is not there, to another account's function",
    OF_ANOTHER,
    subscribe(other, logGroupName="/none"),
)
tell("of a group that is not there", NO_GROUP, subscribe(logGroupName="/none"))
for vendor, name in (("kinesis", "stream/s"), ("firehose", "deliverystream/s")):
    tell(
        f"a filter to {vendor} without a role",
        [
            "InvalidParameterException",
            f"destinationArn for vendor {vendor} cannot be used without roleArn",
        ],
        subscribe(f"arn:aws:{vendor}:{REGION}:{ACCOUNT}:{name}"),
    )
filters = logs.describe_subscription_filters(logGroupName="/app")["subscriptionFilters"]
tell("none of them is kept", [], filters)
functions.add_permission(
    FunctionName="receiver",
    StatementId="logs",
    Principal="logs.amazonaws.com",
    Action="lambda:InvokeFunction",
    SourceArn=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/app:*",
)
tell("a filter to a function that lets logs in", "taken", subscribe())
logs.put_log_events(
    logGroupName="/app",
    logStreamName="s",
    logEvents=[{"timestamp": int(time.time() * 1000), "message": "hello"}],
)
ssm = client("ssm")
told = until("hello", lambda: ssm.get_parameter(Name="told")["Parameter"]["Value"])
tell("the function gets the events", "hello", told)

if SETTING["rotates"]:
    secrets = client("secretsmanager")
    rotator = function("rotator", ROTATOR)
    of = {"SecretId": secrets.create_secret(Name="s", SecretString="old")["ARN"]}
    rotation = {**of, "RotationRules": {"AutomaticallyAfterDays": 1}}
    rotate = secrets.rotate_secret
    tell(
        "a rotation by nothing",
        [
            "InvalidRequestException",
            "No Lambda rotation function ARN is associated with this secret.",
        ],
        answer(rotate, **rotation),
    )
    not_let_in = [
        "AccessDeniedException",
        "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function "
        "policy grants access to the principal secretsmanager.amazonaws.com.",
    ]
    for name in (rotator, FUNCTIONS + "nobody"):
        tell(
            f"a rotation by a function that does not let it in, {name}",
            not_let_in,
            answer(rotate, **rotation, RotationLambdaARN=name),
        )
    described = secrets.describe_secret(**of)
    tell("nothing rotates then", False, described.get("RotationEnabled", False))
    tell("the value stays", "old", secrets.get_secret_value(**of)["SecretString"])
    functions.add_permission(
        FunctionName="rotator",
        StatementId="rotates",
        Principal="secretsmanager.amazonaws.com",
        Action="lambda:InvokeFunction",
        SourceArn=of["SecretId"],
    )
    begun = rotate(**rotation, RotationLambdaARN=rotator)
    value = until("new", lambda: secrets.get_secret_value(**of)["SecretString"])
    tell("the function's value is the secret's", "new", value)
    current = secrets.get_secret_value(**of)
    tell("under the version that was told", begun["VersionId"], current["VersionId"])
    again = rotate(**of)
    version = until(again["VersionId"], lambda: secrets.get_secret_value(**of)["VersionId"])
    tell("and again, by the same function", again["VersionId"], version)
