"""A role that may read one bucket reads it, and is refused another."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError

TRUST = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}}
READ = {"Version": "2012-10-17", "Statement": {"Sid": "ReadReports", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::py-reports/*"}}


@pytest.fixture(scope="module")
def admin():
    """An administrator: root assumes no role."""
    iam = boto3.client("iam")
    iam.create_user(UserName="py-admin")
    iam.attach_user_policy(UserName="py-admin", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    key = iam.create_access_key(UserName="py-admin")["AccessKey"]
    return boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])


@pytest.fixture(scope="module")
def reader(admin):
    """S3 as the role under test, and two buckets with an object each."""
    iam, s3 = admin.client("iam"), admin.client("s3")
    role = iam.create_role(RoleName="py-reader", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    iam.put_role_policy(RoleName="py-reader", PolicyName="read", PolicyDocument=json.dumps(READ))
    for bucket in ("py-reports", "py-salaries"):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="may.csv", Body=b"1,2,3")
    session = admin.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
    return boto3.client(
        "s3",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )


def test_reads_what_its_policy_names(reader):
    assert reader.get_object(Bucket="py-reports", Key="may.csv")["Body"].read() == b"1,2,3"


def test_is_refused_everything_else(reader):
    with pytest.raises(ClientError) as refused:
        reader.get_object(Bucket="py-salaries", Key="may.csv")
    error = refused.value.response
    assert (error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"]) == (403, "AccessDenied")
    assert error["Error"]["Message"].endswith(
        "is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::py-salaries/may.csv\""
        " because no identity-based policy allows the s3:GetObject action"
    )
