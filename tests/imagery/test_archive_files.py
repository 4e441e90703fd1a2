"""GeoTIFF cut by blocks, and addresses that may be asked."""

import struct
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.transform import Affine

from reverdure.core.errors import InvalidInput, UnreadableFile, UnsafeAddress
from reverdure.core.grid import Window
from reverdure.imagery.archives.addresses import checked, is_public, shown, typed, web_address
from reverdure.imagery.archives.tiff import read_header, spans, write_blocks


def tif(path: Path, **options: object) -> np.ndarray:
    values = np.random.default_rng(3).integers(1, 60000, (150, 130)).astype(np.uint16)
    profile = {
        "driver": "GTiff", "count": 1, "height": 150, "width": 130, "dtype": "uint16",
        "crs": "EPSG:32650", "transform": Affine(30, 0, 400000, 0, -30, 3000000), "nodata": 0,
    }  # fmt: skip
    with rasterio.open(path, "w", **{**profile, **options}) as dataset:
        dataset.write(values, 1)
    return values


TILED = {"tiled": True, "blockxsize": 32, "blockysize": 48}


@pytest.mark.parametrize(
    "options",
    [
        {**TILED, "compress": "deflate", "predictor": 2},
        {**TILED, "compress": "lzw", "BIGTIFF": "YES"},
        {**TILED, "compress": "zstd", "ENDIANNESS": "BIG"},
        {**TILED},
        {"compress": "deflate", "blockysize": 7},
        {"driver": "COG", "BLOCKSIZE": 64, "compress": "deflate"},
        {"driver": "COG", "BLOCKSIZE": 64, "compress": "lzw", "BIGTIFF": "YES"},
    ],
    ids=["deflate", "lzw-big", "zstd-motorola", "plain", "strips", "cog", "cog-big"],
)
def test_blocks_are_copied_bit_by_bit(tmp_path: Path, options: dict[str, object]) -> None:
    values = tif(tmp_path / "whole.tif", **options)
    content = (tmp_path / "whole.tif").read_bytes()
    header = read_header(lambda start, length: content[start : start + length], len(content))
    assert (header.height, header.width) == values.shape
    wanted = Window(70, 60, 20, 20)
    blocks = header.blocks_of([wanted])
    held = {
        block: content[header.offsets[block] : header.offsets[block] + header.sizes[block]]
        for block in blocks
    }
    write_blocks(tmp_path / "part.tif", header, held)
    first = (tmp_path / "part.tif").read_bytes()
    write_blocks(tmp_path / "part.tif", header, dict(reversed(held.items())))
    assert (tmp_path / "part.tif").read_bytes() == first
    assert len(first) < 0.6 * len(content)
    with (
        rasterio.open(tmp_path / "part.tif") as part,
        rasterio.open(tmp_path / "whole.tif") as all_,
    ):
        assert (part.crs, part.transform, part.nodata) == (all_.crs, all_.transform, 0)
        got = part.read(1)
    known = np.zeros(values.shape, bool)
    for block in blocks:
        known[header.window_of(block).slices] = True
    assert known[wanted.slices].all()
    assert not known.all()
    assert np.array_equal(got, np.where(known, values, 0))


def test_ranges_near_each_other_are_asked_for_together(tmp_path: Path) -> None:
    tif(tmp_path / "a.tif", **TILED)
    content = (tmp_path / "a.tif").read_bytes()
    header = read_header(lambda start, length: content[start : start + length], len(content))
    everything = range(len(header.sizes))
    assert len(spans(header, everything)) == 1
    assert len(spans(header, everything, gap=-1)) == len(header.sizes)
    assert len(spans(header, everything, most=10_000)) > 3
    for block in everything:
        assert any(
            start <= header.offsets[block]
            and header.offsets[block] + header.sizes[block] <= start + length
            for start, length in spans(header, everything, most=10_000)
        )


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_headers_raise_our_own_error_or_are_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp() / "damaged.tif"
    if not folder.exists():
        tif(folder, **TILED)
    content = bytearray(folder.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, 420))] = data.draw(st.integers(0, 255))
    size = data.draw(st.sampled_from([len(content), 300, 20, 4]))
    held = bytes(content[:size])
    try:
        header = read_header(lambda start, length: held[start : start + length], size)
    except UnreadableFile:
        return
    blocks = header.blocks_of([Window(0, 0, header.height, header.width)])
    assert all(header.offsets[b] + header.sizes[b] <= size for b in blocks)


def test_what_is_no_image_is_named() -> None:
    for content in (
        b"",
        b"<html>",
        b"II*\0",
        b"MM\0+" + bytes(60),
        b"II*\0" + struct.pack("<I", 8),
    ):
        with pytest.raises(UnreadableFile):
            read_header(lambda s, n, c=content: c[s : s + n], len(content))  # type: ignore[misc]


def test_several_bands_in_one_file_are_refused(tmp_path: Path) -> None:
    with rasterio.open(
        tmp_path / "rgb.tif", "w", driver="GTiff", count=3, height=8, width=8, dtype="uint8",
        transform=Affine(1, 0, 0, 0, -1, 8),
    ) as dataset:  # fmt: skip
        dataset.write(np.ones((3, 8, 8), np.uint8))
    content = (tmp_path / "rgb.tif").read_bytes()
    with pytest.raises(UnreadableFile, match="several bands"):
        read_header(lambda start, length: content[start : start + length], len(content))


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
     "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1",
     "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "ff02::1"],
)  # fmt: skip
def test_addresses_inside_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_addresses_outside_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/a", "file:///a", "/vsicurl/http://a", "http://", "http:///a", "gopher://a/b",
     "http://user:pw@example.org/", "http://user@example.org/", "https://example.org:0/", "http://[::1",
     "http://example.org:99999/"],
)  # fmt: skip
def test_addresses_of_other_kinds_are_refused_without_their_secrets(url: str) -> None:
    with pytest.raises(UnsafeAddress) as told:
        checked(url)
    assert "pw" not in str(told.value)
    with pytest.raises(InvalidInput):
        typed(url)


def test_buckets_are_read_over_https_only_where_they_are_open() -> None:
    assert web_address("s3://dea-public-data/a/b.tif").startswith(
        "https://dea-public-data.s3.ap-southeast-2."
    )
    with pytest.raises(UnsafeAddress, match="usgs-landsat"):
        web_address("s3://usgs-landsat/a.TIF")


def test_what_is_shown_has_no_query() -> None:
    assert shown("https://a.example:8443/b.tif?sig=1") == "https://a.example:8443/b.tif"
    assert len(shown("https://a.example/" + "x" * 999)) == 160
