"""Look up every TensorRT name that is used in the bindings of the pinned version, without a GPU.

`python -m training.engines.tensorrt_symbols WHEEL`, where WHEEL is what
`pip download --no-deps tensorrt-cu12-bindings==<pinned>` brings (1.3 MB). The shared object cannot be loaded
without the libraries of a GPU machine, but it holds the names of what it binds as text.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

from training.engines.tensorrt_api import PINNED, names
from worker.errors import Refuse

RECORD = Path(__file__).with_name("tensorrt_symbols.json")
_OBJECT = "tensorrt_bindings/tensorrt.so"


def look_up(wheel: Path) -> dict[str, Any]:
    """Return what was found: the wheel's name and hash, and of every name whether the bindings hold it.

    Raises:
        Refuse: the file is no such wheel, or is of another version than the pinned one.
    """
    if f"-{PINNED}-" not in wheel.name:
        raise Refuse(f"{wheel.name} is not the pinned version {PINNED}: download that one.", exit_code=2)
    try:
        with zipfile.ZipFile(wheel) as archive:
            shared = archive.read(_OBJECT)
    except (OSError, KeyError, zipfile.BadZipFile) as exc:
        raise Refuse(
            f"{wheel} does not hold TensorRT's bindings: download tensorrt-cu12-bindings.", exit_code=2
        ) from exc
    held = {word.decode() for word in re.findall(rb"(?<![A-Za-z0-9_])[A-Za-z_][A-Za-z0-9_]{2,}", shared)}
    return {
        "version": PINNED,
        "wheel": wheel.name,
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "names": {name: name in held for name in names()},
    }


def main(arguments: list[str] | None = None) -> None:
    """Write the record beside this file, and say what is missing.

    Raises:
        Refuse: a name is not in the bindings.
    """
    parser = argparse.ArgumentParser(prog="python -m training.engines.tensorrt_symbols", description=__doc__)
    parser.add_argument("wheel", type=Path, help="the wheel of the bindings")
    found = look_up(parser.parse_args(arguments).wheel)
    RECORD.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    missing = [name for name, held in found["names"].items() if not held]
    if missing:
        raise Refuse(f"TensorRT {PINNED} has no {', '.join(missing)}: mend tensorrt_api.py.")
    sys.stdout.write(f"all {len(found['names'])} names are in {found['wheel']}\n")


if __name__ == "__main__":
    try:
        main()
    except Refuse as refusal:
        sys.exit(f"tensorrt_symbols: {refusal}")
