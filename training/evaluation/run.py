"""What the command does: start what is needed, evaluate, show and write."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console

from local.progress import shown
from local.runs import open_run
from local.signals import Signalled, raised
from local.triton import Triton
from training import embeddings
from training.embeddings import Embeddings
from training.engines import repository
from training.evaluation import labelled, robustness, seen
from training.evaluation.answers import Mask
from training.evaluation.carried import known
from training.evaluation.evaluation import Evaluation, on_folder, on_unseen_sources
from training.evaluation.labelled import Labelled, LabelledPhoto
from training.evaluation.nested import Meter, linear_heads
from training.evaluation.predicted import Predicted, predicted
from training.evaluation.report.terminal import render
from training.evaluation.served import Served, serve, submitted
from training.evaluation.shipped import joining
from training.heads import Recipe
from training.places import EMBEDDINGS, EXAMPLES, MODELS
from worker.edges.card import Card
from worker.edges.card import load as load_card
from worker.errors import Refuse, Reject
from worker.prepare.decode import DecodeLimits
from worker.prepare.evidence import exif
from worker.record import Pixels, Prediction
from worker.settings import Settings
from worker.settings import load as load_settings

MOST_CORRUPTED: Final = 100
"""Photos that are judged corrupted: each is, in 33 ways."""

THROUGH: Final = "through the worker's own intake, decoding, engine and finishing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be evaluated and written.

    `manifest` None: the committed embeddings with sources left out, then the example photos. `triton` is the
    host:port of one that serves the models already, None: it is started. `corruptions`: whether the folder's
    photos are judged corrupted as well.
    """

    manifest: Path | None = None
    models: Path = MODELS
    triton: str | None = None
    corruptions: bool = True
    json: Path | None = None
    html: Path | None = None


def evaluate(plan: Plan) -> int:
    """Evaluate, show, write; return the exit code.

    Raises:
        Refuse: one sentence with the mend.
    """
    try:
        with raised(), shown() as meter:
            found = of_folder(plan, meter) if plan.manifest is not None else headline(plan, meter)
    except Signalled as asked:
        return asked.exit_code
    Console(highlight=False).print(render(found))
    write(found, plan)
    return 0


def write(found: Evaluation, plan: Plan) -> None:
    """Write the files that are wanted.

    Raises:
        Refuse: one of them cannot be written.
    """
    if plan.json is not None:
        text = json.dumps(found.document(), indent=2, allow_nan=False, ensure_ascii=False) + "\n"
        _written(plan.json, text)
    if plan.html is not None:
        from training.evaluation.report.page import page  # noqa: PLC0415 - it brings matplotlib

        _written(plan.html, page(found))


def headline(plan: Plan, meter: Meter) -> Evaluation:
    """Sources left out, from the committed embeddings; then the example photos by the engine itself."""
    card, photos = load_card(_card(plan.models)), _embeddings(plan.models)
    document = _document(plan.models)
    recipe = Recipe(c=document["training"]["c"], heads=card.heads, seed=document["training"]["seed"])
    found = on_unseen_sources(
        photos,
        linear_heads(recipe),
        model={"card": card.id, "embeddings": "fp32"},
        meter=meter,
        carried=known(photos, plan.models),
        joining=joining(_onnx(plan.models, "fusion")),
    )
    examples = of_folder(replace(plan, manifest=EXAMPLES / "manifest.csv"), meter)
    return replace(
        found,
        others={**found.others, "example photos": examples.summary},
        robustness=examples.robustness,
        robustness_photos=f"{examples.summary.n} example photos",
    )


def of_folder(plan: Plan, meter: Meter) -> Evaluation:
    """A folder's photos through the worker's path, clean and corrupted; GPS is not looked at, but beside."""
    given = labelled.read(plan.manifest or EXAMPLES)
    with engine(plan, meter) as asked:
        settings = without_gps(asked)
        said = serve([partial(submitted, photo) for photo in given.photos], settings, meter)
        found = predicted(given.photos, said.outcomes)
        if not len(found.final):
            raise Refuse(
                f"the worker rejects every photo of the manifest ({_told(found.rejected)}): see to them."
            )
        card = load_card(settings.card)
        evaluation = on_folder(
            found,
            counts=_document(plan.models)["training"]["by_continent"],
            seen=fitted_on(plan.models, card, [given.photos[row] for row in found.rows], settings, meter),
            model=_model(said),
            how=f"{len(given.photos)} photos of a manifest {THROUGH}, GPS not looked at",
            located=with_gps(given, found, said, asked, meter),
            joining=joining(_onnx(plan.models, "fusion"), temperature=said.recipe.temperature),
        )
        evaluation = replace(evaluation, counts={**evaluation.counts, "passed_over": given.passed_over})
        if plan.corruptions:
            rows, count = corrupted(given, found, settings, card, meter)
            evaluation = replace(evaluation, robustness=rows, robustness_photos=f"{count} of these photos")
    return evaluation


def without_gps(settings: Settings) -> Settings:
    """The same, and GPS is not looked at: it is the answer, not evidence for it."""
    return settings.model_copy(update={"evidence": settings.evidence.model_copy(update={"gps": False})})


