"""Every way out of the program: a file that it read stays as it is, and one that exists is replaced only when told."""

import ast
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import glmwidgets
from glmwidgets.cli import main
from glmwidgets.files.writing import ENDINGS
from glmwidgets.models.first_level import FirstLevelModel
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session

PACKAGE = Path(glmwidgets.__file__).parent
FILES = ("bold.nii.gz", "events.tsv", "confounds.tsv", "mask.nii.gz")


@pytest.fixture
def data(run, tmp_path):
    """The small run as files that another program wrote."""
    folder = tmp_path / "data"
    folder.mkdir()
    nib.save(run.img, folder / "bold.nii.gz")
    nib.save(run.mask_img, folder / "mask.nii.gz")
    run.events.drop(columns="modulation").to_csv(folder / "events.tsv", sep="\t", index=False)
    run.confounds.to_csv(folder / "confounds.tsv", sep="\t", index=False)
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def words(data, *more):
    given = [data / "bold.nii.gz", "--events", data / "events.tsv", "--confounds", data / "confounds.tsv"]
    given += ["--mask", data / "mask.nii.gz", "--contrast", "face", "--noise", "ols", *more]
    return list(map(str, given))


# The commands ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("option", ["--out", "--script", "--nilearn-script", "--stats-model"])
def test_a_report_over_an_input(data, tmp_path, capsys, name, option):
    before = contents(data)
    more = [option, data / name] if option == "--out" else ["--out", tmp_path / "r.html", option, data / name]
    assert main(["report", *words(data, *more), "--overwrite"]) == 2
    said = capsys.readouterr().err
    assert f"{data / name}: it was read as an input; name another file" in said
    assert said.count("\n") == 1
    assert contents(data) == before
    assert not (tmp_path / "r.html").exists()


def test_a_fit_into_the_folder_of_its_mask(data, capsys):
    before = contents(data)
    assert main(["fit", *words(data, "--out", data, "--overwrite")]) == 2
    assert f"{data / 'mask.nii.gz'}: it was read as an input" in capsys.readouterr().err
    assert contents(data) == before


def test_a_fit_over_its_own_settings(data, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["fit", *words(data, "--out", out)]) == 0
    before = contents(out)
    assert main(["fit", "--settings", str(out / "settings.json"), "--out", str(out), "--overwrite"]) == 2
    assert "it was read as an input" in capsys.readouterr().err
    assert contents(out) == before


def test_a_link_to_an_input_is_that_input(data, tmp_path, capsys):
    before = contents(data)
    (tmp_path / "report.html").hardlink_to(data / "bold.nii.gz")
    (tmp_path / "again.py").symlink_to(data / "events.tsv")
    for name, option in (("report.html", ["--out"]), ("again.py", ["--out", tmp_path / "r.html", "--script"])):
        assert main(["report", *words(data, *option, tmp_path / name), "--overwrite"]) == 2
        assert "(it is the same file as " in capsys.readouterr().err
    assert contents(data) == before


def test_two_outputs_of_one_name(data, tmp_path, capsys):
    assert main(["report", *words(data, "--out", tmp_path / "a.html", "--script", tmp_path / "a.html")]) == 2
    assert "is named for both the report and the script" in capsys.readouterr().err
    assert not (tmp_path / "a.html").exists()


def test_what_exists_is_replaced_at_a_word(data, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "z.nii.gz").write_text("of another study")
    (tmp_path / "r.html").write_text("mine")
    fit, page = tmp_path / "out", tmp_path / "r.html"
    for command in (["fit", *words(data, "--out", fit)], ["report", *words(data, "--out", page)]):
        assert main(command) == 2
        assert "it exists; name another file, or have it replaced with overwrite=True (--overwrite" in (
            capsys.readouterr().err
        )
    assert (tmp_path / "r.html").read_text() == "mine"
    assert main(["fit", *words(data, "--out", tmp_path / "out", "--overwrite")]) == 0
    assert nib.load(tmp_path / "out" / "z.nii.gz").shape == nib.load(data / "mask.nii.gz").shape
    assert main(["report", *words(data, "--out", tmp_path / "r.html", "--overwrite")]) == 0
    assert "<html" in (tmp_path / "r.html").read_text()


# What is exported of a session, a model, a design, a figure -----------------------------------------------------------


def _session(data):
    paths = [data / name for name in FILES]
    session = Session(open_run(*paths[:2], 2.0, confounds=paths[2], mask=paths[3]), synchronous=True)
    session.refresh()
    return session


