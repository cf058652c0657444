"""moto's server on a free port of the loopback interface.

The first line of standard input is the secret that every request must show; an
empty one lets everybody in. Prints the port once it listens, and ends when its
standard input does, that is with the process that started it.
"""
import functools
import hmac
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

SECRET = sys.stdin.buffer.readline().rstrip(b"\n")


def end_with_the_owner():
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=end_with_the_owner, daemon=True).start()

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


def create_app(service):
    # Its backend is imported where somebody calls it.
    if service == "apigateway":
        with_base_paths()
    return create_backend_app(service)


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
print(server.server_port, __version__, flush=True)


def warm():
    # A backend is imported at its first call, and an account's state made then;
    # do both while nobody waits.
    account, region = os.environ["MOTO_ACCOUNT_ID"], os.environ["AWS_DEFAULT_REGION"]
    for service in sys.argv[1:]:
        scope = f"AWS4-HMAC-SHA256 Credential={account}/20260101/{region}/{service}/aws4_request"
        application.get_application({"HTTP_AUTHORIZATION": scope, "HTTP_HOST": "localhost", "PATH_INFO": "/"})
        backends = get_backend(service)[account]
        backends["aws" if "aws" in backends else region]


threading.Thread(target=warm, daemon=True).start()
server.serve_forever()
