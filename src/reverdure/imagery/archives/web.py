"""Asking an archive: bounded answers, checked addresses, patience with faults.

The standard library's client is used, since every redirect, address, size and wait has to
be decided here: see `docs/decisions/0007-own-archive-client.md`.
"""

import contextlib
import http.client
import json
import re
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from urllib.parse import SplitResult, urljoin

from reverdure.core.errors import ArchiveAnswer, ArchiveUnavailable, UnsafeAddress
from reverdure.imagery.archives.addresses import checked, is_public, shown, target

MOST_JSON = 64 * 2**20
"""Bytes of the largest answer to a question."""

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_MOVED = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_LONGEST_PAUSE_S = 60.0
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_HTML = ("text/html", "application/xhtml")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long an archive is asked.

    Attributes
    ----------
    attempts : int
        Tries in all.
    pause_s : float
        Pause after the first fault; doubled after each.
    timeout_s : float
        Longest silence.
    whole_s : float
        Longest time for one answer.
    """

    attempts: int = 7
    pause_s: float = 0.3
    timeout_s: float = 30.0
    whole_s: float = 180.0


class Signs(Protocol):
    """Adds what opens an address."""

    def sign(self, url: str) -> str:
        """The address with what opens it."""

    def renew(self, opened: str) -> bool:
        """Forget what opened an address as it was refused; whether there is more to be had."""


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of a file on the web, and what tells that it is still the same file."""

    data: bytes
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


class _Fault(Exception):
    """Something that may pass: asked again."""

    def __init__(self, reason: str, pause_s: float = 0.0) -> None:
        super().__init__(reason)
        self.pause_s = pause_s


class Stopped(Exception):
    """The client was closed while it waited."""