def with_gps(
    given: Labelled, found: Predicted, said: Served, settings: Settings, meter: Meter
) -> Predicted | None:
    """The same photos where GPS is looked at; only those whose files hold any go through the worker again.

    None where the operator's policy (PANGAEA_EVIDENCE__GPS) forbids it, or no photo holds any.
    """
    if not settings.evidence.gps:
        return None
    rows = [row for row in found.rows if holds_gps(given.photos[row])]
    if not rows:
        return None
    again = serve([partial(submitted, given.photos[row]) for row in rows], settings, meter).outcomes
    outcomes = list(said.outcomes)
    for row, outcome in zip(rows, again, strict=True):
        # A photo that is gone by now keeps the answer that it had.
        outcomes[row] = outcome if isinstance(outcome, Prediction) else outcomes[row]
    return predicted(given.photos, outcomes)


def holds_gps(photo: LabelledPhoto) -> bool:
    """Whether looking at the file's GPS directory tells anything, its clock included."""
    try:
        data = photo.path.read_bytes()
    except OSError:
        return False
    return exif.read(data, gps=True) != exif.read(data, gps=False)


def corrupted(
    given: Labelled, found: Predicted, settings: Settings, card: Card, meter: Meter
) -> tuple[tuple[robustness.Row, ...], int]:
    """Every corruption of photos that the worker took, at most a hundred, and of how many in the end."""
    limits = _limits(settings)
    rows = np.random.default_rng(0).permutation(found.rows)[:MOST_CORRUPTED]
    drawn = [given.photos[row] for row in sorted(rows)]
    clean = [(photo, _canvas(photo, limits, card)) for photo in drawn]
    kept = [photo for photo, pixels in clean if pixels is not None]
    sent = [
        partial(robustness.submission, pixels, case)
        for case in robustness.CASES
        for _, pixels in clean
        if pixels is not None
    ]
    outcomes = serve(sent, settings, meter).outcomes
    parts = [
        outcomes[number * len(kept) : (number + 1) * len(kept)] for number in range(len(robustness.CASES))
    ]
    # Paired: a photo counts where the worker took it in every case.
    whole = [row for row in range(len(kept)) if all(isinstance(part[row], Prediction) for part in parts)]
    photos = [kept[row] for row in whole]
    if not photos:
        return (), 0
    table = robustness.table(
        {
            case: predicted(photos, [part[row] for row in whole]).final
            for case, part in zip(robustness.CASES, parts, strict=True)
        }
    )
    return table, len(photos)


def _canvas(photo: LabelledPhoto, limits: DecodeLimits, card: Card) -> Pixels | None:
    """None where the file cannot be read any more."""
    try:
        return robustness.canvas(submitted(photo), limits, card.target)
    except Reject:
        return None


@contextmanager
def engine(plan: Plan, meter: Meter) -> Iterator[Settings]:
    """The settings of a worker whose Triton serves the plan's models: one that runs, or one for this alone.

    Raises:
        Refuse: the engines cannot be built or the server does not start.
    """
    settings = load_settings().model_copy(update={"card": _card(plan.models)})
    if plan.triton is not None:
        yield _served_at(settings, plan.triton)
        return
    meter("engines", 0, 1)
    work = repository.plan(plan.models, target="cpu", precision="auto", instances=None)
    folder = repository.build(work, None, progress=lambda what: meter(f"engines: {what}", 0, 1))
    meter("engines", 1, 1)
    run = open_run()
    try:
        with Triton.start(run.folder, folder, meter=meter) as server:
            yield _served_at(settings, server.url)
    finally:
        run.close()


def _served_at(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"triton": settings.triton.model_copy(update={"url": url})})


def _card(models: Path) -> Path:
    return models / "continent" / "card.json"


def _document(models: Path) -> dict[str, Any]:
    """The whole card, with what only people read."""
    try:
        found: dict[str, Any] = json.loads(_card(models).read_bytes())
    except (OSError, ValueError) as exc:
        raise Refuse(
            f"{models} holds no model card: name a folder like triton_models with --models."
        ) from exc
    return found


def _embeddings(models: Path) -> Embeddings:
    return embeddings.load(EMBEDDINGS if models == MODELS else models / "embeddings.npz")


def fitted_on(
    models: Path, card: Card, photos: Sequence[LabelledPhoto], settings: Settings, meter: Meter
) -> Mask | None:
    """Which photos the card's heads were fitted on; None where no embeddings are there to say it."""
    try:
        fitted = _embeddings(models)
    except Refuse:
        return None
    if fitted.backbone_sha256 != card.sources["efficientnet"].sha256:
        return None
    backbone = _onnx(models, "efficientnet")
    return seen.fitted_on(
        photos, fitted, backbone=backbone, target=card.target, limits=_limits(settings), meter=meter
    )


def _limits(settings: Settings) -> DecodeLimits:
    return DecodeLimits(settings.limit.pixels, settings.limit.side)


def _onnx(models: Path, name: str) -> bytes:
    path = models / name / "1" / "model.onnx"
    try:
        return path.read_bytes()
    except OSError as exc:
        raise Refuse(f"{path} cannot be read ({exc.strerror}): restore the source models.") from exc


def _model(said: Served) -> dict[str, str]:
    recipe = said.recipe
    return {
        "card": recipe.card_id,
        "source_sha256": recipe.source_sha256,
        "target": recipe.target,
        "precision": recipe.precision,
    }


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in counts.items())


def _written(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise Refuse(f"{path} cannot be written ({exc.strerror}): name another place.", exit_code=2) from exc
