"""The figures about the tables, on a world of four zones; and the commands around them."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from typer.testing import CliRunner

from training.evidence import sources
from training.evidence.app import app
from training.evidence.measure import measure, read_positions
from worker.errors import Refuse

ZONES = {"Asia/Tokyo": ("JP", 9.0), "Europe/Paris": ("FR", 1.0), "Asia/Kolkata": ("IN", 5.5)}


def zone_at(latitude: float, _: float) -> str | None:
    """Four bands from north to south: Tokyo, Paris (wrongly, so that it shows), Kolkata, the sea."""
    return next(
        (zone for zone, south in zip(ZONES, (30.0, 10.0, 0.0), strict=True) if latitude >= south), None
    )


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sources of this world."""
    monkeypatch.setattr(sources, "zone_finder", lambda: zone_at)
    monkeypatch.setattr(sources, "zone_countries", lambda: {zone: code for zone, (code, _) in ZONES.items()})
    monkeypatch.setattr(sources, "zone", lambda name: timezone(timedelta(hours=ZONES[name][1])))


POSITIONS = [(35.68, 139.69), (28.6, 77.2), (-33.0, -40.0), (19.0, 72.8)]


def test_figures() -> None:
    """Tokyo and the sea agree; Delhi and Mumbai lie in this world's Paris, and in no Europe of the map."""
    figures = measure(POSITIONS)
    assert (figures.n, figures.on_land) == (4, 3)
    assert figures.agreement == 0.5
    # Every true zone tells its continent; Tokyo's offset does, Paris's only in winter.
    assert figures.zone_top1 == 1
    assert figures.zone_bits > 2.5
    assert 0.5 <= figures.clock_top1 <= 1
    assert 1 < figures.clock_bits < 2.81


def test_the_command_says_and_writes_them(tmp_path: Path) -> None:
    """A line each, and the same in JSON; columns in capitals are columns too."""
    table, written = tmp_path / "positions.csv", tmp_path / "figures.json"
    table.write_text("LAT,LON\n" + "".join(f"{north},{east}\n" for north, east in POSITIONS))
    ran = CliRunner().invoke(app, ["measure", str(table), "--json", str(written)])
    assert ran.exit_code == 0
    assert "agreement" in ran.stdout
    assert json.loads(written.read_text())["agreement"] == 0.5


@pytest.mark.parametrize("text", ["place,where\n1,2\n", "lat,lon\nnorth,east\n", "lat,lon\n1\n"])
def test_a_file_without_positions_is_refused(tmp_path: Path, text: str) -> None:
    """With the mend, and as a mistake in use."""
    file = tmp_path / "positions.csv"
    file.write_text(text)
    with pytest.raises(Refuse, match="latitude and longitude") as refused:
        read_positions(file)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("command", ["build", "measure"])
def test_every_command_has_an_example(command: str) -> None:
    """Its help shows how it is called."""
    assert f"pangaea evidence {command}" in CliRunner().invoke(app, [command, "--help"]).stdout
