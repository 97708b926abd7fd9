"""The error tree: three branches, one decision each.

    PangaeaError
    ├── Reject     this photo cannot be processed: one record to `photos.rejected`, and on with the next
    ├── Retry      the world is not ready (broker, Triton, store): nothing is lost, wait and try again
    └── Refuse     going on would be wrong: do not start, or stop, with one sentence that names the mend

Vendor errors are turned into these at the edge that meets them (`raise … from exc`), nowhere else.
"""

from __future__ import annotations

from worker.record import RejectReason


class PangaeaError(Exception):
    """The root: every error that Pangaea raises on purpose."""


class Reject(PangaeaError):  # noqa: N818 - named for the decision it carries
    """The photo goes to `photos.rejected` under `reason`; `detail` is one sentence without personal data."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: RejectReason = reason
        self.detail = detail


class Retry(PangaeaError):  # noqa: N818 - named for the decision it carries
    """Something outside is away for now: back off and try again; no photo is lost or rejected."""


class Refuse(PangaeaError):  # noqa: N818 - named for the decision it carries
    """The process must not go on; the message is one sentence with the mend.

    `exit_code` is 1 for a failure and 2 for bad usage or settings.
    """

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
