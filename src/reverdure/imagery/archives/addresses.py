"""Which addresses may be asked: http(s) only, and nothing inside the network of the reader."""

import ipaddress
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from reverdure.core.errors import InvalidInput, UnsafeAddress

_SHOWN = 160
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@cache
def archive_table() -> Mapping[str, Any]:
    """The facts of `data/archives.toml`."""
    text = files("reverdure.imagery").joinpath("data/archives.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def shown(url: str) -> str:
    """An address as told to people and kept: without user, password and query.

    Examples
    --------
    >>> shown("https://user:pw@example.org/a/b.tif?sig=secret#x")
    'https://example.org/a/b.tif'
    """
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "?"
    text = f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def is_public(address: str) -> bool:
    """Whether an IP address lies on the open internet.

    Addresses that carry another one inside (IPv4 in IPv6, NAT64, 6to4, Teredo) are judged
    by the one inside.

    Parameters
    ----------
    address : str
        IPv4 or IPv6 in digits.

    References
    ----------
    .. [1] IANA special-purpose address registries; RFC 6890.

    Examples
    --------
    >>> [is_public(a) for a in ("8.8.8.8", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1")]
    [True, False, False, False]
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inside = found.ipv4_mapped or found.sixtofour
        if inside is None and found.teredo:
            inside = found.teredo[1]
        if inside is None and found in _NAT64:
            inside = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(str(inside))
    return found.is_global and not found.is_multicast


def checked(url: str) -> SplitResult:
    """The parts of an address that may be asked, as far as its letters tell.

    Raises
    ------
    UnsafeAddress
        If it is not http or https, or carries a user name or password.
    """
    try:
        parts = urlsplit(url)
        is_odd = parts.port == 0 or not parts.hostname
    except ValueError:
        is_odd, parts = True, urlsplit("")
    if is_odd or parts.scheme not in ("http", "https"):
        raise UnsafeAddress(f"{shown(url)} is not an address of http or https.")
    if parts.username is not None or parts.password is not None:
        raise UnsafeAddress(
            f"{shown(url)} carries a user name or password, which would end in logs.",
            "Leave them out.",
        )
    return parts


def typed(url: str) -> SplitResult:
    """The address a person typed.

    Raises
    ------
    InvalidInput
        If it cannot be asked.
    """
    try:
        return checked(url.strip())
    except UnsafeAddress as error:
        raise InvalidInput(error.message, error.hint or "Write https://HOST/PATH.") from error


def target(parts: SplitResult) -> str:
    """Path and query as they go over the line, all in ASCII."""
    path = quote(parts.path or "/", safe="/%:=&~+!$,;'@()*")
    query = quote(parts.query, safe="/%:=&?~+!$,;'@()*[]{}\"")
    return f"{path}?{query}" if query else path


def web_address(href: str) -> str:
    """The http(s) form of an address: public buckets are named in `data/archives.toml`.

    Parameters
    ----------
    href : str
        http(s) stays as it is; s3://BUCKET/KEY becomes the bucket's address.

    Raises
    ------
    UnsafeAddress
        If it is of another kind, or the bucket is not known to be open.

    Examples
    --------
    >>> web_address("s3://deafrica-landsat/a/b.TIF")
    'https://deafrica-landsat.s3.af-south-1.amazonaws.com/a/b.TIF'
    """
    parts = urlsplit(href)
    if parts.scheme == "s3":
        region = archive_table()["buckets"].get(parts.netloc)
        if region is None:
            known = ", ".join(sorted(archive_table()["buckets"]))
            raise UnsafeAddress(f"s3://{parts.netloc} is not an open bucket known here ({known}).")
        return f"https://{parts.netloc}.s3.{region}.amazonaws.com{parts.path}"
    checked(href)
    return href
