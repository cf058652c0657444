"""Deploys a stack by the calls of aws-actions/aws-cloudformation-github-deploy, in its
order: version 1 creates a new stack directly, version 2 by a change set
(https://github.com/aws-actions/aws-cloudformation-github-deploy, v1.3.0 and v2.2.0).
Left out are those that only tell more of a failure (DescribeEvents)."""

import json
import os
import re
import secrets
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import boto3
import yaml
from botocore.exceptions import BotoCoreError, ClientError

FIRST = os.environ["RINGFENCE_MAJOR"] == "1"
DELAY = 0.25  # seconds between two questions
NOTHING_CHANGED = ("No updates are to be performed", "The submitted information didn't contain changes")
SHOWN_CHANGES = 50


class Failed(Exception):
    pass


class Core(yaml.SafeLoader):
    """YAML 1.2's plain values, which the action reads: `yes` and `12:30` are texts."""

    yaml_implicit_resolvers = {}


Core.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
Core.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
Core.add_implicit_resolver("number", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))
Core.add_implicit_resolver("fraction", re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)$"), list("-+.0123456789"))
Core.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])
Core.add_constructor("number", lambda loader, node: int(loader.construct_scalar(node)))
Core.add_constructor("fraction", lambda loader, node: float(loader.construct_scalar(node)))


def given(name):
    return os.environ.get("INPUT_" + name.upper(), "").strip()


def number(text):
    found = re.match(r"\s*[+-]?\d+", text)
    return int(found.group()) if found else None


def flag(name):
    """Version 1 takes numbers alone, as JavaScript reads them."""
    text = given(name)
    if not FIRST and text in ("true", "false"):
        return text == "true"
    try:
        return float(text or "0") != 0
    except ValueError:
        return False


def tags(text):
    if not text:
        return None
    try:
        read = json.loads(text) if FIRST else yaml.load(text, Loader=Core)
    except (ValueError, yaml.YAMLError):
        return None
    if FIRST:
        return read
    if isinstance(read, dict):
        return [{"Key": plain(key), "Value": plain(value) if value is not None else ""} for key, value in read.items()]
    if isinstance(read, list):
        pairs = [item for item in read if isinstance(item, dict) and item.get("Key") and "Value" in item]
        return [{"Key": plain(item["Key"]), "Value": plain(item["Value"])} for item in pairs]
    return None


def plain(value):
    """A value as JavaScript writes it."""
    if value is None:
        return "null"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def parameters(text):
    """`KEY=VALUE,…`, or the URL of a JSON file."""
    if not text:
        return None
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text):
        url = urlsplit(text)
        if url.scheme != "file":
            raise Failed("parameter-overrides: the URL must be of scheme file")
        return json.loads(Path(url2pathname(url.path)).read_text(encoding="utf-8"))
    found = {}
    for part in re.split(r""",(?=(?:(?:[^"']*["'|]){2})*[^"']*$)""", text):
        key, _, value = part.strip().partition("=")
        value = f"{found[key]},{value}" if found.get(key) else value
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        found[key] = value
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in found.items()]


def wanted():
    name, template = given("name"), given("template")
    if not name:
        raise Failed("Input required and not supplied: name" if FIRST else "Stack name is required")
    if not template:
        raise Failed("Input required and not supplied: template" if FIRST else "Template is required for create modes")
    asked = {
        "StackName": name,
        "Capabilities": [one.strip() for one in (given("capabilities") or "CAPABILITY_IAM").split(",")],
        "RoleARN": given("role-arn"),
        "NotificationARNs": given("notification-arns").split(",") if given("notification-arns") else None,
        "Tags": tags(given("tags")),
        "Parameters": parameters(given("parameter-overrides")),
    }
    if urlsplit(template).scheme == "https":
        asked["TemplateURL"] = template
    else:
        # An absolute path stays as it is.
        file = Path(os.environ["GITHUB_WORKSPACE"]) / template
        text = file.read_text(encoding="utf-8")
        bucket, prefix = given("s3-bucket"), given("s3-prefix")
        if bucket and not FIRST:
            key = f"{prefix}/{file.name}" if prefix else file.name
            client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())
            asked["TemplateURL"] = f"https://{bucket}.s3.amazonaws.com/{key}"
        else:
            asked["TemplateBody"] = text
    return {key: value for key, value in asked.items() if value}


def client(service):
    # The variable that the action's SDK reads, which this one does not.
    region = os.environ.get("AWS_REGION")
    if not region:
        raise Failed("Region is missing")
    return boto3.client(service, region_name=region)


def output(name, value):
    word = f"ringfence_{secrets.token_hex(16)}"
    with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8") as file:
        file.write(f"{name}<<{word}\n{value}\n{word}\n")


