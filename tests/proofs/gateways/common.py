"""What both scripts of this directory do: clients, requests, functions, answers."""

import http.client
import io
import json
import sys
import time
import urllib.parse
import zipfile

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

SETTING = json.load(sys.stdin)
ACCOUNT, REGION, ROOT = SETTING["account"], SETTING["region"], SETTING["root"]
ENDPOINT = urllib.parse.urlsplit(SETTING["endpoint"])
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


def tell(question, expected, observed):
    print(json.dumps({"question": question, "expected": expected, "observed": observed}))


def request(api, path, headers=None, keys=None):
    """The status and the body of a GET at an API's own host."""
    host = f"{api}.execute-api.{REGION}.amazonaws.com"
    headers = dict(headers or {})
    if keys:
        asked = AWSRequest("GET", f"https://{host}{path}", headers=headers)
        credentials = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"])
        SigV4Auth(credentials, "execute-api", REGION).add_auth(asked)
        headers = dict(asked.headers)
    connection = http.client.HTTPConnection(ENDPOINT.hostname, ENDPOINT.port, timeout=60)
    connection.request("GET", path, headers={**headers, "Host": host})
    answer = connection.getresponse()
    body = answer.read().decode()
    try:
        body = json.loads(body)
    except ValueError:
        pass
    return [answer.status, body]


def packed(name, source):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as package:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = 0o755 << 16
        package.writestr(entry, source)
    return archive.getvalue()


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions, resource="*"):
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


TRUST = document(
    {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
)


def function(name, runtime, handler, code, role, timeout=20):
    lambda_ = client("lambda")
    made = lambda_.create_function(
        FunctionName=name, Runtime=runtime, Handler=handler, Role=role, Timeout=timeout,
        Code={"ZipFile": code},
    )
    lambda_.get_waiter("function_active_v2").wait(
        FunctionName=name, WaiterConfig={"Delay": 1}
    )
    return made["FunctionArn"]


def invocable(name, source):
    client("lambda").add_permission(
        FunctionName=name, StatementId=f"s{time.monotonic_ns()}", Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com", SourceArn=source,
    )


def rest_api(name, **more):
    gateway = client("apigateway")
    api = gateway.create_rest_api(name=name, **more)["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    return api, root


def method(api, root, path, arn, **more):
    """A GET method with a Lambda proxy integration."""
    gateway = client("apigateway")
    made = gateway.create_resource(restApiId=api, parentId=root, pathPart=path)["id"]
    named = {"restApiId": api, "resourceId": made, "httpMethod": "GET"}
    gateway.put_method(**named, **{"authorizationType": "NONE", **more})
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"
    gateway.put_integration(
        **named, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri
    )
    return uri
