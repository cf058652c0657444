"""Makes the calls that its event names, and answers with what AWS said."""

import functools

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError


@functools.cache
def client(service, region):
    return boto3.client(
        service,
        region_name=region,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def said(metadata):
    return {"request_id": metadata.get("RequestId"), "status": metadata.get("HTTPStatusCode")}


def made(call):
    try:
        operation = getattr(client(call["service"], call["region"]), call["operation"])
        return {"allowed": True, **said(operation(**call["input"])["ResponseMetadata"])}
    except ClientError as error:
        return {
            "allowed": False,
            "code": error.response["Error"]["Code"],
            "message": error.response["Error"]["Message"],
            **said(error.response["ResponseMetadata"]),
        }
    except BotoCoreError as error:
        # Not sent at all: that is no refusal.
        return {"allowed": False, "code": type(error).__name__, "message": str(error)}


def handler(event, context):
    return [made(call) for call in event["calls"]]
