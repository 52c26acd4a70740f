"""What the documentation takes from the package when the site is built: its reference and its tables of choices.

A hook of MkDocs. Every front door (a package with names to hand on) has a page that lists those names and no others.
None is kept, so none can be missing or out of date. Where a page says ``<!-- rows of HRFS -->``, the rows of that table
stand in the site.
"""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from glmwidgets.front_door import modules_of

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
    "CLUSTER_TESTS": (
        "glmwidgets.glm.inference.cluster_p",
        {"in menus": "label", "what it assumes": "description", "which question it answers": "question"},
    ),
    "SCALINGS": ("glmwidgets.glm.moments.scaling", {"`signal_scaling`": "value", "what it is": "label"}),
    "STATISTICS": ("glmwidgets.glm.fit.statistics", {"in menus": "label", "what it says": "description"}),
    "GROUP_ESTIMATORS": ("glmwidgets.glm.group.fit", {"what it is": "meaning"}),
    "FIGURES": ("glmwidgets.study.figures", {"what it is": "label", "unit": "unit", "how": "definition"}),
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


def doors(package: str = "glmwidgets") -> list[str]:
    """The packages that hand on names, outermost first: the whole, then each room with those inside it."""
    found = [package] if lazy_names(package) else []
    inside = sorted(path.parent.name for path in _folder(package).glob("*/__init__.py"))
    if package == "glmwidgets":
        inside = [*ROOMS, *(room for room in inside if room not in ROOMS)]
    return found + [door for room in inside for door in doors(f"{package}.{room}")]


def lazy_names(package: str) -> dict[str, str]:
    """Names that a package hands on from its modules, and the module of each."""
    value = assigned(_tree(package), "_EXPORTS")
    return {} if value is None else modules_of(package, ast.literal_eval(value))


def page_of(door: str) -> str:
    """Address of a front door's page below docs/."""
    return "api/" + (door.removeprefix("glmwidgets.").replace(".", "/")) + ".md"


def entries() -> dict[str, str]:
    """Full name of each name at a front door, and the page that has its entry: that of its first door."""
    found: dict[str, str] = {}
    for door in doors():
        if door != "glmwidgets":
            for name, module in lazy_names(door).items():
                found.setdefault(f"{module}.{name}", page_of(door))
    return found


def pages() -> dict[str, str]:
    """Every page of the reference: its address and its Markdown."""
    listed = entries()
    made = {"api/index.md": _entrance(listed)}
    for door in doors():
        if door != "glmwidgets":
            made[page_of(door)] = _page(door, listed)
    return made


def navigation() -> list[Any]:
    """The reference as a part of the site's menu."""
    return [{"All names": "api/index.md"}, *({door.partition(".")[2]: page_of(door)} for door in doors()[1:])]


def _page(door: str, listed: dict[str, str]) -> str:
    """A front door: its own entries one by one, and where those stand that it shares with an earlier one."""
    page, names = page_of(door), lazy_names(door)
    full = {name: f"{module}.{name}" for name, module in sorted(names.items(), key=lambda item: item[0].lower())}
    lines = [f"# {door}", "", ast.get_docstring(_tree(door)) or "", "", f"`from {door} import …`", ""]
    elsewhere = [_link(name, full[name], listed, page) for name in full if listed[full[name]] != page]
    if elsewhere:
        lines += ["It also hands on " + ", ".join(elsewhere) + ".", ""]
    for name in full.values():
        if listed[name] == page:
            lines += [f"::: {name}", "    options:", "      heading_level: 2", "      show_root_full_path: false", ""]
    return "\n".join(lines)


def _entrance(listed: dict[str, str]) -> str:
    lines = [
        "# Reference",
        "",
        "Each room of the package offers names at its front door: `from glmwidgets.models import ...`.",
    ]
    for door in doors():
        about = (ast.get_docstring(_tree(door)) or "").partition("\n\n")[0].replace("\n", " ")
        lines += ["", f"## {door}", "", about, ""]
        if door == "glmwidgets":
            lines += ["`import glmwidgets as gw` gives these as `gw.…`.", ""]
        names = lazy_names(door)
        lines.append(
            ", ".join(
                _link(name, f"{names[name]}.{name}", listed, "api/index.md") for name in sorted(names, key=str.lower)
            )
        )
    return "\n".join(lines) + "\n"


def _link(name: str, full: str, listed: dict[str, str], page: str) -> str:
    if full not in listed:
        return f"`{name}`"
    up = "../" * (page.count("/") - 1)
    return f"[`{name}`]({up}{listed[full].removeprefix('api/')}#{full})"


def _folder(package: str) -> Path:
    return PACKAGE.joinpath(*package.split(".")[1:])


def _tree(package: str) -> ast.Module:
    return ast.parse((_folder(package) / "__init__.py").read_text(encoding="utf-8"))


def rows_of(table: str) -> str:
    """One of `TABLES` as Markdown."""
    module, columns = TABLES[table]
    lines = ["| name | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, row in getattr(import_module(module), table).items():
        values = {attribute: str(getattr(row, attribute)) for attribute in columns.values()}
        cells = [f"`{value}`" if attribute in AS_CODE else value for attribute, value in values.items()]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


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
