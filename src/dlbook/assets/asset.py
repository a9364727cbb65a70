"""What the registry says of one data set, weight file or font."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlbook import paths
from dlbook.errors import CourseError

TIERS = ("bundle", "small", "llm", "speech")


class AssetError(CourseError):
    """An asset is unknown, missing or damaged."""


@dataclass(frozen=True)
class Model:
    """What a pretrained model costs, and its larger relative.

    ``ram_mb`` is the memory that loading it in float32 took, as measured; ``full`` is the hub
    identifier that the ``full`` profile uses on a 16 GB GPU ("" if there is none).
    """

    parameters: int
    ram_mb: int
    full: str = ""


@dataclass(frozen=True)
class Asset:
    """One entry of the registry; ``size`` in bytes, ``sha256`` of the content.

    ``hub`` is the identifier of the same model on the model hub.
    """

    name: str
    tier: str
    size: int
    sha256: str
    licence: str
    origin: str
    purpose: str
    sources: tuple[dict[str, Any], ...]
    citation: str = ""
    hub: str = ""
    model: Model | None = None

    @classmethod
    def from_entry(cls, name: str, entry: dict[str, Any]) -> "Asset":
        """Read one table of the TOML."""
        fields = dict(entry)
        fields["sources"] = tuple(entry["sources"])
        if "model" in entry:
            fields["model"] = Model(**entry["model"])
        return cls(name=name, **fields)

    @property
    def bundle(self) -> Path | None:
        """The file in the package, when this asset ships with it."""
        for source in self.sources:
            if source["kind"] == "bundle":
                return paths.DATA / source["path"]
        return None

    @property
    def local(self) -> Path:
        """Where the file is, or will be after a fetch."""
        return self.bundle or paths.cache_dir() / "assets" / f"{self.sha256[:12]}-{self.name}"
