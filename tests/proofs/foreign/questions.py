"""Questions that a foreign client (boto3) puts to an AWS endpoint, each with AWS's answer.

Reads from standard input one JSON object:
  endpoint, region, account, api_host (a template with {api}), okta_issuer,
  okta_audience, tokens {name: token}, github {name: token}.
Writes one JSON object a line: {"question", "expected", "observed", "agrees"}.

Nothing here knows the guard: the script sets up a small account as root, then
asks as everybody else.
"""

import datetime
import io
import json
import re
import sys
import time
import urllib.error
import urllib.request
import zipfile
from unittest import mock

import boto3
import botocore.auth
import botocore.exceptions
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

SETTING = json.load(sys.stdin)
ACCOUNT, REGION = SETTING["account"], SETTING["region"]
ROOT = SETTING["root"]
GITHUB = "token.actions.githubusercontent.com"
RETRIES = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/q-boundary"


def client(service, credentials=None, region=None):
    keys = credentials or ROOT
    return boto3.client(
        service,
        endpoint_url=SETTING["endpoint"],
        region_name=region or REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys.get("SessionToken"),
        config=RETRIES,
    )


def answer(call):
    """What a call gave: "allowed", or the error's code, status and message."""
    try:
        call()
    except botocore.exceptions.ClientError as error:
        return {
            "code": error.response["Error"]["Code"],
            "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
            "message": error.response["Error"]["Message"],
        }
    return "allowed"


def ask(question, expected, observed):
    """Compares; an expected message is a beginning, since AWS may append the policy's ARN."""
    if isinstance(expected, dict) and isinstance(observed, dict):
        agrees = all(
            str(observed.get(key, "")).startswith(value) if key == "message" else observed.get(key) == value
            for key, value in expected.items()
        )
    else:
        agrees = expected == observed
    print(json.dumps({"question": question, "expected": expected, "observed": observed, "agrees": agrees}))


def denied(code, status, message):
    return {"code": code, "status": status, "message": message}


def not_authorized(who, action, resource, reason):
    return f"User: {who} is not authorized to perform: {action} on resource: {resource} {reason}"


def identity_silent(action):
    return f"because no identity-based policy allows the {action} action"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions, resources="*", **condition):
    statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return statement | ({"Condition": condition} if condition else {})


def package(source):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", source)
    return buffer.getvalue()


def github_trust(subject):
    return policy(
        {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": subject},
            },
        }
    )


