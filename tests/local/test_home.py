"""Where the cache lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.home import home


def test_pangaea_home_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """PANGAEA_HOME is taken before anything else."""
    monkeypatch.setenv("PANGAEA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert home() == tmp_path


def test_xdg_cache_home_is_next(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without it, the folder `pangaea` in the XDG cache is used."""
    monkeypatch.delenv("PANGAEA_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert home() == tmp_path / "pangaea"


@pytest.mark.parametrize("value", ["", "relative/path"])
def test_else_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str) -> None:
    """An unset or relative XDG_CACHE_HOME means ~/.cache, as the specification has it."""
    monkeypatch.delenv("PANGAEA_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home() == tmp_path / ".cache" / "pangaea"
