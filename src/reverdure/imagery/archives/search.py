"""Items of an archive: by the search of a STAC API, or by walking a static catalogue.

Servers leave filters out without a word, repeat pages, and end where they should not; so
what comes is bounded, and filtered again by whoever asked.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any
from urllib.parse import urlencode, urljoin

from reverdure.core.errors import ArchiveAnswer, NotFound
from reverdure.core.provenance import digest
from reverdure.imagery.archives.addresses import shown
from reverdure.imagery.archives.web import Client

PAGE = 100
_MOST_PAGES = 20_000
_MOST_DOCUMENTS = 300_000
_AT_ONCE = 8
_PAGES_ANSWER = ("FeatureCollection",)
_NAMES_SHOWN = 12

Bounds = tuple[float, float, float, float]
Sent = tuple[Any, str]
"""An item as received, and the address its hrefs are relative to."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for.

    Attributes
    ----------
    collections : tuple of str
    bounds : (west, south, east, north)
        [degrees]
    spans : tuple of (first day, last day)
    """

    collections: tuple[str, ...]
    bounds: Bounds
    spans: tuple[tuple[date, date], ...]


def find_items(client: Client, url: str, question: Question) -> Iterator[Sent]:
    """Whatever an archive answers to a question; it may be more than was asked for.

    Parameters
    ----------
    client : Client
    url : str
        Landing page of an API, a catalogue, a collection, a list of items or one item.
    question : Question

    Raises
    ------
    ArchiveAnswer
        If it is no STAC, or its pages go round in a circle.
    NotFound
        If it has no such collection.
    ArchiveUnavailable, UnsafeAddress
        If it cannot be asked.
    """
    start = client.json(url)
    kind = start.get("type") if isinstance(start, Mapping) else None
    if kind == "Feature":
        yield start, _own_address(start, url)
    elif kind in _PAGES_ANSWER:
        yield from _pages(client, start, url)
    elif isinstance(start, Mapping) and (search := _search_address(start, url)):
        _check_collections(client, start, url, question.collections)
        for span in question.spans:
            yield from _searched(client, search, question, span)
    elif isinstance(start, Mapping) and "links" in start and ("stac_version" in start or kind):
        yield from _walk(client, start, url, question.collections)
    else:
        raise ArchiveAnswer(
            f"{shown(url)} is not STAC: no catalogue, collection, item or API.",
            "Give the landing page of the API, or the catalog.json.",
        )


def _links(document: Mapping[str, Any], *relations: str) -> list[Mapping[str, Any]]:
    links = document.get("links")
    return [
        link
        for link in (links if isinstance(links, list) else [])
        if isinstance(link, Mapping) and link.get("rel") in relations and link.get("href")
    ]


def _search_address(landing: Mapping[str, Any], url: str) -> str | None:
    links = _links(landing, "search")
    if links:
        return urljoin(url, str(links[0]["href"]))
    conforms = landing.get("conformsTo")
    is_api = isinstance(conforms, list) and any("item-search" in str(one) for one in conforms)
    return f"{url.rstrip('/')}/search" if is_api else None


def _check_collections(
    client: Client, landing: Mapping[str, Any], url: str, wanted: Sequence[str]
) -> None:
    """Name the collections there are, where one is not among them."""
    links = _links(landing, "data")
    if not links:
        return
    names: set[str] = set()
    address: str | None = urljoin(url, str(links[0]["href"]))
    for _ in range(50):
        if address is None:
            break
        try:
            answer = client.json(address)
        except ArchiveAnswer:
            return
        listed = answer.get("collections") if isinstance(answer, Mapping) else None
        if not isinstance(listed, list):
            return
        names |= {str(one.get("id")) for one in listed if isinstance(one, Mapping)}
        following = _links(answer, "next")
        address = urljoin(address, str(following[0]["href"])) if following and listed else None
    missing = [name for name in wanted if name not in names]
    if missing and names:
        listing = ", ".join(islice(sorted(names), _NAMES_SHOWN))
        more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
        raise NotFound(
            f"{shown(url)} has no collection {', '.join(missing)}.", f"It has {listing}{more}."
        )


def _searched(
    client: Client, search: str, question: Question, span: tuple[date, date]
) -> Iterator[Sent]:
    bounds = [round(edge, 6) for edge in question.bounds]
    when = f"{span[0].isoformat()}T00:00:00Z/{span[1].isoformat()}T23:59:59Z"
    body = {
        "collections": list(question.collections), "bbox": bounds, "datetime": when, "limit": PAGE,
    }  # fmt: skip
    try:
        first = client.json(search, body)
    except ArchiveAnswer as error:
        if not any(f"answers {status}" in error.message for status in (404, 405, 501)):
            raise
        asked = {
            "collections": ",".join(question.collections),
            "bbox": ",".join(map(str, bounds)),
            "datetime": when,
            "limit": PAGE,
        }
        search = f"{search}{'&' if '?' in search else '?'}{urlencode(asked)}"
        first, body = client.json(search), {}
    yield from _pages(client, first, search, body)


def _pages(
    client: Client, page: Any, url: str, body: Mapping[str, Any] | None = None
) -> Iterator[Sent]:
    """Items of a page and of all that follow it."""
    asked = {digest([url, dict(body or {})])}
    seen: set[str] = set()
    sent = 0
    for _ in range(_MOST_PAGES):
        features = page.get("features") if isinstance(page, Mapping) else None
        if not isinstance(features, list):
            raise ArchiveAnswer(f"{shown(url)} answers a search without a list of items.")
        fresh = [one for one in features if _name(one) not in seen]
        seen.update(_name(one) for one in features)
        sent += len(fresh)
        for feature in fresh:
            yield feature, _own_address(feature, url)
        following = _next(page, url, body)
        if following is None or not features:
            return
        url, body = following
        request = digest([url, dict(body or {})])
        if request in asked or not fresh:
            if sent >= _matched(page):
                return
            raise ArchiveAnswer(
                f"{shown(url)}: its pages go round in a circle after {sent} items.",
                "What lies beyond cannot be known; ask for fewer years at a time.",
            )
        asked.add(request)
        page = client.json(url, body or None)
    raise ArchiveAnswer(f"{shown(url)} has more than {_MOST_PAGES} pages.")


def _name(feature: Any) -> str:
    return digest([feature.get("collection"), feature.get("id")]) if isinstance(
        feature, Mapping
    ) else digest(str(feature))  # fmt: skip


def _matched(page: Mapping[str, Any]) -> float:
    """How many items there are in all, as stated; endless where nothing is."""
    context = page.get("context")
    stated = page.get("numberMatched")
    if stated is None and isinstance(context, Mapping):
        stated = context.get("matched")
    return float(stated) if isinstance(stated, int) else float("inf")


def _next(
    page: Mapping[str, Any], url: str, body: Mapping[str, Any] | None
) -> tuple[str, Mapping[str, Any] | None] | None:
    """Address and body of the next page."""
    links = _links(page, "next")
    if not links:
        return None
    link = links[0]
    address = urljoin(url, str(link["href"]))
    if str(link.get("method", "GET")).upper() != "POST":
        return address, None
    stated = link.get("body")
    stated = dict(stated) if isinstance(stated, Mapping) else {}
    return address, ({**(body or {}), **stated} if link.get("merge") or not stated else stated)


def _own_address(item: Any, url: str) -> str:
    """Address an item's relative hrefs are meant against."""
    own = _links(item, "self") if isinstance(item, Mapping) else []
    return urljoin(url, str(own[0]["href"])) if own else url


