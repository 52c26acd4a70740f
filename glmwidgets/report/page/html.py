"""A report: one HTML page that holds everything it shows, and nothing that anybody typed unescaped."""

from __future__ import annotations

import datetime
import inspect
import os
import tempfile
import warnings
import webbrowser
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import numpy as np

from glmwidgets import __version__
from glmwidgets.files.writing import write_text
from glmwidgets.plural import count
from glmwidgets.report.figures.style import write_number
from glmwidgets.report.page.brains import mask_picture
from glmwidgets.report.page.methods import methods_text, software
from glmwidgets.report.page.parameters import parameters_of
from glmwidgets.report.page.sections import (
    LedgerSection,
    Table,
    contrast_section,
    fit_pictures,
    run_section,
    whiteness_words,
)
from glmwidgets.report.page.subject import Study, study_of_model, study_of_result, study_of_session
from glmwidgets.web import style
from glmwidgets.web.palettes import FAINT, PAPER

if TYPE_CHECKING:
    from glmwidgets.analysis.answers import RunAnswer
    from glmwidgets.analysis.thresholding import Clusters
    from glmwidgets.session.single.analysis import Analysis
    from glmwidgets.session.single.session import Session
    from glmwidgets.specification.looks import MapSettings

#: How many steps of the ledger are listed.
ENTRIES = 30


class Report:
    """An HTML page.

    Parameters
    ----------
    html : str
        The whole page.
    title : str
    width, height : int or str
        Of its frame in a notebook, in pixels or as CSS says it.

    Examples
    --------
    >>> report = Report("<!DOCTYPE html><title>x</title>", "x")
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = report.save_as_html(Path(folder) / "report.html")
    ...     path.read_text() == report.html
    True
    """

    def __init__(self, html: str, title: str, width: int | str = "100%", height: int | str = 700):
        self.html, self.title = html, title
        self.width, self.height = width, height

    def get_standalone(self) -> str:
        """The page as text."""
        return self.html

    def resize(self, width: int | str, height: int | str) -> Report:
        """Change the size of its frame in a notebook."""
        self.width, self.height = width, height
        return self

    def open_in_browser(self, file_name: str | os.PathLike[str] | None = None, *, overwrite: bool = False) -> Path:
        """Open the page in a web browser.

        Parameters
        ----------
        file_name : str or path, optional
            Where the page is written to; by default a new temporary folder.
        overwrite : bool
            As in `save_as_html`.

        Returns
        -------
        Path
            Of the file that the browser opens.
        """
        written = self.save_as_html(file_name or Path(tempfile.mkdtemp()) / "report.html", overwrite=overwrite)
        webbrowser.open(written.resolve().as_uri())
        return written

    def get_iframe(self, width: int | str | None = None, height: int | str | None = None) -> str:
        """The page within a frame, so that its style stays its own."""
        width, height = width or self.width, height or self.height
        return (
            f'<iframe srcdoc="{escape(self.html)}" title="{escape(self.title)}" width="{width}" height="{height}" '
            f'style="border:1px solid {FAINT};border-radius:6px;background:{PAPER}"></iframe>'
        )

    def _repr_html_(self) -> str:
        return self.get_iframe()

    def __repr__(self) -> str:
        return f"Report({self.title!r})"

    def save_as_html(self, path: str | os.PathLike[str], *, overwrite: bool = False, by: Any = None) -> Path:
        """Write the page to a file, whole or not at all.

        Parameters
        ----------
        path : str or path
        overwrite : bool
            Whether a file that exists may be replaced; one that was read as an input never is.
        by : object, optional
            What the report is of: a report of it that was written before may be replaced.

        Returns
        -------
        Path

        Raises
        ------
        FileNotFoundError, FileExistsError
            If its folder does not exist, or the file does and may not be replaced.
        """
        return write_text(path, self.html, "report", overwrite=overwrite, by=self if by is None else by)


