"""What the documentation takes from the package when the site is built: its reference and its tables of choices.

A hook of MkDocs. Every module with ``__all__`` has a page; none is kept, so none can be missing or out of date. Where a
page says ``<!-- rows of HRFS -->``, the rows of that table stand in the site.
"""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1] / "glmwidgets"
ROOMS = (
    "models",
    "glm",
    "images",
    "regions",
    "datasets",
    "runs",
    "specification",
    "analysis",
    "execution",
    "study",
    "session",
    "panels",
    "report",
    "cli",
    "web",
    "files",
)

# Module of each table, and what is shown of its rows: heading and attribute. Formulas are set as code.
TABLES = {
    "HRFS": ("glmwidgets.glm.response.table", {"what it is": "description", "curve": "formula", "source": "source"}),
    "DRIFTS": ("glmwidgets.glm.design.drift", {"in menus": "label", "what it is": "description"}),
    "NOISE_MODELS": (
        "glmwidgets.glm.noise.models",
        {"in menus": "label", "what it assumes": "description", "its p values": "calibration"},
    ),
    "THRESHOLDS": (
        "glmwidgets.glm.inference.heights",
        {"in menus": "label", "what it controls": "description", "which question it answers": "question"},
    ),
    "SCALINGS": ("glmwidgets.glm.moments.scaling", {"`signal_scaling`": "value", "what it is": "label"}),
    "STATISTICS": ("glmwidgets.glm.fit.statistics", {"in menus": "label", "what it says": "description"}),
    "GROUP_ESTIMATORS": ("glmwidgets.glm.group.fit", {"what it is": "meaning"}),
    "TESTS": ("glmwidgets.session.group.tests", {"in menus": "label", "what it asks": "hint"}),
}
AS_CODE = {"formula", "value"}
MARK = re.compile(r"<!-- rows of (\w+) -->")


def assigned(tree: ast.Module, name: str) -> ast.expr | None:
    """What a module gives to a name at its top level."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return node.value
    return None


def public_modules(room: str) -> dict[str, str]:
    """Full name and first sentence of every module of a room that has ``__all__``, by name."""
    found = {}
    for path in sorted((PACKAGE / room).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if assigned(tree, "__all__") is not None and (path.stem != "__init__" or room == "cli"):
            parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
            name = ".".join(parts[:-1] if path.stem == "__init__" else parts)
            found[name] = (ast.get_docstring(tree) or "").partition("\n\n")[0].replace("\n", " ")
    return found


def public_names(module: str) -> list[str]:
    """``__all__`` of a module."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.literal_eval(assigned(ast.parse(path.read_text(encoding="utf-8")), "__all__"))


def lazy_names(path: Path) -> dict[str, str]:
    """Names that a package hands on from its modules, and the module of each."""
    value = assigned(ast.parse(path.read_text(encoding="utf-8")), "_EXPORTS")
    return {} if value is None else ast.literal_eval(value)


def page_of(module: str) -> str:
    """Address of a module's page below docs/."""
    return "api/" + module.removeprefix("glmwidgets.").replace(".", "/") + ".md"


def pages() -> dict[str, str]:
    """Every page of the reference: its address and its Markdown."""
    made = {"api/index.md": _entrance()}
    for room in ROOMS:
        for module in public_modules(room):
            # Named one by one, so that constants without a docstring are there, too.
            names = ", ".join(public_names(module))
            made[page_of(module)] = f"::: {module}\n    options:\n      members: [{names}]\n"
    return made


def navigation() -> list[Any]:
    """The reference as a part of the site's menu."""
    menu: list[Any] = [{"All modules": "api/index.md"}]
    for room in ROOMS:
        menu.append({room: [{name.rpartition(".")[2]: page_of(name)} for name in public_modules(room)]})
    return menu


def _entrance() -> str:
    lines = ["# Reference", "", "## From the top", "", "`import glmwidgets as gw` gives these as `gw.…`.", ""]
    lines += ["| name | stands in |", "|---|---|"]
    for name, module in lazy_names(PACKAGE / "__init__.py").items():
        lines.append(f"| `gw.{name}` | [{module}]({_link(module)}) |")
    for room in ROOMS:
        about = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text(encoding="utf-8"))) or ""
        lines += ["", f"## glmwidgets.{room}", "", about.partition("\n\n")[0].replace("\n", " "), ""]
        handed_on = lazy_names(PACKAGE / room / "__init__.py")
        if handed_on:
            lines += [f"`from glmwidgets.{room} import …`: " + ", ".join(f"`{name}`" for name in handed_on) + ".", ""]
        lines += ["| module | what it is |", "|---|---|"]
        for module, sentence in public_modules(room).items():
            lines.append(f"| [{module.rpartition('.')[2]}]({_link(module)}) | {sentence} |")
    return "\n".join(lines) + "\n"


def rows_of(table: str) -> str:
    """One of `TABLES` as Markdown."""
    module, columns = TABLES[table]
    lines = ["| name | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, row in getattr(import_module(module), table).items():
        values = {attribute: str(getattr(row, attribute)) for attribute in columns.values()}
        cells = [f"`{value}`" if attribute in AS_CODE else value for attribute, value in values.items()]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _link(module: str) -> str:
    return page_of(module).removeprefix("api/")


def on_config(config: Any) -> None:
    """Put the reference at the end of the menu."""
    config.nav.append({"Reference": navigation()})


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the tables in their places."""
    return MARK.sub(lambda found: rows_of(found[1]), markdown)


def on_files(files: Any, config: Any) -> None:
    """Add the pages to those that were written by hand."""
    from mkdocs.structure.files import File

    for address, markdown in pages().items():
        files.append(File.generated(config, address, content=markdown))
