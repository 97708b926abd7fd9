"""Build the runtime repository that Triton serves: content-addressed, whole or not there at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from local.home import home
from local.install import once
from training.engines import openvino_engine, quantised, tensorrt_engine
from training.engines.config import engine_config, ensemble_config, ensure_joined
from training.engines.tensors import signature
from worker.errors import Refuse

Target = Literal["cpu", "tensorrt"]
Progress = Callable[[str], None]
MODELS = ("efficientnet", "fusion")
NEEDS_MIB = 200
FORMAT = "1"
"""Raised when what a build writes changes for another reason than its inputs or the files hashed below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that decides what a build writes; its digest is the repository's name.

    `quantised` is the backbone's INT8 file where that is the precision; `machine` is what the engines fit
    besides any processor: a TensorRT plan fits the GPU that it was built on.
    """

    target: Target
    precision: str
    instances: int
    threads: int
    onnx: dict[str, bytes]
    golden: tuple[Path, ...]
    quantised: bytes | None = None
    machine: str = ""

    def sha256(self, model: str) -> str:
        """The hash of a model's ONNX file."""
        return hashlib.sha256(self.onnx[model]).hexdigest()

    @property
    def source_sha256(self) -> str:
        """The combined hash: over the hex digests of efficientnet and fusion, joined by a newline."""
        return hashlib.sha256("\n".join(self.sha256(model) for model in MODELS).encode()).hexdigest()

    @property
    def digest(self) -> str:
        """The content address: what goes in, what turns it into an engine, and how."""
        tool = _version("openvino") if self.target == "cpu" else tensorrt_engine.installed()
        int8 = hashlib.sha256(self.quantised).hexdigest() if self.quantised else ""
        code = [path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.py"))]
        shape = f"{self.instances}x{self.threads}"
        goes_in = (self.target, self.precision, shape, self.source_sha256, int8, self.machine)
        parts = (FORMAT, *goes_in, tool, *code)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def plan(models: Path, *, target: Target, precision: str, instances: int | None = None) -> Plan:
    """Read the source models below `models` and settle what is left to the machine that this runs on.

    Precision `auto` is what its processor is best at, `instances` None as many as it has processors.

    Raises:
        Refuse: a source (or, for INT8, the quantised file) is missing, or the precision is not one that the
            target has.
    """
    try:
        onnx = {model: (models / model / "1" / "model.onnx").read_bytes() for model in MODELS}
    except OSError as exc:
        raise Refuse(
            f"{exc.filename} cannot be read ({exc.strerror}): give a folder of models with --models."
        ) from exc
    smaller = (models / "efficientnet" / "1" / quantised.FILE).is_file()
    settled = (
        openvino_engine.settle(precision, quantised=smaller)
        if target == "cpu"
        else tensorrt_engine.settle(precision)
    )
    golden = tuple(sorted((models / "continent" / "golden").glob("*.jpg")))
    count = openvino_engine.instances(instances) if target == "cpu" else instances or 1
    threads = max(1, openvino_engine.usable() // count) if target == "cpu" else 1
    return Plan(
        target=target,
        precision=settled,
        instances=count,
        threads=threads,
        onnx=onnx,
        golden=golden,
        quantised=quantised.read(models, onnx["efficientnet"]) if settled == "int8" else None,
        machine="" if target == "cpu" else tensorrt_engine.gpu(),
    )


def build(work: Plan, output: Path | None = None, progress: Progress = lambda _what: None) -> Path:
    """Return the repository of this plan, built if it is not there or no longer what it was.

    Args:
        work: from `plan`.
        output: where to put it; default: its content address below the cache.
        progress: told what is being done.

    Raises:
        Refuse: the engine is too far from its source, the disk is full, or `output` holds something else.
    """
    target = output.absolute() if output else home() / "engines" / f"{work.target}-{work.digest}"
    if target.is_dir() and not intact(target, work):
        if any(target.iterdir()) and not (target / "continent" / "engine.json").is_file():
            raise Refuse(f"{target} holds something else: give an empty or new folder with --output.")
        progress("removing engines that are not what was built")
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    return once(target, lambda staged: _write(work, staged, progress), needs_mib=NEEDS_MIB)


def intact(repository: Path, work: Plan) -> bool:
    """Whether the repository was built by this plan and every engine still has the hash it was built with."""
    try:
        whole = json.loads((repository / "continent" / "engine.json").read_text(encoding="utf-8"))
        if whole["digest"] != work.digest:
            return False
        files: dict[str, str] = whole["files"]
        return all(_sha256(repository / name) == digest for name, digest in files.items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _write(work: Plan, staged: Path, progress: Progress) -> None:
    shapes = {model: signature(work.onnx[model], name=model) for model in MODELS}
    ensure_joined(shapes["efficientnet"], shapes["fusion"])
    engine = openvino_engine if work.target == "cpu" else tensorrt_engine
    for model in MODELS:
        # The heads are a hundred-thousandth of the work: rounding them would cost and save nothing.
        precision = work.precision if model == "efficientnet" else "fp32"
        progress(f"{model}: building for {work.target} in {precision}")
        folder = staged / model
        (folder / "1").mkdir(parents=True)
        wide = model == "efficientnet"
        source = work.quantised if wide and work.quantised else work.onnx[model]
        made = engine.make(source, folder / "1", precision=precision, threads=work.threads if wide else 1)
        progress(f"{model}: comparing with its source")
        served = (folder / "1" / made.file).read_bytes()
        parity = engine.parity(work.onnx, model, work.golden, precision=precision, served=served)
        stated = {
            "source_sha256": work.sha256(model),
            "target": work.target,
            "precision": precision,
            "sha256": _sha256(folder / "1" / made.file),
        }
        _json(folder / "engine.json", {**stated, "file": made.file, "parity": parity})
        parameters = {**stated, "file": made.file, **made.parameters}
        config = engine_config(
            model,
            shapes[model],
            target=work.target,
            instances=work.instances,
            batched=wide,
            parameters=parameters,
        )
        (folder / "config.pbtxt").write_text(config, encoding="utf-8")
    (staged / "continent" / "1").mkdir(parents=True)
    # Triton wants a version folder even of an ensemble, and some copying tools drop empty ones.
    (staged / "continent" / "1" / ".keep").touch()
    stated = {"source_sha256": work.source_sha256, "target": work.target, "precision": work.precision}
    (staged / "continent" / "config.pbtxt").write_text(
        ensemble_config(shapes["efficientnet"], shapes["fusion"], parameters=stated), encoding="utf-8"
    )
    files = {
        str(path.relative_to(staged)): _sha256(path) for path in sorted(staged.rglob("*")) if path.is_file()
    }
    _json(staged / "continent" / "engine.json", {**stated, "digest": work.digest, "files": files})


def _json(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _version(tool: str) -> str:
    try:
        return version(tool)
    except PackageNotFoundError:
        return "none"
