"""What the documents say is so: commands run, links lead somewhere, settings, metrics and tests exist."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from pydantic import BaseModel

from pangaea import app
from worker.edges.metrics import Metrics
from worker.settings import ELSEWHERE, Settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "requirements" / "README.md"])
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text() for page in PAGES}

QUICK = {"pangaea models card", "pangaea doctor", "pangaea --help"}
"""Commands that are run as they are written; the others are held to what their program accepts."""

SHELL = {"source", "export", "jq", "cd"}
"""What a reader's shell brings along."""


class Command(NamedTuple):
    """One simple command of a page: its words, without what its output is sent to."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"


def blocks(text: str, *languages: str) -> Iterator[str]:
    """Fenced blocks in one of these languages."""
    for language, body in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if language in languages:
            yield body


def simple(line: str) -> Iterator[tuple[str, ...]]:
    """The simple commands of a line of shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&")
    lexer.whitespace_split = True
    words: list[str] = []
    for token in (*lexer, ";"):
        if set(token) <= set("|;&"):
            if words:
                yield tuple(words)
            words = []
        else:
            words.append(token)


@cache
def commands() -> tuple[Command, ...]:
    """Every command of every page: lines after `$ ` in console blocks, all lines of bash and sh blocks."""
    found = []
    for page, text in TEXTS.items():
        lines = [
            line[2:] for body in blocks(text, "console") for line in body.splitlines() if line[:2] == "$ "
        ]
        for body in blocks(text, "bash", "sh"):
            lines += body.replace("\\\n", " ").splitlines()
        found += [Command(page, words) for line in lines for words in simple(line)]
    return tuple(found)


