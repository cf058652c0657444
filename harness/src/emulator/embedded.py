"""moto's server on a free port of the loopback interface.

The first line of standard input is the secret that every request must show; an
empty one lets everybody in. Prints the port once it listens, and ends when its
standard input does, that is with the process that started it.
"""
import copy
import functools
import hmac
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote

SECRET = sys.stdin.buffer.readline().rstrip(b"\n")


def end_with_the_owner():
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=end_with_the_owner, daemon=True).start()

import requests

from moto import __version__
from moto.backends import get_backend
from moto.core.serialize import AttributePicker
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.appsync import urls as appsync_urls
from moto.appsync.exceptions import AppSyncExceptions
from moto.appsync.responses import AppSyncResponse
from moto.awslambda import utils as lambda_utils
from moto.core.responses import ActionResult, EmptyResult
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket
from werkzeug.serving import make_server

# moto denies by a bucket policy without reading its conditions, so that a
# policy which demands TLS locks everybody out. The guard in front decides.
FakeBucket.get_permission = lambda bucket, action, resource: PermissionResult.PERMITTED

# moto's handlers write into the table of transformers that all requests of a
# service share, while others go through it ("dictionary changed size during
# iteration", a 500). Each answer goes through a copy of its own.
make_picker = AttributePicker.__init__


def make_picker_of_its_own(self, alias_providers=None, response_transformers=None):
    make_picker(self, alias_providers, dict(response_transformers or {}))


AttributePicker.__init__ = make_picker_of_its_own


def with_base_paths():
    """A domain's base paths are there before its first one: moto looks into them (a 500)."""
    from moto.apigateway.models import APIGatewayBackend

    make = APIGatewayBackend.create_domain_name

    def create_domain_name(self, domain_name, *others, **named):
        made = make(self, domain_name, *others, **named)
        self.base_path_mappings.setdefault(domain_name, {})
        return made

    APIGatewayBackend.create_domain_name = create_domain_name


class Statement(dict):
    """A statement of a policy. moto asks each for its `Sid`, which it need not have."""

    def __missing__(self, key):
        if key == "Sid":
            return None
        raise KeyError(key)

    def describe(self):
        return dict(self)


def statements_of(policy):
    given = policy.get("Statement", [])
    return [Statement(one) for one in (given if isinstance(given, list) else [given])]


def with_whole_policies_of_buses():
    """A bus keeps the policy that it is given, in the place of the one before, and a
    statement by its id alone: moto adds policies to each other and drops what names the
    same principal."""
    from moto.events.models import EventBus

    def add_policy(self, policy):
        numbered = enumerate(statements_of(policy))
        self._statements = {one["Sid"] or f"\0{place}": one for place, one in numbered}

    EventBus.add_policy = add_policy
    EventBus._remove_principals_statements = lambda self, *principals: None


def with_targets_of_any_kind():
    """What is sent to a target that moto cannot reach, as a function, goes nowhere, and
    the others get it: the call that sent it failed."""
    from moto.events.models import Rule

    send_to_targets = Rule.send_to_targets

    def send_to_each(self, *others, **named):
        for target in self.targets:
            one = copy.copy(self)
            one.targets = [target]
            try:
                send_to_targets(one, *others, **named)
            except NotImplementedError:
                pass

    Rule.send_to_targets = send_to_each


def with_ids_or_without(holder):
    """`AddPermission` and `RemovePermission` find statements without a `Sid`."""
    kept = holder.policy.fset

    def keep(self, policy):
        kept(self, policy)
        if "Statement" in self._policy_json:
            self._policy_json["Statement"] = statements_of(self._policy_json)

    holder.policy = property(holder.policy.fget, keep)


def with_ids_of_topics():
    from moto.sns.models import Topic

    with_ids_or_without(Topic)


def with_ids_of_queues():
    from moto.sqs.models import Queue

    with_ids_or_without(Queue)


