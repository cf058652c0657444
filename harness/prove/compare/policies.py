"""AWS's managed policies as moto of this environment has them: {name: document}."""

import json
import sys

from moto.iam.aws_managed_policies import aws_managed_policies_data

found = {}
for name, policy in json.loads(aws_managed_policies_data).items():
    document = policy["Document"]
    found[name] = json.loads(document) if isinstance(document, str) else document
json.dump(found, sys.stdout)
