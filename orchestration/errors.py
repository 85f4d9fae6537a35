"""What can go wrong, each with the exit code that a scheduler sees."""

from __future__ import annotations

DONE, FAILED, BAD_USAGE, REFUSED = 0, 1, 2, 3


class ArwError(Exception):
    """The work failed; the message says what was left unchanged and what to do next."""

    exit_code = FAILED


class BadUsage(ArwError):
    """The command was asked for something that cannot be meant."""

    exit_code = BAD_USAGE


class PublishRefused(ArwError):
    """An audit refused to publish; ``reasons`` holds one entry per failed check."""

    exit_code = REFUSED

    def __init__(self, message: str, reasons: list[dict[str, object]]) -> None:
        self.reasons = reasons
        super().__init__(message)


class Terminated(ArwError):
    """SIGTERM or Ctrl-C came in the middle of the work."""