class Client:
    """Asks one archive; threads may share it, each has its own connections.

    Parameters
    ----------
    home : str
        Address as the person typed it. Its host may lie in a private network; no other may.
    signer : Signs, optional
    patience : Patience
    """

    def __init__(
        self, home: str, signer: Signs | None = None, patience: Patience | None = None
    ) -> None:
        self._trusted = {checked(home).hostname}
        self._signer = signer
        self._patience = patience or Patience()
        self._local = threading.local()
        self._closed = threading.Event()
        self._context = ssl.create_default_context()
        self._lock = threading.Lock()
        self._opened: set[http.client.HTTPConnection] = set()
        self.requests = 0
        self.received = 0
        self.faults = 0

    def trust(self, url: str) -> None:
        """Let the host of another address that the person gave lie in a private network."""
        self._trusted.add(checked(url).hostname)

    def close(self) -> None:
        """End all waiting and all connections; further questions raise `Stopped`."""
        self._closed.set()
        with self._lock:
            opened, self._opened = self._opened, set()
        for connection in opened:
            # a thread that reads from it sees its end at once
            if connection.sock is not None:
                with contextlib.suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)
            connection.close()

    def json(self, url: str, body: Mapping[str, Any] | None = None) -> Any:
        """A JSON document; with `body` it is posted.

        Raises
        ------
        ArchiveAnswer
            If the archive refuses, or answers with something else.
        ArchiveUnavailable
            If it does not answer.
        UnsafeAddress
            If the address, or one it leads to, may not be asked.
        """
        sent = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/geo+json, application/json"}
        if sent is not None:
            headers["Content-Type"] = "application/json"

        def accept(answer: _Answer) -> Any:
            _no_page(url, answer, "JSON")
            try:
                return json.loads(answer.body)
            except (ValueError, RecursionError) as error:
                raise ArchiveAnswer(f"{shown(url)} answers with what is not JSON.") from error

        return self._patiently(url, accept, headers=headers, body=sent, most=MOST_JSON, signer=None)

    def part(self, url: str, start: int, length: int) -> Part:
        """Bytes `start` to `start + length` of a file; fewer where it ends.

        Raises
        ------
        ArchiveAnswer
            If the archive refuses, sends a web page, or the whole file instead of a part.
        ArchiveUnavailable, UnsafeAddress
            As for `json`.
        """
        headers = {"Range": f"bytes={start}-{start + length - 1}"}

        def accept(answer: _Answer) -> Part:
            _no_page(url, answer, "an image")
            stated = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
            if answer.status != 206 or stated is None:
                raise ArchiveAnswer(
                    f"{shown(url)} does not answer for parts of a file.",
                    "Windows can only be fetched from a server that knows range requests.",
                )
            first, last, size = (int(number) for number in stated.groups())
            expected = min(length, size - start)
            if first != start or last - first + 1 != expected or len(answer.body) != expected:
                raise _Fault(f"sent {len(answer.body)} bytes of {expected}")
            return Part(answer.body, size, answer.headers.get("ETag", ""))

        return self._patiently(
            url, accept, headers=headers, body=None, most=length, signer=self._signer
        )

    def _patiently(
        self,
        url: str,
        accept: Callable[[_Answer], _T],
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        most: int,
        signer: Signs | None,
    ) -> _T:
        reason, renewed = "", False
        pause = self._patience.pause_s
        for attempt in range(self._patience.attempts):
            if attempt:
                with self._lock:
                    self.faults += 1
                self._wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
            if self._closed.is_set():
                raise Stopped
            opened = signer.sign(url) if signer else url
            try:
                answer = self._exchange(opened, headers, body, most)
                if answer.status in (401, 403) and signer and not renewed:
                    renewed = signer.renew(opened)
                    if renewed:
                        raise _Fault(f"answered {answer.status}")
                if answer.status in _AGAIN:
                    raise _Fault(f"answered {answer.status}", _stated_pause(answer))
                if answer.status >= 300:
                    raise ArchiveAnswer(f"{shown(url)} answers {answer.status}.", _hint(answer))
                return accept(answer)
            except _Fault as fault:
                reason, pause = str(fault), max(pause, fault.pause_s)
            except (OSError, http.client.HTTPException) as error:
                self._drop()
                reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise ArchiveUnavailable(
            f"{shown(url)} failed {self._patience.attempts} times, last: {reason[:120]}.",
            "What was fetched is kept; give the same command again later.",
        )

    def _wait(self, seconds: float) -> None:
        if self._closed.wait(seconds):
            raise Stopped

    def _exchange(
        self, url: str, headers: Mapping[str, str], body: bytes | None, most: int
    ) -> _Answer:
        """One question, and the redirects it leads through."""
        is_secure = False
        for _ in range(_MOST_REDIRECTS + 1):
            parts = checked(url)
            if is_secure and parts.scheme != "https":
                raise UnsafeAddress(f"a secure address redirects to {shown(url)}, which is not.")
            is_secure = parts.scheme == "https"
            answer = self._ask(parts, headers, body, most)
            if answer.status not in _MOVED:
                return answer
            url = urljoin(url, answer.headers.get("Location", ""))
            if answer.status == 303:
                body = None
        raise ArchiveAnswer(f"{shown(url)} redirects more than {_MOST_REDIRECTS} times.")

    def _ask(
        self, parts: SplitResult, headers: Mapping[str, str], body: bytes | None, most: int
    ) -> _Answer:
        deadline = time.monotonic() + self._patience.whole_s
        told = {"User-Agent": "reverdure", "Accept-Encoding": "identity", **headers}
        method = "GET" if body is None else "POST"
        place, connection, is_used = self._connection(parts)
        where = target(parts) if place[-1] is None else _whole(parts)
        try:
            try:
                connection.request(method, where, body, dict(told))
                response = connection.getresponse()
            except ConnectionError:
                if not is_used:
                    raise
                # servers end connections that were idle: no fault, but a new one is needed
                self._forget(place)
                _, connection, _ = self._connection(parts)
                connection.request(method, where, body, dict(told))
                response = connection.getresponse()
            with self._lock:
                self.requests += 1
            content = self._body(parts, response, most, deadline)
        except BaseException:
            self._forget(place)
            raise
        if response.will_close or len(content) > most:
            self._forget(place)
        else:
            response.close()  # of no effect on the connection, which stays open
        return _Answer(response.status, response.headers, content)

    def _body(
        self, parts: SplitResult, response: http.client.HTTPResponse, most: int, deadline: float
    ) -> bytes:
        """The body, read no further than just beyond the bound."""
        chunks: list[bytes] = []
        total = 0
        while total <= most and (chunk := response.read1(1 << 16)):
            chunks.append(chunk)
            total += len(chunk)
            if time.monotonic() > deadline:
                raise _Fault(f"took longer than {self._patience.whole_s:.0f} s")
            if self._closed.is_set():
                raise Stopped
        with self._lock:
            self.received += total
        if total > most and response.status < 300:
            raise ArchiveAnswer(
                f"{shown(parts.geturl())} sends more than the {most} bytes it was asked for."
            )
        if response.length and total <= most:
            raise _Fault(f"ended {response.length} bytes early")
        return b"".join(chunks)

    def _connection(self, parts: SplitResult) -> tuple[Any, http.client.HTTPConnection, bool]:
        """Key and connection to a host, and whether it was used before."""
        host, is_secure = str(parts.hostname), parts.scheme == "https"
        port = parts.port or (443 if is_secure else 80)
        proxy = self._proxy(parts.scheme, host)
        place = (is_secure, host, port, proxy)
        kept: dict[Any, http.client.HTTPConnection] = self._local.__dict__.setdefault("kept", {})
        is_used = place in kept
        if not is_used:
            kept[place] = self._new(host, port, is_secure, proxy)
            with self._lock:
                self._opened.add(kept[place])
        return place, kept[place], is_used

    def _new(
        self, host: str, port: int, is_secure: bool, proxy: str | None
    ) -> http.client.HTTPConnection:
        timeout = self._patience.timeout_s
        is_free = host in self._trusted
        if proxy is not None:
            # the proxy finds the address; names that lead inside are still refused by it here
            with contextlib.suppress(OSError):
                _addresses(host, port, is_free=is_free)
            to = checked(proxy if "://" in proxy else f"http://{proxy}")
            if is_secure:
                tunnel = http.client.HTTPSConnection(
                    str(to.hostname), to.port or 80, timeout=timeout, context=self._context
                )
                tunnel.set_tunnel(host, port)
                return tunnel
            return http.client.HTTPConnection(str(to.hostname), to.port or 80, timeout=timeout)
        if is_secure:
            return _Secure(host, port, timeout=timeout, context=self._context, is_free=is_free)
        return _Plain(host, port, timeout=timeout, is_free=is_free)

    def _proxy(self, scheme: str, host: str) -> str | None:
        if host in self._trusted and not _has_public_name(host):
            return None
        if urllib.request.proxy_bypass(host):
            return None
        return urllib.request.getproxies().get(scheme)

    def _forget(self, place: Any) -> None:
        connection = self._local.__dict__.get("kept", {}).pop(place, None)
        if connection is not None:
            with self._lock:
                self._opened.discard(connection)
            connection.close()

    def _drop(self) -> None:
        for place in list(self._local.__dict__.get("kept", {})):
            self._forget(place)


