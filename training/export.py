"""Export a backbone to ONNX: `python -m training.export [--backbone lite2|b3 --weights PATH --output FILE]`.

The file takes `image`, uint8 (batch, size, size, 3), RGB, and gives `embedding`, float32 (batch, width);
normalisation is inside. With `--photos DIR` it is compared with torch on real photos.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch

from training.backbones import BACKBONES, Backbone, Embedder
from training.dataset import decodable, load_photos
from training.engines.parity import compare
from training.engines.reference import onnx_embeddings
from training.places import BACKBONE
from worker.errors import Refuse
from worker.prepare.decode import Target
from worker.record import Pixels

OPSET = 17
CROP = 0.875
SAMPLE = 40


def export(embedder: Embedder, *, size: int) -> bytes:
    """Return the ONNX file of an embedder whose photos are `size` pixels square.

    The trace-based exporter, knowingly: it takes 1 s instead of 12, the file is 170 kB smaller, equally close
    to torch, and both exporters repeat it byte for byte on one kind of processor (docs/decisions.md).
    """
    # Two photos: a batch of one would be baked in as a constant in places.
    sample = torch.zeros((2, size, size, 3), dtype=torch.uint8)
    buffer = io.BytesIO()
    with torch.inference_mode(), warnings.catch_warnings():
        # The exporter's remarks about itself; that the result is right is checked, not hoped for.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            embedder,
            (sample,),
            buffer,
            dynamo=False,
            input_names=["image"],
            output_names=["embedding"],
            dynamic_axes={"image": {0: "batch"}, "embedding": {0: "batch"}},
            opset_version=OPSET,
        )
    model = onnx.load_from_string(buffer.getvalue())
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def reference(embedder: Embedder, photos: Pixels) -> npt.NDArray[np.float32]:
    """Embeddings by torch itself, float32 (photos, width): what the export is checked against."""
    with torch.inference_mode():
        return np.asarray(embedder(torch.from_numpy(photos)).numpy(), dtype=np.float32)


def document(backbone: Backbone, model: bytes) -> dict[str, Any]:
    """The backbone's own card: what it is, what it takes and gives, how it was made."""
    return {
        "schema": "pangaea.backbone.v1",
        "architecture": backbone.architecture,
        "weights": backbone.weights,
        "input": {"name": "image", "dtype": "uint8", "shape": ["batch", backbone.size, backbone.size, 3]},
        "output": {"name": "embedding", "dtype": "float32", "shape": ["batch", backbone.width]},
        "normalisation": "in the graph",
        "bytes": len(model),
        "sha256": hashlib.sha256(model).hexdigest(),
        "export": {"torch": torch.__version__.partition("+")[0], "exporter": "torchscript", "opset": OPSET},
    }


def main(arguments: list[str] | None = None) -> None:
    """Write the ONNX file and its card, and print where."""
    parser = argparse.ArgumentParser(prog="python -m training.export", description=__doc__)
    parser.add_argument("--backbone", choices=sorted(BACKBONES), default="lite2")
    parser.add_argument("--weights", type=Path, help="a state dict saved by torch.save")
    parser.add_argument("--output", type=Path, default=BACKBONE, help="the ONNX file to write")
    parser.add_argument(
        "--photos", type=Path, help="a folder of photos with manifest.csv: compare with torch on 40 of them"
    )
    options = parser.parse_args(arguments)
    backbone = BACKBONES[options.backbone]
    embedder = backbone.load(options.weights)
    model = export(embedder, size=backbone.size)
    card = document(backbone, model)
    if options.photos:
        photos = load_photos(options.photos)
        chosen = photos[:: max(1, len(photos) // SAMPLE)][:SAMPLE]
        pixels = np.stack(decodable(chosen, Target(backbone.size, CROP))[1])
        parity = compare(reference(embedder, pixels), onnx_embeddings(model, pixels))
        card["export"]["parity_with_torch"] = parity.document()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_bytes(model)
    beside = options.output.parent.parent / "card.json"
    beside.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(f"{options.output} ({len(model)} bytes) and {beside}\n")


if __name__ == "__main__":
    try:
        main()
    except Refuse as refusal:
        sys.exit(f"training.export: {refusal}")
