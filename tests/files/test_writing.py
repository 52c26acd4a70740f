"""The rule of writing: never over an input, over another file only when told, whole or not at all."""

import os
import re

import pytest

from glmwidgets.files.writing import (
    ENDINGS,
    check_folder,
    check_outputs,
    keep,
    noted,
    remove,
    whole_folder,
    write_bytes,
    write_text,
)


class Session:
    """Anything that writes."""


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "old.txt"
    path.write_text("mine")
    return path


def test_a_file_that_exists_needs_a_word(old):
    with pytest.raises(FileExistsError, match=r"cannot write the notes to .*old\.txt: it exists; .*overwrite=True"):
        write_text(old, "new", "notes")
    assert old.read_text() == "mine"
    assert write_text(old, "new\n", "notes", overwrite=True).read_bytes() == b"new\n"


@pytest.mark.parametrize("make", ["itself", "symlink_to", "hardlink_to", "below a linked folder"])
def test_an_input_is_never_written_over_by_any_of_its_names(old, tmp_path, make):
    noted(old)
    name = tmp_path / "other.txt"
    if make == "itself":
        name = old
    elif make == "below a linked folder":
        (tmp_path / "folder").symlink_to(tmp_path)
        name = tmp_path / "folder" / "old.txt"
    else:
        getattr(name, make)(old)
    for write in (
        lambda: write_text(name, "new", "notes", overwrite=True),
        lambda: remove(name, "notes", overwrite=True),
        lambda: whole_folder(name.parent, [name.name], overwrite=True).__enter__(),
    ):
        with pytest.raises(FileExistsError, match="it was read as an input; name another file"):
            write()
    assert old.read_text() == name.read_text() == "mine"


def test_what_wrote_a_file_may_write_it_again_and_nothing_else_may(tmp_path):
    first, second, path = Session(), Session(), tmp_path / "session.json"
    write_text(path, "1", "session", by=first)
    write_text(path, "2", "session", by=first)
    for what, by in (("session", second), ("notes", first), ("session", None)):
        with pytest.raises(FileExistsError, match="it exists"):
            write_text(path, "3", what, by=by)
    path.write_text("edited by a person")
    with pytest.raises(FileExistsError, match="it exists"):
        write_text(path, "3", "session", by=first)
    keep(path, "session", second)
    assert write_text(path, "4", "session", by=second).read_text() == "4"


def test_an_own_file_that_became_an_input(tmp_path):
    """A notebook that is run again may write its maps again, when told; nothing else may be put in their place."""
    owner, path = Session(), tmp_path / "map.nii"
    write_text(path, "map", "image", by=owner)
    noted(path)
    with pytest.raises(FileExistsError, match="it exists"):
        write_text(path, "again", "image", by=owner)
    with pytest.raises(FileExistsError, match="read as an input"):
        write_text(path, "1", "notes", overwrite=True)
    assert write_text(path, "again", "image", overwrite=True).read_text() == "again"


def test_two_outputs_of_one_name(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    outputs = [("report", tmp_path / "a.html"), ("page", tmp_path / "link" / "a.html")]
    with pytest.raises(FileExistsError, match="named for both the report and the page"):
        check_outputs(outputs, overwrite=True)


def test_a_file_is_written_whole_or_not_at_all(old, tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for path in (old, tmp_path / "new.txt"):
        with pytest.raises(OSError, match=rf"cannot write the notes to .*{path.name}: No space left on device"):
            write_bytes(path, b"x", "notes", overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["old.txt"]
    assert old.read_text() == "mine"


@pytest.mark.parametrize(("what", "endings"), ENDINGS.items())
def test_a_name_says_what_the_file_holds(what, endings, tmp_path):
    small = write_text(tmp_path / f"a{endings[0]}", "", what)
    capitals = write_text(tmp_path / f"B{endings[-1].upper()}", "", what)
    (tmp_path / "there").touch()
    for name in ("a", "a.xyz", "there", f"a{endings[0]}.zip", f"{endings[0][1:]}"):
        for overwrite in (False, True):
            with pytest.raises(ValueError, match=f"its name must end in {re.escape(' or '.join(endings))}$"):
                write_text(tmp_path / name, "", what, overwrite=overwrite)
    noted(other := tmp_path / "input.xyz").touch()
    with pytest.raises(FileExistsError, match="read as an input"):
        write_text(other, "", what, overwrite=True)
    assert set(tmp_path.iterdir()) == {small, capitals, tmp_path / "there", other}


@pytest.mark.parametrize("name", ["maps.nii.gz", "results.html", "a.tsv"])
def test_a_folder_for_results_has_no_name_of_a_file(name, tmp_path):
    with pytest.raises(NotADirectoryError, match=f"{name}: that is the name of a file; name a folder"):
        check_folder(tmp_path / name)
    (tmp_path / name).mkdir()
    assert check_folder(tmp_path / name).name == name
    assert check_folder(tmp_path / "v1.0").name == "v1.0"


def test_folders_and_missing_folders_are_told(tmp_path):
    with pytest.raises(IsADirectoryError, match="it is a folder; name a file in it"):
        write_text(tmp_path, "x", "notes")
    with pytest.raises(FileNotFoundError, match="its folder does not exist"):
        write_text(tmp_path / "none" / "x.txt", "x", "notes")


def test_a_whole_folder_asks_before_anything_is_written(tmp_path):
    owner, folder = Session(), tmp_path / "out"

    def write(text, **rule):
        with whole_folder(folder, ["a", "b"], **rule) as new:
            write_text(new / "a", text, "text")

    write("1", by=owner)
    (folder / "notes").write_text("mine")
    write("2", by=owner)
    with pytest.raises(FileExistsError, match=r"cannot write the results to .*out/a: it exists"):
        write("3")
    write("3", overwrite=True, by=owner)
    (folder / "b").write_text("of an earlier export")
    with pytest.raises(FileExistsError, match=r"out/b: it exists"):
        write("4", by=owner)
    write("4", overwrite=True)
    assert {p.name: p.read_text() for p in folder.iterdir()} == {"a": "4", "notes": "mine"}


@pytest.mark.skipif(os.name != "posix", reason="rights of files are those of POSIX")
def test_a_file_has_the_rights_of_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    assert write_text(tmp_path / "a", "", "notes").stat().st_mode == (tmp_path / "plain").stat().st_mode
