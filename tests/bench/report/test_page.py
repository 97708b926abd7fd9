"""The page as its reader sees it: in a real browser, on a desk and on a phone, by day and by night."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from bench.report import page, saved
from bench.report.saved import Figures
from tests.bench import invented

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
DESK, PHONE = 1280, 360

SUBSETS: dict[str, Callable[[], list[Figures]]] = {
    "nothing": list,
    "limit": lambda: [invented.limit()],
    "latency": lambda: [invented.latency()],
    "sweep": lambda: [invented.sweep()],
    "one worker": lambda: [invented.sweep(1)],
    "peers": lambda: [invented.peers()],
    "nothing came": lambda: [
        replace(invented.latency(valid=False), received=0, histogram=(), stages=(), cpu_ms_per_photo={})
    ],
    "not a number": lambda: [replace(invented.latency(), p99_ms=math.nan, max_ms=math.nan)],
}


EVERYTHING: list[Figures] = [
    invented.sweep(),
    invented.latency(40),
    invented.latency(70, valid=False),
    invented.limit("12mp"),
    invented.peers(),
]
"""Figures of every kind, of two mixes, and one run that is not valid."""


@dataclass
class Opened:
    """A page in a browser, with what it said and asked for since it was opened."""

    page: Page
    url: str
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def read(self, script: str) -> Any:
        """What the page's document answers."""
        return self.page.evaluate(script)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium of this machine."""
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        mend = "there is no Chromium on the PATH: install one, e.g. apt-get install chromium"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(mend)
    # Chromium refuses to run as root in its own sandbox.
    flags = ["--no-sandbox"] if os.getuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=flags)
        yield running
        running.close()


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of all figures, written once."""
    path = tmp_path_factory.mktemp("report") / "new" / "everything.html"
    page.write(EVERYTHING, path)
    return path


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Opened]]:
    """Opens a page at a width, by day or by night."""
    tabs: list[Page] = []

    def at(path: Path, width: int = DESK, scheme: Any = "light") -> Opened:
        tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        tabs.append(tab)
        found = Opened(tab, path.as_uri())
        tab.on("console", lambda message: found.said.append(message.text))
        tab.on("pageerror", lambda error: found.said.append(str(error)))
        tab.on("request", lambda request: found.asked.append(request.url))
        tab.goto(found.url)
        return found

    yield at
    for tab in tabs:
        tab.close()


@pytest.mark.parametrize("subset", sorted(SUBSETS))
def test_any_subset_makes_a_page(opened: Callable[..., Opened], subset: str, tmp_path: Path) -> None:
    """Whatever was measured and whatever was not: the browser has nothing to complain of."""
    page.write(SUBSETS[subset](), tmp_path / "page.html")
    found = opened(tmp_path / "page.html")
    assert found.said == []
    assert found.asked == [found.url]
    assert found.read("document.querySelector('h1').textContent") == "How fast"


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_nothing_is_asked_of_anybody(opened: Callable[..., Opened], everything: Path, width: int) -> None:
    """The page with everything asks for itself alone, and could not ask for more: its policy forbids it."""
    found = opened(everything, width)
    assert found.said == []
    assert found.asked == [found.url]
    tried = """Promise.allSettled([
        fetch('http://127.0.0.1:9/'),
        new Promise((well, ill) => Object.assign(new Image(), {onload: well, onerror: ill, src: 'http://127.0.0.1:9/'})),
    ]).then(all => all.map(each => each.status))"""
    assert found.read(tried) == ["rejected", "rejected"]
    assert len([said for said in found.said if "Content Security Policy" in said]) >= 2


PLOTS = """[...document.querySelectorAll('figure')].map(figure => {
    const shown = [...figure.querySelectorAll('svg')].filter(svg => svg.getBoundingClientRect().width > 0);
    const box = shown[0].getBoundingClientRect();
    const cut = [...shown[0].querySelectorAll('text')].filter(text => {
        const own = text.getBoundingClientRect();
        return own.left < box.left - 2 || own.right > box.right + 2 ||
            own.top < box.top - 2 || own.bottom > box.bottom + 2;
    });
    return {
        shown: shown.length, width: box.width, height: box.height, left: box.left, right: box.right,
        shapes: shown[0].querySelectorAll('path').length, label: shown[0].getAttribute('aria-label'),
        size: parseFloat(getComputedStyle(shown[0].querySelector('text')).fontSize)
            * box.width / shown[0].viewBox.baseVal.width,
        caption: figure.querySelector('figcaption').textContent, cut: cut.map(text => text.textContent),
    };
})"""


