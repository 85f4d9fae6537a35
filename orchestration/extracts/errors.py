"""Why a drop was refused: each names the file, the line, the reason, what was left unchanged and what to do next."""

from __future__ import annotations

from orchestration.errors import ArwError


class ExtractError(ArwError):
    """A drop cannot be taken as it is; nothing of it was loaded."""

    remedy = "Export the file again and load the drop again."

    def __init__(self, file: str, reason: str, *, line: int | None = None, remedy: str | None = None) -> None:
        self.file, self.reason, self.line = file, reason, line
        self.drop = ""
        if remedy:
            self.remedy = remedy
        super().__init__(file, reason)

    def __str__(self) -> str:
        place = " ".join(part for part in (self.drop, self.file) if part)
        where = f"{place}, line {self.line}" if self.line else place
        return f"{where}: {self.reason}. Nothing of this drop was loaded, the warehouse was left unchanged. {self.remedy}"


class NotADrop(ExtractError):
    """The path holds no drop."""

    remedy = "Give a folder with ledger/ or crm/ in it, a folder of such folders, or name the profile of the files."


class BadManifest(ExtractError):
    """manifest.yaml says something that cannot be meant."""

    remedy = "Correct manifest.yaml and load the drop again."


class BadProfile(ExtractError):
    """A profile cannot be used as it is written."""

    remedy = "Correct the profile and load the drop again."


class UnsafeFile(ExtractError):
    """A file is a link, leaves the drop, or unpacks into far more than it is."""

    remedy = "Put plain files into the drop and load it again."


class UnknownFile(ExtractError):
    """A file in a drop belongs to no feed."""

    remedy = "Name the file after its feed (<feed>.csv or <feed>_*.csv), or take it out of the drop."


class UnreadableFile(ExtractError):
    """A file is not what its name says."""


class BadHeader(ExtractError):
    """The header lacks required columns, names one twice, or is missing."""

    remedy = "Compare the header with the contract of the feed, export the file again and load the drop again."


class BadType(ExtractError):
    """A Parquet column has a type that cannot hold the contract's values exactly."""

    remedy = "Write money as DECIMAL, or name a rounding in a profile."


class ControlTotalOff(ExtractError):
    """The manifest announces other rows or another total than the files hold."""

    remedy = "The export is incomplete or the manifest is of another one: export both again."


class EmptyDelivery(ExtractError):
    """A full delivery without rows would delete everything known."""

    remedy = "If the feed is meant to be empty, say `rows: 0` for it in manifest.yaml."
