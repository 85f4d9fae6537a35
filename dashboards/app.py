"""The app: one published version per rerun, handed to the page that is asked for. Started by `arw dashboards`."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import streamlit as st

from dashboards import components, strings, warehouse
from dashboards.views import collectors, customer, executive, quality, rows
from dashboards.warehouse import Read, Record, Shown
from orchestration import published
from orchestration.settings import Home, home_at

PAGES = {
    "executive": (executive.render, strings.OVERVIEW, ":material/monitoring:", "visible"),
    "collectors": (collectors.render, strings.COLLECTORS, ":material/call:", "visible"),
    "customer": (customer.render, strings.CUSTOMER, ":material/domain:", "visible"),
    "quality": (quality.render, strings.QUALITY, ":material/verified:", "visible"),
    "rows": (rows.render, strings.ROWS, ":material/table_rows:", "hidden"),
}
# A file of our own: named icons for the browser's tab would be fetched from the internet.
ICON = Path(__file__).with_name("icon.png")
WATCH_SECONDS = 5
LOG = logging.getLogger(__name__)


def main(first: str = "executive") -> None:
    """Run the app once; `first` is the page of the bare address."""
    st.set_page_config(page_title=strings.PRODUCT, page_icon=str(ICON), layout="wide")
    components.style()
    home = home_at(None)
    _watch(home, _signature(home))
    try:
        shown = _shown(home)
    except published.NothingPublished as nothing:
        st.navigation(
            [st.Page(functools.partial(_nothing_published, home, str(nothing)), title=strings.PRODUCT, url_path="nothing", default=True)], position="hidden"
        ).run()
        return
    pages = [
        st.Page(_page(render, shown, home), title=title, icon=icon, url_path=name, default=name == first, visibility=visibility)  # type: ignore[arg-type]
        for name, (render, title, icon, visibility) in PAGES.items()
    ]
    page = st.navigation(pages, position="top")
    try:
        page.run()
    except duckdb.Error as error:
        LOG.error("%s cannot be read: %s", shown.version.file, error)
        components.state(
            "This version cannot be read",
            f"{shown.version.file.name}: {str(error).splitlines()[0]}. Nothing was changed. A new version makes the page work again:",
            "arw build\narw publish",
        )


def _page(render: Any, shown: Shown, home: Home) -> Any:
    @functools.wraps(render)
    def page() -> None:
        render(shown, home)

    return page


def _nothing_published(home: Home, reason: str) -> None:
    is_damaged = home.published.exists() and any(home.published.iterdir())
    if is_damaged:
        components.state("No version can be shown", reason, f"arw --home {home.root} build\narw --home {home.root} publish")
    else:
        components.state(
            "Nothing is published yet",
            "The dashboards show what the pipeline has published, and this home has no version. With a folder of extracts, or with the demo:",
            f"arw --home {home.root} run PATH\n\narw demo --out demo-inbox\narw --home {home.root} run demo-inbox",
        )


def _shown(home: Home) -> Shown:
    """Return the version in force with its reader; every query of this rerun goes to that one file."""
    version, _ = warehouse.in_force(home, _connection)
    return Shown(version, functools.partial(_read, str(version.file)))


@st.cache_resource(max_entries=3, show_spinner=False)
def _connection(file: Path) -> duckdb.DuckDBPyConnection:
    """Return the connection to a version; sessions that still show it keep it open when newer ones take its place here."""
    return warehouse.connect(file)


def _read(file: str, sql: str, parameters: Mapping[str, Any]) -> list[Record]:
    return _answer(file, sql, tuple(sorted(parameters.items())), _reader=warehouse.reader(_connection(Path(file))))


@st.cache_data(max_entries=400, ttl=3600, show_spinner=False)
def _answer(file: str, sql: str, parameters: tuple[tuple[str, Any], ...], _reader: Read) -> list[Record]:
    """Return a query's answer; the file's name is part of the key, and a file never changes."""
    return _reader(sql, dict(parameters))


@st.fragment(run_every=WATCH_SECONDS)
def _watch(home: Home, seen: tuple[tuple[int, ...], ...]) -> None:
    """Run the page again when something else is published, refused or damaged than what it shows."""
    if _signature(home) != seen:
        st.rerun()


def _signature(home: Home) -> tuple[tuple[int, ...], ...]:
    """Return what changes with every publish and every refusal, without reading a file."""

    def identity(path: Path) -> tuple[int, ...]:
        try:
            stat = path.stat()
        except OSError:
            return ()
        return stat.st_ino, stat.st_mtime_ns, stat.st_size

    return identity(home.pointer), identity(home.last_refusal)


if __name__ == "__main__":
    main()
