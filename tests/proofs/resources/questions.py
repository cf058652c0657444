"""What the policies of resources decide, asked by a foreign client (boto3).

Reads from standard input one JSON object: endpoint, region, account, root,
tables (whether the endpoint has DynamoDB).
Writes one JSON object a line: {"question", "expected", "observed", "agrees"}.
"""

import json
import sys

import boto3
import botocore.exceptions
from botocore.config import Config

SETTING = json.load(sys.stdin)
ACCOUNT, REGION, ROOT = SETTING["account"], SETTING["region"], SETTING["root"]
CONFIG = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})


def client(service, keys=ROOT):
    return boto3.client(
        service,
        endpoint_url=SETTING["endpoint"],
        region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        config=CONFIG,
    )


def asked(question, expected, call):
    """Expected is "allowed", or the code and a part of the message of a refusal."""
    try:
        call()
        observed = "allowed"
    except botocore.exceptions.ClientError as error:
        observed = {
            "code": error.response["Error"]["Code"],
            "message": error.response["Error"]["Message"],
        }
    agrees = observed == expected or (
        isinstance(expected, list)
        and isinstance(observed, dict)
        and observed["code"] == expected[0]
        and expected[1] in observed["message"]
    )
    line = {"question": question, "expected": expected, "observed": observed, "agrees": agrees}
    print(json.dumps(line))


def user(name, *statements):
    iam = client("iam")
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
    return arn, iam.create_access_key(UserName=name)["AccessKey"]


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, principal=None, resource="*", **more):
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    if principal:
        statement["Principal"] = {"AWS": principal}
    return statement


BY_KEY = ["AccessDeniedException", "because no resource-based policy allows the kms:"]
BY_IDENTITY = ["AccessDeniedException", "because no identity-based policy allows the kms:"]
ACCOUNT_ROOT = f"arn:aws:iam::{ACCOUNT}:root"


def keys():
    root = client("kms")
    named_arn, named = user("kms-named")
    _, able = user("kms-able", allow(["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"]))
    granted_arn, granted = user("kms-granted")
    policy = document(allow("kms:*", ACCOUNT_ROOT), allow("kms:Encrypt", named_arn))
    key = root.create_key(Policy=policy)["KeyMetadata"]["KeyId"]
    root.create_alias(AliasName="alias/questions", TargetKeyId=key)
    text = {"KeyId": "alias/questions", "Plaintext": b"x"}
    asked("IAM allows, and the key leaves it to IAM", "allowed", lambda: client("kms", able).encrypt(**text))
    asked("the key's policy names the user", "allowed", lambda: client("kms", named).encrypt(**text))
    asked("nothing names the user", BY_IDENTITY, lambda: client("kms", granted).encrypt(**text))
    root.create_grant(
        KeyId=key,
        GranteePrincipal=granted_arn,
        Operations=["Encrypt", "Decrypt"],
        Constraints={"EncryptionContextSubset": {"team": "a"}},
    )
    asked("a grant, without its context", BY_IDENTITY, lambda: client("kms", granted).encrypt(**text))
    inside = {**text, "EncryptionContext": {"team": "a", "more": "b"}}
    asked("a grant, in its context", "allowed", lambda: client("kms", granted).encrypt(**inside))
    blob = root.encrypt(**inside)["CiphertextBlob"]
    reads = lambda who: client("kms", who).decrypt(
        CiphertextBlob=blob, EncryptionContext=inside["EncryptionContext"]
    )
    asked("the ciphertext tells the key", "allowed", lambda: reads(granted))
    asked("who may only encrypt", ["AccessDeniedException", f"kms:Decrypt on resource: arn:aws:kms:{REGION}:{ACCOUNT}:key/{key}"], lambda: reads(named))
    # A key that its policy does not leave to IAM.
    closed = root.create_key(
        Policy=document(allow(["kms:Put*", "kms:Describe*"], ACCOUNT_ROOT)),
        BypassPolicyLockoutSafetyCheck=True,
    )["KeyMetadata"]["KeyId"]
    own = {"KeyId": closed, "Plaintext": b"x"}
    asked("IAM allows, and the key does not leave it to IAM", BY_KEY, lambda: client("kms", able).encrypt(**own))
    asked("root, of whom the key's policy says nothing", BY_KEY, lambda: root.encrypt(**own))
    wrong = lambda: client("kms", able).decrypt(
        CiphertextBlob=blob, KeyId=closed, EncryptionContext=inside["EncryptionContext"]
    )
    asked("another key than the ciphertext's", ["IncorrectKeyException", "does not identify a CMK"], wrong)
    asked("no key", ["NotFoundException", "alias/none"], lambda: root.encrypt(KeyId="alias/none", Plaintext=b"x"))
    return key


def objects(key):
    root = client("s3")
    _, reader = user("s3-reader", allow("s3:GetObject"))
    _, both = user(
        "s3-both",
        allow("s3:GetObject"),
        allow("kms:Decrypt", Condition={"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}}),
    )
    root.create_bucket(Bucket="questions", **({} if REGION == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": REGION}}))
    root.put_object(Bucket="questions", Key="plain", Body=b"x")
    root.put_object(
        Bucket="questions", Key="secret", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key
    )
    get = lambda who, name: lambda: client("s3", who).get_object(Bucket="questions", Key=name)
    asked("an object without a key", "allowed", get(reader, "plain"))
    asked("an object, without its key", ["AccessDenied", "kms:Decrypt"], get(reader, "secret"))
    asked("an object, with its key through S3", "allowed", get(both, "secret"))
    direct = lambda: client("kms", both).decrypt(CiphertextBlob=client("kms").encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"])
    asked("the same key without S3", BY_IDENTITY, direct)


def tables():
    root = client("dynamodb")
    arn, reader = user("dynamodb-reader")
    root.create_table(
        TableName="questions",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/questions"
    read = lambda: client("dynamodb", reader).get_item(TableName="questions", Key={"id": {"S": "1"}})
    asked("a table without a policy", ["AccessDeniedException", "because no identity-based policy"], read)
    root.put_resource_policy(ResourceArn=table, Policy=document(allow("dynamodb:GetItem", arn, table)))
    asked("a table whose policy names the user", "allowed", read)


objects(keys())
if SETTING["tables"]:
    tables()
