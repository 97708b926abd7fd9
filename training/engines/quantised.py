"""The backbone in 8-bit integers: an ONNX file with explicit quantisers (Q/DQ), beside its source.

`pangaea engines quantise` writes it. Where to put quantisers and how to correct biases is NNCF's business, in
an environment of its own; here is what the project asks of the result: that it says which source it was made
from, and a form that TensorRT takes.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from local import environment
from local.install import Meter, once, silent
from local.leash import run
from training.dataset import LIMITS
from training.engines import lower
from training.engines.parity import CROP
from worker.errors import Refuse, Reject
from worker.prepare.decode import Target, decode
from worker.record import Pixels

FILE: Final = "model.int8.onnx"
LOCK: Final = Path(__file__).with_name("nncf.lock.txt")
STAMP: Final = "source_sha256"
LEAST_PHOTOS: Final = 16
"""Fewer say too little about what values occur."""

_SCRIPT: Final = Path(__file__).with_name("nncf_script.py")
_NEEDS_MIB: Final = 1_500
_STEPS: Final = 4


def read(models: Path, source: bytes) -> bytes:
    """The quantised backbone of a folder of models.

    Raises:
        Refuse: there is none, or it was made from another source.
    """
    path = models / "efficientnet" / "1" / FILE
    mend = "run `pangaea engines quantise`, or build with --precision bf16 or fp32"
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise Refuse(f"there is no quantised backbone ({path}): {mend}.") from exc
    if stamp(data) != hashlib.sha256(source).hexdigest():
        raise Refuse(f"{path} was not made from the backbone beside it: {mend}.")
    return data


def quantise(source: bytes, photos: Pixels, meter: Meter = silent) -> bytes:
    """Quantise a backbone: weights by channel, activations by tensor, both symmetric.

    Args:
        source: the ONNX file.
        photos: what it sees, uint8 (n, size, size, 3); their labels do not matter.
        meter: told what is being done.

    Raises:
        Refuse: too few photos, or NNCF's environment could not be made, or it failed.
    """
    if len(photos) < LEAST_PHOTOS:
        raise Refuse(
            f"{len(photos)} photos are too few to see what values occur: give at least {LEAST_PHOTOS} with"
            " --photos.",
            exit_code=2,
        )
    root = once(environment.place("nncf", LOCK), lambda staged: _fill(staged, meter), needs_mib=_NEEDS_MIB)
    meter("INT8: quantising", 3, _STEPS)
    with tempfile.TemporaryDirectory() as folder:
        plain, seen, made = (Path(folder) / name for name in ("plain.onnx", "photos.npy", "int8.onnx"))
        plain.write_bytes(lower.plain(source))
        np.save(seen, photos, allow_pickle=False)
        done = run([str(root / "bin" / "python"), str(_SCRIPT), str(plain), str(seen), str(made)])
        if done.returncode or not made.is_file():
            told = [line for line in done.stderr.splitlines() if line.strip()] or ["it gave no reason"]
            raise Refuse(f"NNCF could not quantise the backbone: {told[-1].strip().rstrip('.')}.")
        data = made.read_bytes()
    meter("INT8: done", _STEPS, _STEPS)
    return stamped(data, source)


def photos(folder: Path, size: int) -> Pixels:
    """The photos of a folder as the backbone sees them, uint8 (n, size, size, 3), by file name.

    Raises:
        Refuse: it holds none that can be decoded.
    """
    seen = []
    for path in sorted(folder.glob("*")):
        try:
            seen.append(decode(path.read_bytes(), LIMITS, Target(size, CROP)).pixels)
        except (OSError, Reject):
            continue
    if not seen:
        raise Refuse(f"{folder} has no photo that can be decoded: name another with --photos.", exit_code=2)
    return np.stack(seen)


def stamped(model: bytes, source: bytes) -> bytes:
    """The same file, saying which source it was made from."""
    import onnx  # noqa: PLC0415 - 0.3 s, and the models extra only

    loaded = onnx.load_from_string(model)
    onnx.helper.set_model_props(loaded, {STAMP: hashlib.sha256(source).hexdigest()})
    return bytes(loaded.SerializeToString(deterministic=True))


def stamp(model: bytes) -> str | None:
    """The hash of the source that a quantised file says it was made from; None: it does not say."""
    import onnx  # noqa: PLC0415 - 0.3 s, and the models extra only

    try:
        props = onnx.load_from_string(model).metadata_props
    # Whatever protobuf raises (its own error class is not onnx's to export), the file says nothing.
    except Exception:  # noqa: BLE001
        return None
    return next((str(one.value) for one in props if one.key == STAMP), None)


def signed(model: bytes) -> bytes:
    """The same file with signed quantisers only, as TensorRT asks: half the steps for what is never negative.

    An unsigned quantiser covers [0, 255·s] in steps of s; a signed one covers it in steps of s·255/127.

    Raises:
        Refuse: an unsigned quantiser has a zero point other than 0, which no signed one can stand for.
    """
    import onnx  # noqa: PLC0415 - 0.3 s, and the models extra only
    from onnx import TensorProto, numpy_helper  # noqa: PLC0415 - likewise

    loaded = onnx.load_from_string(model)
    constants = {one.name: one for one in loaded.graph.initializer}
    made: dict[str, onnx.TensorProto] = {}
    for node in loaded.graph.node:
        if node.op_type not in {"QuantizeLinear", "DequantizeLinear"}:
            continue
        scale, zero = constants[node.input[1]], constants[node.input[2]]
        if zero.data_type != TensorProto.UINT8:
            continue
        if np.any(numpy_helper.to_array(zero)):
            raise Refuse(
                "the quantised backbone has zero points other than 0: make it anew with"
                " `pangaea engines quantise`."
            )
        wider = np.asarray(numpy_helper.to_array(scale) * np.float32(255 / 127), dtype=np.float32)
        for index, values in ((1, wider), (2, np.zeros_like(wider, dtype=np.int8))):
            name = f"{node.input[index]}.signed"
            made[name] = numpy_helper.from_array(values, name)
            node.input[index] = name
    used = {name for node in loaded.graph.node for name in node.input}
    kept = [one for one in loaded.graph.initializer if one.name in used]
    del loaded.graph.initializer[:]
    loaded.graph.initializer.extend([*kept, *made.values()])
    # The types of what the quantisers give have changed; shape inference finds them again.
    del loaded.graph.value_info[:]
    onnx.checker.check_model(loaded, full_check=True)
    return bytes(loaded.SerializeToString(deterministic=True))


def _fill(staged: Path, meter: Meter) -> None:

    meter("INT8: environment", 0, _STEPS)
    environment.create(staged, Path(sys.executable), whose="NNCF's")
    meter("INT8: packages (150 MB)", 1, _STEPS)
    environment.fill(staged, LOCK, whose="NNCF's")
