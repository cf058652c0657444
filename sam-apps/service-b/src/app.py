"""Service B: tells a caller who it is."""

import json
import pathlib
import platform


def version():
    """The version that the build stamped into the package."""
    stamp = pathlib.Path(__file__).with_name("VERSION")
    return stamp.read_text().strip() if stamp.exists() else "development"


def handler(event, context):
    """Answers with the caller's claims, the version and the interpreter."""
    claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(
            {
                "service": context.function_name,
                "version": version(),
                "interpreter": f"python{platform.python_version()}",
                "path": event["rawPath"],
                "caller": {"subject": claims.get("sub"), "claims": claims},
            }
        ),
    }
