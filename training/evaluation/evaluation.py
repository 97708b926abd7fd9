"""One evaluation as a value: what was judged, how, against what; and as the JSON document of the command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from training.embeddings import Embeddings
from training.evaluation import ablations, baselines, coverage, summary
from training.evaluation.ablations import Ablation
from training.evaluation.answers import Answers, Labels, Matrix, Truth
from training.evaluation.coverage import Exchangeable
from training.evaluation.nested import Finishing, Fit, Meter, by_group, by_source, in_their_span, nested
from training.evaluation.predicted import Predicted
from training.evaluation.resampling import Figure
from training.evaluation.robustness import Row as Corrupted
from training.evaluation.summary import Summary, summarise
from training.fusion.batch import EvidenceBatch
from worker.record import SLUGS, STREAMS

SCHEMA: Final = "pangaea.evaluation.v1"
MODEL: Final = "model"
UNCALIBRATED: Final = "model, uncalibrated"
KNOWING: Final = "knowing this set"
IN_DOMAIN: Final = "in domain"

INTERVALS: Final = (
    "95% percentile bootstrap of 2,000 resamples of whole groups; over_sources and differences resample whole"
    " sources; null with fewer than five of them"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What was found; parts that were not measured are empty.

    `how` says in a sentence how the photos were kept from what was fitted; `model` what was judged;
    `summary` its scores; `others` those of other sets of photos, by name; `rows` a few scores of every
    classifier on the same photos; `differences` the model's less each of theirs.
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
            "counts": {name: dict(each) for name, each in self.counts.items()},
            "notes": list(self.notes),
        }


def for_card(found: Evaluation) -> dict[str, Any]:
    """What the model card keeps of the headline: scores, comparisons, conditions; no curves, no bins.

    Numbers that a last bit may push over an edge (bins of reliability, p-values) are left to the report, so
    that the card can be computed again elsewhere and compared.
    """
    summary_ = found.summary
    inside = found.others[IN_DOMAIN]
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
        "in_domain": {
            **_documents(inside.figures),
            "exchangeable": None if found.exchangeable is None else found.exchangeable.document(),
        },
        "ablations": [row.document() for row in found.ablations],
    }


def on_unseen_sources(
    photos: Embeddings,
    how: Fit,
    *,
    model: Mapping[str, str],
    meter: Meter,
    evidence: EvidenceBatch | None = None,
) -> Evaluation:
    """The headline: every source left out whole in turn, calibration fitted within, baselines alike.

    Beside it the same in domain: groups left out, every source on both sides.

    Args:
        photos: what is fitted on and judged.
        how: fits the heads.
        model: what is judged, in words.
        meter: told how far it is.
        evidence: what the photos' own metadata say, where it is known; scored in the table of parts.

    Raises:
        Refuse: the photos are of fewer than three sources.
    """
    photos = in_their_span(photos)
    outer = by_source(photos)
    unseen = nested(photos, outer, how, meter=meter)
    answers, raw = unseen.answers(), unseen.answers(calibrated=False)
    others = {UNCALIBRATED: raw, **_baselines(photos, outer), KNOWING: baselines.knowing(answers.truth)}
    inside = nested(photos, by_group(photos), how, meter=meter).answers()
    names = [str(name) for name in np.unique(photos.source)]
    return Evaluation(
        how="every source left out whole in turn; heads, temperature, conformal quantile and threshold fitted"
        " without it, calibration on answers for each other source by heads that have seen neither",
        model=model,
        summary=summarise(answers),
        others={IN_DOMAIN: summarise(inside)},
        rows={MODEL: summary.row(answers), **{name: summary.row(each) for name, each in others.items()}},
        differences=summary.differences(answers, others),
        exchangeable=coverage.halved(inside.p, inside.truth.label),
        finishings=dict(zip(names, unseen.finishings, strict=True)),
        ablations=() if evidence is None else parts(answers.truth, unseen.scaled(), evidence),
    )


def on_folder(
    found: Predicted,
    evidence: EvidenceBatch,
    *,
    counts: Mapping[str, int],
    seen: frozenset[str],
    model: Mapping[str, str],
    how: str,
) -> Evaluation:
    """The scores of what the worker says of a folder's photos.

    Args:
        found: at least one photo that the worker took.
        evidence: what the metadata of these photos say.
        counts: training photos by slug, for what knowing nothing of the pixels reaches.
        seen: groups that the model was fitted on; photos of others are scored apart where there are both.
        model: what answered.
        how: how the photos were put through it.
    """
    final = found.final
    prior = np.array([counts.get(slug, 0) for slug in SLUGS]) + 1.0
    p = np.tile(prior / prior.sum(), (len(final), 1))
    guess = {"prior of the training photos": Answers.plain(final.truth, p)}
    fresh = ~np.isin(final.truth.group, sorted(seen))
    notes = []
    others = {}
    if not np.array_equal(found.visual.p, final.p):
        others["image alone"] = summarise(found.visual)
    if not fresh.all():
        notes.append(
            f"{int((~fresh).sum())} of the {len(final)} photos are of groups that the model was fitted on:"
            " their scores flatter it."
        )
        if fresh.any():
            others["photos that the model was not fitted on"] = summarise(final.take(fresh))
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
            "evidence": {
                name: int(present.sum()) for name, present in zip(STREAMS, evidence.present.T, strict=True)
            },
        },
        ablations=parts(final.truth, ablations.log_p(found.visual.p), evidence),
        notes=tuple(notes),
    )


def parts(truth: Truth, logits: Matrix, evidence: EvidenceBatch) -> tuple[Ablation, ...]:
    """The table of parts over the photos that carry any evidence; empty where none does."""
    rows = np.asarray(evidence.present.any(axis=1))
    if not rows.any():
        return ()
    return ablations.table(ablations.ablate(truth.take(rows), logits[rows], evidence.take(rows)))


def _baselines(photos: Embeddings, outer: Labels) -> dict[str, Answers]:
    return {name: baselines.judged(photos, outer, guess) for name, guess in baselines.BASELINES.items()}


def _documents(row: Mapping[str, Figure]) -> dict[str, Any]:
    return {name: each.document() for name, each in row.items()}
