"""The report of a study of many runs: which are in, what stands out, the group's maps, a small map of every run."""

from __future__ import annotations

import base64
import datetime
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import nibabel as nib
import numpy as np

from glmwidgets import __version__
from glmwidgets.analysis.answers import FittedGroup
from glmwidgets.analysis.smoothness import group_smoothness_of
from glmwidgets.glm.errors import told
from glmwidgets.plural import count
from glmwidgets.report.figures.embed import Picture, picture
from glmwidgets.report.figures.strips import plot_strips
from glmwidgets.report.figures.thumbnails import box_of, thumbnail
from glmwidgets.report.page.html import Report, ledger_section, template
from glmwidgets.report.page.methods import inference_sentences, model_sentences, software
from glmwidgets.report.page.parameters import parameters_of
from glmwidgets.report.page.permuted import PermutationFacts
from glmwidgets.report.page.sections import ContrastSection, Table, contrast_section
from glmwidgets.report.page.subject import ContrastFacts, ModelFacts
from glmwidgets.report.page.subject import Study as Subject
from glmwidgets.session.core.permutation import Permuted, permutation_key
from glmwidgets.session.core.waiting import NoResult
from glmwidgets.session.study.analysis import StudyAnalysis, exclusions_of
from glmwidgets.session.study.small_maps import end_of_colours, threshold_of
from glmwidgets.specification.arguments import arguments_of
from glmwidgets.specification.field import plain
from glmwidgets.specification.model import Model
from glmwidgets.specification.study import StudySettings
from glmwidgets.specification.words import told_beside
from glmwidgets.study.exclusions import DECISIONS, Exclusions, why_left_out
from glmwidgets.study.figures import FIGURES, GROUPS
from glmwidgets.study.gather import group_of_whole, qc_of_whole
from glmwidgets.study.group import GroupMap
from glmwidgets.study.refit import StudyAnswer
from glmwidgets.study.study import Study
from glmwidgets.study.table import QCTable
from glmwidgets.web.files import script

if TYPE_CHECKING:
    from glmwidgets.session.study.session import StudySession


class Tile(NamedTuple):
    """A run's small map; an empty source for one that has none."""

    name: str
    src: str
    words: str
    out: str


class RunRow(NamedTuple):
    """A run in the table of figures: each value as text, and whether it is unusual."""

    name: str
    cells: tuple[tuple[str, bool], ...]
    out: str


class NoMap(NamedTuple):
    """A contrast of which the group has no map, and why."""

    name: str
    why: str


class _Look(NamedTuple):
    """Where small maps are cut, in mm, from which z on they have colours, and where these end."""

    place: tuple[float, float, float]
    threshold: float
    full: float


@dataclass(frozen=True, eq=False)
class _Told:
    """What a report is made of."""

    study: Study
    analysis: StudyAnalysis
    settings: StudySettings
    answer: StudyAnswer
    qc: QCTable
    exclusions: Exclusions
    reasons: tuple[str, ...]
    is_whole: bool
    permuted: Permuted | None = None

    @property
    def used(self) -> list[int]:
        """Rows of the runs that are in."""
        return [i for i, reason in enumerate(self.reasons) if not reason]


def study_report(study: Study, *, title: str | None = None) -> Report:
    """Report on a study: one page that opens as fast with 500 runs as with 10.

    The group's maps are of whole runs once all that are in are fitted, before that of previews; the page says which.
    Previews that are not there are made.

    Parameters
    ----------
    study : Study
        Under its model, with its exclusions as they were saved last.
    title : str, optional

    Returns
    -------
    Report

    Raises
    ------
    InputError
        If no run can answer the study's first contrast.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from glmwidgets.datasets import write_study
    >>> with TemporaryDirectory() as folder:
    ...     root = write_study(folder, 3, shape=(16, 19, 15), n_scans=60)
    ...     study = Study.of(root, f"{folder}/study", contrasts=["faces - houses"])
    ...     report = study_report(study, title="three runs")
    >>> "0 of 3 runs left out" in report.html
    True
    """
    study.build_previews()
    analysis = StudyAnalysis(study)
    settings = analysis.default_settings()
    answer = analysis.graph.get("runs", settings)
    return _page(_told(study, analysis, settings, answer, qc_of_whole(study)), title)


