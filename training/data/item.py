"""One photo of a data set, as `schemas/dataset.v1.json` describes it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal, get_args

Split = Literal["train", "validation", "test"]
LabelMethod = Literal["manifest", "gps", "metadata", "reviewed", "synthetic"]
ConsentBasis = Literal["licence", "consent", "contract", "unknown"]

SPLITS: Final[tuple[Split, ...]] = get_args(Split)
SYNTHETIC_SHARE: Final = 0.10
"""The largest part of a data set that may be synthetic; such photos are fitted on, never judged with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A photo's record, valid by the schema; what the camera wrote stays out of its repr.

    `image_id` is the file's path within the data set's folder. `continent_label` is a slug, None until it is
    known. `group` never crosses a split (a trip, a place, a photographer); `source` is left out whole to
    measure. `timestamp` is ISO 8601, with an offset where one is known. `gps_included` says that the file or
    its manifest holds coordinates; they themselves are never kept. `label_confidence` in 0–1 is None for a
    label whose maker gave none. `sensitive` is None until somebody looked.
    """

    image_id: str
    continent_label: str | None
    gps_included: bool
    timestamp: str | None = field(repr=False)
    camera_model: str | None = field(repr=False)
    license: str
    data_split: Split | None
    group: str
    source: str | None
    attribution: str | None
    label_method: LabelMethod | None
    label_confidence: float | None
    consent_basis: ConsentBasis
    sensitive: bool | None

    @property
    def synthetic(self) -> bool:
        """Whether the picture was made for its label, by a generator, instead of taken."""
        return self.label_method == "synthetic"

    def document(self) -> dict[str, Any]:
        """The record in JSON's types, its fields in the schema's order."""
        return {name: getattr(self, name) for name in FIELDS}


FIELDS: Final = tuple(each.name for each in fields(Item))
"""The names of the record's fields, in the order of the schema and of written manifests."""