def _report(session, path, **rule):
    from glmwidgets.report.page.html import session_report

    return session_report(session).save_as_html(path, **rule)


def _figure(session, path, **rule):
    from glmwidgets.report.figures import plot_design_matrix

    plot_design_matrix(session.result.design).savefig(path, format="png", **rule)


def _image(session, path, **rule):
    from glmwidgets.images.save import save_image

    save_image(session.run.mask_img, path, **rule)


def _function(module, name, *order):
    """A door as ``door(session, path, **rule)``."""

    def door(session, path, **rule):
        function = getattr(__import__(module, fromlist=[name]), name)
        given = {"session": session, "path": path, "design": session.result.design, "contrasts": {"f": "face"}}
        return function(*(given[each] for each in order), **rule)

    return door


DOORS = {
    "session": _function("glmwidgets.session.single.store", "save_session", "session", "path"),
    "script": _function("glmwidgets.report.exports.script", "write_script", "session", "path"),
    "Stats Model": _function("glmwidgets.report.exports.stats_model", "write_stats_model", "path", "session"),
    "FSL design": _function("glmwidgets.report.exports.interop", "write_fsl_mat", "path", "design"),
    "FSL contrasts": _function("glmwidgets.report.exports.interop", "write_fsl_con", "path", "contrasts", "design"),
    "AFNI design": _function("glmwidgets.report.exports.interop", "write_afni_xmat", "path", "design"),
    "report": _report,
    "figure": _figure,
    "image": _image,
}


@pytest.mark.parametrize("door", DOORS)
def test_no_export_writes_over_an_input_or_unasked_over_another_file(data, door):
    session = _session(data)
    before = contents(data)
    for name in ("mask.nii.gz",) if door == "image" else FILES:
        with pytest.raises(FileExistsError, match="it was read as an input"):
            DOORS[door](session, data / name, overwrite=True)
    assert contents(data) == before
    other = data / f"other{ENDINGS.get('contrasts' if door == 'FSL contrasts' else door, ['.png'])[0]}"
    other.write_text("mine")
    with pytest.raises(FileExistsError, match="it exists"):
        DOORS[door](session, other)
    assert other.read_text() == "mine"
    DOORS[door](session, other, overwrite=True)
    assert other.read_bytes()[:4] != b"mine"
    assert {path.name: path.read_bytes() for path in data.iterdir() if path.name in FILES} == before


def test_results_of_a_session_and_bids_names(data):
    from glmwidgets.report.exports.bids_derivatives import save_glm_to_bids
    from glmwidgets.report.exports.folder import write_result

    session = _session(data)
    before = contents(data)
    with pytest.raises(FileExistsError, match=r"mask\.nii\.gz: it was read as an input"):
        write_result(data, session.run, session.result, session.clusters, overwrite=True)
    for source in (session, FirstLevelModel(2.0, mask_img=data / "mask.nii.gz").fit(*(data / n for n in FILES[:2]))):
        with pytest.raises(FileExistsError, match=r"mask\.nii\.gz: it was read as an input"):
            save_glm_to_bids(source, "face", out_dir=data, prefix="", report=False, overwrite=True)
    assert contents(data) == before


def test_a_session_may_replace_what_it_wrote_and_what_it_was_opened_from(data, tmp_path):
    from glmwidgets.report.exports.folder import write_result
    from glmwidgets.session.single.store import load_session, save_session

    session, path = _session(data), tmp_path / "session.json"
    for _ in range(2):
        save_session(session, path)
        DOORS["script"](session, tmp_path / "again.py")
        write_result(tmp_path / "out", session.run, session.result, session.clusters)
    again = load_session(path, synchronous=True)
    save_session(again, path)
    with pytest.raises(FileExistsError, match="it exists"):
        save_session(session, path)
    with pytest.raises(FileExistsError, match="it exists"):
        DOORS["script"](_session(data), tmp_path / "again.py")


def test_the_files_beside_a_script_are_asked_for_before_any_is_written(run, tmp_path):
    session = Session(run, synchronous=True)
    session.refresh()
    (tmp_path / "again_events.tsv").write_text("mine")
    with pytest.raises(FileExistsError, match=r"again_events\.tsv: it exists"):
        DOORS["script"](session, tmp_path / "again.py")
    assert [path.name for path in tmp_path.iterdir()] == ["again_events.tsv"]


def test_an_image_that_was_loaded_outside_is_an_input_too(data):
    """Its values may not have been read yet when the file would be written over."""
    img = nib.load(data / "bold.nii.gz")
    session = Session(open_run(img, data / "events.tsv", 2.0, mask=data / "mask.nii.gz"), synchronous=True)
    session.refresh()
    with pytest.raises(FileExistsError, match="it was read as an input"):
        DOORS["session"](session, data / "bold.nii.gz", overwrite=True)


