"""Every engine in one table: what it costs a photo, how near it is to its source, whether it may ship."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from local.home import home
from training import evaluate
from training.dataset import TrainingPhoto, decodable, load_photos
from training.embeddings import Embeddings, Labels, Matrix, Names
from training.engines import cost, openvino_engine, quantised, tensorrt_engine
from training.engines.agreement import TOLERANCE, Agreement, agreement
from training.engines.cost import Cost
from training.engines.parity import CROP, golden_pixels
from training.engines.reference import Feed, answers
from training.engines.tensors import tensors
from training.heads import Recipe
from worker.errors import Refuse
from worker.prepare.decode import Target
from worker.record import Pixels

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An engine of the backbone: `state` is `measured`, or why it was not.

    The agreement of a TensorRT engine is that of the file it is built from, run on the CPU: what rounding
    does, not what a GPU does.
    """

    target: str
    precision: str
    state: str
    costs: tuple[Cost, ...] = ()
    agreement: Agreement | None = None

    def document(self) -> dict[str, Any]:
        """As JSON; numbers rounded to what the measurement carries."""
        found = asdict(self)
        if self.agreement is not None:
            found["agreement"]["verdict"] = self.agreement.verdict
        return {str(key): _rounded(value) for key, value in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Labelled photos by precision, as embeddings (n, width), with what the heads have not seen of them."""

    embeddings: Mapping[str, Matrix]
    label: Labels
    source: Names


def summary(
    models: Path,
    committed: Embeddings,
    *,
    photos: Path | None = None,
    recipe: Recipe | None = None,
    progress: Progress = lambda _what: None,
) -> list[Row]:
    """Measure what can run here, and say of the rest why it does not.

    Args:
        models: the folder of source models.
        committed: the embeddings that the heads were fitted on; without `photos` they are also what agreement
            is measured on, where they hold the precision.
        photos: a folder of labelled photos with `manifest.csv`.
        recipe: how heads are fitted; default: the project's.
        progress: told what is being done.

    Raises:
        Refuse: the models or the photos cannot be read.
    """
    onnx = source(models)
    size = tensors(onnx, name="efficientnet").input_dims[0]
    files, missing = _files(models, onnx)
    progress("photos: decoding")
    given = None if photos is None else _decoded(photos, size)
    progress("engines: compiling")
    engines = {
        name: _image(openvino_engine.runner(file, precision=name, threads=1)) for name, file in files.items()
    }
    progress("engines: what a photo costs")
    golden = golden_pixels(tuple(sorted((models / "continent" / "golden").glob("*.jpg"))), size)
    costs = cost.measure(engines, np.resize(golden, (8, *golden.shape[1:])))
    progress("engines: embedding photos")
    plans = _plans(files) if given is not None else {}
    judged = _committed(committed) if given is None else _embedded(*given, engines | plans)
    progress("heads: refitting without each source in turn")
    agreed = agreements(judged, evaluate.leave_sources_out(committed, recipe or Recipe()))
    rows = [
        Row(
            target="cpu",
            precision=name,
            state="measured",
            costs=costs[name],
            agreement=agreed.get(name),
        )
        for name in files
    ]
    rows += [Row(target="cpu", precision=name, state=why) for name, why in missing.items()]
    return rows + [
        Row(
            target="tensorrt",
            precision=name,
            state=_plan_state(name, onnx),
            agreement=agreed.get(f"{name} plan"),
        )
        for name in tensorrt_engine.PRECISIONS
    ]


def agreements(judged: Judged, folds: evaluate.Folds) -> dict[str, Agreement]:
    """Each precision beside float32, by heads that have not seen a photo's source.

    Raises:
        Refuse: a photo is of a source without such heads.
    """
    unknown = sorted(set(judged.source.tolist()) - set(folds.without))
    if unknown:
        raise Refuse(
            f"{len(unknown)} of the photos' sources are not the heads' ({unknown[0]}): give photos of the"
            " training sources, or train on these with `python -m training.train --photos`."
        )
    p = {
        name: evaluate.calibrated(_logits(x, judged.source, folds), judged.label, judged.source)
        for name, x in judged.embeddings.items()
    }
    return {
        name: agreement(p["fp32"], found, judged.label, judged.source, tolerance=TOLERANCE[name.split()[0]])
        for name, found in p.items()
    }


def _logits(x: Matrix, source: Names, folds: evaluate.Folds) -> Matrix:
    heads = next(iter(folds.without.values()))
    out = np.empty((len(x), *heads.bias.shape))
    for name in np.unique(source):
        rows = source == name
        out[rows] = folds.without[str(name)].logits(x[rows])
    return out


def _files(models: Path, onnx: bytes) -> tuple[dict[str, bytes], dict[str, str]]:
    """By precision the file of each engine that can be measured here, and why others cannot."""
    files, missing = {"fp32": onnx}, {}
    if openvino_engine.settle("auto") == "bf16":
        files["bf16"] = onnx
    else:
        missing["bf16"] = "this processor has no bf16"
    try:
        files["int8"] = quantised.read(models, onnx)
    except Refuse:
        missing["int8"] = "not quantised"
    return files, missing


def _plan_state(precision: str, onnx: bytes) -> str:
    """Whether a plan of this backbone was built on this machine, and how near it was to its source."""
    wanted = ("tensorrt", precision, hashlib.sha256(onnx).hexdigest())
    for path in sorted((home() / "engines").glob("tensorrt-*/efficientnet/engine.json")):
        try:
            engine = json.loads(path.read_bytes())
            if (engine["target"], engine["precision"], engine["source_sha256"]) == wanted:
                return f"built here, cosine {engine['parity']['min_cosine']:.4f} on golden photos"
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return "never built"


def _plans(files: Mapping[str, bytes]) -> dict[str, Callable[[Pixels], Matrix]]:
    """The files that TensorRT would be given, run by ONNX Runtime on the CPU."""
    given = {"fp16": files["fp32"]} | {name: file for name, file in files.items() if name == "int8"}
    typed = {name: tensorrt_engine.typed(file, precision=name) for name, file in given.items()}
    return {f"{name} plan": _image(partial(answers, file)) for name, file in typed.items()}


def source(models: Path) -> bytes:
    """The backbone's ONNX file in a folder of models.

    Raises:
        Refuse: it cannot be read.
    """
    path = models / "efficientnet" / "1" / "model.onnx"
    try:
        return path.read_bytes()
    except OSError as exc:
        raise Refuse(
            f"{path} cannot be read ({exc.strerror}): give a folder of models with --models."
        ) from exc


def _image(run: Callable[[Feed], Mapping[str, npt.NDArray[np.float32]]]) -> Callable[[Pixels], Matrix]:
    return lambda photos: np.asarray(run({"image": photos})["embedding"], dtype=np.float64)


def _committed(committed: Embeddings) -> Judged:
    return Judged(embeddings=committed.served(), label=committed.label, source=committed.source)


def _decoded(folder: Path, size: int) -> tuple[list[TrainingPhoto], Pixels]:
    kept, pixels = decodable(load_photos(folder), Target(size, CROP))
    if not kept:
        raise Refuse(f"{folder} has no photo to compare on: its manifest lists none that can be decoded.")
    return kept, np.stack(pixels)


def _embedded(
    photos: list[TrainingPhoto], pixels: Pixels, engines: Mapping[str, Callable[[Pixels], Matrix]]
) -> Judged:
    return Judged(
        embeddings={name: run(pixels) for name, run in engines.items()},
        label=np.array([photo.label for photo in photos], dtype=np.int64),
        source=np.array([photo.source for photo in photos]),
    )


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return value