def _walk(
    client: Client, start: Mapping[str, Any], url: str, wanted: Sequence[str]
) -> Iterator[Sent]:
    """Items of a static catalogue; collections of other names are not entered."""
    seen = {url}
    documents: list[tuple[str, Any]] = [(url, start)]
    collections: set[str] = set()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while documents:
            following: list[str] = []
            for address, document in documents:
                if not isinstance(document, Mapping):
                    continue
                if document.get("type") == "Feature":
                    # what a static item calls itself may be where it was made
                    yield document, address
                    continue
                if document.get("type") in _PAGES_ANSWER:
                    yield from _pages(client, document, address)
                    continue
                if document.get("type") == "Collection":
                    collections.add(str(document.get("id")))
                    if wanted and document.get("id") not in wanted:
                        continue
                following += _unseen(document, address, seen)
            if len(seen) > _MOST_DOCUMENTS:
                raise ArchiveAnswer(f"{shown(url)} has more than {_MOST_DOCUMENTS} documents.")
            documents = list(zip(following, pool.map(client.json, following), strict=True))
    if wanted and collections and not collections & set(wanted):
        raise NotFound(
            f"{shown(url)} has no collection {', '.join(wanted)}.",
            f"It has {', '.join(islice(sorted(collections), _NAMES_SHOWN))}.",
        )


def _unseen(document: Mapping[str, Any], address: str, seen: set[str]) -> Iterable[str]:
    found = []
    for link in _links(document, "child", "item", "items"):
        target = urljoin(address, str(link["href"])).partition("#")[0]
        if target not in seen:
            seen.add(target)
            found.append(target)
    return found
