"""Makes the calls of cases.json with boto3, what a user may do and what it may
not, as three users: one without policies (the canary), the one whom the case is
about, and one who may do everything (the twin). Prints a JSON line a call."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

EVERYTHING = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]

given = json.load(sys.stdin)
options = {
    "endpoint_url": given["endpoint"],
    "region_name": given["region"],
    # LocalStack tries for a minute to fetch a service that it does not have.
    "config": Config(retries={"max_attempts": 0}, read_timeout=300),
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


def user(name):
    iam.create_user(UserName=name)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return session(made["AccessKeyId"], made["SecretAccessKey"])


def allow(name, statements):
    policy = {"Version": "2012-10-17", "Statement": statements}
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))


root = session(given["key"], given["secret"])
iam = root.client("iam", **options)
users = {"canary": user("nobody"), "alice": user("alice"), "twin": user("everything")}
allow("everything", EVERYTHING)
# Whose first use would make a role: an account that has used them has it.
for used in ("ecs", "elasticfilesystem", "rds"):
    iam.create_service_linked_role(AWSServiceName=f"{used}.amazonaws.com")
for number, case in enumerate(filled(given["cases"])):
    for call in case.get("before", []):
        answer = called(root.client(case["service"], **options), call)
        assert answer["status"] == 200, (call, answer)
    allow("alice", [{"Effect": "Allow", **statement} for statement in case["allow"]])
    clients = {name: user.client(case["service"], **options) for name, user in users.items()}
    for kind, who in (("may", ("canary", "alice")), ("may_not", ("canary", "alice", "twin"))):
        for index, call in enumerate(case[kind]):
            for name in who:
                answer = called(clients[name], call)
                place = {"case": number, "kind": kind, "index": index, "who": name}
                print(json.dumps({**place, "call": call, **answer}))