def _addresses(host: str, port: int, *, is_free: bool) -> Iterable[tuple[Any, ...]]:
    """Addresses of a host, all of them checked."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, address in found:
        if not is_free and not is_public(str(address[0])):
            raise UnsafeAddress(
                f"{host} is {address[0]}, an address of a private network;"
                " only the host that was typed may be one.",
                "If it is your own archive, give its address itself.",
            )
    return found


def _connect(host: str, port: int, timeout: float, *, is_free: bool) -> socket.socket:
    """Connect to an address that was checked, not to a name that may lead elsewhere by now."""
    last: OSError = ConnectionError(f"{host} has no address")
    for family, kind, protocol, _, address in _addresses(host, port, is_free=is_free):
        connected = socket.socket(family, kind, protocol)
        connected.settimeout(timeout)
        try:
            connected.connect(address)
        except OSError as error:
            connected.close()
            last = error
            continue
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected
    raise last


class _Plain(http.client.HTTPConnection):
    def __init__(self, host: str, port: int, *, timeout: float, is_free: bool) -> None:
        super().__init__(host, port, timeout=timeout)
        self._limits = (timeout, is_free)

    def connect(self) -> None:
        timeout, is_free = self._limits
        self.sock = _connect(self.host, self.port, timeout, is_free=is_free)


class _Secure(http.client.HTTPSConnection):
    def __init__(
        self, host: str, port: int, *, timeout: float, context: ssl.SSLContext, is_free: bool
    ) -> None:
        super().__init__(host, port, timeout=timeout, context=context)
        self._limits = (timeout, is_free, context)

    def connect(self) -> None:
        timeout, is_free, context = self._limits
        plain = _connect(self.host, self.port, timeout, is_free=is_free)
        self.sock = context.wrap_socket(plain, server_hostname=self.host)


def _has_public_name(host: str) -> bool:
    try:
        return is_public(host)
    except ValueError:
        return host != "localhost"


def _whole(parts: SplitResult) -> str:
    """What a proxy is asked for: the whole address where it does not tunnel."""
    return target(parts) if parts.scheme == "https" else f"http://{parts.netloc}{target(parts)}"


def _no_page(url: str, answer: _Answer, expected: str) -> None:
    kind = answer.headers.get("Content-Type", "").lower()
    begins = answer.body[:64].lstrip().lower()
    if kind.startswith(_HTML) or begins.startswith((b"<!doctype html", b"<html")):
        raise ArchiveAnswer(
            f"{shown(url)} answers with a web page (HTML) instead of {expected}.",
            "The address may be a page for people, or the archive wants people to sign in.",
        )


def _stated_pause(answer: _Answer) -> float:
    text = answer.headers.get("Retry-After", "").strip()
    return min(float(text), _LONGEST_PAUSE_S) if text.isdigit() else 0.0


def _hint(answer: _Answer) -> str:
    if answer.status in (401, 403):
        return "It wants a signature: for Planetary Computer add --sign planetary-computer."
    return "Check the address." if answer.status == 404 else ""
