"""Sends HTTP requests to the addresses that `[plugins.NAME] http` grants. `cordboard plugin build` overwrites this file.

    answer = cordboard_http.fetch("https://hub.example/api")

This module needs a line in wit/world.wit: `import wasi:http/outgoing-handler@0.2.12;`
"""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from componentize_py_types import Err, Ok
from wit_world.imports import outgoing_handler
from wit_world.imports import wasi_http_types as http

METHODS = {name: getattr(http, f"Method_{name.title()}") for name in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]}
SCHEMES = {"http": http.Scheme_Http, "https": http.Scheme_Https}
CHUNK = 64 << 10  # bytes per read
PIECE = 4096  # bytes per write


class HttpError(Exception):
    """Raised if no complete response arrives. The message states the reason and any missing configuration line."""


@dataclass
class Answer:
    status: int
    headers: list  # pairs of name and value; names in lower case
    body: bytes

    def text(self):
        return self.body.decode(errors="replace")

    def json(self):
        return json.loads(self.body)


def fetch(url, method="GET", headers=None, body=b""):
    """Sends a request and returns the complete response. Redirects aren't followed, and a status such as 404 isn't an error."""
    try:
        request = outgoing(url, method, headers or {})
        sending = request.body()
        with outgoing_handler.handle(request, None) as pending:
            send(sending, body)
            with pending.subscribe() as ready:
                ready.block()
            outcome = pending.get()
        # The result is nested: the outer result comes from the future, the inner one from the request.
        while isinstance(outcome, Ok):
            outcome = outcome.value
        if isinstance(outcome, Err):
            raise outcome
        with outcome as response:
            return received(response)
    except Err as why:
        raise HttpError(explain(why.value)) from None


def outgoing(url, method, headers):
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or method not in METHODS:
        raise HttpError(f"{method} {url} is not a request that can be sent")
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
        pass  # a rejected request accepts no body; the result contains the reason


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
                raise HttpError("the response is incomplete") from None
    return Answer(response.status(), headers, bytes(read))


def explain(code):
    """Returns an error's text, or its name if it has no text."""
    return getattr(code, "value", None) or type(code).__name__.removeprefix("ErrorCode_")