class Deployment:
    def __init__(self):
        self.client = client("cloudformation")

    def stack(self, name):
        try:
            found = self.client.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            unknown = error.response["Error"]["Code"] == "ValidationError"
            # Version 1 takes every refusal for a stack that is not there.
            if FIRST or unknown:
                return None
            raise
        return found[0] if found else None

    def wait(self, name, good):
        while True:
            found = self.client.describe_stacks(StackName=name)["Stacks"][0]
            status = found["StackStatus"]
            if status in good:
                return found
            if status.endswith("_FAILED") or "ROLLBACK_COMPLETE" in status or status == "DELETE_COMPLETE":
                reason = found.get("StackStatusReason")
                raise Failed(f"Stack operation failed with status: {status}" + (f": {reason}" if reason else ""))
            time.sleep(DELAY)

    def create(self, asked):
        more = {
            "DisableRollback": flag("disable-rollback"),
            "EnableTerminationProtection": flag("termination-protection"),
            "TimeoutInMinutes": number(given("timeout-in-minutes")),
        }
        made = self.client.create_stack(**asked, **{key: value for key, value in more.items() if value})
        self.wait(asked["StackName"], ["CREATE_COMPLETE"])
        return made["StackId"]

    def change_set(self, asked, kind):
        """The described change set, and whether it can be executed."""
        which = {"StackName": asked["StackName"], "ChangeSetName": given("change-set-name") or f"{asked['StackName']}-CS"}
        more = {} if FIRST else {"ChangeSetType": kind, "IncludeNestedStacks": flag("include-nested-stacks-change-set")}
        self.client.create_change_set(**asked, **more, ChangeSetName=which["ChangeSetName"])
        while True:
            seen = self.client.describe_change_set(**which)
            if seen["Status"] == "CREATE_COMPLETE":
                return which, True
            if seen["Status"] == "FAILED":
                return which, False
            time.sleep(DELAY)

    def changes(self, which):
        found, more = [], {}
        while True:
            page = self.client.describe_change_set(**which, IncludePropertyValues=True, **more)
            found += page.get("Changes", [])
            if not page.get("NextToken"):
                return page, found
            more = {"NextToken": page["NextToken"]}

    def tell_changes(self, which):
        page, found = self.changes(which)
        output("change-set-id", page["ChangeSetId"])
        output("change-set-name", page["ChangeSetName"])
        output("has-changes", "true" if found else "false")
        output("changes-count", len(found))
        summary = {
            "changes": found[:SHOWN_CHANGES],
            "totalChanges": len(found),
            "truncated": len(found) > SHOWN_CHANGES,
            "executionStatus": page.get("ExecutionStatus"),
            "status": page["Status"],
            "creationTime": page.get("CreationTime"),
        }
        output("changes-summary", json.dumps(summary, indent=2, default=lambda it: it.isoformat()))
        lines = ["| Action | Resource | Type | Replacement |", "| --- | --- | --- | --- |"]
        for change in found[:SHOWN_CHANGES]:
            of = change.get("ResourceChange", {})
            cells = [of.get(key) or "-" for key in ("Action", "LogicalResourceId", "ResourceType", "Replacement")]
            lines.append("| " + " | ".join(cells) + " |")
        output("changes-markdown", "\n".join(lines))

    def empty(self, which):
        """What became of a change set that failed: nothing, or an error."""
        seen = self.client.describe_change_set(**which, **({} if FIRST else {"IncludePropertyValues": True}))
        reason = seen.get("StatusReason", "")
        if not flag("no-delete-failed-changeset"):
            self.client.delete_change_set(**which)
        bears = flag("no-fail-on-empty-changeset") if FIRST else not flag("fail-on-empty-changeset")
        if not (bears and any(known in reason for known in NOTHING_CHANGED)):
            raise Failed(f"Failed to create Change Set: {reason}")

    def by_change_set(self, asked, present):
        which, ready = self.change_set(asked, "UPDATE" if present else "CREATE")
        known = present and present["StackId"]
        if not ready:
            if not FIRST:
                self.tell_changes(which)
            self.empty(which)
            return known
        stays = flag("no-execute-changeset") or given("mode") == "create-only"
        # The second version looks at the changes in any case, and tells those that stay.
        if not FIRST:
            self.tell_changes(which) if stays else self.changes(which)
        if stays:
            return known
        return self.execute(which["StackName"], which["ChangeSetName"])

    def execute(self, name, change_set):
        self.client.execute_change_set(StackName=name, ChangeSetName=change_set)
        done = ["UPDATE_COMPLETE"] if FIRST else ["CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"]
        return self.wait(name, done)["StackId"]

    def remove(self, stack):
        self.client.delete_stack(StackName=stack["StackName"])
        # Its id finds it also when it is gone.
        self.wait(stack["StackId"], ["DELETE_COMPLETE"])

    def deploy(self, asked):
        present = self.stack(asked["StackName"])
        if not FIRST and present and present["StackStatus"] == "ROLLBACK_COMPLETE":
            self.remove(present)
            present = None
        if FIRST and not present:
            return self.create(asked)
        return self.by_change_set(asked, present)

    def tell(self, name, stack):
        output("stack-id", stack or ("UNKNOWN" if FIRST else name))
        for one in ((self.stack(stack) or {}).get("Outputs", []) if stack else []):
            output(one["OutputKey"], one["OutputValue"])


def main():
    mode = given("mode") or "create-and-execute"
    if not FIRST and mode not in ("create-and-execute", "create-only", "execute-only"):
        raise Failed(f"Invalid mode: {mode}")
    if not FIRST and given("mode") == "execute-only":
        name, change_set = given("name"), given("execute-change-set-id")
        if not change_set:
            raise Failed("Change set ID is required for execute-only mode")
        deployment = Deployment()
        stack = deployment.execute(name, change_set)
    else:
        asked = wanted()
        name, deployment = asked["StackName"], Deployment()
        stack = deployment.deploy(asked)
    deployment.tell(name, stack)


try:
    main()
except ClientError as error:
    sys.exit(f"::error::{error.response['Error']['Message']}")
except (BotoCoreError, Failed, OSError, ValueError) as error:
    sys.exit(f"::error::{error}")
