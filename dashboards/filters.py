"""Filters whose truth is the URL: they survive a reload, can be shared, and follow the browser's back button."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import streamlit as st


def choice(label: str, name: str, options: Sequence[str], labels: Mapping[str, str], default: str, help: str | None = None) -> str:
    """Let the reader choose one of the options; what the URL asks for and this version does not have falls back to the default."""
    key = f"filter_{name}"
    wanted = st.query_params.get(name, default)
    st.session_state[key] = wanted if wanted in options else default
    return st.selectbox(label, options, key=key, format_func=lambda option: labels.get(option, option), on_change=_tell_url(key, name, default), help=help)


def day(label: str, name: str, earliest: date, latest: date) -> date:
    """Let the reader choose a date; the latest is the default."""
    key = f"filter_{name}"
    st.session_state[key] = _date(st.query_params.get(name), earliest, latest)
    chosen: date | None = st.date_input(
        label, key=key, min_value=earliest, max_value=latest, format="YYYY-MM-DD", on_change=_tell_url(key, name, latest.isoformat())
    )
    return chosen or latest


def page(name: str, pages: int) -> int:
    """Let the reader turn pages (from 0); nothing is shown where there is only one."""
    if pages <= 1:
        return 0
    key = f"filter_{name}"
    wanted = st.query_params.get(name, "1")
    st.session_state[key] = min(max(int(wanted), 1), pages) if wanted.isdecimal() and len(wanted) < 9 else 1
    return int(st.number_input(f"Page (of {pages:,})", 1, pages, key=key, step=1, on_change=_tell_url(key, name, "1"), width=160)) - 1


def _tell_url(key: str, name: str, default: str) -> Callable[[], None]:
    def tell() -> None:
        value = st.session_state[key]
        text = value.isoformat() if isinstance(value, date) else str(value)
        if value is None or text == default:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = text

    return tell


def _date(text: str | None, earliest: date, latest: date) -> date:
    try:
        wanted = date.fromisoformat(text) if text else latest
    except ValueError:
        return latest
    return min(max(wanted, earliest), latest)
