"""Requests to the server of `aez view`, for its tests."""

import http.client
from typing import NamedTuple


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Connection(http.client.HTTPConnection):
    """A connection that sends paths of any bytes."""

    def _encode_request(self, request: str) -> bytes:
        return request.encode("utf-8")


class Client:
    """Requests to a server, each on a connection of its own."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.token = token

    def __call__(
        self, path: str, method: str = "GET", body: bytes | None = None, *, raw: bool = False, **headers: str
    ) -> Answer:
        connection = Connection("127.0.0.1", self.port, timeout=30)
        connection.putrequest(method, path if raw else f"/{self.token}/{path}", skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        if body is not None and "Content_Length" not in headers:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        found = Answer(answer.status, dict(answer.getheaders()), answer.read())
        connection.close()
        return found
