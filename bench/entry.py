"""How a contender is started: a peer's environment is made on first use, and its program runs there."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.contenders import PANGAEA, ROOT, peer
from bench.subject import Seat, Subject, pangaea
from local import environment
from local.install import Meter, once, silent
from worker.record import UNDETERMINED
from worker.topics import PHOTOS, feed

NEEDS_MIB: Final = 600
_STEPS: Final = 2
_SHARED: Final = ("bench", "worker")
"""The packages of ours that a peer's program imports: the job's functions, and nothing that needs more."""


def subject(name: str, card: Path, meter: Meter = silent) -> Subject:
    """Return a contender as something that can be started; a peer's environment is made if need be.

    Raises:
        Refuse: the environment cannot be made.
    """
    if name == PANGAEA:
        return pangaea({"PANGAEA_CARD": str(card)})
    entrant = peer(name)
    python = fetch(entrant.lock, meter) / "bin" / "python"

    def command(seat: Seat) -> list[str]:
        task = {
            "bootstrap": seat.stand.kafka,
            "triton": seat.stand.triton,
            "card": str(card),
            "group": seat.group,
            "number": seat.number,
            "photos": PHOTOS,
            "output": feed(UNDETERMINED),
            "mode": entrant.mode,
            "in_flight": entrant.in_flight,
        }
        return [str(python), "-m", f"bench.peers.{entrant.module}", json.dumps(task)]

    def variables(seat: Seat) -> Mapping[str, str]:
        return {"PYTHONPATH": str(_shared(seat.stand.folder)), "PYTHONNOUSERSITE": "1"}

    return Subject(name=name, outputs=(feed(UNDETERMINED),), command=command, environment=variables)


def fetch(lock: Path, meter: Meter = silent) -> Path:
    """Return the environment of some peers, making it if it is not there; no network is touched if it is.

    Raises:
        Refuse: the download failed, or the disk is full.
    """
    part = f"Peers ({lock.stem})"

    def build(staged: Path) -> None:
        meter(f"{part}: environment", 0, _STEPS)
        environment.create(staged, Path(sys.executable), whose="the peers'")
        meter(f"{part}: packages", 1, _STEPS)
        environment.fill(staged, lock, whose="the peers'")
        meter(f"{part}: ready", _STEPS, _STEPS)

    return once(environment.place(f"peers-{lock.stem}", lock), build, needs_mib=NEEDS_MIB)


def _shared(folder: Path) -> Path:
    """A folder with our packages and nothing else: beside them may lie all that is installed with us."""
    place = folder / "shared"
    place.mkdir(exist_ok=True)
    for package in _SHARED:
        if not (place / package).exists():
            (place / package).symlink_to(ROOT / package)
    return place