def study_session_report(session: StudySession, *, title: str | None = None) -> Report:
    """Report on what a study explorer shows; as `study_report`, with the ledger of what was looked at.

    Parameters
    ----------
    session : StudySession
    title : str, optional

    Returns
    -------
    Report

    Raises
    ------
    NoResult
        If the runs cannot answer; see `glmwidgets.session.core.waiting.Awaited.current_result`. Where only the group
        has no map, the report says why.

    Examples
    --------
    >>> import tempfile
    >>> from glmwidgets.datasets import write_study
    >>> from glmwidgets.study import Study
    >>> home = tempfile.TemporaryDirectory()
    >>> dataset = write_study(home.name + "/bids", 3, shape=(10, 12, 9), n_scans=40)
    >>> study = Study.of(dataset, home.name + "/study")
    >>> _ = study.build_previews()
    >>> from glmwidgets.session.study.session import StudySession
    >>> session = StudySession(study, synchronous=True)
    >>> session.refresh()
    >>> "Faces" in study_session_report(session, title="Faces").html
    True
    >>> home.cleanup()
    """
    try:
        session.current_result()
    except NoResult as error:
        if error.stage != "group":
            raise
    with session.lock:
        result, answer, chosen, permuted = session.result, session.answer, session.settings, session.permuted
    settings = chosen if result is None else result.settings.seen_as(chosen)
    analysis = session.analysis
    answer = analysis.graph.get("runs", settings)
    study = session.study.with_model(settings.part(Model), tuple(settings.contrast.listed))
    told_of = _told(study, analysis, settings, answer, analysis.figures(settings, answer))
    if permuted is not None and permuted.key == permutation_key(analysis, settings):
        told_of = replace(told_of, permuted=permuted)
    return _page(told_of, title, session.ledger)


def _told(study: Study, analysis: StudyAnalysis, settings: StudySettings, answer: StudyAnswer, qc: QCTable) -> _Told:
    exclusions = exclusions_of(settings)
    own = exclusions.reasons([run.name for run in study.runs], qc.values)
    reasons = why_left_out(study.judged, own, answer.why_not)
    used = [i for i, reason in enumerate(reasons) if not reason]
    whole = bool(used) and all(study.result(i) is not None for i in used)
    return _Told(study, analysis, settings, answer, qc, exclusions, reasons, whole)


def _page(told_of: _Told, title: str | None, ledger: Any = None) -> Report:
    study, settings = told_of.study, told_of.settings
    title = title or f"Study report: {Path(study.origin).name or count(len(study.runs), 'run')}"
    groups = [_group(told_of, place) for place in range(len(settings.contrast.listed))]
    subjects = [_subject(told_of, title, group, facts) for group, facts in groups if facts is not None]
    found: list[ContrastSection | NoMap] = []
    for (name, text), (group, facts) in zip(settings.contrast.listed, groups, strict=True):
        if facts is None:
            found.append(NoMap(name or text, group))
        else:
            found.append(contrast_section(_subject(told_of, title, group, facts), facts))
    look = _look(told_of, groups[settings.contrast.active])
    rows, known = _rows(told_of)
    sections = [("runs", "Runs that are in"), ("unusual", "What stands out")]
    sections += [(f"contrast-{i}", each.name) for i, each in enumerate(found, 1)]
    sections += [("maps", "Maps of all runs"), ("figures", "Figures"), ("methods", "Methods")]
    sections += [("ledger", "Also looked at")] if ledger is not None else []
    sections += [("parameters", "Parameters")]
    sorting = script("sorted.js")
    page = template("study.html.j2", "report.css").render(
        title=title,
        script=sorting,
        # The one script that a browser may run in this page is this one.
        script_hash=f"sha256-{base64.b64encode(hashlib.sha256(sorting.encode()).digest()).decode()}",
        lead=f"A study of {study.origin}." if study.origin else "A study of many runs.",
        facts=_facts(told_of, groups),
        sections=sections,
        said=told_of.exclusions.said(study.judged, told_of.qc.values),
        rules=[f"{rule.said[0].upper()}{rule.said[1:]} ({rule})" for rule in told_of.exclusions.rules],
        out=_left_out(told_of),
        unusual=_unusual(told_of),
        kind="whole runs" if told_of.is_whole else "previews, each of some 5,000 cells",
        contrasts=found,
        tiles=_tiles(told_of, look),
        tiles_said=_tiles_said(told_of, look),
        strips=_strips(told_of, known),
        known=[FIGURES[key] for key in known],
        rows=rows,
        definitions=_definitions(told_of),
        methods=_methods(told_of, subjects, [facts for _, facts in groups if facts is not None]),
        ledger=None if ledger is None else ledger_section(ledger),
        parameters=list(parameters_of(subjects[0]).items()) if subjects else [],
        software=software(),
        version=__version__,
        date=datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
    )
    return Report(page, title)