LAMBDA_TRUST = policy(
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
)
ACCOUNT_TRUST = policy(
    {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
)
HANDLER = """
import json
def handler(event, context):
    return {"statusCode": 200, "body": json.dumps(event["requestContext"]["authorizer"]["jwt"]["claims"])}
"""

iam, sts, lam, api, logs, ssm = (
    client(name) for name in ("iam", "sts", "lambda", "apigatewayv2", "logs", "ssm")
)


def function_arn(name):
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def role_arn(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def set_up():
    iam.create_open_id_connect_provider(Url=f"https://{GITHUB}", ClientIDList=["sts.amazonaws.com"])
    iam.create_policy(
        PolicyName="q-boundary",
        PolicyDocument=policy(allow("logs:*"), {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}),
    )
    iam.create_policy(PolicyName="q-other", PolicyDocument=policy(allow("*")))
    iam.create_role(RoleName="q-deployer-a", AssumeRolePolicyDocument=github_trust("repo:acme/a:ref:refs/heads/main"))
    iam.create_role(RoleName="q-deployer-b", AssumeRolePolicyDocument=github_trust("repo:acme/b:ref:refs/heads/main"))
    for name, boundary in (("q-function", BOUNDARY), ("q-foreign", None)):
        extra = {"PermissionsBoundary": boundary} if boundary else {}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=LAMBDA_TRUST, **extra)
    iam.create_role(RoleName="q-bounded", AssumeRolePolicyDocument=ACCOUNT_TRUST, PermissionsBoundary=BOUNDARY)
    iam.attach_role_policy(RoleName="q-bounded", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    for name in ("q-service-a", "q-service-b"):
        lam.create_function(
            FunctionName=name, Runtime="python3.12", Handler="app.handler", Role=role_arn("q-function"),
            Code={"ZipFile": package(HANDLER)},
        )
    for name in ("q-service-a", "q-service-b"):
        lam.get_waiter("function_active_v2").wait(FunctionName=name)
    api_id = api.create_api(Name="q", ProtocolType="HTTP")["ApiId"]
    authorizer = api.create_authorizer(
        ApiId=api_id, AuthorizerType="JWT", Name="okta", IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Audience": [SETTING["okta_audience"]], "Issuer": SETTING["okta_issuer"]},
    )["AuthorizerId"]
    integration = api.create_integration(
        ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=function_arn("q-service-b"),
        PayloadFormatVersion="2.0",
    )["IntegrationId"]
    for key, scopes in (("GET /open-to-all-tokens", []), ("GET /scoped", ["admin"])):
        api.create_route(
            ApiId=api_id, RouteKey=key, Target=f"integrations/{integration}", AuthorizationType="JWT",
            AuthorizerId=authorizer, AuthorizationScopes=scopes,
        )
    api.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    lam.add_permission(
        FunctionName="q-service-b", StatementId="api", Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com", SourceArn=f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/*/*",
    )
    routes = f"arn:aws:apigateway:{REGION}::/apis/{api_id}"
    own_roles = role_arn("q-app-*")
    iam.put_role_policy(
        RoleName="q-deployer-a", PolicyName="a",
        PolicyDocument=policy(
            allow(["iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRole", "iam:DeleteRolePolicy"], own_roles,
                  StringEquals={"iam:PermissionsBoundary": BOUNDARY}),
            allow(["iam:GetRole", "iam:TagRole", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies"], own_roles),
            allow("iam:PassRole", role_arn("q-function"), StringEquals={"iam:PassedToService": "lambda.amazonaws.com"}),
            allow(["lambda:*"], [function_arn("q-service-a"), function_arn("q-service-a-*")]),
            allow(["apigateway:POST"], f"{routes}/routes",
                  **{"ForAnyValue:StringEquals": {"apigateway:Request/RouteAuthorizationType": ["JWT"]}}),
            allow("cloudformation:*", f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/q-*/*"),
        ),
    )
    iam.put_role_policy(
        RoleName="q-deployer-b", PolicyName="b",
        PolicyDocument=policy(allow(["lambda:UpdateFunctionCode"], function_arn("q-service-b"))),
    )
    ssm.put_parameter(Name="/q/published", Value="x", Type="String")
    return api_id, authorizer, integration


def fetch(api_id, path, token=None):
    """The status and body that the API gives."""
    host = SETTING["api_host"].format(api=api_id)
    headers = {"Host": host} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(SETTING["endpoint"].rstrip("/") + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=35) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def assume(name, token, session="qq"):
    return client("sts").assume_role_with_web_identity(
        RoleArn=role_arn(name), RoleSessionName=session, WebIdentityToken=token
    )["Credentials"]


def stack(cfn, name, resource):
    """Deploys one resource; the stack's last status and the resource's own reason."""
    cfn.create_stack(
        StackName=name, Capabilities=["CAPABILITY_NAMED_IAM"],
        TemplateBody=json.dumps({"Resources": {"Probe": resource}}),
    )
    deadline = time.monotonic() + 60
    while True:
        status = cfn.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            break
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} stayed {status}")
        time.sleep(0.1)
    events = cfn.describe_stack_events(StackName=name)["StackEvents"]
    reasons = [e.get("ResourceStatusReason", "") for e in events if e["ResourceStatus"] == "CREATE_FAILED"]
    return status, reasons[-1] if reasons else ""


def ask_about_tokens(api_id):
    tokens = SETTING["tokens"]
    unauthorized = [401, {"message": "Unauthorized"}]
    status, body = fetch(api_id, "/open-to-all-tokens", tokens["valid"])
    ask("JWT: a valid token reaches the function, and its claims arrive", [200, tokens["subject"]],
        [status, body.get("sub")])
    ask("JWT: no token", unauthorized, list(fetch(api_id, "/open-to-all-tokens")))
    for name in ("malformed", "expired", "wrong issuer", "wrong audience", "alg none", "unknown key"):
        ask(f"JWT: {name}", unauthorized, list(fetch(api_id, "/open-to-all-tokens", tokens[name])))
    ask("JWT: a scope is missing", [403, {"message": "Forbidden"}], list(fetch(api_id, "/scoped", tokens["valid"])))


def ask_about_boundaries():
    # Root may not assume roles, on AWS either; a user may.
    iam.create_user(UserName="q-admin")
    iam.attach_user_policy(UserName="q-admin", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    key = iam.create_access_key(UserName="q-admin")["AccessKey"]
    session = client("sts", key).assume_role(RoleArn=role_arn("q-bounded"), RoleSessionName="qq")["Credentials"]
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/q-bounded/qq"
    ask("boundary: what it allows goes on", "allowed",
        answer(lambda: client("logs", session).create_log_group(logGroupName="/q/inside")))
    ask("boundary: an explicit deny beats AdministratorAccess",
        denied("AccessDenied", 403, not_authorized(who, "iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/eve",
                                                   "with an explicit deny in a permissions boundary")),
        answer(lambda: client("iam", session).create_user(UserName="eve")))
    ask("boundary: its silence beats AdministratorAccess, and SSM says so with 400",
        denied("AccessDeniedException", 400,
               not_authorized(who, "ssm:GetParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/q/published",
                              "because no permissions boundary allows the ssm:GetParameter action")),
        answer(lambda: client("ssm", session).get_parameter(Name="/q/published")))


def ask_about_deployer_a(api_id, authorizer, integration):
    keys = assume("q-deployer-a", SETTING["github"]["a"])
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/q-deployer-a/qq"
    iam_a, lambda_a, api_a, cfn_a = (client(n, keys) for n in ("iam", "lambda", "apigatewayv2", "cloudformation"))

    def create(name, **extra):
        return lambda: iam_a.create_role(RoleName=name, AssumeRolePolicyDocument=LAMBDA_TRUST, **extra)

    refused = lambda name: denied("AccessDenied", 403, not_authorized(  # noqa: E731
        who, "iam:CreateRole", role_arn(name), identity_silent("iam:CreateRole")))
    ask("A: a role with the boundary", "allowed", answer(create("q-app-good", PermissionsBoundary=BOUNDARY)))
    ask("A: a role without the boundary", refused("q-app-bad"), answer(create("q-app-bad")))
    ask("A: a role with another boundary", refused("q-app-bad"),
        answer(create("q-app-bad", PermissionsBoundary=f"arn:aws:iam::{ACCOUNT}:policy/q-other")))
    ask("A: removing a boundary",
        denied("AccessDenied", 403, not_authorized(who, "iam:DeleteRolePermissionsBoundary", "role q-app-good",
                                                   identity_silent("iam:DeleteRolePermissionsBoundary"))),
        answer(lambda: iam_a.delete_role_permissions_boundary(RoleName="q-app-good")))

    def function(role):
        return lambda: lambda_a.create_function(
            FunctionName=f"q-service-a-{role}", Runtime="python3.12", Handler="app.handler", Role=role_arn(role),
            Code={"ZipFile": package(HANDLER)})

    ask("A: a function with a role it may pass", "allowed", answer(function("q-function")))
    ask("A: a function with a foreign role",
        denied("AccessDeniedException", 403, not_authorized(who, "iam:PassRole", role_arn("q-foreign"),
                                                            identity_silent("iam:PassRole"))),
        answer(function("q-foreign")))
    ask("A: another team's function",
        denied("AccessDeniedException", 403, not_authorized(
            who, "lambda:UpdateFunctionCode", function_arn("q-service-b"), identity_silent("lambda:UpdateFunctionCode"))),
        answer(lambda: lambda_a.update_function_code(FunctionName="q-service-b", ZipFile=package(HANDLER))))

    def route(key, **extra):
        return lambda: api_a.create_route(ApiId=api_id, RouteKey=key, Target=f"integrations/{integration}", **extra)

    ask("A: a route behind the authorizer", "allowed",
        answer(route("GET /q-jwt", AuthorizationType="JWT", AuthorizerId=authorizer)))
    ask("A: a route without authorization",
        denied("AccessDeniedException", 403, not_authorized(
            who, "apigateway:POST", f"arn:aws:apigateway:{REGION}::/apis/{api_id}/routes",
            identity_silent("apigateway:POST"))),
        answer(route("GET /q-open", AuthorizationType="NONE")))

    role = {"Type": "AWS::IAM::Role", "Properties": {
        "RoleName": "q-app-stack", "AssumeRolePolicyDocument": json.loads(LAMBDA_TRUST)}}
    status, reason = stack(cfn_a, "q-unbounded", role)
    expected = not_authorized(who, "iam:CreateRole", role_arn("q-app-stack"), identity_silent("iam:CreateRole"))
    ask("A: an unbounded role through CloudFormation", ["ROLLBACK_COMPLETE", True], [status, expected in reason])
    role["Properties"]["PermissionsBoundary"] = BOUNDARY
    ask("A: a bounded role through CloudFormation", "CREATE_COMPLETE", stack(cfn_a, "q-bounded", role)[0])


def ask_about_deployer_b():
    keys = assume("q-deployer-b", SETTING["github"]["b"])
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/q-deployer-b/qq"
    lambda_b = client("lambda", keys)
    ask("B: its own code", "allowed",
        answer(lambda: lambda_b.update_function_code(FunctionName="q-service-b", ZipFile=package(HANDLER))))
    ask("B: its function's configuration",
        denied("AccessDeniedException", 403, not_authorized(
            who, "lambda:UpdateFunctionConfiguration", function_arn("q-service-b"),
            identity_silent("lambda:UpdateFunctionConfiguration"))),
        answer(lambda: lambda_b.update_function_configuration(FunctionName="q-service-b", MemorySize=256)))
    ask("B: IAM",
        denied("AccessDenied", 403, not_authorized(
            who, "iam:CreateRole", role_arn("q-app-b"), identity_silent("iam:CreateRole"))),
        answer(lambda: client("iam", keys).create_role(RoleName="q-app-b", AssumeRolePolicyDocument=LAMBDA_TRUST)))


def ask_about_trust():
    github = SETTING["github"]
    plain = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
    ask("OIDC: the right repository and branch", "allowed", answer(lambda: assume("q-deployer-a", github["a"])))
    ask("OIDC: another repository", denied("AccessDenied", 403, plain),
        answer(lambda: assume("q-deployer-a", github["b"])))
    ask("OIDC: another branch", denied("AccessDenied", 403, plain),
        answer(lambda: assume("q-deployer-a", github["a branch"])))
    ask("OIDC: another audience", denied("InvalidIdentityToken", 400, "Incorrect token audience"),
        answer(lambda: assume("q-deployer-a", github["a audience"])))
    ask("OIDC: CreateRole refuses GitHub trust that is scoped to all",
        denied("MalformedPolicyDocument", 400,
               f"Trust policy with trusted principal arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB} must evaluate, "
               f"using StringEquals, StringLike or StringEqualsIgnoreCase, {GITHUB}:sub or "
               f"{GITHUB}:job_workflow_ref which is not scoped to all."),
        answer(lambda: iam.create_role(RoleName="q-all", AssumeRolePolicyDocument=github_trust("*"))))


def ask_about_signatures():
    ask("signature: a wrong secret", {"code": "SignatureDoesNotMatch", "status": 403},
        answer(lambda: client("sts", {**ROOT, "SecretAccessKey": "wrong"}).get_caller_identity()))
    ask("signature: an unknown key",
        denied("InvalidClientTokenId", 403, "The security token included in the request is invalid."),
        answer(lambda: client("sts", {"AccessKeyId": "AKIAUNKNOWN", "SecretAccessKey": "x"}).get_caller_identity()))
    ask("signature: the right one", "allowed", answer(lambda: client("sts").get_caller_identity()))
    expected = [403, "SignatureDoesNotMatch"]
    ask("signature: a clock 20 minutes slow", expected, signed_by_a_clock_off_by(-20))
    ask("signature: a clock 2 minutes slow", [200, None], signed_by_a_clock_off_by(-2))


def ask_about_regions():
    """A resource's tags are those of the region that is called."""
    elsewhere = "eu-west-1" if REGION != "eu-west-1" else "us-east-1"
    name = "/q/namesake"
    ssm.put_parameter(Name=name, Value="x", Type="String", Tags=[{"Key": "team", "Value": "b"}])
    client("ssm", region=elsewhere).put_parameter(
        Name=name, Value="x", Type="String", Tags=[{"Key": "team", "Value": "a"}])
    iam.create_user(UserName="q-tagged")
    iam.put_user_policy(
        UserName="q-tagged", PolicyName="own",
        PolicyDocument=policy(allow("ssm:GetParameter", StringEquals={"aws:ResourceTag/team": "a"})))
    key = iam.create_access_key(UserName="q-tagged")["AccessKey"]
    ask("regions: the namesake with the tag", "allowed",
        answer(lambda: client("ssm", key, elsewhere).get_parameter(Name=name)))
    ask("regions: the one without it",
        denied("AccessDeniedException", 400,
               not_authorized(f"arn:aws:iam::{ACCOUNT}:user/q-tagged", "ssm:GetParameter",
                              f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{name}",
                              identity_silent("ssm:GetParameter"))),
        answer(lambda: client("ssm", key).get_parameter(Name=name)))


def signed_by_a_clock_off_by(minutes):
    """The status and error code of a call that botocore signed at another time."""
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    body = "Action=GetCallerIdentity&Version=2011-06-15"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    request = AWSRequest("POST", SETTING["endpoint"], data=body, headers=headers)
    with mock.patch("botocore.auth.get_current_datetime", lambda *_, **__: now.replace(tzinfo=None)):
        botocore.auth.SigV4Auth(Credentials(ROOT["AccessKeyId"], ROOT["SecretAccessKey"]), "sts", REGION).add_auth(request)
    prepared = request.prepare()
    sent = urllib.request.Request(prepared.url, body.encode(), dict(prepared.headers), method="POST")
    try:
        with urllib.request.urlopen(sent, timeout=35) as response:
            return [response.status, None]
    except urllib.error.HTTPError as error:
        code = re.search(r"<Code>(.*?)</Code>", error.read().decode())
        return [error.code, code and code.group(1)]


def main():
    api_id, authorizer, integration = set_up()
    ask_about_tokens(api_id)
    ask_about_boundaries()
    ask_about_deployer_a(api_id, authorizer, integration)
    ask_about_deployer_b()
    ask_about_trust()
    ask_about_signatures()
    ask_about_regions()


main()
