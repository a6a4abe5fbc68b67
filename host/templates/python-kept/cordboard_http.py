"""Requests to the hosts that the operator granted, by `[plugins.NAME] http`. Kept by `cordboard plugin build`.

    answer = cordboard_http.fetch("https://hub.example/api")

It wants a line in wit/world.wit: `import wasi:http/outgoing-handler@0.2.12;`
"""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from componentize_py_types import Err, Ok
from wit_world.imports import outgoing_handler
from wit_world.imports import wasi_http_types as http

METHODS = {name: getattr(http, f"Method_{name.title()}") for name in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]}
SCHEMES = {"http": http.Scheme_Http, "https": http.Scheme_Https}
CHUNK = 64 << 10  # bytes that are read at once
PIECE = 4096  # bytes that are written at once


class HttpError(Exception):
    """Why nothing came back, for people. What was refused names the line that would allow it."""


@dataclass
class Answer:
    status: int
    headers: list  # of pairs; names in lower case
    body: bytes

    def text(self):
        return self.body.decode(errors="replace")

    def json(self):
        return json.loads(self.body)


def fetch(url, method="GET", headers=None, body=b""):
    """Sends it, and waits for the whole answer. A redirect is an answer like any other, and so is a status such as 404."""
    try:
        request = outgoing(url, method, headers or {})
        sending = request.body()
        with outgoing_handler.handle(request, None) as pending:
            send(sending, body)
            with pending.subscribe() as ready:
                ready.block()
            outcome = pending.get()
        # An outcome is taken once, and may itself be a failure.
        while isinstance(outcome, Ok):
            outcome = outcome.value
        if isinstance(outcome, Err):
            raise outcome
        with outcome as response:
            return received(response)
    except Err as why:
        raise HttpError(told(why.value)) from None


def outgoing(url, method, headers):
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or method not in METHODS:
        raise HttpError(f"{method} {url} is no request that can be sent")
    request = http.OutgoingRequest(http.Fields.from_list([(name, value.encode()) for name, value in headers.items()]))
    request.set_method(METHODS[method]())
    request.set_scheme(SCHEMES[parts.scheme]())
    request.set_authority(parts.netloc)
    request.set_path_with_query((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    return request


def send(sending, body):
    try:
        with sending.write() as stream:
            for at in range(0, len(body), PIECE):
                stream.blocking_write_and_flush(body[at : at + PIECE])
        http.OutgoingBody.finish(sending, None)
    except Err:
        pass  # where the host refuses a request it takes no body; its answer says why


def received(response):
    with response.headers() as fields:
        headers = [(name.lower(), value.decode(errors="replace")) for name, value in fields.entries()]
    read = bytearray()
    with response.consume() as body, body.stream() as stream:
        try:
            while True:
                read += stream.blocking_read(CHUNK)
        except Err as end:
            if type(end.value).__name__ != "StreamError_Closed":
                raise HttpError("the answer broke off") from None
    return Answer(response.status(), headers, bytes(read))


def told(code):
    """The host says what it has to say in a text; other codes come from elsewhere, and have a name alone."""
    return getattr(code, "value", None) or type(code).__name__.removeprefix("ErrorCode_")
