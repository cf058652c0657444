"""Makes the calls that its event names, and answers with what AWS said."""

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError


clients = {}


def client(service, region):
    if (service, region) not in clients:
        clients[service, region] = boto3.client(
            service,
            region_name=region,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )
    return clients[service, region]


def said(metadata):
    return {"request_id": metadata.get("RequestId"), "status": metadata.get("HTTPStatusCode")}


def made(call):
    try:
        try:
            return sent(call)
        except ConnectionClosedError:
            # One that waited may be closed while a request is on its way: another one carries it.
            return sent(call)
    except BotoCoreError as error:
        # Nobody answered: that is no refusal.
        return {"allowed": False, "code": type(error).__name__, "message": str(error)}


def sent(call):
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


def handler(event, context):
    try:
        return [made(call) for call in event["calls"]]
    finally:
        # Whoever waits for its next call keeps no connection open.
        for used in clients.values():
            used.close()
