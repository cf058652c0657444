"""Service A: tells a caller who it is."""

import json
import os
import platform


def handler(event, context):
    """Answers with the caller's claims, the version and the interpreter."""
    claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(
            {
                "service": context.function_name,
                "version": os.environ.get("SERVICE_VERSION", "unknown"),
                "interpreter": f"python{platform.python_version()}",
                "path": event["rawPath"],
                "caller": {"subject": claims.get("sub"), "claims": claims},
            }
        ),
    }