@cache
def inline() -> tuple[Command, ...]:
    """Every `pangaea …` and `make …` between backticks, placeholders and all."""
    return tuple(
        Command(page, tuple(code.split()))
        for page, text in TEXTS.items()
        for code in re.findall(
            r"`((?:pangaea|make) [^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        )
    )


def known(words: tuple[str, ...]) -> str | None:
    """What is wrong with a command, None when its program has all that it names."""
    program, *rest = words
    if program == "make":
        done = subprocess.run(
            ["make", "--dry-run", *rest], cwd=ROOT, capture_output=True, text=True, check=False
        )
        return None if done.returncode == 0 else done.stderr.strip()
    if program != "pangaea":
        return None if program in SHELL else f"nobody checks {program}"
    command: Any = typer.main.get_command(app)
    for index, word in enumerate(rest):
        if word == "--":
            inner = tuple(rest[index + 1 :])
            return None if inner[0].isupper() else known(inner)
        if word.startswith("--"):
            options = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
            if word.partition("=")[0] not in {*options, "--help"}:
                return f"{command.name} has no {word}"
        elif hasattr(command, "commands"):
            if word not in command.commands:
                return f"there is no command {word}"
            command = command.commands[word]
    return None


@pytest.mark.parametrize("command", sorted({*commands(), *inline()}), ids=str)
def test_a_command_that_is_named_exists(command: Command) -> None:
    """Its sub-command and its options are there, or the make target is; whatever follows `--` likewise."""
    assert known(command.words) is None


@pytest.mark.parametrize(
    "command", sorted({each for each in commands() if each.words[0] == "pangaea"}), ids=str
)
def test_a_command_of_a_block_is_understood(command: Command) -> None:
    """The values of its options and arguments are taken too; it is read as if run, and not run."""
    leaf: Any = typer.main.get_command(app)
    rest = list(command.words[1:])
    while hasattr(leaf, "commands") and rest and rest[0] in leaf.commands:
        leaf = leaf.commands[rest.pop(0)]
    if "--help" not in rest:
        with leaf.make_context(command.words[0], rest):
            pass


@pytest.mark.parametrize("line", sorted(QUICK))
def test_a_quick_command_runs(line: str) -> None:
    """Run for real: it ends well and says something, without a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", *line.split()], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip()
    assert "Traceback" not in done.stderr


def test_the_demo_says_what_the_readme_shows() -> None:
    """`pangaea demo` for real: every line of the README's block but the photos' own, with other numbers."""
    done = subprocess.run(
        [sys.executable, "-m", "pangaea", "demo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = _numberless(done.stdout + done.stderr)
    shown = next(body for body in blocks(TEXTS["README.md"], "console") if body.startswith("$ make demo"))
    lines = [
        line for line in shown.splitlines()[1:] if line != "…" and "▓" not in line and "Logs:" not in line
    ]
    assert len(lines) >= 6
    assert [line for line in lines if _numberless(line) not in said] == []


def _numberless(text: str) -> str:
    return " ".join(re.sub(r"\d+(\.\d+)?", "#", text).split())


def test_links_lead_somewhere() -> None:
    """Every relative link is a file or folder, and its anchor a heading there."""
    broken = []
    for page, text in TEXTS.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            path, _, anchor = target.partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            place = (ROOT / page).parent / path if path else ROOT / page
            if not place.exists() or (anchor and anchor not in _anchors(place.read_text())):
                broken.append(f"{page}: {target}")
    assert broken == []


def _anchors(text: str) -> set[str]:
    """Headings as Markdown's hosts make anchors of them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leaves(model: type[BaseModel], prefix: str = "PANGAEA_") -> Iterator[tuple[str, Any]]:
    """Every variable and its default."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from leaves(kind, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}", field.default if field.default_factory is None else None


def test_every_variable_that_is_named_is_a_setting() -> None:
    """No page names a variable that sets nothing."""
    names = {name for name, _ in leaves(Settings)} | ELSEWHERE
    named = {
        (page, name)
        for page, text in TEXTS.items()
        for name in re.findall(r"PANGAEA_[A-Z0-9_]*[A-Z0-9]", text)
        if name not in names
    }
    assert named == set()


def test_the_table_of_settings_is_complete() -> None:
    """docs/operating.md lists every setting in the code's order, with the code's default and a meaning."""
    text = TEXTS["docs/operating.md"].partition("\n## Settings\n")[2]
    rows = re.findall(r"^\| `(PANGAEA_\w+)` \| (?:`([^`]*)`)? ?\| (.+) \|$", text, re.MULTILINE)
    assert [(name, default) for name, default, _ in rows] == [
        (name, _written(default)) for name, default in leaves(Settings)
    ]
    assert all(meaning.strip() for _, _, meaning in rows)


def _written(default: Any) -> str:
    """A default as one would write it into the environment; nothing for none."""
    if default is None:
        return ""
    return default if isinstance(default, str) else json.dumps(default)


def test_every_metric_that_is_named_exists() -> None:
    """No page names a metric that the worker does not have."""
    exposed = {sample for family in Metrics().registry.collect() for sample in _samples(family)}
    named = {
        (page, name)
        for page, text in TEXTS.items()
        for name in re.findall(r"`(pangaea_[a-z_]+)`", text)
        if name not in exposed
    }
    assert named == set()


def _samples(family: Any) -> set[str]:
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    return {family.name + ending for ending in endings.get(family.type, ("",))}


def test_every_test_that_is_named_exists() -> None:
    """A promise that names its test has one."""
    missing = []
    for page, text in TEXTS.items():
        for path, name, case in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?(?:\[([\w-]+)\])?`", text):
            file = ROOT / path
            beside = "".join(each.read_text() for each in file.parent.glob("*.py"))
            known = file.exists() and (not name or f"\ndef {name}(" in file.read_text())
            if not known or (case and f'"{case}"' not in beside):
                missing.append(f"{page}: {path}::{name}[{case}]")
    assert missing == []


def test_the_documents_leave_no_failure_without_a_test() -> None:
    """Every row of the table of failures names at least one test."""
    table = TEXTS["docs/guarantees.md"].partition("## What each failure leads to")[2].partition("\n**")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 15
    assert [row for row in rows if "::test_" not in row] == []


def test_the_readme_repeats_the_card() -> None:
    """What the README says of the model is what its card says, and a card with a threshold turns it red."""
    card = json.loads((ROOT / "triton_models" / "continent" / "card.json").read_text())
    text, training = TEXTS["README.md"], card["training"]
    assert f"{training['photos']} openly licensed photos of {training['sources']} sources" in text
    assert f"right for {card['scores']['top1']['value']:.0%} of photos" in text
    fused = card["fusion"]["scores"]["without_gps"]
    now, before = (fused[kind]["accuracy"]["value"] for kind in ("fused", "image"))
    assert f"right for {now:.0%} of photos instead of {before:.0%}" in text
    for block in (*card["precisions"].values(), card["fusion"]):
        threshold = block["threshold"]
        assert f"target of {threshold['target']:.0%} with {threshold['confidence']:.0%} confidence" in text
        assert threshold["theta"] is None
