"""What building one engine yields."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The engine's file name within its version folder, and what its configuration must tell its backend."""

    file: str
    parameters: dict[str, str] = field(default_factory=dict)
