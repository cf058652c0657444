"""Orders: tells a caller who it is."""

import json


def handler(event, context):
    """Answers with the caller's subject."""
    claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"service": context.function_name, "subject": claims.get("sub")}),
    }