def _facts(told_of: _Told, groups: Sequence[Any]) -> list[tuple[str, str]]:
    runs, used = told_of.study.runs, told_of.used
    facts = [
        ("Participants", str(len({run.subject for run in runs}))),
        ("Runs", str(len(runs))),
        ("Runs in the group", str(len(used))),
        ("Left out", str(len(runs) - len(used))),
    ]
    sizes = [group.domain.size for group, facts in groups if facts is not None]
    return [*facts, ("Voxels" if told_of.is_whole else "Cells", f"{sizes[0]:,}")] if sizes else facts


# Which runs -----------------------------------------------------------------------------------------------------------


def _left_out(told_of: _Told) -> Table | None:
    """Runs that are left out, or on which somebody decided."""
    rows = []
    for run, reason in zip(told_of.study.runs, told_of.reasons, strict=True):
        decision = told_of.exclusions.by_hand.get(run.name)
        if not reason and decision is None:
            continue
        by_hand = ("", "", "", "")
        if decision is not None:
            by_hand = (DECISIONS[decision.what], decision.comment, decision.rater, decision.when[:10])
        rows.append((run.name, "no" if reason else "yes", reason, *by_hand))
    head = ("Run", "In the group", "Left out by", "Decision", "Comment", "Rater", "Date")
    return Table(head, tuple(rows), tuple(range(len(head)))) if rows else None


def _unusual(told_of: _Told) -> Table | None:
    said = [(run.name, told_of.qc.said(i), reason) for i, (run, reason) in enumerate(_runs(told_of))]
    rows = tuple((name, f"{'. '.join(each)}.", "no" if reason else "yes") for name, each, reason in said if each)
    return (
        Table(("Run", "What is unusual among the runs of this study", "In the group"), rows, (0, 1, 2))
        if rows
        else None
    )


def _runs(told_of: _Told) -> list[tuple[Any, str]]:
    return list(zip(told_of.study.runs, told_of.reasons, strict=True))


# The group ------------------------------------------------------------------------------------------------------------


def _group(told_of: _Told, place: int) -> tuple[GroupMap | str, ContrastFacts | None]:
    """The group's map of a contrast and what is found in it; or why there is none, and None."""
    settings = told_of.settings.updated({"contrast.active": place})
    name, text = settings.contrast.listed[place]
    try:
        if told_of.is_whole:
            group = group_of_whole(told_of.study, dict(map(reversed, told_of.study.contrasts))[text], told_of.used)
        else:
            group = told_of.analysis.graph.get("runs", settings).group(told_of.used)
    except ValueError as error:
        return told(error), None
    noise = group_smoothness_of(settings, FittedGroup.of(group.values, group.fit), group.domain)
    facts = ContrastFacts.found(name or text, text, (), group.contrast, settings, noise)
    permuted = told_of.permuted
    # A test is of the previews' group and of the contrast that is looked at.
    if permuted is not None and not told_of.is_whole and place == told_of.settings.contrast.active:
        clusters = told_of.analysis.clusters(told_of.settings)
        facts = replace(facts, permuted=PermutationFacts.of(permuted, settings.permutation, clusters))
    return group, facts


def _subject(told_of: _Told, title: str, group: GroupMap, facts: ContrastFacts) -> Subject:
    analysis = told_of.analysis
    counts = nib.Nifti1Image(analysis.background_image("mean"), analysis.grid.affine)
    return Subject(
        title=title,
        model=ModelFacts("second", arguments_of(told_of.settings.part(Model))),
        runs=(FittedGroup.of(group.values, group.fit),),
        contrasts=(facts,),
        mask=group.domain.mask,
        affine=group.domain.affine,
        background=counts,
        settings=told_of.settings,
        looks=told_of.settings.map,
    )


def _look(told_of: _Told, found: tuple[Any, ContrastFacts | None]) -> _Look:
    """Small maps are cut at the group's highest peak, and painted as its map is."""
    (group, facts), looks = found, told_of.settings.map
    limit = looks.limit if looks.statistic == "z" else None
    if facts is None:
        middle = told_of.analysis.domain.points.mean(axis=0)
        return _Look(tuple(middle.tolist()), threshold_of(None), end_of_colours(None, limit))
    size = np.abs(facts.searched) if facts.threshold.two_sided else facts.searched
    place = group.domain.points[int(np.argmax(size))]
    return _Look(tuple(place.tolist()), threshold_of(facts.height), end_of_colours(group.z, limit))


# Every run ------------------------------------------------------------------------------------------------------------