def with_tags_of_rest_apis():
    """moto keeps the tags that REST APIs and their parts are made with, and lacks the operations."""
    from moto.apigateway.exceptions import RestAPINotFound
    from moto.apigateway.responses import APIGatewayResponse
    from moto.apigateway.urls import url_paths

    def tagged(response):
        path = unquote(response.path).split("/tags/", 1)[1].split("::", 1)[-1].strip("/")
        backend = response.backend
        match path.split("/"):
            case ["restapis", api]:
                holder = backend.get_rest_api(api)
            case ["restapis", api, "stages", stage]:
                holder = backend.get_stage(api, stage)
            case ["apikeys", key]:
                holder = backend.get_api_key(key)
            case ["usageplans", plan]:
                holder = backend.get_usage_plan(plan)
            case ["vpclinks", link]:
                holder = backend.get_vpc_link(link)
            case ["domainnames", name]:
                holder = backend.get_domain_name(name)
            case _:
                raise RestAPINotFound()
        holder.tags = dict(holder.tags or {})
        return holder.tags

    def get_tags(response):
        return json.dumps({"tags": tagged(response)})

    def tag_resource(response):
        tagged(response).update(json.loads(response.body)["tags"])
        return 204, {}, ""

    def untag_resource(response):
        tags = tagged(response)
        for key in response.querystring.get("tagKeys", []):
            tags.pop(key, None)
        return 204, {}, ""

    for operation in (get_tags, tag_resource, untag_resource):
        setattr(APIGatewayResponse, operation.__name__, operation)
    url_paths["{0}/tags/(?P<resourceArn>arn:.+)$"] = APIGatewayResponse.dispatch


def with_tags_of_streams():
    """moto drops the tags that a stream is made with, and has no operations for tags by ARN."""
    from moto.kinesis.responses import KinesisResponse

    create_stream = KinesisResponse.create_stream

    def create_with_tags(response):
        made = create_stream(response)
        tagged(response, StreamName=response._get_param("StreamName"))
        return made

    def tagged(response, StreamName=None):
        arn = response._get_param("ResourceARN")
        backend, tags = response.kinesis_backend, response._get_param("Tags")
        if tags:
            backend.add_tags_to_stream(arn, StreamName, tags)
        return EmptyResult()

    def untag_resource(response):
        arn, keys = response._get_param("ResourceARN"), response._get_param("TagKeys")
        response.kinesis_backend.remove_tags_from_stream(arn, None, keys)
        return EmptyResult()

    def list_tags_for_resource(response):
        stream = response.kinesis_backend.describe_stream(response._get_param("ResourceARN"), None)
        return ActionResult({"Tags": [{"Key": k, "Value": v} for k, v in stream.tags.items()]})

    KinesisResponse.create_stream = create_with_tags
    KinesisResponse.tag_resource = tagged
    KinesisResponse.untag_resource = untag_resource
    KinesisResponse.list_tags_for_resource = list_tags_for_resource


def with_tags_of_user_pools():
    """moto keeps the tags that a user pool is made with, and lacks the operations."""
    from moto.cognitoidp.responses import CognitoIdpResponse

    def tagged(response):
        pool = response.backend.describe_user_pool(response._get_param("ResourceArn").split("/")[-1])
        return pool.extended_config.setdefault("UserPoolTags", {})

    def list_tags_for_resource(response):
        return json.dumps({"Tags": tagged(response)})

    def tag_resource(response):
        tagged(response).update(response._get_param("Tags"))
        return "{}"

    def untag_resource(response):
        tags = tagged(response)
        for key in response._get_param("TagKeys"):
            tags.pop(key, None)
        return "{}"

    for operation in (list_tags_for_resource, tag_resource, untag_resource):
        setattr(CognitoIdpResponse, operation.__name__, operation)


def with_tags_of_identities():
    """moto keeps the tags that an identity is made with under an ARN that no identity has."""
    from moto.sesv2.models import SESV2Backend

    create_email_identity = SESV2Backend.create_email_identity

    def create_with_tags(self, email_identity, tags, *others, **named):
        made = create_email_identity(self, email_identity, tags, *others, **named)
        arn = f"arn:aws:ses:{self.region_name}:{self.account_id}:identity/{email_identity}"
        self.core_backend.tagger.tag_resource(arn, tags or [])
        return made

    SESV2Backend.create_email_identity = create_with_tags


