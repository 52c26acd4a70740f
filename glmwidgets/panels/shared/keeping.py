"""What can be kept of an explorer, as one table: the menu, the search and the explorers' own methods read it."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from glmwidgets.files.writing import check_ending, check_outputs, write_bytes, write_text

if TYPE_CHECKING:
    from glmwidgets.panels.shared.explorer import SessionExplorer

# Pixels an inch of a picture that is kept, for slides and paper.
DPI = 200


class Kept(NamedTuple):
    """A row of `KEPT`.

    Attributes
    ----------
    label : str
        What it is, after "Keep".
    file : str
        Its usual name; a name that ends with a slash is a folder.
    write : callable
        ``write(explorer, path)`` writes it whole, or not at all.
    also : tuple of str
        Phrases by which a person looks for it.
    there : callable
        ``there(explorer)``: whether this explorer has it.
    """

    label: str
    file: str
    write: Callable[[Any, Path], Any]
    also: tuple[str, ...] = ()
    there: Callable[[Any], bool] = lambda explorer: True

    @property
    def ending(self) -> str:
        """Of its file; ``folder`` of a folder."""
        return "folder" if self.file.endswith("/") else "".join(Path(self.file).suffixes)


def _of_a_run(explorer: SessionExplorer) -> bool:
    return hasattr(explorer.session, "run")


def _of_a_study(explorer: SessionExplorer) -> bool:
    return hasattr(explorer.session, "study")


def _is_told(explorer: SessionExplorer) -> bool:
    """Whether pages can tell of what is on screen; a study is saved and gathered in its own folder."""
    return not _of_a_study(explorer)


def _figures(explorer: SessionExplorer, path: Path) -> None:
    explorer.session.write_figures(path)


def _gathered(explorer: SessionExplorer, path: Path) -> None:
    explorer.session.write_group(path)


def _derivative_of_study(explorer: SessionExplorer, path: Path) -> None:
    from glmwidgets.report.exports.study_derivative import save_study_to_bids

    save_study_to_bids(explorer.session.fitted_study(), path)


def _sheet(explorer: SessionExplorer, path: Path) -> None:
    from glmwidgets.report.page.sheet import results_sheet

    study = explorer.study()
    place = explorer.session.settings.contrast.active
    results_sheet(study, place).save_as_html(path, by=explorer.subject)


def _methods(explorer: SessionExplorer, path: Path) -> None:
    from glmwidgets.report.page.methods import methods_text

    write_text(path, f"{methods_text(explorer.study())}\n", "methods", by=explorer.subject)


def _maps(explorer: SessionExplorer, path: Path) -> None:
    from glmwidgets.report.exports.folder import write_result

    session = explorer.session
    session.current_result()
    with session.lock:
        result, clusters = session.current_result(), session.clusters
    write_result(path, getattr(session, "run", session), result, clusters)


def _bids(explorer: SessionExplorer, path: Path) -> None:
    from glmwidgets.report.exports.bids_derivatives import save_glm_to_bids

    save_glm_to_bids(explorer, out_dir=path)


def _picture(kind: str) -> Callable[[SessionExplorer, Path], None]:
    def write(explorer: SessionExplorer, path: Path) -> None:
        from glmwidgets.report.figures.still import still

        what = f"{kind.upper()} picture"
        check_ending(path, what)
        explorer.session.current_result()
        write_bytes(path, still(explorer.session, explorer._headline(), kind, DPI), what, by=explorer.subject)

    return write


#: What can be kept, by name.
KEPT: dict[str, Kept] = {
    "report": Kept("the report", "report.html", lambda explorer, path: explorer.report(path), ("html page",)),
    "sheet": Kept(
        "a results sheet to print",
        "results.html",
        _sheet,
        ("print the results", "results page", "one page"),
        _is_told,
    ),
    "live_page": Kept(
        "a page that stays alive (HTML)",
        "alive.html",
        lambda explorer, path: explorer.save_html(path),
        ("interactive html", "share without a kernel", "send to somebody", "offline page"),
        _is_told,
    ),
    "session": Kept(
        "the session",
        "session.json",
        lambda explorer, path: explorer.save(path),
        ("everything", "go on later"),
        _is_told,
    ),
    "script": Kept(
        "a Python script", "analysis.py", lambda explorer, path: explorer.script(path), ("reproduce", "code")
    ),
    "nilearn": Kept(
        "a script for nilearn",
        "analysis_nilearn.py",
        lambda explorer, path: explorer.script(path, "nilearn"),
        (),
        _of_a_run,
    ),
    "maps": Kept("the maps (NIfTI)", "maps/", _maps, ("nifti", "images", "statistical maps", "z map")),
    "figures": Kept(
        "the quality figures of all runs",
        "quality/",
        _figures,
        ("quality control", "mriqc", "exclusions"),
        _of_a_study,
    ),
    "group": Kept(
        "the group of whole runs (maps, figures, script)",
        "group/",
        _gathered,
        ("gather", "whole runs", "group maps of whole runs"),
        _of_a_study,
    ),
    "bids": Kept("a BIDS derivative", "derivative/", _bids, ("bids",), _of_a_run),
    "bids_study": Kept(
        "a BIDS derivative (maps of all whole runs, group, figures)",
        "derivative/",
        _derivative_of_study,
        ("bids", "maps of each run", "run maps"),
        _of_a_study,
    ),
    "table": Kept(
        "the table of clusters",
        "clusters.tsv",
        lambda explorer, path: explorer.clusters.save_tsv(path),
        ("tsv", "peaks", "spreadsheet"),
    ),
    "signal_change": Kept(
        "signal change in regions (TSV)",
        "signal_change.tsv",
        lambda explorer, path: explorer.regions.save_tsv(path),
        ("percent signal change", "regions of interest", "roi table"),
        _of_a_run,
    ),
    "regions": Kept(
        "the regions of interest (NIfTI)",
        "regions.nii.gz",
        lambda explorer, path: explorer.regions.save_nifti(path),
        ("roi mask", "labels"),
        _of_a_run,
    ),
    "png": Kept("a picture (PNG)", "map.png", _picture("png"), ("figure", "picture for my slides", "screenshot")),
    "svg": Kept("a picture (SVG)", "map.svg", _picture("svg"), ("vector figure", "figure for a paper")),
    "methods": Kept(
        "the methods text", "methods.txt", _methods, ("methods section", "what to write in the paper"), _is_told
    ),
    "code": Kept(
        "what was done, as code",
        "actions.py",
        lambda explorer, path: write_text(path, explorer.code, "code", by=explorer.subject),
        ("actions", "history as code"),
    ),
}


def free_name(file: str, by: Any) -> Path:
    """The first of name, name-2 ... that may be written in the notebook's folder: a menu cannot ask what to do."""
    name = Path(file.rstrip("/"))
    ending = "".join(name.suffixes)
    for number in count(1):
        path = name if number == 1 else Path(f"{name.name.removesuffix(ending)}-{number}{ending}")
        if file.endswith("/"):
            if not path.exists():
                return path
            continue
        try:
            check_outputs([("file", path)], by=by)
        except FileExistsError:
            continue
        return path
    raise AssertionError("numbers end")  # pragma: no cover


def packed(row: Kept, explorer: SessionExplorer) -> tuple[str, bytes]:
    """What is kept as one file for the browser: several files, or a folder, in a zip.

    Returns
    -------
    name : str
    content : bytes
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / row.file.rstrip("/")
        row.write(explorer, path)
        files = sorted(each for each in Path(folder).rglob("*") if each.is_file())
        if len(files) == 1 and not path.is_dir():
            return files[0].name, files[0].read_bytes()
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for each in files:
                archive.write(each, each.relative_to(folder))
        return f"{path.stem}.zip", buffer.getvalue()
