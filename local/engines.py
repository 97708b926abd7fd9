"""The CPU engines that the embedded Triton serves, built by a child process when they are not there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from local.install import Meter, silent
from local.leash import run
from worker.errors import Refuse

COMMAND = [sys.executable, "-m", "pangaea", "models", "build", "--target", "cpu", "--json"]


def build(meter: Meter = silent) -> Path:
    """Return the runtime repository; quick when it is already there and its hashes hold.

    A child process, since building needs an extra (and the training package) that the stack does not.

    Raises:
        Refuse: with the reason that the build gave.
    """
    meter("Engines", 0, 1)
    done = run(COMMAND)
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if line.strip()] or ["it gave no reason"]
        reason = told[-1].removeprefix("pangaea: ").strip().rstrip(".")
        raise Refuse(f"the engines could not be built: {reason}.", exit_code=done.returncode)
    try:
        repository = Path(json.loads(done.stdout.splitlines()[-1])["repository"])
    except (IndexError, KeyError, ValueError) as error:
        raise Refuse(
            "`pangaea models build --json` did not say where the engines are: run it by hand."
        ) from error
    meter("Engines", 1, 1)
    return repository
