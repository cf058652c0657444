"""Makes the calls of cases.json with boto3: as a user who may do one thing, what
it may do and what it may not. Prints a JSON line a call."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

given = json.load(sys.stdin)
options = {
    "endpoint_url": given["endpoint"],
    "region_name": given["region"],
    "config": Config(retries={"max_attempts": 0}),
}


def session(key, secret):
    return boto3.Session(aws_access_key_id=key, aws_secret_access_key=secret)


def filled(value):
    """With the address of the guard and the region in place."""
    text = json.dumps(value)
    for name in ("endpoint", "region"):
        text = text.replace("{" + name + "}", given[name].rstrip("/"))
    return json.loads(text)


def called(client, call):
    operation, parameters = call
    try:
        getattr(client, operation)(**parameters)
        return {"status": 200}
    except ClientError as error:
        told = error.response["Error"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return {"status": status, "code": told["Code"], "message": told["Message"]}


root = session(given["key"], given["secret"])
iam = root.client("iam", **options)
iam.create_user(UserName="alice")
made = iam.create_access_key(UserName="alice")["AccessKey"]
alice = session(made["AccessKeyId"], made["SecretAccessKey"])
for case in filled(given["cases"]):
    for call in case.get("before", []):
        answer = called(root.client(case["service"], **options), call)
        assert answer["status"] == 200, (call, answer)
    policy = {"Version": "2012-10-17", "Statement": case["allow"]}
    for statement in policy["Statement"]:
        statement["Effect"] = "Allow"
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=json.dumps(policy))
    client = alice.client(case["service"], **options)
    for kind in ("may", "may_not"):
        for call in case[kind]:
            answer = called(client, call)
            print(json.dumps({"service": case["service"], "kind": kind, "call": call, **answer}))
