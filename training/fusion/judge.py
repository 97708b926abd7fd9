"""Judge fusion models on photos of sources that they were not fitted on, on simulated evidence.

The image's logits of those photos, too, are of heads without that source. What is not nested: the logits that
fusion and temperature are fitted on are of other sources' photos, by heads that had the judged source among
theirs. So no photo of the judged source is a sample of the fusion, and yet its labels have had a say in it.
Photos, not draws of evidence, are what is counted: a photo's losses are averaged over its draws, and
intervals resample whole sources.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from training import metrics
from training.embeddings import Matrix, Names
from training.fusion.batch import Flags, Samples
from training.fusion.conflict import (
    FALSE_ALARMS,
    ceiling,
    metadata_against_metadata,
    pixels_against_metadata,
    roc,
)
from training.fusion.fit import Recipe, fit_gates, fit_mlp, fit_pool
from training.fusion.gated import Gates
from training.fusion.mlp import Mlp
from training.fusion.pool import Pool
from worker.finish.probability import softmax
from worker.record import CLAIMS, STREAMS

IMAGE: Final = "image alone"
POOL, CONCATENATION, GATED = "log-linear pool", "concatenation + MLP", "gated"
FITS: Final[dict[str, Callable[[Samples, Recipe], Gates | Pool | Mlp]]] = {
    POOL: fit_pool,
    CONCATENATION: fit_mlp,
    GATED: fit_gates,
}
"""The baselines first, the plainer one before the other."""

RESAMPLES: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The testing samples and what every model says of them: logits (n, members, labels) by its name."""

    samples: Samples
    fused: dict[str, Matrix]

    def p(self, name: str) -> Matrix:
        """The probabilities of a model, shape (n, labels)."""
        return softmax(self.fused[name].mean(axis=1))

    def loss(self, name: str) -> Matrix:
        """The negative log-likelihood of every sample, in nats."""
        p = self.p(name)[np.arange(len(self.samples)), self.samples.label]
        return np.asarray(-np.log(np.maximum(p, 1e-300)))


def out_of_source(
    train: Samples,
    tests: Mapping[str, Samples],
    recipe: Recipe,
    *,
    kinds: Collection[str] = tuple(FITS),
    tell: Callable[[str, int, int], None] = lambda *_: None,
) -> dict[str, Judged]:
    """Fit models without each source in turn and let it say what it makes of that source's photos.

    Args:
        train: with evidence of the training generator.
        tests: testing samples by a name of their own, such as with GPS and without.
        recipe: how models are fitted.
        kinds: which, names of FITS.
        tell: is told what is being done, how much is done and of how much.
    """
    found = {
        each: {IMAGE: test.logits} | {name: np.empty_like(test.logits) for name in kinds}
        for each, test in tests.items()
    }
    sources = np.unique(np.concatenate([test.source for test in tests.values()]))
    for number, source in enumerate(sources):
        for place, name in enumerate(kinds):
            tell(f"fusion: {name}", number * len(kinds) + place, len(sources) * len(kinds))
            model = FITS[name](train.take(train.source != source), recipe)
            for each, test in tests.items():
                own = test.source == source
                found[each][name][own] = model.fuse(test.logits[own], test.evidence.take(own))
    return {each: Judged(samples=test, fused=found[each]) for each, test in tests.items()}


