# Run by LocalStack itself when it starts, inside its own process: "start.d"
# (https://docs.localstack.cloud/references/init-hooks/). From then on its port
# answers those alone that show the secret. LocalStack's services have none; they
# call one another inside the process, through Gateway.process, where
# IN_MEMORY_CLIENT is set (localstack/aws/connect.py). What is closed is what
# comes from outside: WsgiGateway for HTTP, Gateway.accept for websockets.
#
# Nor does it deliver to addresses outside, as SNS, EventBridge and Firehose do by
# requests.post and requests.request: what teams write would reach the world past
# their walls. LocalStack fetches parts of itself by other functions.
import hashlib
import hmac

import requests
from rolo.gateway import Gateway
from rolo.gateway.wsgi import WsgiGateway
from rolo.response import Response

EXPECTED = "@SHA256@"
HEADER = "x-ringfence-secret"
REFUSAL = "This emulator answers Ringfence's guard alone; send the request to the guard.\n"

answer = WsgiGateway.__call__
accept = Gateway.accept


def is_secret(shown):
    digest = hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()
    return hmac.compare_digest(digest, EXPECTED)


def answer_the_guard(gateway, environ, start_response):
    if not is_secret(environ.pop("HTTP_X_RINGFENCE_SECRET", "")):
        return Response(REFUSAL, status=403)(environ, start_response)
    # The headers once more, as they were sent; LocalStack reads these.
    for raw in ("rolo.headers", "asgi.headers"):
        if raw in environ:
            sent = environ[raw]
            environ[raw] = [pair for pair in sent if pair[0].lower() != HEADER.encode()]
    return answer(gateway, environ, start_response)


def accept_the_guard(gateway, request):
    shown = request.headers.pop(HEADER, "") if HEADER in request.headers else ""
    if is_secret(shown):
        return accept(gateway, request)
    request.reject(Response(REFUSAL, status=403))


def nowhere(*_, **__):
    answer = requests.Response()
    answer.status_code, answer._content = 200, b""
    return answer


WsgiGateway.__call__ = answer_the_guard
Gateway.accept = accept_the_guard
requests.post = requests.request = nowhere
