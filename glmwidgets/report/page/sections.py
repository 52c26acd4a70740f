"""The content of a report, section by section: pictures, tables and sentences, before any HTML."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glmwidgets.analysis.answers import Fitted
from glmwidgets.glm.design.collinearity import (
    collinearity_warnings,
    condition_number,
    contrast_inflation,
    variance_inflation,
)
from glmwidgets.glm.design.diagnostics import efficiency, energy_removed, estimability
from glmwidgets.glm.events.checks import event_warnings
from glmwidgets.glm.fit.whiteness import residual_whiteness
from glmwidgets.glm.inference.cluster_p import CLUSTER_TESTS, P_COLUMNS
from glmwidgets.glm.inference.cluster_rows import table_of_clusters
from glmwidgets.glm.inference.digits import digits_of, digits_of_clusters
from glmwidgets.plural import count
from glmwidgets.regions.named import REGION_COLUMNS
from glmwidgets.report.figures.designs import plot_contrast_matrix, plot_design_correlation, plot_design_matrix
from glmwidgets.report.figures.embed import Picture, picture
from glmwidgets.report.figures.series import plot_events, plot_hrf, plot_residual_histogram, plot_series
from glmwidgets.report.figures.style import write_mm, write_number, write_p
from glmwidgets.report.page.brains import map_picture, r_square_picture
from glmwidgets.report.page.methods import describe_height, describe_test
from glmwidgets.report.page.permuted import PermutationFacts, describe_permutation
from glmwidgets.report.page.subject import ContrastFacts, Study
from glmwidgets.session.core.permutation import TESTED
from glmwidgets.web.palettes import colour_of

#: How many series of peaks are shown of a contrast, and of how many runs.
PEAKS, RUNS = 3, 4

#: Rows of a long table that are seen at once.
SHOWN = 12

#: Voxels whose residuals are counted together.
COUNTED = 2000


@dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes
    ----------
    head : tuple of str
    rows : tuple of tuple of str
    words : tuple of int
        Columns that hold words; the others hold numbers and are aligned on the right.
    caption : str
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = (0,)
    caption: str = ""

    @property
    def shown(self) -> tuple[tuple[str, ...], ...]:
        """Rows that are seen at once."""
        return self.rows[: len(self.rows) if len(self.rows) <= SHOWN + 3 else SHOWN]

    @property
    def folded(self) -> tuple[tuple[str, ...], ...]:
        """Rows that are folded up until they are asked for."""
        return self.rows[len(self.shown) :]


@dataclass(frozen=True)
class PermutationSection:
    """A permutation test: how it was done, and what it says beside the threshold of the map."""

    words: str
    table: Table


@dataclass(frozen=True)
class ContrastSection:
    """One contrast: what was asked, what was found, and what lies behind it."""

    name: str
    text: str
    article: str
    test: str
    threshold: str
    found: str
    maps: tuple[Picture, ...]
    weights: Picture | None
    clusters: Table | None
    facts: Table
    series: tuple[Picture, ...]
    note: str = ""
    permuted: PermutationSection | None = None


@dataclass(frozen=True)
class LedgerSection:
    """What else was looked at: a sentence, and the steps as a table, if there are any."""

    sentence: str
    table: Table | None


@dataclass(frozen=True)
class RunSection:
    """One run: its events, its design, and what can be said of them before any data."""

    name: str
    legend: tuple[tuple[str, str, int], ...]
    pictures: tuple[Picture, ...]
    matrices: tuple[Picture, ...]
    columns: Table | None
    findings: tuple[str, ...] = field(default=())


# Contrasts ------------------------------------------------------------------------------------------------------------


def contrast_section(
    study: Study,
    facts: ContrastFacts,
    plot_type: str | None = None,
    cut_coords: Any = None,
    display_mode: str | None = None,
) -> ContrastSection:
    """What is shown of one contrast.

    Parameters
    ----------
    study : Study
    facts : ContrastFacts
    plot_type : {"slice", "glass"}, optional
        As the study's looks say by default.
    cut_coords, display_mode
        As in `glmwidgets.report.figures.plot_stat_map` and `plot_glass_brain`.

    Returns
    -------
    ContrastSection
    """
    contrast, design = facts.contrast, study.runs[0].design
    return ContrastSection(
        name=facts.name,
        text=facts.text if facts.text != facts.name else "",
        article="a" if contrast.stat_type == "t" else "an",
        test=describe_test(contrast),
        threshold=describe_height(facts),
        found=_found(facts),
        maps=(map_picture(study, facts, plot_type, cut_coords, display_mode),),
        weights=None
        if not facts.weights
        else picture(
            plot_contrast_matrix(facts.weights[0], design, title=""),
            f"Weights of the contrast {facts.name} on the columns of the design",
            vector=True,
        ),
        clusters=_cluster_table(facts) if facts.clusters else None,
        facts=_contrast_facts(study, facts),
        series=_series(study, facts),
        note="" if all(run.has_series for run in study.runs) or study.model.level == "second" else _NOT_KEPT,
        permuted=None if facts.permuted is None else _permuted(facts.permuted),
    )


_NOT_KEPT = (
    "The series of the runs were released after the fit to save memory. Fit with minimize_memory=False to see "
    "measured against predicted series and the residuals here."
)


def _found(facts: ContrastFacts) -> str:
    if facts.clusters:
        peak = max((cluster.peaks[0] for cluster in facts.clusters), key=lambda p: abs(p.stat))
        digits = digits_of_clusters(facts.clusters)
        place = ", ".join(write_mm(mm, digits.place) for mm in peak.xyz)
        voxels = sum(cluster.n_voxels for cluster in facts.clusters)
        return (
            f"{count(len(facts.clusters), 'cluster')} with {count(voxels, 'voxel')}; "
            f"the highest peak is z = {write_number(peak.stat)} at ({place}) mm."
        )
    size = np.abs(facts.searched) if facts.threshold.two_sided else facts.searched
    top = write_number(float(size.max())) if size.size else "–"
    if np.isfinite(facts.height) and (size > facts.height).any():
        least = facts.threshold.cluster_size
        return f"Voxels pass the threshold, but none in a cluster of {least} voxels or more. The largest z is {top}."
    return f"No voxel passes the threshold. The largest z is {top}."


def _cluster_table(facts: ContrastFacts) -> Table:
    table, digits = table_of_clusters(facts.clusters), digits_of_clusters(facts.clusters)
    sizes = {str(cluster.label): f"{cluster.n_voxels:,}" for cluster in facts.clusters}
    rows = []
    for row in table.itertuples(index=False):
        name, volume = str(row[0]), row[5]
        rows.append(
            (
                name,
                *(write_mm(mm, digits.place) for mm in row[1:4]),
                f"{row[4]:.2f}".replace("-", "\N{MINUS SIGN}"),
                sizes.get(name, ""),
                f"{volume:,.{digits.volume}f}" if isinstance(volume, int | float | np.number) else "",
            )
        )
    head = ("Cluster", "x (mm)", "y (mm)", "z (mm)", "Peak z", "Voxels", "Volume (mm³)")
    said = ["Further peaks of a cluster carry its number and a letter."] if len(rows) > len(facts.clusters) else []
    if facts.judged.p is not None:
        head += tuple(P_COLUMNS)
        each = zip(rows, facts.judged.p.rows(), strict=True)
        rows = [(*row, *("" if np.isnan(p) else write_p(p) for p in of_row)) for row, of_row in each]
        test = CLUSTER_TESTS[facts.threshold.cluster_p]
        said.append(f"FWE: corrected for the whole search region; p of clusters by {test.phrase or test.label}.")
    names = facts.names
    if names is not None and names.atlas is not None:
        head += tuple(REGION_COLUMNS)
        rows = [(*row, *named) for row, named in zip(rows, names.rows(), strict=True)]
        said.append(f"Regions are those of the atlas {names.atlas.name}.")
    remarks = (*facts.judged.said, *(() if names is None else names.said))
    said += [f"{text[0].upper()}{text[1:]}." for text in remarks]
    words = tuple(i for i, name in enumerate(head) if i == 0 or name in REGION_COLUMNS)
    return Table(head, tuple(rows), words, caption=" ".join(said))


def _permuted(test: PermutationFacts) -> PermutationSection:
    rows, alpha = [], test.chosen.alpha
    for place, (name, logp) in enumerate(test.logp.items()):
        passing = int(np.count_nonzero(logp >= -np.log10(alpha) - 1e-12))
        cutoff = test.result.cutoff(name, alpha)
        height = test.height if place == 0 else np.nan
        rows.append(
            (
                TESTED[name],
                write_number(cutoff) if np.isfinite(cutoff) else "–",
                write_number(height) if np.isfinite(height) else "–",
                f"{passing:,}",
                f"{10 ** -float(logp.max()):.4f}",
            )
        )
    head = ("Statistic", "Cut-off", "As z", "Voxels", "Smallest p")
    caption = f"p values are corrected for the whole map; cut-offs are for a family-wise error of {alpha:g}."
    return PermutationSection(describe_permutation(test), Table(head, tuple(rows), caption=caption))


def _contrast_facts(study: Study, facts: ContrastFacts) -> Table:
    rows = []
    single = len(facts.weights) == 1
    answering = [run for run in study.runs if run.design.shape[1]]
    for run, weights in zip(answering, facts.weights, strict=False):
        x = run.design
        outside = float(np.nanmax(estimability(x, weights)))
        inflation = contrast_inflation(x, weights)
        rows.append(
            (
                "" if single else run.name,
                "yes" if outside < 1e-6 else "no",
                write_number(efficiency(x, weights)),
                ", ".join("–" if np.isnan(v) else write_number(float(v)) for v in inflation),
            )
        )
    head = ("Run", "Estimable", "Efficiency", "Variance inflation")
    if single:
        return Table(head[1:], tuple(row[1:] for row in rows), words=())
    return Table(head, tuple(rows))


def _series(study: Study, facts: ContrastFacts) -> tuple[Picture, ...]:
    pictures = []
    runs = [run for run in study.runs if run.has_series]
    if not runs:
        return ()
    index = np.full(study.mask.shape, -1)
    index[study.mask] = np.arange(int(study.mask.sum()))
    peaks = [(f"cluster {cluster.label}", cluster.peaks[0].ijk) for cluster in facts.clusters[:PEAKS]]
    if not peaks and facts.z.size:
        # With nothing to show, the voxel that comes nearest tells most about why.
        size = np.abs(facts.z) if facts.threshold.two_sided else facts.z
        peaks = [("largest z", tuple(int(i) for i in np.argwhere(study.mask)[int(np.argmax(size))]))]
    several = len(runs) > 1
    for name, ijk in peaks[: 1 if several else PEAKS]:
        voxel = slice(index[ijk], index[ijk] + 1)
        digits = digits_of(abs(np.linalg.det(study.affine[:3, :3])))
        place = ", ".join(write_mm(mm, digits.place) for mm in (study.affine @ [*ijk, 1.0])[:3])
        for run in runs[:RUNS]:
            where = f"{name} at ({place}) mm, z = {write_number(float(facts.z[voxel][0]))}"
            figure = plot_series(
                run.fit.data(voxel)[:, 0],
                run.fit.predicted(voxel)[:, 0],
                events=run.events,
                unit=study.model.unit,
                **_times(run),
            )
            caption = f"{where}; {run.name}" if several else where
            pictures.append(picture(figure, f"Measured and predicted series, {caption}", caption, vector=True))
    return tuple(pictures)


def _times(run: Fitted) -> dict[str, Any]:
    times = np.asarray(run.design.index, dtype=float)
    if run.events is None and run.t_r is None:
        return {}
    return {"frame_times": times}


# Fit ------------------------------------------------------------------------------------------------------------------


def fit_pictures(study: Study) -> tuple[Picture, ...]:
    """R² over the brain, and the histogram of the residuals.

    Parameters
    ----------
    study : Study

    Returns
    -------
    tuple of Picture
    """
    pictures = []
    if study.r_square is not None:
        pictures.append(r_square_picture(study, _over(study)))
    runs = [run for run in study.runs if run.has_series]
    if runs:
        residuals = np.concatenate([_some_residuals(run) for run in runs])
        pictures.append(
            picture(
                plot_residual_histogram(np.clip(residuals, -6, 6), bins=np.linspace(-6, 6, 61), unit="sd"),
                "Histogram of residuals with a normal curve",
                f"Residuals of {count(min(COUNTED, runs[0].fit.n_voxels), 'voxel')} spread over the mask, each in "
                "units of its own standard deviation; beyond 6 they count as 6.",
                vector=True,
            )
        )
    return tuple(pictures)


NOT_TESTED = (
    "Whether the residuals are white was not tested, since the series were not kept: fit with minimize_memory=False."
)


def whiteness_words(study: Study) -> str | None:
    """Whether the noise model leaves white residuals, in a sentence a run.

    Parameters
    ----------
    study : Study

    Returns
    -------
    str or None
        None for group models.
    """
    if study.model.level != "first":
        return None
    pooled = study.model.choices.get("pooling") is not None
    verdicts = []
    for run in study.runs:
        if not run.has_series:
            verdicts.append(NOT_TESTED)
            continue
        if run.fit.moments.constant.all():
            continue
        verdict = residual_whiteness(run.fit, run.t_r, pooled=pooled).verdict
        verdicts.append(f"{run.name}: {verdict[0].lower()}{verdict[1:]}" if len(study.runs) > 1 else verdict)
    return " ".join(dict.fromkeys(verdicts)) or None


def _over(study: Study) -> str:
    return "time" if study.model.level == "first" else "maps"


def _some_residuals(run: Fitted) -> np.ndarray:
    known = np.flatnonzero(~run.fit.moments.constant)
    some = known[np.unique(np.linspace(0, known.size - 1, min(COUNTED, known.size)).astype(int))]
    residuals = run.fit.residuals(some)
    spread = residuals.std(axis=0)
    return (residuals / np.where(spread > 0, spread, 1)).ravel()


# Runs -----------------------------------------------------------------------------------------------------------------


def run_section(study: Study, run: Fitted) -> RunSection:
    """What is shown of one run's design.

    Parameters
    ----------
    study : Study
    run : Fitted

    Returns
    -------
    RunSection
    """
    kinds = run.conditions
    pictures = []
    if run.events is not None:
        end = float(run.design.index[-1]) + (run.t_r or 0)
        pictures.append(picture(plot_events(run.events, end=end), "Events over time, one line a type", vector=True))
        hrf, t_r = study.model.choices.get("hrf_model"), run.t_r or 2.0
        if hrf is not None:
            delays = study.model.choices.get("fir_delays") or [0]
            pictures.append(
                picture(plot_hrf(hrf, t_r, fir_delays=delays), "Response model over time", "Response", vector=True)
            )
    drifts = [name for name in run.design.columns if str(name).startswith("drift_")]
    others = run.design.drop(columns=drifts)
    # Drifts are uncorrelated with each other by construction; what the task shares with them stands in the table.
    shown = others if (np.ptp(others.to_numpy(dtype=float), axis=0) > 0).sum() > 1 else run.design
    matrices = [picture(plot_design_matrix(run.design), f"Design matrix of {run.name}", "Design matrix")]
    if (np.ptp(shown.to_numpy(dtype=float), axis=0) > 0).sum() > 1:
        matrices.append(
            picture(
                plot_design_correlation(shown),
                f"Correlation of the design's columns of {run.name}",
                "Correlation of columns" + (", without drifts" if shown is others and drifts else ""),
            )
        )
    legend = tuple(
        (kind, colour_of(kind, kinds), int((run.events["trial_type"].astype(str) == kind).sum())) for kind in kinds
    )
    return RunSection(
        run.name, legend, tuple(pictures), tuple(matrices), _columns(run), tuple(_findings(run, study.said))
    )


def _columns(run: Fitted) -> Table | None:
    interest = run.columns_of_interest()
    if not interest:
        return None
    x = run.design
    inflation = dict(zip(map(str, x.columns), variance_inflation(x), strict=True))
    drift = [name for name in x.columns if str(name).startswith("drift_")]
    lost = {}
    if drift:
        lost = dict(zip(interest, energy_removed(x[interest], x[drift]), strict=True))
    rows = [
        (name, _or_dash(inflation[name]), f"{100 * lost[name]:.0f} %" if np.isfinite(lost.get(name, np.nan)) else "–")
        for name in interest
    ]
    caption = (
        "Variance inflation: how many times larger the variance of the estimate is than without correlation with "
        "other columns."
    )
    if not drift:
        return Table(("Column", "Variance inflation"), tuple(row[:2] for row in rows), caption=caption)
    caption += " Lost to drift: share of the column's variance that the drift columns remove."
    return Table(("Column", "Variance inflation", "Lost to drift"), tuple(rows), caption=caption)


def _or_dash(value: float) -> str:
    if np.isnan(value):
        return "–"
    return "∞" if np.isinf(value) else write_number(float(value))


def _findings(run: Fitted, said: tuple[str, ...]) -> list[str]:
    found = list(said)
    if run.events is not None:
        times = np.asarray(run.design.index, dtype=float)
        found += [finding.message for finding in event_warnings(run.events, times)]
    interest = run.columns_of_interest()
    if interest:
        # Medium correlations are the rule in real designs; the picture shows them.
        loud = [w for w in collinearity_warnings(run.design, interest) if w.severity != "medium"]
        found += [w.message for w in loud[:8]]
    if np.isinf(condition_number(run.design)):
        found.append("the columns of the design are combinations of each other: not every contrast can be estimated")
    return [text[0].upper() + text[1:] + ("" if text.endswith(".") else ".") for text in dict.fromkeys(found)]
