"""What a wheel and an sdist hold; the nox session "distributions" runs it on what it built."""

from __future__ import annotations

import sys
import tarfile
import tomllib
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LEFT_OUT = {"__pycache__", "_build"}


def under(folder: str) -> set[str]:
    """The files in a folder of the repository, by their paths in it."""
    found = (each for each in (ROOT / folder).rglob("*") if each.is_file())
    paths = (each.relative_to(ROOT) for each in found)
    return {path.as_posix() for path in paths if LEFT_OUT.isdisjoint(path.parts)}


def check_wheel(path: Path) -> None:
    """It has every file of the package, the licence and the metadata, and nothing else."""
    with ZipFile(path) as wheel:
        names = set(wheel.namelist())
        (info,) = {name.partition("/")[0] for name in names if ".dist-info/" in name}
        metadata = message_from_bytes(wheel.read(f"{info}/METADATA"))
        scripts = wheel.read(f"{info}/entry_points.txt").decode()
    code = {name for name in names if not name.startswith(f"{info}/")}
    assert code == {name.removeprefix("src/") for name in under("src")}, code ^ under("src")
    assert {f"{info}/licenses/LICENSE", f"{info}/WHEEL", f"{info}/RECORD"} <= names
    assert "segmentkit = segmentkit._cli:main" in scripts
    check_metadata(metadata)


def check_metadata(metadata: Message) -> None:
    """The page of the package index says what pyproject.toml does."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    told = dict(metadata.items())
    assert told["Name"] == project["name"]
    assert told["Version"] == project["version"]
    assert told["Requires-Python"] == project["requires-python"]
    assert told["License-Expression"] == project["license"]
    assert told["Description-Content-Type"] == "text/markdown"
    extras = set(metadata.get_all("Provides-Extra"))
    assert extras == set(project["optional-dependencies"])
    needed = map(Requirement, metadata.get_all("Requires-Dist"))
    core = {each.name for each in needed if each.marker is None}
    assert core == {Requirement(each).name for each in project["dependencies"]}


def check_sdist(path: Path) -> None:
    """It has what it takes to build, test and document, and nothing that was built here."""
    with tarfile.open(path) as sdist:
        names = {each.name.partition("/")[2] for each in sdist.getmembers() if each.isfile()}
    wanted = set().union(*map(under, ("src", "tests", "docs")))
    wanted |= {"pyproject.toml", "noxfile.py", "LICENSE"}
    wanted |= {each.name for each in ROOT.glob("*.md")}
    assert wanted <= names, wanted - names
    assert names - wanted <= {"PKG-INFO", ".gitignore"}, names - wanted


if __name__ == "__main__":
    built = Path(sys.argv[1])
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    check_wheel(wheel)
    check_sdist(sdist)
    print(f"{wheel.name} and {sdist.name} hold what they must")
