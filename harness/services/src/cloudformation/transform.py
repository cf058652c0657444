"""Expands SAM templates with AWS's own translator.

One JSON object a line on standard input, `{"template", "parameters"}`; one a
line on standard output, `{"template"}` or `{"error"}`. Nothing is asked of AWS:
managed policies are named from the translator's own list.
"""

import json
import sys
import types

from botocore.exceptions import ClientError
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.plugins.application import serverless_app_plugin
from samtranslator.translator.transform import transform


class NoApplications:
    """AWS's repository of applications, which is not asked: nobody may read of it."""

    def get_application(self, ApplicationId, **_):
        message = f"Cannot access application: {ApplicationId}."
        refusal = {"Error": {"Code": "AccessDeniedException", "Message": message}}
        raise ClientError(refusal, "GetApplication")

    create_cloud_formation_template = get_application


# What the plugin makes its client with.
serverless_app_plugin.boto3 = types.SimpleNamespace(
    client=lambda *_, **__: NoApplications()
)


class NoMorePolicies:
    """Policies beyond the translator's own list are not looked up."""

    def load(self):
        return {}


def answer(request):
    try:
        return {
            "template": transform(
                request["template"], request["parameters"], NoMorePolicies()
            )
        }
    except InvalidDocumentException as error:
        causes = "".join(f"{cause.message} " for cause in error.causes)
        return {"error": f"{error.message} {causes}".rstrip()}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