def with_redrive_allow_policies():
    """moto drops a queue's `RedriveAllowPolicy`, and refuses who asks for it."""
    from moto.sqs.models import Queue, SQSBackend

    NAME = "RedriveAllowPolicy"
    keep = Queue._set_attributes
    show = SQSBackend.get_queue_attributes

    def set_attributes(self, attributes, *others, **named):
        keep(self, attributes, *others, **named)
        if NAME in attributes:
            self.redrive_allowed = attributes[NAME]

    def get_queue_attributes(self, queue_name, attribute_names):
        asked = attribute_names or []
        shown = show(self, queue_name, [name for name in asked if name != NAME])
        own = getattr(self.get_queue(queue_name), "redrive_allowed", None)
        if own and (NAME in asked or "All" in asked):
            return {**shown, NAME: own}
        return shown

    Queue._set_attributes = set_attributes
    SQSBackend.get_queue_attributes = get_queue_attributes


def with_tags_of_scalable_targets():
    """moto drops the tags that a scalable target is made with, and lacks the operations."""
    from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
    from moto.core.exceptions import JsonRESTError

    register_scalable_target = ApplicationAutoScalingResponse.register_scalable_target

    def kept(response):
        return response.applicationautoscaling_backend.__dict__.setdefault("tags_by_arn", {})

    def register_with_tags(response):
        made = register_scalable_target(response)
        tags = response._get_param("Tags") or {}
        kept(response).setdefault(json.loads(made)["ScalableTargetARN"], dict(tags))
        return made

    def tagged(response):
        arn = response._get_param("ResourceARN")
        if arn not in kept(response):
            raise JsonRESTError("ResourceNotFoundException", f"The resource {arn} was not found.")
        return kept(response)[arn]

    def list_tags_for_resource(response):
        return json.dumps({"Tags": tagged(response)})

    def tag_resource(response):
        tagged(response).update(response._get_param("Tags"))
        return "{}"

    def untag_resource(response):
        for key in response._get_param("TagKeys"):
            tagged(response).pop(key, None)
        return "{}"

    ApplicationAutoScalingResponse.register_scalable_target = register_with_tags
    for operation in (list_tags_for_resource, tag_resource, untag_resource):
        setattr(ApplicationAutoScalingResponse, operation.__name__, operation)


def with_tags_of_budgets():
    """moto drops the tags that a budget is made with, and lacks the operations."""
    from moto.budgets.responses import BudgetsResponse
    from moto.core.exceptions import JsonRESTError

    create_budget = BudgetsResponse.create_budget

    def kept(response):
        return response.backend.__dict__.setdefault("tags_by_name", {})

    def create_with_tags(response):
        made = create_budget(response)
        tags = response._get_param("ResourceTags") or []
        name = response._get_param("Budget")["BudgetName"]
        kept(response)[name] = {one["Key"]: one["Value"] for one in tags}
        return made

    def tagged(response):
        arn = response._get_param("ResourceARN")
        name = arn.rsplit("budget/", 1)[-1]
        if name not in kept(response):
            raise JsonRESTError("NotFoundException", f"Unable to find the resource {arn}.")
        return kept(response)[name]

    def list_tags_for_resource(response):
        tags = tagged(response).items()
        return json.dumps({"ResourceTags": [{"Key": k, "Value": v} for k, v in tags]})

    def tag_resource(response):
        given = response._get_param("ResourceTags")
        tagged(response).update({one["Key"]: one["Value"] for one in given})
        return "{}"

    def untag_resource(response):
        for key in response._get_param("ResourceTagKeys"):
            tagged(response).pop(key, None)
        return "{}"

    BudgetsResponse.create_budget = create_with_tags
    for operation in (list_tags_for_resource, tag_resource, untag_resource):
        setattr(BudgetsResponse, operation.__name__, operation)


