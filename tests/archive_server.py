"""A STAC archive on loopback: API, static catalogue and files by range, with faults on order.

Served are scene folders as the simulator writes them, described in the dialect of one of
the real archives.
"""

import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import rasterio
from rasterio.warp import transform_bounds

COLLECTION = "landsat-c2-l2"
KEYS = {  # asset keys of Earth Search and Planetary Computer by file suffix, OLI
    "SR_B2": "blue", "SR_B3": "green", "SR_B4": "red", "SR_B5": "nir08", "SR_B6": "swir16",
    "SR_B7": "swir22", "ST_B10": "lwir11", "QA_PIXEL": "qa_pixel", "QA_RADSAT": "qa_radsat",
}  # fmt: skip
SLOW_S = 30.0
LATE_S = 0.5

Faults = Callable[[int, str], str | None]
"""Number of the request and its path -> name of a fault, or None."""


def every_tenth(number: int, path: str) -> str | None:
    """One answer in ten fails, each time in another way."""
    kinds = ("503", "cut", "reset", "429", "500 page")
    return kinds[(number // 10) % len(kinds)] if number % 10 == 7 else None


class Archive:
    """What the server serves, and what was asked of it."""

    def __init__(
        self,
        folder: Path,
        make: "Callable[[Path, str], list[dict[str, Any]]] | None" = None,
        page: int = 7,
    ) -> None:
        self.folder, self.make, self.page = folder, make or plain_items, page
        self.faults: Faults = lambda number, path: None
        self.ignores_filters = False
        self.loops = False
        self.token: str | None = None
        self.tokens_given = 0
        self.redirect_files_to: str | None = None
        self.asked: list[str] = []
        self.change: Callable[[dict[str, Any]], dict[str, Any]] = lambda item: item
        self.extra: dict[str, tuple[str, bytes]] = {}
        self.lock = threading.Lock()
        self.url = ""
        self._items: list[dict[str, Any]] | None = None

    @property
    def items(self) -> list[dict[str, Any]]:
        if self._items is None:
            products = sorted(path for path in self.folder.iterdir() if path.is_dir())
            self._items = [item for path in products for item in self.make(path, self.url)]
        return [self.change(json.loads(json.dumps(item))) for item in self._items]

    def count(self, word: str) -> int:
        return sum(word in path for path in self.asked)


def _files(product: Path) -> dict[str, Path]:
    pattern = re.compile(r"_((?:SR|ST)_B\d+|QA_PIXEL|QA_RADSAT)\.TIF$")
    found = {}
    for path in sorted(product.glob("*.TIF")):
        match = pattern.search(path.name)
        assert match
        found[match[1]] = path
    return found


def _place(path: Path) -> tuple[list[float], list[float], list[int], int]:
    with rasterio.open(path) as dataset:
        box = transform_bounds(dataset.crs, "EPSG:4326", *dataset.bounds, densify_pts=21)
        at = list(dataset.transform)[:6]
        return list(box), at, list(dataset.shape), dataset.crs.to_epsg()


def _polygon(box: list[float]) -> dict[str, Any]:
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def _item(
    item_id: str, collection: str, product: Path, files: Mapping[str, Path], url: str
) -> dict[str, Any]:
    box, at, shape, code = _place(next(iter(files.values())))
    day = datetime.strptime(product.name.split("_")[3], "%Y%m%d")
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": item_id,
        "collection": collection,
        "geometry": _polygon(box),
        "bbox": box,
        "links": [{"rel": "self", "href": f"{url}/collections/{collection}/items/{item_id}"}],
        "properties": {
            "datetime": f"{day:%Y-%m-%d}T02:41:12.194486Z",
            "platform": f"landsat-{int(product.name[2:4])}",
            "proj:epsg": code,
            "proj:transform": at,
            "proj:shape": shape,
        },
        "assets": {},
    }


def plain_items(product: Path, url: str) -> list[dict[str, Any]]:
    """As Planetary Computer and Earth Search: one item, keys by colour, `raster:bands`."""
    files = _files(product)
    item = _item(product.name, COLLECTION, product, files, url)
    for suffix, path in files.items():
        asset: dict[str, Any] = {"href": f"{url}/files/{product.name}/{path.name}"}
        if suffix.startswith("SR"):
            asset["raster:bands"] = [{"nodata": 0, "scale": 2.75e-05, "offset": -0.2}]
        item["assets"][KEYS.get(suffix, suffix)] = asset
    return [item]


def stac11_items(product: Path, url: str) -> list[dict[str, Any]]:
    """STAC 1.1: `proj:code`, `bands` with `raster:scale`, pixels stated on the asset."""
    item = plain_items(product, url)[0]
    properties = item["properties"]
    item["stac_version"] = "1.1.0"
    code, at, shape = (properties.pop(f"proj:{name}") for name in ("epsg", "transform", "shape"))
    properties["proj:code"] = f"EPSG:{code}"
    for asset in item["assets"].values():
        asset |= {"proj:transform": at, "proj:shape": shape}
        if "raster:bands" in asset:
            del asset["raster:bands"]
            asset["bands"] = [{"raster:scale": 2.75e-05, "raster:offset": -0.2}]
    return [item]


def usgs_items(product: Path, url: str) -> list[dict[str, Any]]:
    """As USGS: reflectance and temperature are two items; the first href wants a login."""
    files = _files(product)
    items = []
    for ending, prefixes in (("SR", ("SR_", "QA_")), ("ST", ("ST_", "QA_"))):
        item = _item(
            f"{product.name}_{ending}", f"landsat-c2l2-{ending.lower()}", product, files, url
        )
        for suffix, path in files.items():
            if suffix.startswith(prefixes):
                href = f"{url}/files/{product.name}/{path.name}"
                s3 = {"href": f"s3://usgs-landsat/collection02/{path.name}"}
                item["assets"][suffix.lower()] = {"href": href, "alternate": {"s3": s3}}
        items.append(item)
    return items


@contextmanager
def serving(archive: Archive) -> Iterator[Archive]:
    """The archive, served on a free port of loopback until the block ends."""
    handler = type("Handler", (_Handler,), {"archive": archive})
    server = _Quiet(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    archive.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=lambda: server.serve_forever(0.05), daemon=True)
    thread.start()
    try:
        yield archive
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(ThreadingHTTPServer):
    request_queue_size = 32

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that a test cuts are no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    archive: Archive

    def log_message(self, *arguments: Any) -> None:
        """Nothing is printed."""

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self._answer(json.loads(self.rfile.read(length)))

    def _answer(self, body: dict[str, Any] | None) -> None:
        with self.archive.lock:
            number = len(self.archive.asked)
            self.archive.asked.append(self.path)
        fault = self.archive.faults(number, self.path)
        try:
            if fault:
                self._fail(fault)
            else:
                self._route(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _fail(self, fault: str) -> None:
        if fault in ("429", "503", "404", "403"):
            self._send(int(fault), "text/plain", b"no", {"Retry-After": "0"})
        elif fault == "500 page":
            self._send(500, "text/html", b"<html>oh</html>")
        elif fault == "page":
            self._send(200, "text/html; charset=utf-8", b"<!DOCTYPE html><html>log in</html>")
        elif fault == "cut":
            self.send_response(206)
            self.send_header("Content-Range", "bytes 0-99/1000")
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"x" * 10)
            self.close_connection = True
        elif fault == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
        elif fault == "late":
            time.sleep(LATE_S)
            self._route(None)
        elif fault == "slow":
            time.sleep(SLOW_S)
        elif fault == "endless":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            while True:
                self.wfile.write(b" " * (1 << 20))
        elif fault.startswith("to "):
            self._send(302, "text/plain", b"", {"Location": fault[3:]})
        else:
            raise AssertionError(fault)

    def _send(
        self, status: int, kind: str, content: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _json(self, document: Any) -> None:
        self._send(200, "application/geo+json", json.dumps(document).encode())

    def _route(self, body: dict[str, Any] | None) -> None:
        parts = urlsplit(self.path)
        path, query = parts.path, {k: v[0] for k, v in parse_qs(parts.query).items()}
        archive = self.archive
        if path in archive.extra:
            self._send(200, *archive.extra[path])
        elif path == "/":
            links = [
                {"rel": "search", "href": f"{archive.url}/search", "method": "POST"},
                {"rel": "data", "href": f"{archive.url}/collections"},
            ]
            self._json({"type": "Catalog", "id": "t", "stac_version": "1.0.0", "links": links})
        elif path == "/collections":
            names = sorted({item["collection"] for item in archive.items})
            self._json({"collections": [{"id": name} for name in names], "links": []})
        elif path == "/search":
            self._search(body or {}, query)
        elif path.startswith("/static/"):
            self._static(path.removeprefix("/static/"))
        elif path.startswith("/files/"):
            self._file(archive.folder / path.removeprefix("/files/"), parts.query)
        elif path.startswith("/tokens/"):
            archive.tokens_given += 1
            token = f"sig=secret{archive.tokens_given}"
            self._json({"token": token, "msft:expiry": "2099-01-01T00:00:00Z"})
        else:
            self._send(404, "text/plain", b"not here")

    def _search(self, body: dict[str, Any], query: dict[str, str]) -> None:
        archive = self.archive
        items = archive.items
        if not archive.ignores_filters:
            wanted = body.get("collections") or query.get("collections", "").split(",")
            box = body.get("bbox") or [float(v) for v in query["bbox"].split(",")]
            first, last = (body.get("datetime") or query["datetime"]).split("/")
            items = [
                item
                for item in items
                if item["collection"] in wanted
                and first <= item["properties"]["datetime"] <= last
                and item["bbox"][0] <= box[2] and item["bbox"][2] >= box[0]
                and item["bbox"][1] <= box[3] and item["bbox"][3] >= box[1]
            ]  # fmt: skip
        start = int(body.get("token", query.get("token", 0)))
        links = []
        following = start + archive.page
        if following < len(items) or archive.loops:
            if archive.loops and following >= len(items):
                following = 0
            merged = {"rel": "next", "href": f"{archive.url}/search", "method": "POST",
                      "merge": True, "body": {"token": following}}  # fmt: skip
            links = [merged]
        page = items[start : start + archive.page]
        self._json({"type": "FeatureCollection", "features": page, "links": links})

    def _static(self, path: str) -> None:
        items = {item["id"]: item for item in self.archive.items}
        if path == "catalog.json":
            links = [
                {"rel": "child", "href": "./c/collection.json"},
                {"rel": "child", "href": "./other/collection.json"},
                {"rel": "root", "href": "./catalog.json"},
            ]
            self._json({"type": "Catalog", "id": "s", "stac_version": "1.0.0", "links": links})
        elif path == "c/collection.json":
            links = [{"rel": "item", "href": f"./{name}/{name}.json"} for name in items]
            links.append({"rel": "child", "href": "../catalog.json"})  # a circle
            self._json({"type": "Collection", "id": COLLECTION, "stac_version": "1.0.0",
                        "links": links})  # fmt: skip
        elif path == "other/collection.json":
            links = [{"rel": "item", "href": "./never.json"}]
            self._json({"type": "Collection", "id": "other", "links": links})
        else:
            item = items[Path(path).stem]
            item["links"] = []
            for asset in item["assets"].values():
                asset["href"] = "../../../files/" + asset["href"].split("/files/")[1]
            self._json(item)

    def _file(self, path: Path, query: str) -> None:
        archive = self.archive
        if archive.redirect_files_to:
            self._send(302, "text/plain", b"", {"Location": archive.redirect_files_to})
            return
        if archive.token is not None and query != archive.token:
            self._send(403, "application/xml", b"<Error>AuthenticationFailed</Error>")
            return
        content = path.read_bytes()
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not match:
            self._send(200, "image/tiff", content)
            return
        first, last = int(match[1]), min(int(match[2]), len(content) - 1)
        headers = {"Content-Range": f"bytes {first}-{last}/{len(content)}", "ETag": '"1"'}
        self._send(206, "image/tiff", content[first : last + 1], headers)