@pytest.mark.parametrize(("width", "least"), [(DESK, 700), (PHONE, 300)])
def test_every_plot_is_seen(opened: Callable[..., Opened], everything: Path, width: int, least: int) -> None:
    """One drawing a figure, in a box of a sensible size, its letters legible, no label cut off."""
    plots = opened(everything, width).read(PLOTS)
    # The sweep, histogram and stages of its two runs at 80%, those of two runs more, the account, the peers.
    assert len(plots) == 1 + 2 * 2 + 2 * 2 + 1 + 1
    for plot in plots:
        assert plot["shown"] == 1
        assert least <= plot["width"] <= width
        assert 100 <= plot["height"] <= 900
        assert plot["left"] >= 0
        assert plot["right"] <= width
        assert plot["shapes"] > 5
        assert plot["size"] >= 9
        assert len(plot["label"]) > 30
        assert len(plot["caption"]) > 20
        assert plot["cut"] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_one_way(opened: Callable[..., Opened], everything: Path, scheme: str) -> None:
    """At 360 pixels the page is no wider than the screen; only tables scroll, each in its own box."""
    found = opened(everything, PHONE, scheme)
    assert found.read("document.documentElement.scrollWidth") == PHONE
    assert found.read(
        "[...document.querySelectorAll('table')].every(table => table.parentElement.tabIndex === 0)"
    )