def _tiles(told_of: _Told, look: _Look) -> list[Tile]:
    answer, analysis, looks, tiles = told_of.answer, told_of.analysis, told_of.settings.map, []
    box = box_of(analysis.domain.mask)
    for i, (run, reason) in enumerate(_runs(told_of)):
        src = ""
        if answer.contrasts[i] is not None:
            grid = answer.parts[i].preview.grid
            of_all = box if grid.same(analysis.grid) else None
            sides = looks.convention == "radiological"
            src = thumbnail(answer.volume(i, "z"), grid.affine, *look, of_all, looks.colormap, sides)
        tiles.append(Tile(run.name, src, ". ".join(told_of.qc.said(i)), reason))
    return tiles


def _tiles_said(told_of: _Told, look: _Look) -> str:
    x, y, z = (f"{mm:.0f}".replace("-", "\N{MINUS SIGN}") for mm in look.place)
    expression = told_of.answer.expression
    left = "right" if told_of.settings.map.convention == "radiological" else "left"  # where the picture has it
    return (
        f"z of {expression} in the preview of each run: axial, coronal and sagittal, through ({x}, {y}, {z}) mm, the "
        f"brain's left on the {left}; what is below {look.threshold:.2f} fades, and the colours end at "
        f"±{look.full:.1f}, as in the group's map. Runs that are left out are pale; of those in orange something is "
        "unusual."
    )


def _rows(told_of: _Told) -> tuple[list[RunRow], list[str]]:
    """The table of figures that are known of any run, and their keys."""
    values, unusual = told_of.qc.values, told_of.qc.unusual
    known = [key for key in values if values[key].notna().any()]
    rows = []
    for i, (run, reason) in enumerate(_runs(told_of)):
        cells = [(values.at[i, key], FIGURES[key].digits, bool(unusual.at[i, key])) for key in known]
        shown = tuple((plain(float(f"{v:.{n}g}")) if np.isfinite(v) else "", odd) for v, n, odd in cells)
        rows.append(RunRow(run.name, shown, reason))
    return rows, known


def _strips(told_of: _Told, known: Sequence[str]) -> Picture:
    rows = [FIGURES[key] for key in known]
    labels = [f"{row.label}, {row.unit}" if row.unit else row.label for row in rows]
    values, odd = (table[list(known)].to_numpy().T for table in (told_of.qc.values, told_of.qc.unusual))
    figure = plot_strips(labels, values.astype(float), odd.astype(bool), [bool(reason) for reason in told_of.reasons])
    return picture(
        figure, "Figures of quality control of all runs, a dot a run", "A dot a run; unusual ones in orange."
    )


def _definitions(told_of: _Told) -> Table:
    usual, odd = told_of.qc.usual, told_of.qc.unusual
    rows = tuple(
        (
            key,
            row.label,
            row.shown(usual.get(key, np.nan)),
            str(int(odd[key].sum())),
            GROUPS[row.group],
            row.definition,
            row.source,
        )
        for key, row in FIGURES.items()
    )
    head = ("Figure", "Name", "Median", "Unusual runs", "Of", "Definition", "Source")
    return Table(head, rows, (0, 1, 2, 4, 5, 6))


# Words ----------------------------------------------------------------------------------------------------------------


def _methods(told_of: _Told, subjects: Sequence[Subject], facts: Sequence[ContrastFacts]) -> str:
    used = [part for i, part in enumerate(told_of.answer.parts) if i in set(told_of.used) and part.fitted is not None]
    settings, runs = told_of.settings, told_of.study.runs
    if not used:
        return "No run is in the group."
    people = len({runs[part.index].subject for part in used})
    scans = [len(part.fitted.design) for part in used]
    scans = f"{min(scans)}" if min(scans) == max(scans) else f"{min(scans)} to {max(scans)}"
    parts = [
        f"One general linear model was fitted to each of {count(len(used), 'run')} of {scans} scans, of "
        f"{count(people, 'participant')}, with {software()}."
    ]
    smoothed = Model.field("data.smoothing_fwhm").clause(settings.data.smoothing_fwhm)
    scaled = Model.field("data.signal_scaling").words(settings.data.signal_scaling)
    cells = "" if told_of.is_whole else " These were means over some 5,000 cells of each run (previews), not voxels."
    parts.append(f"Series were {smoothed}, and scaled: {scaled}.{cells}")
    first = ModelFacts("first", {"t_r": None, **arguments_of(settings.part(Model))})
    nothing = np.zeros((1, 1, 1), bool)
    subject = Subject(
        "", first, tuple(part.fitted for part in used), (), nothing, np.eye(4), beside=told_beside(settings)
    )
    parts += model_sentences(subject)
    if subjects:
        parts.append(
            "Effects were averaged over the runs of each participant with equal weight (fixed effects), and the mean "
            "of the participants was tested against 0."
        )
    return " ".join(part for part in [*parts, *inference_sentences(facts)] if part)
