"""Parcels: customers see and send them, carriers tell where they are."""

import hashlib
import hmac
import json
import os

# Of the carriers' token the digest alone is here.
CARRIER = "0d5c42e8c4a85e846d794f399414a3f379350227a06d00c8dd44527bb59e8323"


def answer(status, body):
    return {"statusCode": status, "body": json.dumps(body)}


def desk(event, context):
    """GET shows what is in the table, POST puts what was sent into the queue."""
    import boto3

    caller = event["requestContext"]["authorizer"]
    told = {
        "function": context.function_name,
        "subject": caller.get("claims", {}).get("sub", caller.get("principalId")),
    }
    if event["httpMethod"] == "GET":
        found = boto3.client("dynamodb").scan(TableName=os.environ["TABLE"])
        return answer(200, {**told, "parcels": found["Items"]})
    sent = boto3.client("sqs").send_message(
        QueueUrl=os.environ["QUEUE"], MessageBody=event["body"] or "{}"
    )
    return answer(200, {**told, "id": sent["MessageId"]})


def clerk(event, context):
    """Keeps what comes from the queue."""
    import boto3

    table = boto3.client("dynamodb")
    for record in event["Records"]:
        item = {"id": {"S": record["messageId"]}, "told": {"S": record["body"]}}
        table.put_item(TableName=os.environ["TABLE"], Item=item)


def carriers(event, context):
    """Lets carriers in by their token."""
    token = event["authorizationToken"].encode()
    is_known = hmac.compare_digest(hashlib.sha256(token).hexdigest(), CARRIER)
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Allow" if is_known else "Deny",
        "Resource": event["methodArn"],
    }
    return {
        "principalId": "carrier" if is_known else "stranger",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }
