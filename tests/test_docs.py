"""The documentation says what is so: its examples run, its tables and its reference are the package's own."""

import ast
import doctest
import importlib
import importlib.util
import pkgutil
import re
import warnings
from pathlib import Path

import pytest

import glmwidgets
from glmwidgets.front_door import modules_of
from glmwidgets.glm.design.drift import DRIFTS
from glmwidgets.glm.fit.statistics import STATISTICS
from glmwidgets.glm.inference.heights import THRESHOLDS
from glmwidgets.glm.noise.models import NOISE_MODELS
from glmwidgets.glm.response.table import HRFS

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
WRITTEN = [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]

PACKAGES = [
    glmwidgets,
    *(importlib.import_module(m.name) for m in pkgutil.walk_packages(glmwidgets.__path__, "glmwidgets.") if m.ispkg),
]
FRONT_DOORS = [package for package in PACKAGES if hasattr(package, "_EXPORTS")]

if not PAGES:
    pytest.skip("the documentation is part of the repository, not of the package", allow_module_level=True)


def blocks(path, language="python"):
    """Code of a page, each with the line it begins at."""
    text = path.read_text(encoding="utf-8")
    for found in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, found.start(1)), found[1]


@pytest.fixture(scope="module")
def reference():
    """The hook that makes the reference, as a module."""
    spec = importlib.util.spec_from_file_location("reference_of_the_documentation", ROOT / "docs" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tables():
    """What an example adds to a table is taken out again."""
    before = [(table, dict(table)) for table in (HRFS, DRIFTS, NOISE_MODELS, THRESHOLDS, STATISTICS)]
    yield
    for table, rows in before:
        table.clear()
        table.update(rows)


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_examples_run_and_give_what_they_say(path, tables):
    """Blocks of a page in one interpreter; those without prompts must at least be Python."""
    names, runner = {}, doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for line, code in blocks(path):
        if ">>>" in code:
            test = doctest.DocTestParser().get_doctest(code, names, path.name, str(path), line)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                runner.run(test, clear_globs=False)
            names = test.globs
        else:
            ast.parse(code)
    assert runner.summarize(verbose=False).failed == 0


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_files_that_are_named_exist(path):
    """Links within the repository, and paths of tests."""
    text = path.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text) if "://" not in link]
    for link in links:
        made = path.parent == ROOT / "docs" and link.startswith("api/")
        assert made or (path.parent / link).exists(), link
    for file in re.findall(r"`((?:tests|benchmarks|notebooks|binder|docs|\.ci)/[\w./]+)`", text):
        assert (ROOT / file).exists(), file


def test_the_floors_of_the_architecture_are_those_of_the_contract():
    tomllib = pytest.importorskip("tomllib", reason="comes with Python 3.11")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    floors = [sorted(room.removeprefix("glmwidgets.") for room in row.split(" | ")) for row in contracts[0]["layers"]]
    told: dict[int, list[str]] = {}
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for floor, room in re.findall(r"^\| (\d+) \| `glmwidgets/(\w+)`", page, re.MULTILINE):
        told.setdefault(int(floor), []).append(room)
    assert [sorted(told[floor]) for floor in sorted(told, reverse=True)] == floors


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_modules_that_pages_name_exist(page):
    files = [str(path.relative_to(ROOT)) for path in (ROOT / "glmwidgets").rglob("*.*")]
    rooms = "|".join({path.split("/")[1] for path in files if path.count("/") > 1})
    for name in re.findall(rf"`((?:glmwidgets/)?(?:{rooms})/[\w./]+\.(?:py|js|css))`", page.read_text("utf-8")):
        assert any(file.endswith(f"/{name}") or file == name for file in files), name


def test_the_reference_holds_every_name_of_a_front_door_once_and_no_other(reference):
    offered = set()
    for package in FRONT_DOORS[1:]:
        offered |= {f"{module}.{name}" for name, module in modules_of(package.__name__, package._EXPORTS).items()}
    pages = reference.pages()
    assert set(pages) == {"api/index.md"} | {reference.page_of(package.__name__) for package in FRONT_DOORS[1:]}
    listed = re.findall(r"^::: (\S+)$", "\n".join(pages.values()), re.MULTILINE)
    assert sorted(listed) == sorted(offered)
    assert sorted(re.findall(r"api/[\w/]+\.md", str(reference.navigation()))) == sorted(pages)


def test_links_into_the_reference_lead_somewhere(reference):
    pages = set(reference.pages())
    for page in PAGES:
        for link in re.findall(r"\]\((api/[^)#]+)", page.read_text(encoding="utf-8")):
            assert link in pages, (page.name, link)


def test_tables_of_choices_are_the_packages_own(reference):
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert set(reference.MARK.findall(text)) <= set(reference.TABLES)
    for name in HRFS:
        assert f"| `{name}` |" in reference.rows_of("HRFS")
    made = reference.on_page_markdown("before\n\n<!-- rows of NOISE_MODELS -->\n")
    assert all(f"| `{name}` |" in made for name in NOISE_MODELS)


def test_every_page_is_in_the_menu():
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    assert sorted(re.findall(r"[\w/]+\.md", menu)) == sorted(page.name for page in PAGES)


def test_the_citation_can_be_read():
    """What Citation File Format 1.2.0 requires, and the version that is installed."""
    yaml = pytest.importorskip("yaml", reason="comes with JupyterLab, of the extra lab")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] in ("software", "dataset")
    assert citation["authors"]
    assert all("name" in author or "family-names" in author for author in citation["authors"])
    assert citation["version"] == glmwidgets.__version__


@pytest.mark.parametrize("package", FRONT_DOORS, ids=lambda package: package.__name__)
def test_names_at_a_front_door_are_defined_in_the_modules_that_it_names(package):
    for name, module in modules_of(package.__name__, package._EXPORTS).items():
        assert getattr(package, name) is not None
        tree = ast.parse(Path(importlib.import_module(module).__file__).read_text(encoding="utf-8"))
        assert name in set(_defined(tree)), f"{package.__name__}.{name} is not defined in {module}"


def _defined(tree):
    """Names of functions, classes and constants at the top level of a module."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):  # one name each: the reference finds no others
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (getattr(target, "id", None) for target in targets)


def test_documents_and_notebooks_import_from_front_doors_only():
    doors = {package.__name__ for package in FRONT_DOORS}
    for path in [*WRITTEN, *sorted((ROOT / "notebooks").glob("*.ipynb"))]:
        text = path.read_text(encoding="utf-8")
        for package in re.findall(r"from (glmwidgets[\w.]*) import", text):
            assert package in doors, f"{path.name} imports from {package}, which is no front door"
