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

import tasker_testkit
from tasker_testkit.cli import COMMANDS, main
from tasker_testkit.model.profile import DOCUMENTED, TASKER_0_1_8, Profile
from tasker_testkit.settings import KEYWORDS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")
OPTION = re.compile(r"--[a-z][a-z-]+")


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


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The files that a page links to, each with the heading after ``#``; a file that isn't there, too."""
    for target, heading in LINK.findall(page.read_text(encoding="utf-8")):
        yield (page.parent / target).resolve() if target else page, heading


def headings(page: Path) -> set[str]:
    """The page's headings as links name them: small letters, hyphens for spaces, no punctuation."""
    prose = BLOCK.sub("", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.+)$", prose, re.M)}


def test_links_lead_somewhere():
    """Every relative link of a page names a file of the project, and a heading that this file has."""
    broken = [
        f"{page.name}: {target.name}#{heading}"
        for page in PAGES
        for target, heading in links(page)
        if not target.exists() or (heading and heading not in headings(target))
    ]
    assert broken == []


def test_every_page_is_at_most_two_clicks_away():
    """From the README a reader comes to every page by one link or two."""
    near = {target for target, _ in links(PAGES[0])}
    far = {target for page in near & set(PAGES) for target, _ in links(page)}
    assert set(PAGES[1:]) <= near | far


def test_names_page_has_every_public_name():
    """The tables of docs/names.md have every name of the package, and none that isn't there."""
    rows = [line for line in (ROOT / "docs" / "names.md").read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split(" | ")[0])}
    assert named == {*tasker_testkit.__all__}


@pytest.mark.parametrize("name", COMMANDS)
def test_shell_page_has_every_option(name, capsys):
    """Each command is in docs/shell.md, and each option of its help but ``--help`` itself."""
    page = (ROOT / "docs" / "shell.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        main([name, "--help"])
    options = {*OPTION.findall(capsys.readouterr().out)} - {"--help"}
    assert f"| `{name}" in page
    assert options <= {*OPTION.findall(page)}


def test_shell_page_has_no_other_options(capsys):
    """Every option of docs/shell.md is in a command's help."""
    for name in ([], *([name] for name in COMMANDS)):
        with pytest.raises(SystemExit):
            main([*name, "--help"])
    known = {*OPTION.findall(capsys.readouterr().out)}
    assert {*OPTION.findall((ROOT / "docs" / "shell.md").read_text(encoding="utf-8"))} <= known


def test_fixtures_page_has_all_of_the_plugin(tmp_path, command):
    """Each fixture, option and ini option that pytest lists of the plugin is in docs/fixtures.md, and no other."""
    listed = command(sys.executable, "-m", "pytest", "--fixtures", cwd=tmp_path).stdout
    told = command(sys.executable, "-m", "pytest", "--help", cwd=tmp_path).stdout
    page = (ROOT / "docs" / "fixtures.md").read_text(encoding="utf-8")
    there = {*re.findall(r"^ {0,2}(tasker_\w+) (?:\(|--)", listed + told, re.M), *re.findall(r"--tasker-[a-z-]+", told)}
    assert len(there) > 20
    assert there == {*re.findall(r"--tasker-[a-z-]+|\btasker_(?!testkit|core|explore)\w+", page)}


def test_fixtures_page_has_every_keyword_of_the_marker():
    """Each keyword that the marker takes has a row, and no row names another one."""
    page = (ROOT / "docs" / "fixtures.md").read_text(encoding="utf-8")
    table = page.partition("| keyword |")[2].partition("\n\n")[0]
    rows = [row.split(" | ")[0] for row in table.splitlines()[2:]]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == {*KEYWORDS}


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
