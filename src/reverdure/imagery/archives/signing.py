"""Planetary Computer opens its files to everybody who asks for a token first."""

import os
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

from reverdure.core.errors import ArchiveAnswer, UnknownOption
from reverdure.imagery.archives.addresses import archive_table
from reverdure.imagery.archives.web import Client

SERVICES = ("planetary-computer",)
"""What `--sign` knows."""

_EARLY = timedelta(minutes=5)


@dataclass
class Signer:
    """Adds a token to the addresses of one storage service, and asks for a new one in time.

    Tokens are kept in memory only.

    Attributes
    ----------
    tokens : str
        Address that gives tokens: TOKENS/ACCOUNT/CONTAINER.
    storage : str
        Ending of the hosts that take them.
    """

    tokens: str
    storage: str
    _client: Client = field(init=False, repr=False)
    _kept: dict[tuple[str, str], tuple[str, datetime]] = field(
        default_factory=dict, init=False, repr=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        self._client = Client(self.tokens)

    @classmethod
    def of(cls, service: str) -> "Signer":
        """Signer of a service by name.

        Raises
        ------
        UnknownOption
            If it is not known.
        """
        if service not in SERVICES:
            raise UnknownOption(f"--sign {service!r} is not known; use {', '.join(SERVICES)}.")
        row = archive_table()[service]
        return cls(os.environ.get("PC_SDK_SAS_URL") or row["tokens"], row["storage"])

    def sign(self, url: str) -> str:
        """The address with a token, where it is one of the service's."""
        place = self._place(url)
        if place is None:
            return url
        with self._lock:
            token, ends = self._kept.get(place, ("", datetime.fromtimestamp(0, UTC)))
            if ends - _EARLY < datetime.now(UTC):
                token, ends = self._fresh(place)
                self._kept[place] = (token, ends)
        parts = urlsplit(url)
        return urlunsplit(parts._replace(query=token))

    def renew(self, opened: str) -> bool:
        """Forget the token of a signed address that was refused; whether it was one of ours."""
        place = self._place(opened)
        if place is None:
            return False
        with self._lock:
            # another thread may have a new one by now
            if self._kept.get(place, ("",))[0] == urlsplit(opened).query:
                del self._kept[place]
        return True

    def close(self) -> None:
        """End all waiting."""
        self._client.close()

    def _place(self, url: str) -> tuple[str, str] | None:
        parts = urlsplit(url)
        host, container = parts.hostname or "", parts.path.strip("/").partition("/")[0]
        if not host.endswith(self.storage) or not container:
            return None
        return host.partition(".")[0], container

    def _fresh(self, place: tuple[str, str]) -> tuple[str, datetime]:
        answer = self._client.json(f"{self.tokens.rstrip('/')}/{place[0]}/{place[1]}")
        try:
            ends = datetime.fromisoformat(str(answer["msft:expiry"]))
            token = str(answer["token"])
        except (KeyError, TypeError, ValueError) as error:
            raise ArchiveAnswer("the service for tokens answers without a token.") from error
        # a token that is stated to have ended is tried once; the archive has the last word
        soonest = datetime.now(UTC) + 2 * _EARLY
        return token, max(ends if ends.tzinfo else ends.replace(tzinfo=UTC), soonest)
