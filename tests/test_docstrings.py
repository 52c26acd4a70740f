"""Each name at a front door has a whole entry in the reference: arguments, what is returned, errors, an example."""

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import re
import textwrap

import glmwidgets
from glmwidgets.front_door import modules_of

HEADING = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.MULTILINE)
PACKAGES = [
    importlib.import_module(m.name) for m in pkgutil.walk_packages(glmwidgets.__path__, "glmwidgets.") if m.ispkg
]
DOORS = {
    f"{module}.{name}": (module, name)
    for package in PACKAGES
    for name, module in modules_of(package.__name__, getattr(package, "_EXPORTS", {})).items()
}


def sections(text):
    """Parts of a numpydoc text by heading, the summary under the empty one."""
    parts = HEADING.split(inspect.cleandoc(text or ""))
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def told(part):
    """Names that a section of parameters or attributes tells of."""
    lines = [line for line in part.splitlines() if line and not line[0].isspace()]
    return {name.strip().lstrip("*") for line in lines for name in line.partition(":")[0].split(",")}


def arguments(thing):
    """Names of arguments; of a class without those that it hands on to what it builds on."""
    is_class = isinstance(thing, type)
    parameters = list(inspect.signature(thing.__init__ if is_class else thing).parameters.values())
    if is_class:
        parameters = [p for p in parameters[1:] if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return {p.name for p in parameters if not p.name.startswith("_")}


def lacks(thing):
    """What an entry does not have, in words."""
    found = sections(thing.__doc__)
    missing = [] if found[""].strip() else ["summary"]
    fields = "Attributes" if isinstance(thing, type) else "Parameters"
    tells = told(found.get("Parameters", "") + "\n" + found.get("Attributes", ""))
    if dataclasses.is_dataclass(thing) or (isinstance(thing, type) and hasattr(thing, "_fields")):
        # Its own: those of what it builds on are told there.
        own = {name for name, kind in vars(thing).get("__annotations__", {}).items() if "ClassVar" not in str(kind)}
        wanted = {name for name in own if not name.startswith("_")}
    elif isinstance(thing, type):
        wanted = arguments(thing) if "__init__" in vars(thing) else set()
    else:
        wanted = arguments(thing)
    is_error = isinstance(thing, type) and issubclass(thing, BaseException)
    wanted -= {"message", "advice", "where"} if is_error else set()  # told by the errors' base
    missing += [f"{fields}: {name}" for name in sorted(wanted - tells)]
    if not isinstance(thing, type):
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(thing)))).body[0]
        returns = getattr(tree, "returns", None)
        if ast.unparse(returns) != "None" if returns is not None else True:
            missing += [] if {"Returns", "Yields"} & set(found) else ["Returns"]
        raises = any(isinstance(node, ast.Raise) and node.exc is not None for node in ast.walk(tree))
        missing += ["Raises"] if raises and "Raises" not in found else []
    if not (dataclasses.is_dataclass(thing) or is_error) and ">>>" not in (thing.__doc__ or ""):
        missing.append("Examples")
    return missing


def entry(full):
    module, name = DOORS[full]
    return getattr(importlib.import_module(module), name)


CALLABLE = [full for full in DOORS if callable(entry(full)) and hasattr(entry(full), "__doc__")]


def test_every_name_at_a_front_door_tells_its_arguments_what_it_returns_its_errors_and_an_example():
    assert len(CALLABLE) > 400
    assert {full: missing for full in CALLABLE if (missing := lacks(entry(full)))} == {}


def test_what_an_entry_lacks_is_found():
    def bare(a, *, b=1):
        """One line."""
        raise ValueError

    assert lacks(bare) == ["Parameters: a", "Parameters: b", "Returns", "Raises", "Examples"]
