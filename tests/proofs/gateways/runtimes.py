"""A function of each runtime behind an HTTP API and a REST API, at a queue, and within
its boundary.

Reads from standard input one JSON object: endpoint, region, account, root, and the file of
a `bootstrap` that is written in Rust.
Writes one JSON object a line: {"question", "expected", "observed"}.
"""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from common import (  # noqa: E402
    ACCOUNT, REGION, SETTING, TRUST, allow, client, document, function, invocable, method, packed, request,
    rest_api, tell,
)

# Each asks IAM, signed by its own session, what its event's path names, and answers
# with the status and the code. Of a queue's messages it prints the first.
PYTHON = """
import datetime, hashlib, hmac, json, os, re, urllib.error, urllib.parse, urllib.request

def ask(action):
    url = os.environ["AWS_ENDPOINT_URL"]
    host = urllib.parse.urlsplit(url).netloc
    body = "Action=%s&Version=2010-05-08" % action
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    digest = lambda text: hashlib.sha256(text.encode()).hexdigest()
    token = os.environ["AWS_SESSION_TOKEN"]
    canonical = "POST\\n/\\n\\nhost:%s\\nx-amz-date:%s\\nx-amz-security-token:%s\\n\\nhost;x-amz-date;x-amz-security-token\\n%s" % (host, now, token, digest(body))
    scope = now[:8] + "/us-east-1/iam/aws4_request"
    text = "AWS4-HMAC-SHA256\\n%s\\n%s\\n%s" % (now, scope, digest(canonical))
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers = {"X-Amz-Date": now, "X-Amz-Security-Token": token, "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=%s" % (os.environ["AWS_ACCESS_KEY_ID"], scope, signature)}
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers))
    except urllib.error.HTTPError as error:
        answer = error
    found = re.search("<Code>(.*?)</Code>", answer.read().decode())
    return "%d %s" % (answer.status, found.group(1) if found else "OK")

def handler(event, context):
    if "Records" in event:
        print("polled " + event["Records"][0]["body"])
        return {}
    action = (event.get("rawPath") or event["path"]).rsplit("/", 1)[1]
    return {"statusCode": 200, "body": "python " + ask(action)}
"""
NODE = """
const { createHash, createHmac } = require("crypto");
const sha = (text) => createHash("sha256").update(text).digest("hex");
async function ask(action) {
  const url = new URL(process.env.AWS_ENDPOINT_URL);
  const body = `Action=${action}&Version=2010-05-08`;
  const now = new Date().toISOString().replace(/[-:]|\\.\\d+/g, "");
  const token = process.env.AWS_SESSION_TOKEN;
  const canonical = `POST\\n/\\n\\nhost:${url.host}\\nx-amz-date:${now}\\nx-amz-security-token:${token}\\n\\nhost;x-amz-date;x-amz-security-token\\n${sha(body)}`;
  const scope = `${now.slice(0, 8)}/us-east-1/iam/aws4_request`;
  const text = `AWS4-HMAC-SHA256\\n${now}\\n${scope}\\n${sha(canonical)}`;
  let key = "AWS4" + process.env.AWS_SECRET_ACCESS_KEY;
  for (const part of scope.split("/")) key = createHmac("sha256", key).update(part).digest();
  const signature = createHmac("sha256", key).update(text).digest("hex");
  const answer = await fetch(url, { method: "POST", body, headers: {
    "x-amz-date": now, "x-amz-security-token": token, "content-type": "application/x-www-form-urlencoded",
    authorization: `AWS4-HMAC-SHA256 Credential=${process.env.AWS_ACCESS_KEY_ID}/${scope}, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=${signature}` } });
  const code = /<Code>(.*?)<\\/Code>/.exec(await answer.text());
  return `${answer.status} ${code ? code[1] : "OK"}`;
}
exports.handler = async (event) => {
  if (event.Records) {
    console.log("polled " + event.Records[0].body);
    return {};
  }
  const action = (event.rawPath ?? event.path).split("/").pop();
  return { statusCode: 200, body: "node " + (await ask(action)) };
};
"""
BOOTSTRAP = r"""#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while :; do
  event=$(curl -s -D /tmp/head "$api/next")
  id=$(sed -n 's/^lambda-runtime-aws-request-id: *\([^ \r]*\).*/\1/Ip' /tmp/head)
  case "$event" in
  *'"Records"'*)
    body=$(printf %s "$event" | sed 's/.*"body" *: *"\([^"]*\)".*/\1/')
    echo "polled $body"
    answer='{}'
    ;;
  *)
    action=$(printf %s "$event" | grep -o '/List[A-Z][a-z]*"' | head -1 | tr -d '/"')
    told=$(curl -s -w ' %{http_code}' --aws-sigv4 aws:amz:us-east-1:iam \
      --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
      -H "X-Amz-Security-Token: $AWS_SESSION_TOKEN" \
      -d "Action=$action&Version=2010-05-08" "$AWS_ENDPOINT_URL")
    code=$(printf %s "$told" | tr -d '\n' | sed -n 's/.*<Code>\(.*\)<\/Code>.*/\1/p')
    answer="{\"statusCode\": 200, \"body\": \"bootstrap ${told##* } ${code:-OK}\"}"
    ;;
  esac
  curl -s -o /dev/null -d "$answer" "$api/$id/response"
done
"""
with open(SETTING["rust"], "rb") as program:
    RUST = program.read()
