"""Arrays as one file without pickle, whose bytes depend on nothing but them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt


def write(path: Path, arrays: Mapping[str, npt.ArrayLike]) -> None:
    """Write an `.npz` file of arrays by name, for `numpy.load`; the same arrays give the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            # numpy.savez stamps the time of day on its entries; a fixed date keeps the file's hash.
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as file:
                np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)
