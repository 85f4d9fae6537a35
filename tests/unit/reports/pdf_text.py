"""Reads the text of a PDF that typst wrote, page by page: enough of the format for these files, and no more."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

OBJECT = re.compile(rb"(\d+) 0 obj\s(.*?)\sendobj", re.S)
STREAM = re.compile(rb"stream\r?\n(.*)\r?\nendstream", re.S)
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def pages(path: Path) -> list[str]:
    """Return the text of each page, its pieces joined by spaces."""
    objects = {int(number): body for number, body in OBJECT.findall(path.read_bytes())}
    found = []
    for body in objects.values():
        if re.search(rb"/Type\s*/Page\b", body):
            fonts = _fonts(objects, body)
            contents = b"\n".join(_stream(objects[number]) for number in _references(body, b"Contents"))
            found.append(_text(contents, fonts))
    return found


def _references(body: bytes, key: bytes) -> list[int]:
    after = re.search(rb"/" + key + rb"\s*(\[[^\]]*\]|\d+ 0 R)", body)
    return [int(number) for number in re.findall(rb"(\d+) 0 R", after.group(1))] if after else []


def _fonts(objects: dict[int, bytes], page: bytes) -> dict[bytes, dict[int, str]]:
    """Return what each glyph of each of the page's fonts stands for."""
    resources = _references(page, b"Resources")
    body = objects[resources[0]] if resources else page
    listed = re.search(rb"/Font\s*<<(.*?)>>", body, re.S)
    fonts = {}
    for name, number in re.findall(rb"/(\w+)\s+(\d+) 0 R", listed.group(1) if listed else b""):
        (unicode,) = _references(objects[int(number)], b"ToUnicode")
        cmap = _stream(objects[unicode])
        fonts[name] = {int(glyph, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for glyph, text in re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]+)>", cmap)}
    return fonts


def _stream(body: bytes) -> bytes:
    found = STREAM.search(body)
    assert found is not None
    return zlib.decompress(found.group(1)) if b"/FlateDecode" in body else found.group(1)


def _text(contents: bytes, fonts: dict[bytes, dict[int, str]]) -> str:
    pieces, font = [], {}
    shown = rb"(?:\((?:\\.|[^\\)])*\)|[^\]()])*"
    for name, array, single in re.findall(rb"/(\w+) [\d.]+ Tf|\[(" + shown + rb")\]TJ|(\((?:\\.|[^\\)])*\))\s*Tj", contents, re.S):
        if name:
            font = fonts[name]
            continue
        glyphs = b"".join(_unescaped(string) for string in re.findall(rb"\(((?:\\.|[^\\)])*)\)", array or single, re.S))
        pieces.append("".join(font.get(int.from_bytes(glyphs[at : at + 2], "big"), "") for at in range(0, len(glyphs), 2)))
    return " ".join(pieces)


def _unescaped(string: bytes) -> bytes:
    def one(match: re.Match[bytes]) -> bytes:
        said = match.group(1)
        return bytes([int(said, 8)]) if said.isdigit() else ESCAPES.get(said, said)

    return re.sub(rb"\\([0-7]{1,3}|.)", one, string, flags=re.S)