CONTRASTS = """(() => {
    const channels = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = colour => {
        const [r, g, b] = channels(colour).slice(0, 3).map(c => c / 255).map(
            c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
    const clear = colour => channels(colour).length === 4 && channels(colour)[3] === 0;
    const ground = element => {
        for (let at = element; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if (!clear(colour)) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    const behind = text => {
        text.scrollIntoView({block: 'center'});
        const box = text.getBoundingClientRect();
        const shapes = document.elementsFromPoint(box.left + box.width / 2, box.top + box.height / 2)
            .filter(each => each.tagName === 'path' && getComputedStyle(each).fill !== 'none')
            .map(each => getComputedStyle(each).fill);
        return shapes[0] ?? ground(text.closest('figure'));
    };
    const found = [];
    for (const element of document.querySelectorAll('body *')) {
        if (!element.getClientRects().length) continue;
        const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
        if (!own || element.closest('defs')) continue;
        const style = getComputedStyle(element);
        const pair = element.closest('svg') ? [style.fill, behind(element)] : [style.color, ground(element)];
        found.push([ratio(...pair), element.textContent.trim().slice(0, 40), ...pair]);
    }
    return found;
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_stands_out(opened: Callable[..., Opened], everything: Path, scheme: str) -> None:
    """Each text has 4.5 to 1 against what is behind it (WCAG 2, AA), in drawings and on their bars too."""
    found = opened(everything, DESK, scheme)
    contrasts = found.read(CONTRASTS)
    assert len(contrasts) > 300
    assert [each for each in contrasts if each[0] < 4.5] == []
    ground = found.read("getComputedStyle(document.body).backgroundColor")
    assert (max(int(each) for each in re.findall(r"\d+", ground)) < 60) == (scheme == "dark")


def test_paper_is_white(opened: Callable[..., Opened], everything: Path) -> None:
    """Printed by one who reads by night it is dark on light all the same, with the wide drawings."""
    found = opened(everything, DESK, "dark")
    found.page.emulate_media(media="print", color_scheme="dark")
    ground = found.read("getComputedStyle(document.body).backgroundColor")
    assert min(int(each) for each in re.findall(r"\d+", ground)) > 240
    assert all(plot["width"] > 600 for plot in found.read(PLOTS))


TABLES = """Object.fromEntries([...document.querySelectorAll('table')].map(table => [
    table.caption.textContent,
    [...table.rows].map(row => [...row.cells].map(cell => cell.textContent.trim())),
]))"""


def number(cell: str) -> float:
    """The first number of a cell."""
    return float(re.sub(r"[^\d.].*", "", cell.replace(",", "")))


def near(value: float) -> Any:
    """Three figures are shown."""
    return pytest.approx(value, rel=0.006, abs=0.0006)


def documents(figures: list[Figures], folder: Path) -> list[Any]:
    """What the JSON files of these figures hold."""
    found = []
    for index, each in enumerate(figures):
        path = folder / f"{index}.json"
        saved.write(each, path)
        found.append(json.loads(path.read_text()))
    return found


def test_tables_show_what_the_files_hold(
    opened: Callable[..., Opened], everything: Path, tmp_path: Path
) -> None:
    """Read through the document as a reader would: each row has the numbers of the JSON under its names."""
    sweep, low, high, limit, peers = documents(EVERYTHING, tmp_path)
    tables = opened(everything).read(TABLES)
    _, *rows = tables["The highest rate with p99 ≤ 200 ms and nothing lost, 512px photos"]
    assert [row[0] for row in rows] == list(sweep["workers"]) == ["1", "2"]
    for row, each in zip(rows, sweep["workers"].values(), strict=True):
        names = ("max_rate", "ceiling", "ratio", "cpu_ratio", "bare_ceiling", "bare_ratio")
        assert [number(cell) for cell in row[1:7]] == [near(each[name]) for name in names]
        assert number(row[7]) == near(each["at_80_percent"]["p50_ms"])
        assert number(row[8]) == near(each["at_80_percent"]["p99_ms"])
    _, *rows = tables["Runs at a fixed rate; latency and lag in ms"]
    for row, each in zip(rows, (low, high), strict=True):
        figures = (
            "rate",
            "p50_ms",
            "p90_ms",
            "p99_ms",
            "p999_ms",
            "max_ms",
            "sent",
            "lost",
            "late",
            "rejected",
        )
        assert [number(cell) for cell in row[1:11]] == [near(each[name]) for name in figures]
    assert rows[1][-1] == f"not valid: {high['why']}"
    _, *rows = tables["Each part alone, 12mp photos"]
    assert [row[0] for row in rows] == [part["name"] for part in limit["parts"]]
    assert [number(row[2]) for row in rows] == [near(part["rate"]) for part in limit["parts"]]
    _, *rows = tables["The same job, 512px photos"]
    for row, each in zip(rows, peers, strict=True):
        assert row[0].startswith(each["name"])
        assert row[1] == each["guarantees"]
        shown = [number(cell) for cell in row[2:5]]
        assert shown == [near(each[name]) for name in ("rate", "p99_ms", "overhead_us")]
        assert number(row[5]) == min(each["p99_photos"])
    _, *rows = tables["Probes with 2 workers, in their order; latency and lag in ms"]
    probes = [*sweep["workers"]["2"]["probes"], sweep["workers"]["2"]["at_80_percent"]]
    assert [number(row[4]) for row in rows] == [near(each["p99_ms"]) for each in probes]


def test_who_does_not_see_it_can_read_it(opened: Callable[..., Opened], everything: Path) -> None:
    """Headings go down one step at a time, cells know their headings, sections and tables have names."""
    found = opened(everything)
    steps = found.read("[...document.querySelectorAll('h1, h2, h3')].map(each => Number(each.tagName[1]))")
    assert steps[0] == 1
    assert steps.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(steps))
    assert found.read("[...document.querySelectorAll('th')].every(th => ['col', 'row'].includes(th.scope))")
    assert found.read("[...document.querySelectorAll('table')].every(table => table.caption.textContent)")
    assert found.read(
        "[...document.querySelectorAll('[aria-labelledby]')].every("
        "each => document.getElementById(each.getAttribute('aria-labelledby')))"
    )
    identifiers = found.read("[...document.querySelectorAll('[id]')].map(each => each.id)")
    assert len(identifiers) == len(set(identifiers))
    assert found.read("document.documentElement.lang") == "en"


def test_a_run_that_is_not_valid_stands_out(opened: Callable[..., Opened], tmp_path: Path) -> None:
    """It is said at the top, with the reason, its row is marked, and it is no headline; valid runs differ."""
    run = invented.latency(valid=False)
    page.write([run], tmp_path / "bad.html")
    page.write([invented.latency()], tmp_path / "good.html")
    bad, good = opened(tmp_path / "bad.html"), opened(tmp_path / "good.html")
    assert run.why in bad.read("document.querySelector('.invalid').textContent")
    assert bad.read("document.querySelectorAll('tr.wrong').length") == 1
    assert good.read("document.querySelectorAll('.invalid, .wrong').length") == 0
    headlines = "document.querySelectorAll('.tiles .value').length"
    assert (bad.read(headlines), good.read(headlines)) == (0, 1)


def test_a_page_repeats_byte_for_byte(tmp_path: Path) -> None:
    """The same figures make the same file, so that a change of it is a change of the figures."""
    for name in ("one", "two"):
        page.write([invented.peers(), invented.limit()], tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