RUNTIMES = [
    ("python", "python3.12", "index.handler", packed("index.py", PYTHON)),
    ("node", "nodejs20.x", "index.handler", packed("index.js", NODE)),
    ("bootstrap", "provided.al2023", "bootstrap", packed("bootstrap", BOOTSTRAP)),
    ("rust", "provided.al2023", "bootstrap", packed("bootstrap", RUST)),
]

iam, sqs, logs = client("iam"), client("sqs"), client("logs")
http, rest, lambda_ = client("apigatewayv2"), client("apigateway"), client("lambda")
queues = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
writes = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
boundary = iam.create_policy(
    PolicyName="boundary", PolicyDocument=document(allow([*queues, *writes, "iam:ListRoles"]))
)["Policy"]["Arn"]
role = iam.create_role(
    RoleName="runtimes", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=boundary
)["Role"]["Arn"]
iam.put_role_policy(
    RoleName="runtimes", PolicyName="own",
    PolicyDocument=document(allow([*queues, *writes, "iam:List*"])),
)


def polled(name, text):
    """Whether the function's log says so, within a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        except logs.exceptions.ResourceNotFoundException:
            events = []
        if any(text in event["message"] for event in events):
            return text
        time.sleep(0.2)
    return None


for name, runtime, handler, code in RUNTIMES:
    arn = function(name, runtime, handler, code, role)
    api = http.create_api(Name=name, ProtocolType="HTTP")["ApiId"]
    integration = http.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    http.create_route(ApiId=api, RouteKey="GET /{action}", Target=f"integrations/{integration}")
    http.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    old, root = rest_api(name)
    for action in ["ListRoles", "ListUsers"]:
        method(old, root, action, arn)
    rest.create_deployment(restApiId=old, stageName="live")
    for one in [api, old]:
        invocable(name, f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{one}/*/*/*")

    allowed, refused = f"{name} 200 OK", f"{name} 403 AccessDenied"
    tell(f"{name}: HTTP API, within", [200, allowed], request(api, "/ListRoles"))
    tell(f"{name}: HTTP API, beyond", [200, refused], request(api, "/ListUsers"))
    tell(f"{name}: REST API, within", [200, allowed], request(old, "/live/ListRoles"))
    tell(f"{name}: REST API, beyond", [200, refused], request(old, "/live/ListUsers"))

    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    lambda_.create_event_source_mapping(
        EventSourceArn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}", FunctionName=name
    )
    sqs.send_message(QueueUrl=url, MessageBody=f"message-of-{name}")
    told = f"polled message-of-{name}"
    tell(f"{name}: queue", told, polled(name, told))
