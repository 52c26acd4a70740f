"""Scripts of the front end are joined into one module each."""

import re
from pathlib import Path

import pytest

import glmwidgets.web
from glmwidgets.web import script

ROOM = Path(glmwidgets.web.__file__).parent
SCRIPTS = sorted(path.name for path in ROOM.glob("*.js"))
DECLARED = re.compile(r"^(?:const|let|function|class|async function) ([\w$]+)", re.MULTILINE)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_one_module_whose_parts_share_no_name(name):
    joined = script(name)
    assert not re.search(r"^\s*import\b|^export (?!default)", joined, re.MULTILINE)
    declared = DECLARED.findall(joined)
    assert sorted(set(declared)) == sorted(declared)


def test_a_script_is_joined_with_what_it_imports_once():
    joined = script("slices.js")
    for part in ("slices_paint.js", "slices.js"):
        for name in DECLARED.findall((ROOM / part).read_text(encoding="utf-8")):
            assert name in DECLARED.findall(joined)
    assert joined.count("function planeOf(") == 1


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_a_script_imports_is_exported_where_it_says(name):
    text = (ROOM / name).read_text(encoding="utf-8")
    for names, other in re.findall(r'import \{([^}]*)\} from "\./([\w.]+)"', text):
        source = (ROOM / other).read_text(encoding="utf-8")
        exported = re.findall(r"^export (?:const|let|function|class|async function) ([\w$]+)", source, re.MULTILINE)
        assert {each.strip() for each in names.split(",") if each.strip()} <= set(exported)


def test_a_script_that_renames_what_it_imports_is_refused(tmp_path, monkeypatch):
    (tmp_path / "a.js").write_text("export const one = 1;\n")
    (tmp_path / "b.js").write_text('import { one as two } from "./a.js";\nexport default two;\n')
    monkeypatch.setattr("glmwidgets.web.files._HERE", tmp_path)
    with pytest.raises(ValueError, match=r"b\.js: imports from a\.js keep their names"):
        script.__wrapped__("b.js")
