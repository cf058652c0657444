"""Prints the credentials and the region that AWS's own chain finds, as JSON."""
import json
import sys

import botocore.exceptions
import botocore.session

try:
    session = botocore.session.Session(profile=sys.argv[1] if len(sys.argv) > 1 else None)
    found = session.get_credentials()
    if found is None:
        sys.exit("neither the environment nor a profile has any")
    found = found.get_frozen_credentials()
    print(json.dumps({
        "AccessKeyId": found.access_key,
        "SecretAccessKey": found.secret_key,
        "SessionToken": found.token,
        "Region": session.get_config_variable("region"),
    }))
except botocore.exceptions.BotoCoreError as error:
    sys.exit(str(error))
