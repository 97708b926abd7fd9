"""The fusion that ships, as something that joins any logits with any evidence: cut out of its own file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from training.embeddings import Matrix
from training.engines.reference import answers
from training.evaluation.ablations import POOL, Joining
from training.fusion.batch import EvidenceBatch

NAME: Final = "the fusion that ships"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """What `fusion`'s ONNX file does after its heads.

    `model` takes `stage1_logits` (n, heads, labels), raw, and `evidence` (n, 63); it gives `stage2_logits`.
    `temperature` is what the logits that are to be fused were divided by.
    """

    model: bytes = field(repr=False)
    heads: int
    temperature: float

    def fuse(self, logits: Matrix, evidence: EvidenceBatch) -> Matrix:
        """Fused logits, temperature-scaled, shape (n, heads, 7).

        The gates see the heads' mean alone, so it stands for every head: their mean comes out as it would.

        Args:
            logits: of the image, temperature-scaled, shape (n, any number of heads, 7).
            evidence: of the same photos.
        """
        mean = logits.mean(axis=1, keepdims=True) * self.temperature
        raw = np.repeat(mean, self.heads, axis=1).astype(np.float32)
        found = answers(self.model, {"stage1_logits": raw, "evidence": evidence.vectors()})
        return np.asarray(found["stage2_logits"] / self.temperature, dtype=np.float64)


def joining(fusion: bytes, *, temperature: float | None = None) -> Joining:
    """How the file of `fusion` joins logits with evidence; a file that takes none: the pool.

    Args:
        fusion: the ONNX file.
        temperature: what the logits are divided by; default: what they were when the fusion was fitted.
    """
    import onnx  # noqa: PLC0415 - 0.3 s, and the models extra only
    from onnx import numpy_helper  # noqa: PLC0415 - likewise
    from onnx.utils import Extractor  # noqa: PLC0415 - likewise

    whole = onnx.load_from_string(fusion)
    if "evidence" not in {one.name for one in whole.graph.input}:
        return POOL
    heads = next(one for one in whole.graph.output if one.name == "stage1_logits")
    fitted = next(one for one in whole.graph.initializer if one.name == "temperature")
    cut = Extractor(whole).extract_model(["stage1_logits", "evidence"], ["stage2_logits"])
    shipped = Shipped(
        model=cut.SerializeToString(),
        heads=heads.type.tensor_type.shape.dim[1].dim_value,
        temperature=float(numpy_helper.to_array(fitted)) if temperature is None else temperature,
    )
    return Joining(name=NAME, fuse=shipped.fuse)
