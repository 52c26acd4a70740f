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
from glmwidgets.glm.design.drift import DRIFTS
from glmwidgets.glm.fit.statistics import STATISTICS
from glmwidgets.glm.inference.heights import THRESHOLDS
from glmwidgets.glm.noise.models import NOISE_MODELS
from glmwidgets.glm.response.table import HRFS

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
WRITTEN = [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]

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


def test_the_reference_holds_every_public_module_and_no_other(reference):
    modules = {"glmwidgets.cli"}
    for found in pkgutil.walk_packages(glmwidgets.__path__, "glmwidgets."):
        if not found.ispkg and hasattr(importlib.import_module(found.name), "__all__"):
            modules.add(found.name)
    pages = reference.pages()
    assert set(pages) == {"api/index.md"} | {reference.page_of(module) for module in modules}
    listed = re.findall(r"api/[\w/]+\.md", str(reference.navigation()))
    assert sorted(listed) == sorted(pages)
    for module in modules:
        made = pages[reference.page_of(module)]
        assert made.startswith(f"::: {module}\n")
        (members,) = re.findall(r"members: \[(.*)\]", made)
        assert members.split(", ") == importlib.import_module(module).__all__


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
