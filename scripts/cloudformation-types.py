# /// script
# requires-python = ">=3.11"
# dependencies = ["cfn-lint==1.58.0"]
# ///
"""Writes `harness/services/data/cloudformation-types.json`: which resource types
CloudFormation has, what identifies each, and the properties and attributes of
those that the harness deploys. The facts are those of AWS's published schemas, as
`cfn-lint` (MIT-0) carries them.

    uv run scripts/cloudformation-types.py
"""

import json
import re
from importlib.metadata import version
from pathlib import Path

import cfnlint.data.schemas
import cfnlint.data.schemas.providers as providers

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "harness/services/data/cloudformation-types.json"
SUPPORTED = ROOT / "harness/services/src/cloudformation/resources/mod.rs"
SCHEMAS = Path(cfnlint.data.schemas.__path__[0]) / "resources"


def schemas():
    """The schema of each type, of any region that has it."""
    found = {}
    for file in sorted(Path(providers.__path__[0]).glob("*.json")):
        for name, digest in json.loads(file.read_text()).items():
            # us-east-1's counts: it is the newest.
            if name not in found or file.stem == "us-east-1":
                found[name] = digest
    return {
        name: json.loads((SCHEMAS / f"{digest}.json").read_text())
        for name, digest in sorted(found.items())
        # SAM's types are there under its transform alone.
        if name.startswith("AWS::") and not name.startswith("AWS::Serverless::")
    }


def tree(schema, node, seen=()):
    """The members that a value may have; `null` where they are free."""
    if not isinstance(node, dict):
        return None
    if "$ref" in node:
        target = node["$ref"]
        if target in seen:
            return None
        found = schema
        for part in target.removeprefix("#/").split("/"):
            found = found[part]
        return tree(schema, found, (*seen, target))
    if "items" in node:
        return tree(schema, node["items"], seen)
    members = {}
    found = False
    for part in [node, *node.get("oneOf", []), *node.get("anyOf", []), *node.get("allOf", [])]:
        if isinstance(part, dict) and isinstance(part.get("properties"), dict):
            found = True
            for name, value in part["properties"].items():
                inner = tree(schema, value, seen)
                members[name] = inner if name not in members else members[name] or inner
    return members if found and members else None


def pointer(path):
    return path.removeprefix("/properties/").replace("/", ".")


def main():
    every = schemas()
    supported = re.findall(r'^\s*"(AWS::[A-Za-z0-9:]+)" => &', SUPPORTED.read_text(), re.MULTILINE)
    types = {
        name: [pointer(path) for path in schema.get("primaryIdentifier", [])]
        for name, schema in every.items()
    }
    details = {
        name: {
            "attributes": sorted(pointer(path) for path in every[name].get("readOnlyProperties", [])),
            "properties": {
                key: tree(every[name], value)
                for key, value in sorted(every[name]["properties"].items())
                if f"/properties/{key}" not in every[name].get("readOnlyProperties", [])
            },
        }
        for name in sorted(supported)
    }
    out = {"source": f"cfn-lint {version('cfn-lint')}", "types": types, "details": details}
    # One line a type: differences can be read.
    text = "{\n" + f'"source": {json.dumps(out["source"])},\n"types": {{\n'
    text += ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in types.items())
    text += '\n},\n"details": {\n'
    text += ",\n".join(
        f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in details.items()
    )
    text += "\n}\n}\n"
    json.loads(text)
    TARGET.write_text(text)
    print(f"{TARGET.relative_to(ROOT)}: {len(types)} types, {len(details)} with details, {len(text)} bytes")


if __name__ == "__main__":
    main()