def paired(difference: Matrix, source: Names, *, seed: int = 0) -> dict[str, float]:
    """The mean of paired differences with its 95% percentile interval, whole sources resampled.

    >>> paired(np.array([0.1, 0.3, 0.2, 0.2]), np.array(["a", "a", "b", "b"]))
    {'value': 0.2, 'low': 0.2, 'high': 0.2}
    """
    _, cluster = np.unique(source, return_inverse=True)
    total, count = np.bincount(cluster, difference), np.bincount(cluster)
    drawn = np.random.default_rng(seed).integers(0, len(count), (RESAMPLES, len(count)))
    means = total[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return {
        "value": round(float(difference.mean()), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
    }


def scores(judged: Judged) -> dict[str, Any]:
    """Likelihood, accuracy and calibration of every model, with 95% intervals over sources."""
    samples = judged.samples
    rows = {}
    for name in judged.fused:
        p = judged.p(name)
        right = (p.argmax(axis=1) == samples.label).astype(np.float64)
        rows[name] = {
            "nll": paired(judged.loss(name), samples.source),
            "accuracy": paired(right, samples.source),
            "ece": {
                "value": round(metrics.ece(p, samples.label), 4),
                "if_calibrated": round(metrics.ece_if_calibrated(p, draws=200), 4),
            },
        }
    return rows


def differences(judged: Judged) -> dict[str, dict[str, float]]:
    """By how much the gated model's loss differs from each other one's: below 0, it is better."""
    gated = judged.loss(GATED)
    return {
        name: paired(gated - judged.loss(name), judged.samples.source)
        for name in judged.fused
        if name != GATED
    }


def chosen(judged: Judged) -> str:
    """The model that ships: the gated one if it beats every baseline, else the best of them.

    It beats one if the interval of their paired difference lies below 0.
    """
    apart = differences(judged)
    if all(apart[name]["high"] < 0 for name in (POOL, CONCATENATION)):
        return GATED
    return min((POOL, CONCATENATION), key=lambda name: float(judged.loss(name).mean()))


def by_stream(judged: Judged, names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Of samples with each stream: how often it is there, and the gain of the gated model over the image."""
    gain = judged.loss(IMAGE) - judged.loss(GATED)
    found = {}
    for place, name in enumerate(names):
        rows = judged.samples.evidence.present[:, place] > 0
        if rows.any():
            found[name] = {
                "share": round(float(rows.mean()), 4),
                "gain": paired(gain[rows], judged.samples.source[rows]),
            }
    return found


def pixels_conflict(train: Samples, test: Samples) -> dict[str, Any]:
    """Pixels against metadata: swapped photos against those whose metadata agree and are their own."""
    return _conflict(
        pixels_against_metadata(softmax(train.image), train.evidence),
        pixels_against_metadata(softmax(test.image), test.evidence),
        (train, test),
        kind="swapped",
    ) | {"ceiling": round(ceiling(softmax(test.image)), 4)}


def metadata_conflict(train: Samples, test: Samples) -> dict[str, Any]:
    """Metadata against metadata: photos with two claims about different continents against the rest."""
    return _conflict(
        metadata_against_metadata(train.evidence),
        metadata_against_metadata(test.evidence),
        (train, test),
        kind="mixed",
    )


def all_streams_conflict(train: Samples, test: Samples) -> dict[str, Any]:
    """The same with the streams that claim no place counted too."""
    return _conflict(
        metadata_against_metadata(train.evidence, STREAMS),
        metadata_against_metadata(test.evidence, STREAMS),
        (train, test),
        kind="mixed",
    )


def _conflict(known: Matrix, score: Matrix, samples: tuple[Samples, Samples], *, kind: str) -> dict[str, Any]:
    """The curve on the testing samples, and the threshold of the training ones as it does there.

    `threshold` is what a photo may be flagged by: `judged_at`, or None where its hits there, at the lower
    limit, are no more than its false alarms. A test that alarms as often without cause tells nothing.
    """
    learned, judged = (_eligible(each, kind) for each in samples)
    threshold, _ = roc(known[learned[0]], learned[1]).operating_point()
    rows, conflict = judged
    taken, source = score[rows], samples[1].source[rows]
    alarm = (taken > threshold).astype(np.float64)
    hits, false_alarms = (paired(alarm[rows], source[rows]) for rows in (conflict, ~conflict))
    tells = hits["low"] > false_alarms["value"]
    return {
        "threshold": round(threshold, 6) if tells else None,
        "judged_at": round(threshold, 6),
        "allowed": FALSE_ALARMS,
        "area": _area(taken, conflict, source),
        "hits": hits,
        "hits_at_own_threshold": round(roc(taken, conflict).operating_point()[1], 4),
        "false_alarms": false_alarms,
        "conflicts": int(conflict.sum()),
        "others": int((~conflict).sum()),
    }


def _eligible(samples: Samples, kind: str) -> tuple[Flags, Flags]:
    """Rows that are judged, and which of those are conflicts.

    For the metadata all with two claims: where all of them were swapped, they agree. For the pixels those
    with a stream whose claims agree: of a mixture nobody can say whether it is swapped.
    """
    if kind == "mixed":
        claims = [STREAMS.index(name) for name in CLAIMS]
        rows = samples.evidence.present[:, claims].sum(axis=1) > 1
        return rows, samples.mixed[rows]
    rows = samples.evidence.present.any(axis=1) & ~samples.mixed
    return rows, samples.swapped[rows]


def _area(score: Matrix, conflict: Flags, source: Names) -> dict[str, float]:
    """The area under the curve with its 95% interval, whole sources resampled."""
    rng = np.random.default_rng(0)
    rows = [np.flatnonzero(source == name) for name in np.unique(source)]
    areas = []
    for _ in range(RESAMPLES // 10):
        drawn = np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])
        if conflict[drawn].any() and not conflict[drawn].all():
            areas.append(roc(score[drawn], conflict[drawn]).area)
    low, high = np.quantile(areas, [0.025, 0.975])
    return {
        "value": round(roc(score, conflict).area, 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
    }