@pytest.mark.parametrize("holds", ["run", "runs", "group"])
def test_explorers(data, tmp_path, holds):
    pytest.importorskip("bqplot")
    import glmwidgets as gw

    inputs = [data / name for name in FILES]
    given = {"t_r": 2.0, "mask": inputs[3]}
    if holds == "group":
        rng = np.random.default_rng(0)
        for i in range(6):
            nib.save(nib.Nifti1Image(rng.normal(size=(5, 5, 5)).astype(np.float32), np.eye(4)), data / f"{i}.nii")
        inputs = sorted(data.glob("?.nii"))
        explorer = gw.explore_group(inputs)
    elif holds == "runs":
        explorer = gw.explore([inputs[0]] * 2, [inputs[1]] * 2, **given)
    else:
        explorer = gw.explore(*inputs[:2], **given)
    try:
        session = explorer.runs if holds == "runs" else explorer.session
        assert session.wait_until_idle(60)
        before = contents(data)
        for path in inputs:
            for door in (explorer.save, explorer.report, explorer.script):
                if path.suffix == ".gz" or holds == "group" or path.name == "events.tsv":
                    with pytest.raises(FileExistsError, match="it was read as an input"):
                        door(path, overwrite=True)
        assert contents(data) == before
        for _ in range(2):
            explorer.save(tmp_path / "session.json")
            explorer.report(tmp_path / "report.html")
            explorer.script(tmp_path / "again.py")
        load, other = (gw.explore.load, gw.explore_group.load)[:: -1 if holds == "group" else 1]
        with pytest.raises(ValueError, match=r"is a saved session of .*, which glmwidgets"):
            other(tmp_path / "session.json")
        again = load(tmp_path / "session.json")
        again.save(tmp_path / "session.json")
        again.close()
    finally:
        explorer.close()


def test_what_is_kept_from_the_menu_takes_a_name_that_is_free(session, tmp_path, monkeypatch):
    pytest.importorskip("bqplot")
    from glmwidgets.panels.run.explorer import Explorer

    monkeypatch.chdir(tmp_path)
    (tmp_path / "clusters.tsv").write_text("of yesterday")
    explorer = Explorer(session)
    for number in (2, 3):
        explorer.guide._handle_custom_msg({"kind": "keep", "name": "table"}, [])
        assert f"kept clusters-{number}.tsv" in explorer._status.note.value
    assert (tmp_path / "clusters.tsv").read_text() == "of yesterday"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clusters-2.tsv", "clusters-3.tsv", "clusters.tsv"]


# One place ------------------------------------------------------------------------------------------------------------

# What is streamed as it comes: a download that goes on where it broke off, and what a server says, in a private folder.
STREAMS = {"datasets/download.py", "cli/server.py"}
WRITERS = {"write_text", "write_bytes", "to_filename", "touch", "savez", "savez_compressed", "tofile"}


def _writes(path):
    """Lines of a module that open a file for writing by themselves."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        method = isinstance(node.func, ast.Attribute)
        owner = getattr(node.func.value, "id", "") if method else ""
        texts = [a.value for a in (*node.args, *(k.value for k in node.keywords)) if isinstance(a, ast.Constant)]
        if (
            (method and name in WRITERS)
            or (name == "open" and any(isinstance(t, str) and t[:1] in "wax" and len(t) <= 3 for t in texts if t))
            or (method and name == "save" and owner in ("nib", "nibabel", "np", "numpy"))
            or (name == "to_csv" and node.args)
            or (name in ("mkstemp", "NamedTemporaryFile", "replace", "rename") and owner in ("os", "tempfile"))
        ):
            yield node.lineno


def test_one_module_opens_files_for_writing():
    found = {str(path.relative_to(PACKAGE)): list(_writes(path)) for path in PACKAGE.rglob("*.py")}
    places = {name for name, lines in found.items() if lines}
    assert "files/writing.py" in places
    assert places - STREAMS == {"files/writing.py"}
    assert all(len(found[name]) <= 1 for name in STREAMS)


def test_no_notebook_leaves_a_folder_behind():
    notebooks = list((PACKAGE.parent / "notebooks").glob("*.ipynb"))
    if not notebooks:
        pytest.skip("notebooks are part of the repository, not of the package")
    for path in notebooks:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        assert ".mkdir(" not in code, path.name
        assert 'write_result("' not in code, path.name
