"""Text files as bytes: what they are, whether they are whole, and a plain UTF-8 copy where they are not that already.

Everything here works chunk by chunk, whatever the size; nothing looks at single rows.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.extracts.errors import BadHeader, UnreadableFile, UnsafeFile

CHUNK = 1 << 20
LONGEST_LINE = 2_000_000
MOST_BYTES = 1 << 40
MOST_RATIO = 100
# Small files compress better than 1:100 without harm.
HARMLESS_BYTES = 10 << 20
GZIP_MAGIC = b"\x1f\x8b"
# Of these, one that no line holds becomes the separator, so that DuckDB takes lines whole.
SEPARATORS = (b"\x02\x03", b"\x1f\x1e", b"\x1c\x1d", b"\x05\x06\x05")
LINE_MARK = b"|"
# A quoted value that spans more lines than this is a quote that was never closed.
MOST_LINES_OF_A_VALUE = 1000
CONTROL = bytes([*range(32), 127])
CONTROL_C1 = re.compile(rb"\xc2[\x80-\x9f]")
# How the spaces begin that DuckDB's trim removes beside the common one (Unicode's category Zs).
OTHER_SPACES = (b"\xc2\xa0", b"\xe1\x9a", b"\xe2\x80", b"\xe2\x81", b"\xe3\x80")


@dataclass(frozen=True)
class Dialect:
    """How a text file is written."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'


@dataclass(frozen=True)
class TextFile:
    """A text file that is whole, UTF-8 and has a header."""

    name: str
    path: Path
    dialect: Dialect
    header: tuple[str, ...]
    header_lines: int
    lines: int
    # Whether every line outside of quotes could begin a row: no blank or overlong line, one kind of line end, quotes only around values and doubled within.
    is_plain: bool
    has_overlong: bool
    # Whether there is any control character but line ends (and a tab where it is the delimiter).
    has_control: bool
    # Whether a space may stand at either end of a value.
    has_padding: bool
    # Line ends that stand within quotes.
    inner_lines: int

    @property
    def records(self) -> int:
        """The number of records below the header, if each begins on a line of its own."""
        return max(self.lines - 1 - self.inner_lines, 0)


@dataclass
class _Shape:
    """What a pass over the bytes of a text learns."""

    size: int = 0
    line_feeds: int = 0
    carriage_returns: int = 0
    pairs: int = 0
    blank: bool = False
    overlong: bool = False
    quote: bytes = b""
    delimiter: bytes = b","
    control: bool = False
    padding: bool = False
    inner_lines: int = 0
    most_lines_of_a_value: int = 0
    is_within_quotes: bool = False
    are_quotes_right: bool = True
    head: bytes = b""
    tail: bytes = b""
    _since_line_feed: int = 0
    _lines_of_value: int = 0
    _edge: bytes = b"\n"

    def __post_init__(self) -> None:
        self._padding = re.compile(b" [" + re.escape(self.quote + self.delimiter) + rb"\r\n]")
        # Outside of quoted values, a quote that is not followed by an end of a value.
        self._wrong_quote = re.compile(re.escape(self.quote) + b"[^" + re.escape(self.quote + self.delimiter) + rb"\r\n]")
        self.padding = len(self.delimiter) != 1 or self.delimiter == b" "

    def see(self, chunk: bytes) -> None:
        seam = self.tail + chunk
        self.size += len(chunk)
        self.line_feeds += chunk.count(b"\n")
        if b"\r" in seam:
            self.carriage_returns += chunk.count(b"\r")
            self.pairs += seam.count(b"\r\n") - self.tail.count(b"\r\n")
            self.blank = self.blank or b"\n\r\n" in seam
        self.blank = self.blank or b"\n\n" in seam
        if self.quote:
            self._see_quotes(chunk if self.size > len(chunk) else chunk.removeprefix(codecs.BOM_UTF8))
        if not self.padding:
            # Read backwards, a space in front of a value is one behind it.
            self.padding = b" " in seam and bool(self._padding.search(seam) or self._padding.search(seam[::-1]))
            self.padding = self.padding or (not chunk.isascii() and any(space in seam for space in OTHER_SPACES))
        if not self.control:
            unseen = CONTROL.translate(None, b"\r\n" + self.delimiter)
            self.control = len(chunk.translate(None, unseen)) < len(chunk)
            self.control = self.control or bool(b"\xc2" in seam and CONTROL_C1.search(seam))
        first, last = chunk.find(b"\n"), chunk.rfind(b"\n")
        if first < 0:
            self._since_line_feed += len(chunk)
        else:
            self.overlong = self.overlong or self._since_line_feed + first > LONGEST_LINE
            self._since_line_feed = len(chunk) - last - 1
        self.overlong = self.overlong or self._since_line_feed > LONGEST_LINE
        if len(self.head) < CHUNK:
            self.head += chunk[: CHUNK - len(self.head)]
        self.tail = seam[-3:]

    def _see_quotes(self, chunk: bytes) -> None:
        """Tell what stands within quotes (behind an odd number of them) from what stands outside, and whether each quote may stand where it does."""
        if self.quote not in chunk and not self.is_within_quotes:
            self._edge = chunk[-1:] or self._edge
            return
        pieces = chunk.split(self.quote)
        starts_within, ends_within = self.is_within_quotes, self.is_within_quotes ^ (len(pieces) % 2 == 0)
        within, outside = (pieces[::2], pieces[1::2]) if starts_within else (pieces[1::2], pieces[::2])
        if b"\n" in b"".join(within):
            ends = [piece.count(b"\n") for piece in within]
            self.inner_lines += sum(ends)
            ends[0] += self._lines_of_value if starts_within else 0
            self.most_lines_of_a_value = max(self.most_lines_of_a_value, *ends)
            self._lines_of_value = ends[-1] if ends_within else 0
        elif len(pieces) > 1 or not starts_within:
            self._lines_of_value = 0
        if outside:
            text = b"".join((self.quote if starts_within else self._edge, self.quote.join(outside), self.quote if ends_within else b""))
            self.are_quotes_right = self.are_quotes_right and not (self._wrong_quote.search(text) or self._wrong_quote.search(text[::-1]))
            self._edge = text[-1:]
        self.is_within_quotes = ends_within

    @property
    def lines(self) -> int:
        return self.line_feeds + (0 if not self.size or self.tail.endswith(b"\n") else 1)

    @property
    def is_plain(self) -> bool:
        one_kind_of_end = self.carriage_returns == self.pairs and self.pairs in (0, self.line_feeds)
        are_quotes_right = self.are_quotes_right and not self.is_within_quotes and self.most_lines_of_a_value <= MOST_LINES_OF_A_VALUE
        # Within a value, DuckDB would keep the carriage return of a line end.
        return one_kind_of_end and are_quotes_right and not (self.blank or self.overlong or (self.inner_lines and self.carriage_returns))


