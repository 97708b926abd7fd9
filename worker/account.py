"""What the loop tells its metrics: what is held right now, and what has been published."""

from __future__ import annotations

from worker.edges.metrics import Metrics
from worker.ordering import Ordering, Prefix
from worker.record import Prediction, Rejection


def hold(metrics: Metrics, ordering: Ordering, *, now: float, queued: int, paused: bool) -> None:
    """Show what is held at `now` (seconds since the epoch): the gauges that have limits beside them."""
    metrics.loop_at.set(now)
    metrics.in_flight.set(ordering.count)
    metrics.in_flight_bytes.set(ordering.size)
    metrics.reorder.set(ordering.finished())
    metrics.producer_queue.set(queued)
    metrics.paused.set(paused)


def published(metrics: Metrics, prefix: Prefix, *, at: float) -> None:
    """Count the outcomes of a committed prefix whose records were made at `at` (on the steady clock)."""
    for outcome in prefix.outcomes:
        metrics.total_seconds.observe(at - outcome.photo.begun)
        if isinstance(outcome, Rejection):
            metrics.rejected.labels(reason=outcome.reason).inc()
        else:
            _prediction(metrics, outcome, at)


def _prediction(metrics: Metrics, prediction: Prediction, at: float) -> None:
    decision, timing = prediction.decision, prediction.timing
    metrics.published.labels(feed=decision.slug, reason=decision.reason or "").inc()
    metrics.late.inc(at > prediction.photo.deadline)
    metrics.confidence.observe(max(each.p for each in prediction.continents.values()))
    metrics.queue_seconds.observe(timing.queue_ms / 1000)
    metrics.decode_seconds.observe(timing.decode_ms / 1000)
    metrics.infer_seconds.observe(timing.infer_ms / 1000)
