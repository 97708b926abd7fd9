"""Quantise an ONNX file with NNCF: this file runs in NNCF's own environment, which has nothing of Pangaea.

    python nncf_script.py SOURCE.onnx PHOTOS.npy RESULT.onnx

Post-training quantisation: ranges of activations from the photos, weights by channel, biases corrected for
the mean error. Symmetric throughout, so that a zero stays a zero, as TensorRT wants it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main(source: Path, photos: Path, result: Path) -> None:
    """Read, quantise, write."""
    # It would send usage figures if its telemetry package were there, which the lock leaves out.
    os.environ["NNCF_CI"] = "1"
    import nncf  # type: ignore[import-not-found]  # noqa: PLC0415 - reads that variable
    import numpy as np  # noqa: PLC0415 - beside it
    import onnx  # noqa: PLC0415 - likewise

    seen = np.load(photos, allow_pickle=False)
    model = onnx.load(source)
    name = model.graph.input[0].name
    made = nncf.quantize(
        model,
        nncf.Dataset([photo[np.newaxis] for photo in seen], lambda photo: {name: photo}),
        preset=nncf.QuantizationPreset.PERFORMANCE,
        subset_size=len(seen),
    )
    onnx.save(made, result)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