def with_roles_of_identity_pools():
    """moto lacks the roles that a pool's identities take."""
    from moto.cognitoidentity.responses import CognitoIdentityResponse

    def kept(response):
        pool = response._get_param("IdentityPoolId")
        response.backend.describe_identity_pool(pool)
        return response.backend.__dict__.setdefault("roles_by_pool", {}), pool

    def set_identity_pool_roles(response):
        roles, pool = kept(response)
        names = ("Roles", "RoleMappings")
        given = {name: response._get_param(name) for name in names}
        roles[pool] = {name: value for name, value in given.items() if value}
        return "{}"

    def get_identity_pool_roles(response):
        roles, pool = kept(response)
        return json.dumps({"IdentityPoolId": pool, **roles.get(pool, {})})

    CognitoIdentityResponse.set_identity_pool_roles = set_identity_pool_roles
    CognitoIdentityResponse.get_identity_pool_roles = get_identity_pool_roles


def with_work_groups_without_tags():
    """A work group without tags is there all the same."""
    from moto.athena.models import AthenaBackend

    def list_tags_for_resource(self, resource_arn):
        kinds = {"workgroup": self.work_groups, "datacatalog": self.data_catalogs}
        kind, _, name = resource_arn.split(":", 5)[-1].partition("/")
        if self.tagger.has_tags(resource_arn) or name in kinds.get(kind, ()):
            return self.tagger.list_tags_for_resource(resource_arn)
        return None

    AthenaBackend.list_tags_for_resource = list_tags_for_resource


def with_tags_of_applications():
    """moto drops the tags that an application of Beanstalk is made with, and says that no
    application is there when its tags are asked for."""
    from moto.elasticbeanstalk.models import EBBackend
    from moto.elasticbeanstalk.responses import EBResponse

    create_application = EBResponse.create_application
    find = EBBackend._find_environment_by_arn

    def create_with_tags(response):
        made = create_application(response)
        application = response.elasticbeanstalk_backend.applications[response._get_param("ApplicationName")]
        application.tags = {one["Key"]: one["Value"] for one in response._get_param("Tags", [])}
        return made

    def find_by_arn(self, arn):
        for application in self.applications.values():
            if application.arn == arn:
                return application
        return find(self, arn)

    EBResponse.create_application = create_with_tags
    EBBackend._find_environment_by_arn = find_by_arn


def with_filters_that_lead_to_functions():
    """There is no such function here: the guard keeps what leads to one, and looks whether
    CloudWatch Logs may invoke it."""
    from moto.logs.exceptions import InvalidParameterException
    from moto.logs.models import LogsBackend

    put = LogsBackend.put_subscription_filter

    def put_subscription_filter(self, log_group_name, filter_name, filter_pattern, destination_arn, role_arn):
        if destination_arn.split(":")[2:3] == ["lambda"] and log_group_name in self.groups:
            raise InvalidParameterException(
                "Could not execute the lambda function. Make sure you have given CloudWatch "
                "Logs permission to execute your function."
            )
        return put(self, log_group_name, filter_name, filter_pattern, destination_arn, role_arn)

    LogsBackend.put_subscription_filter = put_subscription_filter


def with_classes_of_groups():
    """A group has the class that it is made with."""
    from moto.logs.models import LogGroup
    from moto.logs.responses import LogsResponse

    create, describe = LogsResponse.create_log_group, LogGroup.to_describe_dict

    def create_log_group(response):
        made = create(response)
        kind = response._get_param("logGroupClass")
        if kind:
            response.logs_backend.groups[response._get_param("logGroupName")].kind = kind
        return made

    def to_describe_dict(self):
        return {**describe(self), "logGroupClass": getattr(self, "kind", "STANDARD")}

    LogsResponse.create_log_group = create_log_group
    LogGroup.to_describe_dict = to_describe_dict


