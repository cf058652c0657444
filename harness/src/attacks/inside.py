"""Makes the calls that its event names, and answers with what AWS said."""

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def handler(event, context):
    answers = []
    for call in event["calls"]:
        client = boto3.client(
            call["service"],
            region_name=call["region"],
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )
        try:
            getattr(client, call["operation"])(**call["input"])
            answers.append({"allowed": True})
        except ClientError as error:
            answers.append(
                {
                    "allowed": False,
                    "code": error.response["Error"]["Code"],
                    "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
                    "message": error.response["Error"]["Message"],
                }
            )
    return answers