def glm_report(
    model: Any,
    contrasts: Any = None,
    first_level_contrast: Any = None,
    title: str | None = None,
    bg_img: Any = None,
    threshold: float | None = None,
    alpha: float = 0.001,
    cluster_threshold: int = 0,
    height_control: str | None = "fpr",
    two_sided: bool = True,
    min_distance: float = 8.0,
    plot_type: str | None = None,
    cut_coords: Any = None,
    display_mode: str | None = None,
    report_dims: tuple[int | str, int | str] | None = None,
    *,
    missing: str = "error",
    dof_method: str = "sum",
    ledger: Any = None,
    whiteness: str | bool | None = None,
    looks: MapSettings | None = None,
    atlas: Any = None,
) -> Report:
    """Report on a fitted model and some contrasts.

    Parameters
    ----------
    model : FirstLevelModel or SecondLevelModel
        Fitted.
    contrasts : str, array, mapping or list of these, optional
        What is asked: a mapping gives names; a list holds several contrasts. Without any, the report tells of the
        design and the fit.
    first_level_contrast : optional
        Which maps a second-level model is asked about. A model of runs has none: a text in this place is its title, as
        older scripts give it.
    title : str, optional
        By default the names of the contrasts.
    bg_img : image or path, optional
        What maps are drawn on. By default the mean of the first run, where it was given as a file.
        ``"MNI152TEMPLATE"`` is the template, downloaded once; where it cannot be had, the report says so and is made
        without.
    threshold : float, optional
        The threshold in z itself, 3.09 by default, for ``height_control=None``.
    alpha : float
        Error rate that `height_control` controls.
    cluster_threshold : int
        Clusters of fewer voxels are left out.
    height_control : {"fpr", "fdr", "bonferroni"} or None
    two_sided : bool
        Whether negative effects are tested, too. An F test has one side.
    min_distance : float
        Least distance between the peaks listed of a cluster, in mm.
    plot_type : {"slice", "glass"}, optional
        As `looks` say by default.
    cut_coords, display_mode
        As in `glmwidgets.report.figures.plot_stat_map`. A glass brain has no cuts.
    report_dims : two of int or str, optional
        Width and height of the report in a notebook: ``report.width``, ``report.height``.
    missing : {"error", "skip"}
        What to do about runs that cannot answer a contrast.
    dof_method : {"sum", "satterthwaite"}
        Of several runs; see `glmwidgets.models.FirstLevelModel.compute_contrast`.
    ledger : object, optional
        What else was looked at: ``n_models``, ``n_contrasts``, and ``entries`` as of
        `glmwidgets.session.core.ledger.Ledger`.
    whiteness : str or False, optional
        Verdict, in words, on whether the noise model leaves the residuals white. By default it is made here where the
        runs' series are at hand; False leaves it out.
    looks : glmwidgets.specification.looks.MapSettings, optional
        How maps are drawn: colours and their end, opacity, view, left and right, outlines.
    atlas : Atlas or path, optional
        Names the region of each peak in the tables of clusters, and the shares of each cluster in regions; see
        `glmwidgets.regions.open_atlas`.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        If a contrast or a setting cannot be used.

    Examples
    --------
    >>> from glmwidgets import FirstLevelModel
    >>> from glmwidgets.datasets import simulate_run
    >>> run = simulate_run("small", shape=(12, 14, 11), n_scans=60)
    >>> model = FirstLevelModel(t_r=run.t_r).fit(run.img, run.events)
    >>> "faces - houses" in glm_report(model, "faces - houses").html
    True
    """
    if hasattr(model, "fits_") and first_level_contrast is not None:
        if isinstance(first_level_contrast, str) and title is None:
            title = first_level_contrast
        else:
            warnings.warn("first_level_contrast has no effect on a report of runs", stacklevel=2)
        first_level_contrast = None
    if plot_type == "glass" and cut_coords is not None:
        warnings.warn("cut_coords has no effect on a glass brain, which has no cuts", stacklevel=2)
    asked = {name: value for name, value in locals().items() if name in inspect.signature(study_of_model).parameters}
    study = study_of_model(**asked)
    report = render(study, plot_type, cut_coords, display_mode, ledger, whiteness)
    return report if report_dims is None else report.resize(*report_dims)


#: By the name of the conventional scripts, too.
make_glm_report = glm_report


def analysis_report(
    analysis: Analysis,
    result: RunAnswer,
    clusters: Clusters | None = None,
    *,
    title: str | None = None,
    bg_img: Any = None,
    **drawn: Any,
) -> Report:
    """Report on one result of the live analysis.

    Parameters
    ----------
    analysis : Analysis
    result : RunAnswer
    clusters : Clusters, optional
        Found if they are not given.
    title, bg_img
        As in `glm_report`.
    **drawn
        ``plot_type``, ``cut_coords``, ``display_mode``, ``ledger`` and ``whiteness``, as in `glm_report`.

    Returns
    -------
    Report

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> run = open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60))
    >>> from glmwidgets.session.single.analysis import Analysis
    >>> analysis = Analysis(run)
    >>> settings = analysis.default_settings()
    >>> "faces" in analysis_report(analysis, analysis.result(settings)).html
    True
    """
    return render(study_of_result(analysis, result, clusters, title=title, bg_img=bg_img), **drawn)


def session_report(session: Session, **options: Any) -> Report:
    """Report on what a session shows.

    Parameters
    ----------
    session : Session
    **options
        Of `analysis_report`.

    Returns
    -------
    Report

    Raises
    ------
    NoResult
        If what is set has no result; see `glmwidgets.session.core.waiting.Awaited.current_result`.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> "faces" in session_report(session, title="faces").html
    True
    """
    options.setdefault("ledger", getattr(session, "ledger", None))
    study = study_of_session(session, title=options.pop("title", None), bg_img=options.pop("bg_img", None))
    return render(study, **options)