def with_rotations_by_functions():
    """A rotation begins with a version that is pending; the guard invokes the function,
    which gives it a value and moves the labels. The value that is read is that of the
    version with the label AWSCURRENT, whoever moved it."""
    from moto.secretsmanager.exceptions import InvalidRequestException
    from moto.secretsmanager.models import SecretsManagerBackend

    rotate = SecretsManagerBackend.rotate_secret
    move = SecretsManagerBackend.update_secret_version_stage

    def rotate_secret(self, secret_id, client_request_token=None, rotation_lambda_arn=None, *others, **named):
        secret = self.secrets[secret_id] if self._is_valid_identifier(secret_id) else None
        function = rotation_lambda_arn or getattr(secret, "rotation_lambda_arn", None)
        if secret is None:
            return rotate(self, secret_id, client_request_token, function, *others, **named)
        if not function:
            # Recorded on AWS: LocalStack's test_first_rotate_secret_with_missing_lambda_arn.
            raise InvalidRequestException(
                "No Lambda rotation function ARN is associated with this secret."
            )
        # A rotation is over when both labels are on one version: moto has it the other
        # way round (API_RotateSecret).
        for version in secret.versions.values():
            labels = version["version_stages"]
            if "AWSCURRENT" in labels and "AWSPENDING" in labels:
                labels.remove("AWSPENDING")
        secret.set_default_version_id = lambda version_id: None
        try:
            begun = json.loads(rotate(self, secret_id, client_request_token, function, *others, **named))
        finally:
            del secret.set_default_version_id
        for version_id, version in secret.versions.items():
            if "AWSPENDING" in version["version_stages"]:
                begun["VersionId"] = version_id
        return json.dumps(begun)

    def update_secret_version_stage(self, secret_id, version_stage, remove_from_version_id, move_to_version_id):
        moved = move(self, secret_id, version_stage, remove_from_version_id, move_to_version_id)
        if version_stage == "AWSCURRENT" and move_to_version_id:
            self.secrets[secret_id].set_default_version_id(move_to_version_id)
        return moved

    SecretsManagerBackend.rotate_secret = rotate_secret
    SecretsManagerBackend.update_secret_version_stage = update_secret_version_stage


# What is mended of a backend, when somebody first calls it: it is imported then.
MENDED = {
    "apigateway": [with_base_paths, with_tags_of_rest_apis],
    "applicationautoscaling": [with_tags_of_scalable_targets],
    "athena": [with_work_groups_without_tags],
    "budgets": [with_tags_of_budgets],
    "cognitoidentity": [with_roles_of_identity_pools],
    "cognitoidp": [with_tags_of_user_pools],
    "elasticbeanstalk": [with_tags_of_applications],
    "events": [with_whole_policies_of_buses, with_targets_of_any_kind],
    "kinesis": [with_tags_of_streams],
    "logs": [with_classes_of_groups, with_filters_that_lead_to_functions],
    "secretsmanager": [with_rotations_by_functions],
    "sesv2": [with_tags_of_identities],
    "sns": [with_ids_of_topics],
    "sqs": [with_ids_of_queues, with_redrive_allow_policies],
}


def create_app(service):
    for mend in MENDED.get(service, []):
        mend()
    return create_backend_app(service)


class Unreached:
    """The functions are the guard's: what moto's services send to one goes nowhere. They
    failed with the calls that made them send."""

    def __getattr__(self, name):
        return lambda *others, **named: self


lambda_utils.get_backend = lambda account_id, region_name: Unreached()


class Parts:
    """A kind of an AppSync API's parts, which moto lacks: kept and shown, and run by nobody."""

    def __init__(self, noun, answer, path, key, arn):
        self.noun, self.answer, self.key, self.arn = noun, answer, key, arn
        for end in ("$", f"/(?P<{key[-1]}>[^/]+)$"):
            path_of = "{0}/v1/apis/(?P<apiId>[^/]+)/" + path + end
            appsync_urls.url_paths[path_of] = AppSyncResponse.dispatch
        for verb in ("create", "get", "update", "delete"):
            setattr(AppSyncResponse, f"{verb}_{noun}", self.handler(verb))

    def handler(self, verb):
        def handle(response):
            given = dict(response._get_params())
            api = response.appsync_backend.get_graphql_api(given["apiId"])
            kept = api.__dict__.setdefault(f"parts_of_{self.noun}", {})
            if verb == "create" and self.noun == "function":
                given["functionId"] = os.urandom(13).hex()
            name = tuple(given[key] for key in self.key)
            if verb == "create" and name in kept:
                refused = AppSyncExceptions("BadRequestException", f"{name[-1]} already exists.")
                refused.code = 400
                raise refused
            if verb != "create" and name not in kept:
                refused = AppSyncExceptions("NotFoundException", f"No {self.noun} found.")
                refused.code = 404
                raise refused
            if verb == "delete":
                del kept[name]
                return EmptyResult()
            if verb != "get":
                arn, where = self.arn
                kept[name] = {**given, arn: f"{api.arn}/{where.format(**given)}"}
            return ActionResult({self.answer: kept[name]})

        return handle


