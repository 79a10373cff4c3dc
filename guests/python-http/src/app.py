"""A wasi:http/proxy in Python: / says hello, /echo streams the body back, /count counts words."""

import json
from collections import Counter

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports.streams import StreamError_Closed
from wit_world.imports.types import (
    Fields,
    IncomingRequest,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)

PIECE = 64 * 1024


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        path, _, _ = (request.path_with_query() or "/").partition("?")
        match path:
            case "/":
                respond(response_out, 200, "text/plain", [b"Hello from Python!\n"])
            case "/echo":
                respond(response_out, 200, "application/octet-stream", pieces(request))
            case "/count":
                words = b"".join(pieces(request)).decode(errors="replace").split()
                answer = json.dumps(dict(sorted(Counter(words).items()))) + "\n"
                respond(response_out, 200, "application/json", [answer.encode()])
            case "/trap":
                raise RuntimeError("raised as asked")
            case _:
                respond(response_out, 404, "text/plain", [b"nothing here; try / or /echo\n"])


def pieces(request: IncomingRequest):
    """The body of a request, as it arrives."""
    with request.consume() as body, body.stream() as stream:
        while True:
            try:
                yield stream.blocking_read(PIECE)
            except Err as error:
                if isinstance(error.value, StreamError_Closed):
                    return
                raise


def respond(response_out: ResponseOutparam, status: int, kind: str, content) -> None:
    response = OutgoingResponse(Fields.from_list([("content-type", kind.encode())]))
    response.set_status_code(status)
    body = response.body()
    ResponseOutparam.set(response_out, Ok(response))
    with body.write() as stream:
        for piece in content:
            # The stream takes at most 4096 bytes at once.
            for at in range(0, len(piece), 4096):
                stream.blocking_write_and_flush(piece[at : at + 4096])
    OutgoingBody.finish(body, None)
