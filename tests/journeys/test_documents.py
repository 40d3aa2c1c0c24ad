"""What the documents show is what happens: their tests pass, their scripts run, their commands print what is shown."""

from __future__ import annotations

import re
import runpy
import shlex
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from tasker_testkit.model.profile import DOCUMENTED, TASKER_0_1_8, Profile

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def blocks(page: Path, *languages: str) -> list[str]:
    """The page's code blocks in these languages."""
    return [text for language, text in BLOCK.findall(page.read_text(encoding="utf-8")) if language in languages]


def shown(page: Path) -> Iterator[tuple[str, str]]:
    """The page's commands, each with the output below it: lines of a console block that begin with ``$``."""
    for block in blocks(page, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, output = part.replace("\\\n", "").partition("\n")
            yield line, output


def with_python() -> list[Path]:
    """The pages that have Python in them."""
    return [page for page in PAGES if blocks(page, "python")]


@pytest.mark.parametrize("page", with_python(), ids=lambda page: page.stem)
def test_python_in_documents_runs(page, clone, command):
    """Tests of a page pass beside the example's own, scripts run in the example's folder."""
    shop = clone / "examples" / "ecommerce"
    codes = blocks(page, "python")
    tests = [code for code in codes if "def test_" in code]
    for number, code in enumerate(tests):
        (shop / "tests" / f"test_page_{number}.py").write_text(code)
    for number, code in enumerate(code for code in codes if code not in tests):
        (shop / f"page_{number}.py").write_text(code)
        ran = command(sys.executable, f"page_{number}.py", cwd=shop, PYTHONPATH=str(clone))
        assert (ran.returncode, ran.stdout) == (0, ""), f"{code}\n{ran.stdout}"
    if tests:
        files = [f"tests/test_page_{number}.py" for number in range(len(tests))]
        ran = command(sys.executable, "-m", "pytest", "-q", *files, cwd=shop, PYTHONPATH=str(clone))
        assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(
    ("line", "output"),
    [
        pytest.param(line, output, id=f"{page.stem}-{number}")
        for page in PAGES
        for number, (line, output) in enumerate(shown(page))
    ],
)
def test_commands_in_documents_print_what_is_shown(line, output, clone, command):
    """Each command of a console block, run where a reader would run it, prints exactly the lines below it."""
    words = shlex.split(line.removeprefix("./dev "))
    assert words[0] == "tasker-testkit", f"{line}: a console block shows commands of tasker-testkit only"
    assert command(sys.executable, "-m", "tasker_testkit", *words[1:], cwd=clone).stdout == output


def test_the_readmes_two_commands():
    """The README's first command is the one whose output it shows; its second is what .ci/run ends with."""
    first, second = [block.strip() for block in blocks(PAGES[0], "bash")]
    (line, output), *_ = shown(PAGES[0])
    assert shlex.split(first) == ["./dev", *shlex.split(line)]
    assert "[fault: fail]" in output
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1].removesuffix(" -q") == second


def test_links_lead_somewhere():
    """Every relative link of a page names a file of the project."""
    broken = [
        f"{page.name}: {target}"
        for page in PAGES
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_states_page_is_drawn_from_the_tables():
    """docs/states.md is what docs/draw_states.py makes of the tables; if it isn't, run that script."""
    drawn = runpy.run_path(str(ROOT / "docs" / "draw_states.py"))["page"]()
    assert (ROOT / "docs" / "states.md").read_text(encoding="utf-8") == drawn


def test_profiles_page_has_every_difference():
    """The page's rows are 1 to 29, their fields exist, and every field in which the two profiles differ is in a row."""
    page = (ROOT / "docs" / "profiles.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split(" | ") for line in page.splitlines() if re.match(r"\| \d+ \|", line)]
    assert [int(row[0]) for row in rows] == list(range(1, 30))
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row[-1])}
    assert named <= {field.name for field in fields(Profile)}
    differing = {f.name for f in fields(Profile) if getattr(DOCUMENTED, f.name) != getattr(TASKER_0_1_8, f.name)}
    assert differing - {"name"} <= named