Parts("data_source", "dataSource", "datasources", ["name"], ("dataSourceArn", "datasources/{name}"))
Parts(
    "function",
    "functionConfiguration",
    "functions",
    ["functionId"],
    ("functionArn", "functions/{functionId}"),
)
Parts(
    "resolver",
    "resolver",
    "types/(?P<typeName>[^/]+)/resolvers",
    ["typeName", "fieldName"],
    ("resolverArn", "types/{typeName}/resolvers/{fieldName}"),
)

# Images that nobody can register as somebody else's.
if os.environ.get("RINGFENCE_IMAGES"):
    from moto.ec2.models import amis

    amis.AMIS.extend(json.loads(os.environ["RINGFENCE_IMAGES"]))


def nowhere(*_, **__):
    """What is delivered outside is taken and goes nowhere."""
    answer = requests.Response()
    answer.status_code, answer._content = 200, b""
    return answer


# What teams write would reach the world by way of the upstream, past their walls: moto
# posts to subscribers, destinations and streams whatever their addresses.
requests.post = requests.request = nowhere


OUTWARD = {
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.system",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.sendmsg",
    "socket.sendto",
    "subprocess.Popen",
}


def stay_inside(event, arguments):
    """Whatever else there is in moto opens no connection and starts no program, such as a
    job of Batch in the machine's Docker. A hook cannot be taken away again."""
    if event in OUTWARD:
        raise PermissionError(f"{event}: the upstream reaches nothing outside")


class Dispatcher(DomainDispatcherApplication):
    # moto lists its own directory for each request to say whose a host is. How many
    # are kept is bounded: a bucket's name is a host's.
    @functools.lru_cache(maxsize=4096)
    def get_backend_for_host(self, host):
        return super().get_backend_for_host(host)


class Handler(MotoRequestHandler):
    # An answer's head and body in one write.
    wbufsize = -1

    def log(self, type, message, *args):
        if type == "error":
            super().log(type, message, *args)


class Sealed:
    """Answers those alone that show the secret, and keeps it from the application."""

    HEADER = "HTTP_X_RINGFENCE_SECRET"
    REFUSAL = b"This emulator answers Ringfence's guard alone; send the request to the guard.\n"

    def __init__(self, application, secret):
        self.application, self.secret = application, secret

    def __call__(self, environ, start_response):
        shown = environ.pop(self.HEADER, "").encode("latin-1", "replace")
        if hmac.compare_digest(shown, self.secret):
            return self.application(environ, start_response)
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(self.REFUSAL)))]
        start_response("403 Forbidden", headers)
        return [self.REFUSAL]


application = Dispatcher(create_app)
served = Sealed(application, SECRET) if SECRET else application
server = make_server("127.0.0.1", 0, served, threaded=True, request_handler=Handler)
# Threads that stay, in place of one for each request. A backend may call the server
# that it is in: more than ever wait for one another.
threads = ThreadPoolExecutor(max_workers=128)
server.process_request = functools.partial(threads.submit, server.process_request_thread)
sys.addaudithook(stay_inside)
print(server.server_port, __version__, flush=True)


def warm():
    # A backend is imported at its first call, and an account's state made then;
    # do both while nobody waits.
    account, region = os.environ["RINGFENCE_ACCOUNT_ID"], os.environ["AWS_DEFAULT_REGION"]
    for service in sys.argv[1:]:
        scope = f"AWS4-HMAC-SHA256 Credential={account}/20260101/{region}/{service}/aws4_request"
        application.get_application({"HTTP_AUTHORIZATION": scope, "HTTP_HOST": "localhost", "PATH_INFO": "/"})
        backends = get_backend(service)[account]
        backends["aws" if "aws" in backends else region]


threading.Thread(target=warm, daemon=True).start()
server.serve_forever()
