"""Where figures are written to: looked at before anything is measured, and each file is attempted after."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bench.report import saved, spreadsheet
from worker.errors import Refuse

DRAWING = ("matplotlib", "jinja2")
"""What the page is made with, and measuring needs not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The files that are wanted; None: not."""

    json: Path | None = None
    csv: Path | None = None
    html: Path | None = None

    def ensure(self) -> None:
        """See that each can be written; folders are made, and nothing else is changed.

        Raises:
            Refuse: one cannot, two are the same, or the page's libraries are missing.
        """
        wanted = {"--json": self.json, "--csv": self.csv, "--html": self.html}
        taken: dict[Path, str] = {}
        for option, path in wanted.items():
            if path is None:
                continue
            file = _writable(option, path)
            # A terminal or a pipe takes one after the other.
            single = file.is_file() or not file.exists()
            if single and (other := taken.setdefault(file, option)) != option:
                raise Refuse(f"{other} and {option} are one file, {path}: name two.", exit_code=2)
        if self.html is not None and not all(find_spec(name) for name in DRAWING):
            raise Refuse(
                "--html needs the bench extra: install it with: pip install 'pangaea[bench]', or leave it"
                " out, and make the page of what --json writes elsewhere."
            )

    def write(self, figures: Sequence[saved.Figures]) -> list[str]:
        """Write each of them, `json` for the only figures there are; return which could not be, and why."""

        def as_json(path: Path) -> None:
            saved.write(figures[0], path)

        def as_csv(path: Path) -> None:
            spreadsheet.write(figures, path)

        def as_page(path: Path) -> None:
            from bench.report import page  # noqa: PLC0415 - it brings matplotlib, which measuring needs not

            page.write(figures, path)

        ways = ((self.json, as_json), (self.csv, as_csv), (self.html, as_page))
        return [why for path, write in ways if path is not None and (why := attempt(path, write))]

    def finish(self, found: saved.Figures) -> None:
        """Write what was measured; where a file cannot be written, it is kept elsewhere.

        Raises:
            Refuse: a file could not be written; the sentence says where the figures are.
        """
        if failed := self.write([found]):
            kept = _kept(found)
            where = (
                f"the figures are in {kept}, of which `pangaea bench report` makes the others."
                if kept is not None
                else "they could not be kept elsewhere either, and what was shown is all there is."
            )
            raise Refuse(f"{' and '.join(failed)} could not be written: {where}")


def attempt(path: Path, write: Callable[[Path], None]) -> str:
    """Write a file; return its name and why it cannot be written, or nothing."""
    try:
        write(path)
    except OSError as error:
        return f"{path} ({error.strerror or error})"
    return ""


def _writable(option: str, path: Path) -> Path:
    """Return where the file really lies, which can be written."""
    try:
        file = path.resolve()
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            file.touch()
            file.unlink()
        # A pipe is not opened: whoever reads it would take the end of that for the end of all.
        elif file.is_file() or file.is_dir():
            with file.open("ab"):
                pass
    except (OSError, RuntimeError) as error:  # RuntimeError: links that go round
        why = error.strerror if isinstance(error, OSError) else error
        raise Refuse(
            f"{option} {path} cannot be written ({why}): name a file in a folder that you may write to.",
            exit_code=2,
        ) from error
    return file


def _kept(found: saved.Figures) -> Path | None:
    """Keep figures where there is room for what is temporary."""
    try:
        path = Path(tempfile.mkdtemp(prefix="pangaea-")) / "figures.json"
        saved.write(found, path)
    except OSError:
        return None
    return path
