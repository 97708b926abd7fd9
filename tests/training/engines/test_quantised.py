"""The backbone in 8-bit integers: whose it is, in what form, and how the script that makes it asks."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from training.engines import graph, nncf_script, openvino_engine, quantised, repository
from training.engines.parity import compare
from training.engines.reference import onnx_embeddings
from training.places import EXAMPLES
from worker.errors import Refuse


@pytest.fixture
def models(tmp_path: Path, backbone: bytes, fusion: bytes) -> Path:
    """A folder of small source models."""
    for name, data in (("efficientnet", backbone), ("fusion", fusion)):
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "1" / "model.onnx").write_bytes(data)
    return tmp_path


def test_a_quantised_file_names_its_source(models: Path, backbone: bytes, quantised_backbone: bytes) -> None:
    """It is read when its stamp is the source's; not without, not with another's, not when it is missing."""
    file = models / "efficientnet" / "1" / quantised.FILE
    with pytest.raises(Refuse, match=r"no quantised backbone.*engines quantise"):
        quantised.read(models, backbone)
    file.write_bytes(quantised.stamped(quantised_backbone, backbone))
    assert quantised.stamp(quantised.read(models, backbone)) == hashlib.sha256(backbone).hexdigest()
    for other in (quantised.stamped(quantised_backbone, b"another"), quantised_backbone, b"garbage"):
        file.write_bytes(other)
        with pytest.raises(Refuse, match="was not made from the backbone beside it"):
            quantised.read(models, backbone)


def test_signed_quantisers_lose_half_a_step_at_most(
    quantised_backbone: bytes, backbone: bytes, photos: npt.NDArray[np.uint8]
) -> None:
    """Twice as coarse where nothing is negative, the same elsewhere; then TensorRT has nothing against it."""
    signed = quantised.signed(quantised_backbone)
    assert any("signed" in one for one in graph.report(quantised_backbone).problems)
    assert graph.report(signed).problems == ()
    constants = {one.name: one for one in onnx.load_from_string(signed).graph.initializer}
    assert onnx.numpy_helper.to_array(constants["seen.signed"]) == pytest.approx(255 / 127)
    assert "seen" not in constants
    exact = onnx_embeddings(backbone, photos)
    coarse = compare(exact, onnx_embeddings(signed, photos))
    assert 0.999 < coarse.min_cosine < 1
    # Bytes in steps of 1 were exact but for the weights; in steps of 2 they are not.
    fine = compare(exact, onnx_embeddings(quantised_backbone, photos))
    assert fine.max_abs_difference < coarse.max_abs_difference


def test_a_shifted_quantiser_cannot_be_signed(quantised_backbone: bytes) -> None:
    """A zero point other than 0 has no symmetric counterpart: refused, not rounded."""
    loaded = onnx.load_from_string(quantised_backbone)
    for one in loaded.graph.initializer:
        if one.name == "seen_zero":
            one.CopyFrom(onnx.numpy_helper.from_array(np.array(7, dtype=np.uint8), "seen_zero"))
    with pytest.raises(Refuse, match="zero points other than 0"):
        quantised.signed(loaded.SerializeToString())


def test_int8_is_built_from_the_quantised_file(
    models: Path, backbone: bytes, quantised_backbone: bytes, tmp_path: Path
) -> None:
    """Served: the quantised file; named as source: the backbone's own; compared: one with the other."""
    with pytest.raises(Refuse, match="engines quantise"):
        repository.plan(models, target="cpu", precision="int8")
    file = models / "efficientnet" / "1" / quantised.FILE
    file.write_bytes(quantised.stamped(quantised_backbone, backbone))
    work = repository.plan(models, target="cpu", precision="int8")
    built = repository.build(work, tmp_path / "built")
    assert (built / "efficientnet" / "1" / "model.onnx").read_bytes() == file.read_bytes()
    config = (built / "efficientnet" / "config.pbtxt").read_text()
    assert hashlib.sha256(backbone).hexdigest() in config
    assert hashlib.sha256(file.read_bytes()).hexdigest() in config
    assert (built / "fusion" / "1" / "model.onnx").read_bytes() == work.onnx["fusion"]
    other = quantised.stamped(quantised.signed(quantised_backbone), backbone)
    file.write_bytes(other)
    assert repository.plan(models, target="cpu", precision="int8").digest != work.digest


def test_auto_is_no_int8_where_there_is_none(models: Path) -> None:
    """Without a quantised backbone there is nothing to choose."""
    assert openvino_engine.settle("auto") in {"fp32", "bf16"}
    assert repository.plan(models, target="cpu", precision="auto").quantised is None


def test_photos_to_quantise_with(tmp_path: Path) -> None:
    """The example photos do; a folder without any, and too few, are named."""
    seen = quantised.photos(EXAMPLES, 32)
    assert seen.shape[1:] == (32, 32, 3)
    assert len(seen) >= quantised.LEAST_PHOTOS
    (tmp_path / "notes.txt").write_text("no photo", encoding="utf-8")
    with pytest.raises(Refuse, match="no photo that can be decoded"):
        quantised.photos(tmp_path, 32)
    with pytest.raises(Refuse, match="3 photos are too few"):
        quantised.quantise(b"", seen[:3])


def test_the_script_asks_for_symmetric_quantisers(
    backbone: bytes, photos: npt.NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NNCF gets the file, each photo by the input's name, the symmetric preset; telemetry is off."""
    asked: dict[str, Any] = {}

    def quantize(model: Any, data: Any, **options: Any) -> Any:
        asked.update(options, photos=[data.transform(one) for one in data.source])
        return model

    fake: Any = ModuleType("nncf")
    fake.quantize = quantize
    fake.Dataset = lambda source, transform: SimpleNamespace(source=source, transform=transform)
    fake.QuantizationPreset = SimpleNamespace(PERFORMANCE="symmetric")
    monkeypatch.setitem(sys.modules, "nncf", fake)
    monkeypatch.setenv("NNCF_CI", "0")
    paths = [tmp_path / name for name in ("plain.onnx", "photos.npy", "made.onnx")]
    paths[0].write_bytes(backbone)
    np.save(paths[1], photos)
    nncf_script.main(*paths)
    assert asked["preset"] == "symmetric"
    assert asked["subset_size"] == len(photos) == len(asked["photos"])
    assert np.array_equal(asked["photos"][3]["image"], photos[3:4])
    assert onnx_embeddings(paths[2].read_bytes(), photos).shape == (20, 6)
    assert os.environ["NNCF_CI"] == "1"


def test_what_quantises_sends_nothing_home() -> None:
    """NNCF's lock has the package and not its telemetry; everything in it is hashed."""
    lock = quantised.LOCK.read_text(encoding="utf-8")
    pins = [line for line in lock.splitlines() if "==" in line]
    assert any(line.startswith("nncf==") for line in pins)
    assert "telemetry" not in lock
    assert "openvino" not in lock
    assert lock.count("--hash=sha256:") >= len(pins)