def render(
    study: Study,
    plot_type: str | None = None,
    cut_coords: Any = None,
    display_mode: str | None = None,
    ledger: Any = None,
    whiteness: str | bool | None = None,
) -> Report:
    """Turn what a study says into a page.

    Parameters
    ----------
    study : Study
    plot_type, cut_coords, display_mode, ledger, whiteness
        As in `glm_report`.

    Returns
    -------
    Report

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> from glmwidgets.report.page.subject import study_of_session
    >>> render(study_of_session(session, title="faces")).html[:15]
    '<!DOCTYPE html>'
    """
    if whiteness is None:
        whiteness = whiteness_words(study)
    contrasts = [contrast_section(study, facts, plot_type, cut_coords, display_mode) for facts in study.contrasts]
    fit = fit_pictures(study)
    runs = [run_section(study, run) for run in study.runs]
    told = None if ledger is None else ledger_section(ledger)
    sections = [(f"contrast-{i}", section.name) for i, section in enumerate(contrasts, 1)]
    sections += [("fit", "Fit")] if fit or whiteness else []
    sections += [("design", "Design"), ("mask", "Mask"), ("methods", "Methods")]
    sections += [("ledger", "Also looked at")] if told else []
    sections += [("parameters", "Parameters")]
    page = template("report.html.j2", "report.css").render(
        title=study.title,
        lead=_lead(study),
        facts=facts_of(study),
        sections=sections,
        contrasts=contrasts,
        fit=fit,
        whiteness=whiteness or None,
        runs=runs,
        mask=mask_picture(study),
        methods=methods_text(study),
        ledger=told,
        parameters=list(parameters_of(study).items()),
        software=software(),
        version=__version__,
        date=datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
    )
    return Report(page, study.title)


def template(name: str, css: str) -> jinja2.Template:
    """A page's template, such as ``"report.html.j2"``, with its style sheet."""
    pages = files("glmwidgets.report") / "templates"
    sources = {each: (pages / each).read_text(encoding="utf-8") for each in (name, "parts.html.j2")}
    sources[css] = style(css)
    # Everything is escaped, whatever the template is called; an unknown name is a mistake of ours, not an empty cell.
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(sources), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template(name)


def _lead(study: Study) -> str:
    if study.model.level == "second":
        return f"Second level: {count(len(study.runs[0].design), 'map')}."
    sources = [run.source or run.name for run in study.runs]
    return "First level: " + ", ".join(sources[:4]) + (f" and {len(sources) - 4} more" if len(sources) > 4 else "")


def facts_of(study: Study) -> list[tuple[str, str]]:
    """What stands at the head of a page, each with its name."""
    voxels = f"{int(study.mask.sum()):,}"
    if study.model.level == "second":
        return [("Maps", str(len(study.runs[0].design))), ("Voxels", voxels)]
    scans = [str(len(run.design)) for run in study.runs]
    facts = [("Scans", " + ".join(scans) if len(scans) <= 4 else f"{len(scans)} runs")]
    if study.model.choices.get("t_r"):
        who = study.runs[0].inputs.who("t_r")
        facts.append(("TR", f"{study.model.choices['t_r']:g} s" + (f" ({who})" if who else "")))
    facts += [("Voxels", voxels), ("Columns", str(study.runs[0].design.shape[1]))]
    if study.r_square is not None:
        facts.append(("Median R²", write_number(float(np.median(study.r_square)))))
    return facts


def ledger_section(ledger: Any) -> LedgerSection:
    """What else was looked at before a report."""
    models, contrasts = int(ledger.n_models), int(ledger.n_contrasts)
    sentence = f"{count(models, 'model')} and {count(contrasts, 'contrast')} were looked at before this report."
    if models > 1 or contrasts > 1:
        sentence += (
            " The thresholds in this report do not correct for that choice: what was found by searching is to be "
            "confirmed on other data."
        )
    entries = tuple(getattr(ledger, "entries", ()))
    shown = entries[-ENTRIES:]
    rows = tuple((str(e.number), _clock(e.time), e.words or "–", f"{e.maps:,}", e.role) for e in shown)
    left = len(entries) - len(shown)
    caption = f"The last {ENTRIES} of {len(entries)} steps." if left else ""
    head = ("Step", "Time", "Change", "Maps", "Role")
    if not any(row[-1] for row in rows):
        head, rows = head[:-1], tuple(row[:-1] for row in rows)
    table = Table(head, rows, words=(0, 1, 2, 4), caption=caption)
    locked = getattr(ledger, "locked", None)
    if locked is not None:
        exploratory = getattr(ledger, "is_exploratory", False)
        sentence += f" The model of step {locked} was locked as the confirmatory one; "
        sentence += (
            "this report shows another model, and is exploratory." if exploratory else "this report shows that model."
        )
    return LedgerSection(sentence, table if rows else None)


def _clock(time: str) -> str:
    """A time in ISO 8601 as people write it."""
    try:
        return datetime.datetime.fromisoformat(time).strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return time