@dataclass(frozen=True)
class Fingerprint:
    """What a file was when it was read."""

    sha256: str
    size: int


def fingerprint(path: Path, name: str) -> Fingerprint:
    """Return the file's checksum; a file that grows meanwhile is refused."""
    before = path.stat()
    digest = hashlib.sha256()
    size = 0
    for chunk in _raw(path):
        digest.update(chunk)
        size += len(chunk)
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or size != after.st_size:
        raise UnreadableFile(name, "it changed while it was read", remedy="Load the drop again when it is complete.")
    return Fingerprint(digest.hexdigest(), size)


def open_text(path: Path, name: str, dialect: Dialect, scratch: Path) -> TextFile:
    """Check that ``path`` is a whole text file with a header, and return it as plain UTF-8.

    A compressed or differently encoded file is rewritten into the folder ``scratch``.
    """
    with path.open("rb") as file:
        magic = file.read(4)
    if not magic:
        raise UnreadableFile(name, "it has zero bytes")
    is_gzip = name.endswith(".gz")
    if is_gzip != magic.startswith(GZIP_MAGIC):
        raise UnreadableFile(name, "it is no gzip file" if is_gzip else "it is a gzip file under another name")
    chunks = _gunzipped(path, name) if is_gzip else _raw(path)
    is_utf8 = _is_utf8(dialect.encoding)
    chunks = _checked_utf8(chunks, name) if is_utf8 else _recoded(chunks, name, dialect.encoding)
    shape = _Shape(quote=dialect.quote.encode(), delimiter=dialect.delimiter.encode())
    if not is_gzip and is_utf8:
        for chunk in chunks:
            shape.see(chunk)
        text = path
    else:
        text = scratch / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.csv"
        with text.open("wb") as out:
            for chunk in chunks:
                shape.see(chunk)
                out.write(chunk)
    header, header_lines = _header(shape.head, name, dialect)
    return TextFile(
        name=name,
        path=text,
        dialect=dialect,
        header=header,
        header_lines=header_lines,
        lines=shape.lines,
        is_plain=shape.is_plain,
        has_overlong=shape.overlong,
        has_control=shape.control,
        has_padding=shape.padding or shape.tail.endswith(b" "),
        inner_lines=shape.inner_lines,
    )


@dataclass
class MarkedLines:
    """A copy of a text file whose lines each begin with a mark, so that a reader drops none of them."""

    path: Path
    separator: str
    # What stands for a carriage return that is no line end (DuckDB would take it for one).
    carriage_return: str
    # Overlong lines, by their number, with their beginning; in the copy they are empty.
    overlong: dict[int, str] = field(default_factory=dict)


