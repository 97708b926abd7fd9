"""One evaluation as a value: what was judged, how, against what; and as the JSON document of the command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from training.embeddings import Embeddings
from training.evaluation import ablations, baselines, coverage, summary
from training.evaluation.ablations import Ablation, Fuse, Joining
from training.evaluation.answers import Answers, Labels, Mask, Matrix, Truth
from training.evaluation.carried import Carried
from training.evaluation.coverage import Exchangeable
from training.evaluation.nested import (
    LEAST_FOLDS,
    Finishing,
    Fit,
    Meter,
    Nested,
    by_group,
    by_source,
    in_their_span,
    nested,
)
from training.evaluation.predicted import Predicted
from training.evaluation.resampling import Figure
from training.evaluation.robustness import Row as Corrupted
from training.evaluation.summary import Summary, summarise
from training.fusion.batch import EvidenceBatch
from worker.finish.probability import softmax
from worker.record import SLUGS, STREAMS

SCHEMA: Final = "pangaea.evaluation.v1"
MODEL: Final = "model"
UNCALIBRATED: Final = "model, uncalibrated"
KNOWING: Final = "knowing this set"
IN_DOMAIN: Final = "in domain"
WITH_EVIDENCE: Final = "with the evidence they really carry"
"""The same photos, and what their own metadata say, GPS not looked at."""

WITH_GPS: Final = "with gps"
"""The same photos where GPS is looked at: never the headline."""

INTERVALS: Final = (
    "95% percentile bootstrap of 2,000 resamples of whole groups; over_sources and differences resample whole"
    " sources; null with fewer than five of them"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What was found; parts that were not measured are empty.

    `how` says in a sentence how the photos were kept from what was fitted; `model` what was judged;
    `summary` its scores; `others` those of other sets of photos, by name; `rows` a few scores of every
    classifier on the same photos; `differences` the model's less each of theirs; `joined_by` what joined
    image and evidence in `ablations`.
    """

    how: str
    model: Mapping[str, str]
    summary: Summary
    others: Mapping[str, Summary] = field(default_factory=dict)
    rows: Mapping[str, Mapping[str, Figure]] = field(default_factory=dict)
    differences: Mapping[str, Mapping[str, Figure]] = field(default_factory=dict)
    exchangeable: Exchangeable | None = None
    finishings: Mapping[str, Finishing] = field(default_factory=dict)
    robustness: tuple[Corrupted, ...] = ()
    robustness_photos: str = ""
    ablations: tuple[Ablation, ...] = ()
    joined_by: str = ""
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON: the scores of `summary` at the top, the rest beside them."""
        return {
            "schema": SCHEMA,
            "how": self.how,
            "intervals": INTERVALS,
            "model": dict(self.model),
            **self.summary.document(),
            "compared": {name: _documents(row) for name, row in self.rows.items()},
            "differences": {
                name: {score: {**one.document(), "verdict": one.verdict} for score, one in row.items()}
                for name, row in self.differences.items()
            },
            "exchangeable": None if self.exchangeable is None else self.exchangeable.document(),
            "finishing": {
                name: {
                    "temperature": round(one.temperature, 4),
                    "quantile": round(one.quantile, 4),
                    "theta": one.theta,
                }
                for name, one in self.finishings.items()
            },
            "others": {name: each.document() for name, each in self.others.items()},
            "robustness": [row.document() for row in self.robustness],
            "ablations": [row.document() for row in self.ablations],
            "ablations_joined_by": self.joined_by or None,
            "counts": {name: dict(each) for name, each in self.counts.items()},
            "notes": list(self.notes),
        }


def for_card(found: Evaluation) -> dict[str, Any]:
    """What the model card keeps of the headline: scores, comparisons, conditions; no curves, no bins.

    Numbers that a last bit may push over an edge (bins of reliability, p-values) are left to the report, so
    that the card can be computed again elsewhere and compared.
    """
    summary_ = found.summary
    inside = found.others.get(IN_DOMAIN)
    return {
        "how": found.how,
        "intervals": INTERVALS,
        "n": summary_.n,
        "groups": summary_.groups,
        "sources": summary_.sources,
        **_documents(summary_.figures),
        "over_sources": _documents(summary_.over_sources),
        "ece_if_calibrated": round(summary_.reliability.expected, 4),
        "macro_over": [each.slug for each in summary_.continents if each.judged],
        "per_continent": {each.slug: each.document() for each in summary_.continents},
        "per_source": {
            name: {"n": each.n, "top1": each.figures["top1"].document()}
            for name, each in summary_.per_source.items()
        },
        "compared": {name: _documents(row) for name, row in found.rows.items()},
        "differences": {name: _documents(row) for name, row in found.differences.items()},
        "in_domain": None
        if inside is None
        else {
            **_documents(inside.figures),
            "exchangeable": None if found.exchangeable is None else found.exchangeable.document(),
        },
        "ablations": [row.document() for row in found.ablations],
        "ablations_joined_by": found.joined_by or None,
        "carrying": dict(found.counts.get("evidence", {})),
    }


def on_unseen_sources(
    photos: Embeddings,
    how: Fit,
    *,
    model: Mapping[str, str],
    meter: Meter,
    carried: Carried | None = None,
    joining: Joining = ablations.POOL,
) -> Evaluation:
    """The headline: every source left out whole in turn, calibration fitted within, baselines alike.

    Beside it the same in domain: groups left out, every source on both sides; and the same with what the
    photos' own metadata say. Heads and temperature have not seen a photo's source; the joining is one.

    Args:
        photos: what is fitted on and judged.
        how: fits the heads.
        model: what is judged, in words.
        meter: told how far it is.
        carried: what the photos' own metadata say, where it is known.
        joining: how image and evidence are joined.

    Raises:
        Refuse: the photos are of fewer than three sources.
    """
    photos = in_their_span(photos)
    outer = by_source(photos)
    unseen = nested(photos, outer, how, meter=meter)
    answers, raw = unseen.answers(), unseen.answers(calibrated=False)
    others = {UNCALIBRATED: raw, **_baselines(photos, outer), KNOWING: baselines.knowing(answers.truth)}
    known = {} if carried is None else _with_evidence(unseen, carried, joining)
    inside = _in_domain(photos, how, meter)
    names = [str(name) for name in np.unique(photos.source)]
    return Evaluation(
        how="every source left out whole in turn; heads, temperature, conformal quantile and threshold fitted"
        " without it, calibration on answers for each other source by heads that have seen neither",
        model=model,
        summary=summarise(answers),
        others={
            name: summarise(each)
            for name, each in (known | ({} if inside is None else {IN_DOMAIN: inside})).items()
        },
        rows={name: summary.row(each) for name, each in ({MODEL: answers} | known | others).items()},
        differences=summary.differences(answers, known | others),
        exchangeable=None if inside is None else coverage.halved(inside.p, inside.truth.label),
        finishings=dict(zip(names, unseen.finishings, strict=True)),
        ablations=()
        if carried is None
        else parts(answers.truth, unseen.scaled(), carried.open, located=carried.located, fuse=joining.fuse),
        joined_by="" if carried is None else joining.name,
        counts={} if carried is None else {"evidence": by_stream(carried.open)},
        notes=tuple(_notes(inside, carried)),
    )


def on_folder(
    found: Predicted,
    *,
    counts: Mapping[str, int],
    seen: Mask | None,
    model: Mapping[str, str],
    how: str,
    located: Predicted | None = None,
    joining: Joining = ablations.POOL,
) -> Evaluation:
    """The scores of what the worker says of a folder's photos.

    Args:
        found: at least one photo that the worker took, GPS not looked at.
        counts: training photos by slug, for what knowing nothing of the pixels reaches.
        seen: which photos the model was fitted on (n,), the others are scored apart where there are both;
            None: nobody can tell.
        model: what answered.
        how: how the photos were put through it.
        located: the same photos where GPS was looked at.
        joining: how image and evidence are joined, for the table of parts.
    """
    final = found.final
    prior = np.array([counts.get(slug, 0) for slug in SLUGS]) + 1.0
    p = np.tile(prior / prior.sum(), (len(final), 1))
    guess = {"prior of the training photos": Answers.plain(final.truth, p)}
    notes = []
    others = {}
    if not np.array_equal(found.visual.p, final.p):
        others["image alone"] = summarise(found.visual)
    if located is not None:
        others[WITH_GPS] = summarise(located.final)
    if seen is None:
        notes.append(
            "Nobody can tell which of these photos the model was fitted on: the embeddings of its training"
            " photos are not beside it. Scores of such photos flatter it."
        )
    elif seen.any():
        notes.append(
            f"{int(seen.sum())} of the {len(final)} photos are such, or of groups of such, that the model was"
            " fitted on: their scores flatter it."
        )
        if not seen.all():
            others["photos that the model was not fitted on"] = summarise(final.take(~seen))
    return Evaluation(
        how=how,
        model=model,
        summary=summarise(final),
        others=others,
        rows={MODEL: summary.row(final), **{name: summary.row(each) for name, each in guess.items()}},
        differences=summary.differences(final, guess),
        counts={
            "undetermined": found.reasons,
            "rejected": found.rejected,
            "evidence": by_stream(found.evidence),
        },
        ablations=parts(
            final.truth,
            ablations.log_p(found.visual.p),
            found.evidence,
            located=None if located is None else located.evidence,
            fuse=joining.fuse,
        ),
        joined_by=joining.name,
        notes=tuple(notes),
    )


def parts(
    truth: Truth,
    logits: Matrix,
    evidence: EvidenceBatch,
    *,
    located: EvidenceBatch | None = None,
    fuse: Fuse = ablations.POOL.fuse,
) -> tuple[Ablation, ...]:
    """The table of parts over the photos that carry any evidence; empty where none does."""
    located = evidence if located is None else located
    rows = np.asarray(evidence.present.any(axis=1) | located.present.any(axis=1))
    if not rows.any():
        return ()
    answers = ablations.ablate(
        truth.take(rows), logits[rows], evidence.take(rows), fuse=fuse, located=located.take(rows)
    )
    return ablations.table(answers)


def by_stream(evidence: EvidenceBatch) -> dict[str, int]:
    """How many photos carry each stream."""
    return {name: int(present.sum()) for name, present in zip(STREAMS, evidence.present.T, strict=True)}


def _with_evidence(unseen: Nested, carried: Carried, joining: Joining) -> dict[str, Answers]:
    """The answers for all photos, joined with what their metadata say; those without any keep theirs."""
    fused = joining.fuse(unseen.scaled(), carried.open.without(ablations.CLOSED))
    return {WITH_EVIDENCE: Answers.plain(unseen.truth, softmax(fused.mean(axis=1)))}


def _in_domain(photos: Embeddings, how: Fit, meter: Meter) -> Answers | None:
    """Answers with groups left out; None where there are too few groups to leave any out."""
    fold = by_group(photos)
    if len(np.unique(fold)) < LEAST_FOLDS:
        return None
    return nested(photos, fold, how, meter=meter).answers()


def _notes(inside: Answers | None, carried: Carried | None) -> Iterator[str]:
    if inside is None:
        yield "In domain nothing is measured: there are too few groups to leave any out."
    if carried is None:
        yield "What these photos' own metadata say is not known here: scores are of the image alone."
    else:
        some = int(carried.open.present.any(axis=1).sum())
        yield (
            f"{some} of {len(carried)} photos carry metadata that speak of a continent, GPS aside. The fusion"
            " was fitted on invented evidence for all of these photos."
        )


def _baselines(photos: Embeddings, outer: Labels) -> dict[str, Answers]:
    return {name: baselines.judged(photos, outer, guess) for name, guess in baselines.BASELINES.items()}


def _documents(row: Mapping[str, Figure]) -> dict[str, Any]:
    return {name: each.document() for name, each in row.items()}
