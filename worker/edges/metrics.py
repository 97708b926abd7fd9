"""Every metric of the worker, listed and explained in one place. Base units: seconds, bytes, ratios 0–1.

No label ever carries what a photo says or who sent it: labels are slugs, reasons, partitions and states.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LATENCY_BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5, 10, 60)
PROBABILITY_BUCKETS = tuple(step / 10 for step in range(1, 11))


class Metrics:
    """The worker's metrics in a registry of their own; made once by the composition root."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        # What went in and came out: consumed = published + rejected + dropped + what is in flight. What is
        # dropped is read again, by this worker or by its partition's next owner.
        self.consumed = self._counter("photos_consumed", "Photos taken from the input topic.")
        self.published = self._counter(
            "photos_published", "Photos whose record is committed, by feed and reason.", "feed", "reason"
        )
        self.rejected = self._counter("photos_rejected", "Photos rejected for good, by reason.", "reason")
        self.dropped = self._counter(
            "photos_dropped",
            "Photos let go without a record, to be read again: because their partition was revoked, lost or"
            " overtaken by retention, their transaction aborted, or the worker's clients closed.",
            "reason",
        )
        self.late = self._counter("photos_late", "Photos published after their deadline.")
        self.absurd_timestamps = self._counter(
            "timestamps_absurd",
            "Photos whose timestamp could not be true; their deadline counts from arrival.",
        )
        self.lost = self._counter(
            "photos_lost_to_retention", "Unread photos that retention ate and that the operator let go."
        )

        # How long each stretch of the path took.
        self.queue_seconds = self._histogram("queue_seconds", "From the record's timestamp to its decoding.")
        self.decode_seconds = self._histogram("decode_seconds", "Decoding one photo.")
        self.infer_seconds = self._histogram("infer_seconds", "From decoded to answered, retries included.")
        self.total_seconds = self._histogram(
            "total_seconds", "From the record's timestamp to its publishing."
        )
        self.transaction_seconds = self._histogram("transaction_seconds", "From opened to committed.")

        # What the model says.
        self.confidence = Histogram(
            "pangaea_confidence_ratio",
            "The largest probability of each photo.",
            buckets=PROBABILITY_BUCKETS,
            registry=self.registry,
        )

        # Bounds: each gauge has its limit beside it.
        self.in_flight = self._gauge("in_flight_photos", "Photos between poll and commit.")
        self.in_flight_limit = self._gauge("in_flight_photos_limit", "The most photos in flight.")
        self.in_flight_bytes = self._gauge("in_flight_bytes", "Encoded bytes between poll and commit.")
        self.in_flight_bytes_limit = self._gauge("in_flight_bytes_limit", "The most bytes in flight.")
        self.reorder = self._gauge(
            "reorder_photos", "Answered photos that wait for an earlier one or a commit."
        )
        self.reorder_limit = self._gauge("reorder_photos_limit", "The most answered photos that wait.")
        self.prefetched = self._gauge("prefetched_photos", "Records fetched ahead, and events of the client.")
        self.prefetched_bytes = self._gauge("prefetched_bytes", "Bytes fetched ahead and not yet taken.")
        self.prefetched_bytes_limit = self._gauge("prefetched_bytes_limit", "When fetching ahead stops.")
        self.producer_queue = self._gauge("producer_queue_records", "Records handed over and not delivered.")
        self.producer_queue_limit = self._gauge(
            "producer_queue_records_limit", "The most: a transaction holds at most what is in flight."
        )
        self.fetching = self._gauge("fetching_photos", "Photos by reference that are being fetched.")
        self.fetching_limit = self._gauge("fetching_photos_limit", "The most fetched at once.")
        self.decode_queue = self._gauge("decode_queue_photos", "Photos to decode and being decoded.")
        self.decode_queue_limit = self._gauge("decode_queue_photos_limit", "The most photos to decode.")
        self.decoding = self._gauge("decoding_photos", "Photos being decoded.")
        self.decoding_limit = self._gauge("decoding_photos_limit", "The most photos decoded at once.")
        self.suspects = self._gauge("suspect_photos", "Photos on which the engine has failed, to try again.")
        self.suspects_limit = self._gauge("suspect_photos_limit", "The most such photos.")
        self.engine_in_flight = self._gauge("engine_requests", "Requests under way at the engine.")
        self.request_photos = self._histogram(
            "engine_request_photos", "Photos in one request.", buckets=(1, 2, 4, 8, 16, 32, 64)
        )
        self.engine_in_flight_limit = self._gauge("engine_requests_limit", "The most requests at the engine.")

        self.log_queue = self._gauge("log_queue_lines", "Log lines that wait to be written.")
        self.log_queue_limit = self._gauge("log_queue_lines_limit", "From here on log lines are dropped.")
        self.log_lines_dropped = self._counter(
            "log_lines_dropped", "Log lines dropped, because nobody read them or too slowly."
        )

        # Kafka.
        self.assigned = self._gauge("partitions_assigned", "Input partitions held by this member.")
        self.rebalances = self._counter("rebalances", "Changes of the assignment, by kind.", "kind")
        self.transactions = self._counter("transactions", "Transactions, by how they ended.", "end")
        self.rebuilds = self._counter("client_rebuilds", "Kafka clients rebuilt after a fatal error.")
        self.paused = self._gauge("fetching_paused", "1 while fetching is paused by back-pressure.")

        # The engine.
        self.engine_failures = self._counter("engine_failures", "Failed requests, by meaning.", "meaning")

        # State.
        self.up = self._gauge("up", "1 while this part is up, by part: kafka, triton.", "part")
        self.loop_at = self._gauge(
            "loop_seconds", "When the loop last made progress, seconds since the epoch."
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"pangaea_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"pangaea_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...] = LATENCY_BUCKETS) -> Histogram:
        return Histogram(f"pangaea_{name}", text, buckets=buckets, registry=self.registry)
