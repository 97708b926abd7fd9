"""Weights from a file: taken when they fit, refused in one sentence when not, and nothing in it is run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.training.finetune import tiny
from training.finetune import weights
from training.finetune.model import bare
from worker.errors import Refuse

pytestmark = pytest.mark.training


@pytest.fixture
def state(tmp_path: Path) -> dict[str, torch.Tensor]:
    """The tiny backbone's weights, its own classifier's too."""
    return dict(weights.read(tiny.weights(tmp_path / "tiny.pt")))


def refused(state: object, folder: Path) -> str:
    """What is said of a file that holds this."""
    torch.save(state, folder / "given.pt")
    with pytest.raises(Refuse) as refusal:
        weights.load(bare(tiny.RECIPE), folder / "given.pt", without="fc")
    assert refusal.value.exit_code == 2
    return str(refusal.value)


def test_weights_that_fit_are_taken(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    """Whatever classes the file's own classifier has, and with none at all."""
    for classifier in ({"fc.weight": torch.zeros(3, 12), "fc.bias": torch.zeros(3)}, {}):
        given = {name: value for name, value in state.items() if not name.startswith("fc.")} | classifier
        torch.save(given, tmp_path / "given.pt")
        network = bare(tiny.RECIPE)
        weights.load(network, tmp_path / "given.pt", without="fc")
        assert all(torch.equal(value, given[name]) for name, value in network.state_dict().items())


def test_what_does_not_fit_is_named(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    """Missing and foreign tensors, other shapes, values that are no numbers."""
    missing = {name: value for name, value in state.items() if name != "low.0.weight"}
    assert "1 of its 12 tensors are missing and 0 are foreign (low.0.weight, for one)" in refused(
        missing, tmp_path
    )
    assert "0 of its 12 tensors are missing and 1 are foreign" in refused(
        state | {"more": torch.zeros(1)}, tmp_path
    )
    wide = state | {"low.0.weight": torch.zeros(9, 3, 5, 5)}
    assert "1 tensors of other shapes (low.0.weight, for one)" in refused(wide, tmp_path)
    broken = state | {"low.1.bias": torch.full((8,), float("nan"))}
    assert "no numbers" in refused(broken, tmp_path)


def test_what_is_no_state_dict_is_refused(tmp_path: Path) -> None:
    """A list, an empty one, numbers by name, a text, and a pickle that would run code; it does not."""

    class Runs:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "ran",))

    for given in ([1, 2], {}, {"low.0.weight": 3.0}, {"low.0.weight": Runs()}):
        assert "is no state dict: make one with" in refused(given, tmp_path)
    assert not (tmp_path / "ran").exists()
    (tmp_path / "text.pt").write_text("weights")
    with pytest.raises(Refuse, match="is no state dict"):
        weights.read(tmp_path / "text.pt")


def test_a_file_that_is_missing_or_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is read."""
    with pytest.raises(Refuse, match="cannot be read"):
        weights.read(tmp_path / "missing.pt")
    path = tiny.weights(tmp_path / "tiny.pt")
    monkeypatch.setattr(weights, "MOST_BYTES", 100)
    with pytest.raises(Refuse, match="is larger than"):
        weights.read(path)