def mark_lines(file: TextFile, scratch: Path) -> MarkedLines:
    """Copy ``file`` with one kind of line end, a mark before every line, and overlong lines taken out."""
    candidates = list(SEPARATORS)
    returns = feeds = False
    tail = b""
    for chunk in _raw(file.path):
        candidates = [separator for separator in candidates if separator not in tail + chunk]
        returns, feeds = returns or b"\r" in chunk, feeds or b"\n" in chunk
        tail = chunk[-3:]
    if len(candidates) < 2:
        raise UnreadableFile(file.name, "it is no text: it is full of control characters")
    separator, stand_in, *_ = candidates
    marked = MarkedLines(scratch / f"{file.path.stem}.lines", separator.decode(), stand_in.decode())
    chunks = _with_line_feeds(_raw(file.path), only_returns=returns and not feeds)
    if file.has_overlong:
        chunks = _without_overlong(chunks, marked.overlong)
    with marked.path.open("wb") as out:
        out.write(LINE_MARK)
        for chunk in chunks:
            out.write(chunk.replace(b"\r", stand_in).replace(b"\n", b"\n" + LINE_MARK))
    return marked


def _without_overlong(chunks: Iterator[bytes], found: dict[int, str]) -> Iterator[bytes]:
    """Empty the lines that are too long, and note them in ``found`` by line number."""
    number, line = 1, b""
    for chunk in chunks:
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            line += piece
            if len(line) > LONGEST_LINE:
                found[number] = line[:200].decode("utf-8", "replace")
                line = b""
            yield line + b"\n"
            number, line = number + 1, b""
        # Of a line that is too long already, a beginning that proves it is enough.
        line = (line + rest)[: LONGEST_LINE + 1]
    if len(line) > LONGEST_LINE:
        found[number] = line[:200].decode("utf-8", "replace")
    else:
        yield line


def _with_line_feeds(chunks: Iterator[bytes], only_returns: bool) -> Iterator[bytes]:
    """Turn CR LF (or, where a file has no LF at all, CR) into LF."""
    held = b""
    for chunk in chunks:
        if only_returns:
            yield chunk.replace(b"\r", b"\n")
            continue
        chunk = held + chunk
        held = b"\r" if chunk.endswith(b"\r") else b""
        yield (chunk[:-1] if held else chunk).replace(b"\r\n", b"\n")
    if held:
        yield held


def _raw(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _gunzipped(path: Path, name: str) -> Iterator[bytes]:
    """Unpack, stopping early at a file that was cut off or that unpacks into too much."""
    size = path.stat().st_size
    unpacked = 0
    worker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for chunk in _raw(path):
            while chunk:
                if worker.eof:
                    worker = zlib.decompressobj(zlib.MAX_WBITS | 16)
                piece = worker.decompress(chunk, CHUNK)
                chunk = worker.unconsumed_tail or (worker.unused_data if worker.eof else b"")
                unpacked += len(piece)
                if unpacked > MOST_BYTES or (unpacked > HARMLESS_BYTES and unpacked > MOST_RATIO * size):
                    raise UnsafeFile(name, f"it unpacks into more than {MOST_RATIO} times its {size} bytes")
                if piece:
                    yield piece
    except zlib.error as error:
        raise UnreadableFile(name, f"it is a damaged gzip file ({error})") from error
    if not worker.eof:
        raise UnreadableFile(name, "it is a gzip file that ends too early")


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")


def _checked_utf8(chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    for chunk in chunks:
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            line += error.object[: error.start].count(b"\n")
            raise _not_utf8(name, line) from error
        line += chunk.count(b"\n")
        yield chunk
    if decoder.getstate()[0]:
        raise _not_utf8(name, line)


def _not_utf8(name: str, line: int) -> UnreadableFile:
    return UnreadableFile(name, "it is not UTF-8", line=line, remedy="Export it as UTF-8, or declare its encoding in a profile.")


def _recoded(chunks: Iterator[bytes], name: str, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in chunks:
            yield decoder.decode(chunk).encode("utf-8")
        yield decoder.decode(b"", final=True).encode("utf-8")
    except UnicodeError as error:
        raise UnreadableFile(name, f"it is not {encoding}, as its profile says") from error


def _header(head: bytes, name: str, dialect: Dialect) -> tuple[tuple[str, ...], int]:
    text = head.removeprefix(codecs.BOM_UTF8).decode("utf-8", "ignore")
    if text.lstrip().startswith("<"):
        raise UnreadableFile(name, "it is an HTML or XML page, no CSV file", remedy="Look at it: often a login page was saved.")
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
    )
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise BadHeader(name, f"its header cannot be read ({error})", line=1) from error
    names = tuple(column.strip() for column in header)
    if not any(names):
        raise BadHeader(name, "its first line is empty, no header", line=1)
    if any(not column.isprintable() for column in names):
        raise UnreadableFile(name, "it is no text: its first line holds control characters", line=1)
    twice = sorted({column for column in names if column and names.count(column) > 1})
    # No column is called 2026-01-31 or 100.00.
    value = next((column for column in names if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]+[.,][0-9]+", column)), None)
    if value and (twice or "" in names):
        raise BadHeader(name, f"its first line holds values ({value}) and no names: the header is missing", line=1)
    if "" in names:
        raise BadHeader(name, f"column {names.index('') + 1} of its header has no name", line=1)
    if twice:
        raise BadHeader(name, f"its header names {', '.join(twice)} twice", line=1)
    return names, max(reader.line_num, 1)
