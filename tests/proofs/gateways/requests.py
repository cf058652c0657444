"""REST APIs made by boto3, and what their clients are answered.

Reads from standard input one JSON object: endpoint, region, account, pool, root,
tokens. Writes one JSON object a line: {"question", "expected", "observed"}.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from common import (  # noqa: E402
    ACCOUNT, REGION, SETTING, TRUST, allow, client, document, function, invocable, method, packed,
    request, rest_api, tell,
)

TOKENS = SETTING["tokens"]
SERVE = """
def handler(event, context):
    told = (event.get("requestContext") or {}).get("authorizer") or {}
    who = told.get("principalId") or (told.get("claims") or {}).get("sub") or "anybody"
    return {"statusCode": 200, "body": who}
"""
AUTHORIZE = """
def handler(event, context):
    token = event["authorizationToken"]
    if token == "unknown":
        raise Exception("Unauthorized")
    statement = {"Effect": "Allow" if token == "allow" else "Deny",
        "Action": "execute-api:Invoke", "Resource": event["methodArn"]}
    if token == "other":
        statement.update({"Effect": "Allow", "Resource": event["methodArn"] + "/other"})
    return {"principalId": "somebody", "policyDocument": {
        "Version": "2012-10-17", "Statement": [statement]}}
"""

iam, gateway = client("iam"), client("apigateway")
role = iam.create_role(RoleName="gateways", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
serving = function("serve", "python3.12", "index.handler", packed("index.py", SERVE), role)
authorizing = function(
    "authorize", "python3.12", "index.handler", packed("index.py", AUTHORIZE), role
)

api, root = rest_api("requests")
below = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}"
invocable("serve", f"{below}/*/*/*")
by_function = gateway.create_authorizer(
    restApiId=api, name="function", type="TOKEN",
    authorizerUri=f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{authorizing}/invocations",
    identitySource="method.request.header.Authorization", authorizerResultTtlInSeconds=0,
)["id"]
invocable("authorize", f"{below}/authorizers/{by_function}")
by_pool = gateway.create_authorizer(
    restApiId=api, name="pool", type="COGNITO_USER_POOLS",
    providerARNs=[f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{SETTING['pool']}"],
    identitySource="method.request.header.Authorization",
)["id"]
method(api, root, "function", serving, authorizationType="CUSTOM", authorizerId=by_function)
pool = {"authorizationType": "COGNITO_USER_POOLS", "authorizerId": by_pool}
method(api, root, "pool", serving, **pool)
method(api, root, "scoped", serving, **pool, authorizationScopes=["orders/read"])
method(api, root, "iam", serving, authorizationType="AWS_IAM")
method(api, root, "key", serving, apiKeyRequired=True)
gateway.create_deployment(restApiId=api, stageName="live")


def ask(question, status, body, path, headers=None, keys=None):
    tell(question, [status, body], request(api, path, headers, keys))


def bearer(name):
    return {"Authorization": TOKENS[name]}


UNAUTHORIZED = (401, {"message": "Unauthorized"})
FORBIDDEN = (403, {"message": "Forbidden"})
MISSING = (403, {"message": "Missing Authentication Token"})
REFUSED = "User is not authorized to access this resource"
path = "/live/function"
ask("function: no token", *UNAUTHORIZED, path)
ask("function: an unknown token", *UNAUTHORIZED, path, {"Authorization": "unknown"})
ask(
    "function: a denial", 403, {"Message": f"{REFUSED} with an explicit deny"}, path,
    {"Authorization": "deny"},
)
ask("function: another method's", 403, {"Message": REFUSED}, path, {"Authorization": "other"})
ask("function: allowed", 200, "somebody", path, {"Authorization": "allow"})

path = "/live/pool"
ask("pool: no token", *UNAUTHORIZED, path)
ask("pool: an access token", *UNAUTHORIZED, path, bearer("access"))
ask("pool: a forged token", *UNAUTHORIZED, path, bearer("forged"))
ask("pool: another issuer", *UNAUTHORIZED, path, bearer("other-issuer"))
ask("pool: expired", 401, {"message": "The incoming token has expired"}, path, bearer("expired"))
ask("pool: an identity token", 200, "someone", path, bearer("identity"))

path = "/live/scoped"
ask("scope: an identity token", *UNAUTHORIZED, path, bearer("identity"))
ask("scope: another scope", *UNAUTHORIZED, path, bearer("other-scope"))
ask("scope: an access token", 200, "someone", path, bearer("access"))

path = "/live/iam"
iam.create_user(UserName="caller")
caller = iam.create_access_key(UserName="caller")["AccessKey"]
ask("iam: no signature", *MISSING, path)
told = (
    f"User: arn:aws:iam::{ACCOUNT}:user/caller is not authorized to perform: execute-api:Invoke"
    f" on resource: arn:aws:execute-api:{REGION}:********{ACCOUNT[-4:]}:{api}/live/GET/iam"
)
ask("iam: no permission", 403, {"Message": told}, path, keys=caller)
iam.put_user_policy(
    UserName="caller", PolicyName="own",
    PolicyDocument=document(allow("execute-api:Invoke", f"{below}/live/GET/iam")),
)
ask("iam: allowed", 200, "anybody", path, keys=caller)

path = "/live/key"
plan = gateway.create_usage_plan(name="plan", apiStages=[{"apiId": api, "stage": "live"}])["id"]


def key(name, enabled=True, planned=True):
    made = gateway.create_api_key(name=name, enabled=enabled, value=f"{name:-<24}")
    if planned:
        gateway.create_usage_plan_key(usagePlanId=plan, keyId=made["id"], keyType="API_KEY")
    return {"x-api-key": made["value"]}


ask("key: none", *FORBIDDEN, path)
ask("key: unknown", *FORBIDDEN, path, {"x-api-key": "x" * 24})
ask("key: of no plan", *FORBIDDEN, path, key("unplanned", planned=False))
ask("key: disabled", *FORBIDDEN, path, key("disabled", enabled=False))
ask("key: of the plan", 200, "anybody", path, key("good"))

anyone = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke"}
policy = document(
    {**anyone, "Resource": "execute-api:/*"},
    {**anyone, "Effect": "Deny", "Resource": "execute-api:/live/GET/closed"},
)
api, root = rest_api("policy", policy=policy)
invocable("serve", f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/*/*/*")
method(api, root, "closed", serving)
method(api, root, "open", serving)
gateway.create_deployment(restApiId=api, stageName="live")
told = (
    "User: anonymous is not authorized to perform: execute-api:Invoke on resource: "
    f"arn:aws:execute-api:{REGION}:********{ACCOUNT[-4:]}:{api}/live/GET/closed"
    " with an explicit deny"
)
ask("policy: denied", 403, {"Message": told}, "/live/closed")
ask("policy: allowed", 200, "anybody", "/live/open")
ask("policy: no such path", *MISSING, "/live/nowhere")
