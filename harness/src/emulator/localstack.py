# Run by LocalStack itself when it starts, inside its own process: "start.d"
# (https://docs.localstack.cloud/references/init-hooks/). From then on its
# gateway answers those alone that show the secret.
import hashlib
import hmac

from rolo.gateway import Gateway

EXPECTED = "@SHA256@"
HEADER = "x-ringfence-secret"
REFUSAL = "This emulator answers Ringfence's guard alone; send the request to the guard.\n"

process = Gateway.process


def sealed(gateway, request, response):
    shown = request.headers.pop(HEADER, "") if HEADER in request.headers else ""
    digest = hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()
    if hmac.compare_digest(digest, EXPECTED):
        return process(gateway, request, response)
    response.status_code = 403
    response.set_response(REFUSAL)


Gateway.process = sealed
