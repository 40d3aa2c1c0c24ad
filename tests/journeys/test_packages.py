"""What a stranger installs: the sdist and the wheel that is made from it, in a virtual environment of its own."""

from __future__ import annotations

import sys
import sysconfig
import tarfile
import zipfile

import pytest

PACKAGE_DATA = [
    "tasker_testkit/py.typed",
    "tasker_testkit/model/loading/template.schema.json",
    "tasker_testkit/model/loading/scenario.schema.json",
]


@pytest.fixture
def packages(clone, command):
    """The two files that a release consists of: (wheel, sdist). The wheel is built from the sdist."""
    built = command(sys.executable, "-m", "build", "--no-isolation", "--outdir", "dist", ".", cwd=clone)
    assert built.returncode == 0, built.stdout
    (wheel,) = (clone / "dist").glob("*.whl")
    (sdist,) = (clone / "dist").glob("*.tar.gz")
    return wheel, sdist


@pytest.fixture
def stranger(packages, tmp_path_factory, command):
    """A folder, and the Python of an environment there with nothing but the wheel; dependencies are ours, behind it."""
    home = tmp_path_factory.mktemp("stranger")
    command(sys.executable, "-m", "venv", "--without-pip", "venv", cwd=home)
    python = home / "venv" / "bin" / "python"
    installed = command(
        sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", packages[0], cwd=home
    )
    assert installed.returncode == 0, installed.stdout
    (site,) = (home / "venv").glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home, python


def test_wheel_and_sdist_hold_the_package(packages):
    """Both have the data that the package reads; the wheel has nothing but the package."""
    wheel, sdist = packages
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"tasker_testkit"}
    with tarfile.open(sdist) as archive:
        source = [name.partition("/")[2] for name in archive.getnames()]
    for data in PACKAGE_DATA:
        assert data in names
        assert data in source
    assert {"README.md", "CHANGELOG.md", "docs/profiles.md"} <= set(source)


def test_the_installed_wheel_runs_the_example(stranger, clone, command):
    """With the wheel alone, the example's tests pass and its workflow runs; nothing comes from the source folder."""
    home, python = stranger
    shop = (clone / "examples" / "ecommerce").rename(home / "shop")
    own = {"PYTHONPATH": "", "PATH": f"{python.parent}:/usr/bin:/bin"}
    where = command(python, "-c", "import tasker_testkit; print(tasker_testkit.__file__)", cwd=home, **own).stdout
    assert where.startswith(str(home / "venv"))
    tests = command(python, "-m", "pytest", "-q", cwd=shop, **own)
    assert tests.returncode == 0, tests.stdout
    words = ["order_processing.yaml", "--handlers", "handlers.py", "--input", "cart.json", "--faults", "faults.yaml"]
    run = command(python.parent / "tasker-testkit", "run", *words, cwd=shop, **own)
    assert run.returncode == 0, run.stdout
    assert "process_payment" in run.stdout
