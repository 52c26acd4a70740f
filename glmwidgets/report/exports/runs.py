"""Several runs and their fixed effects, out of the explorer: a script that repeats them, and a report."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from glmwidgets import __version__
from glmwidgets.files.paths import resolved
from glmwidgets.images.load import load_image
from glmwidgets.models.first_level import FirstLevelModel
from glmwidgets.plural import count
from glmwidgets.report.exports.script import files_beside, opening_lines
from glmwidgets.report.exports.script_parts import (
    Source,
    assembled,
    bins_argument,
    contrast_lines,
    design_lines,
    field_imports,
    field_lines,
    model_arguments,
    needs_field,
    output_lines,
    registering_lines,
    saving_lines,
    scrubs,
    write_with,
    written_arguments,
)
from glmwidgets.report.page.html import Report, render
from glmwidgets.report.page.subject import ContrastFacts, ModelFacts, Study, choices_of, shaping, weights_of
from glmwidgets.runs.run import run_name
from glmwidgets.session.several.runs import RunSet
from glmwidgets.specification.fixed import WEIGHTINGS
from glmwidgets.specification.words import told_beside, told_origins


class _Combined:
    """What of a set of runs is combined, and whether one estimator can do it."""

    def __init__(self, of: RunSet):
        of.bring_all()
        of.current_result()
        self.settings = of.fixed.settings
        models = of.fixed.analysis.models(self.settings)
        self.domain = of.fixed.analysis.voxels(self.settings)
        every = [Source(s.run, m, s.analysis) for s, m in zip(of.sessions, models, strict=True)]
        self.sources = [source for i, source in enumerate(every) if i + 1 not in self.settings.runs.left_out]
        self.numbers = [i + 1 for i in range(len(every)) if i + 1 not in self.settings.runs.left_out]
        self.bins = [source.settings.noise.bins for source in self.sources]
        self.arguments = [{"t_r": s.run.t_r, **model_arguments(s.settings, s.run)} for s in self.sources]

    @property
    def is_one_model(self) -> bool:
        """Whether the runs differ in their inputs alone."""
        same = all(arguments == self.arguments[0] for arguments in self.arguments)
        return same and len(set(self.bins)) == 1

    @property
    def makes_designs(self) -> bool:
        """Whether an estimator makes the designs of all runs; it is given them otherwise."""
        return all(source.makes_design for source in self.sources)

    @property
    def weighting(self) -> str:
        """The key of `WEIGHTINGS` by which the runs are combined."""
        return self.settings.runs.weighting

    @property
    def by_estimator(self) -> bool:
        """Whether an estimator of several runs repeats them."""
        return self.is_one_model and WEIGHTINGS[self.weighting].by_estimator

    def mask_img(self) -> Any:
        """The voxels that all runs have, as an image."""
        return self.domain.mask_image()


def write_runs_script(of: RunSet, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write a Python script that repeats the fixed effects of several runs bit for bit.

    Parameters
    ----------
    of : RunSet
    path : str or path
        Of the script. The voxels that all runs have are written beside it, as are inputs that were given in memory.
    overwrite : bool
        As in `glmwidgets.report.exports.script.write_script`.

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        If the script's folder does not exist.
    FileExistsError
        If a file was read as an input, or exists and may not be replaced.
    ValueError
        If the script's name is that of a package, or the settings cannot be used.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session.several.runs import RunSet
    >>> runs = [open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60, seed=seed)) for seed in (1, 2)]
    >>> of = RunSet(runs, synchronous=True)
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> of.show(2)
    >>> with TemporaryDirectory() as folder:
    ...     write_runs_script(of, Path(folder) / "runs.py").name
    'runs.py'
    """
    path = resolved(path)
    found = _Combined(of)
    text = _text(found, path.stem)
    beside = {f"{path.stem}_mask.nii.gz": found.mask_img()}
    for number, source in zip(found.numbers, found.sources, strict=True):
        beside |= files_beside(source, f"{path.stem}_run{number}", "glmwidgets")
    return write_with(path, text, beside, overwrite=overwrite, by=of)


def _text(found: _Combined, stem: str) -> str:
    lists = ["imgs", *(["all_events", "all_confounds"] if found.makes_designs else ["designs"]), "kept", "averaged"]
    lines, imports = [f"{', '.join(lists)} = {', '.join(['[]'] * len(lists))}"], []
    for number, source in zip(found.numbers, found.sources, strict=True):
        opened, more = opening_lines(source, f"{stem}_run{number}")
        has = source.confounds is not None
        dropped = source.settings.data.drop_scans
        scans = f"np.arange({dropped}, {source.run.n_scans})" if dropped else "None"
        imports += [*more, *(["import numpy as np"] if dropped else [])]
        if found.makes_designs:
            modelled = ["all_events.append(events)", f"all_confounds.append({'confounds' if has else 'None'})"]
        else:
            made, more = design_lines(source)
            modelled = [*made, "designs.append(design)"]
            imports += more
        lines += [
            "",
            f"# Run {number}",
            *opened,
            "imgs.append(run.img)",
            *modelled,
            f"kept.append({scans})",
            f"averaged.append({'mean_scans' if scrubs(source) else 'None'})",
        ]
    imports += ["from glmwidgets.models import get_clusters_table, threshold_stats_img"]
    imports += field_imports(found.sources[0].settings)
    lines += ["", "# Voxels that lie in the masks of all runs.", f"mask_img = here / {f'{stem}_mask.nii.gz'!r}", ""]
    combine, more = _together(found) if found.by_estimator else _apart(found)
    fit, each = combine
    lines += [*fit, "", *contrast_lines(found.settings), *output_lines(stem)]
    lines += ["for name, contrast in contrasts.items():", *each]
    lines += saving_lines(found.sources[0].settings, "mask_img")
    head = [f"# Repeats fixed effects over {count(len(found.sources), 'run')}, made with glmwidgets {__version__}."]
    head += dict.fromkeys(f"# {text}" for source in found.sources for text in told_origins(source.settings))
    head += dict.fromkeys(
        line
        for source in found.sources
        for line in registering_lines(source.settings, source.run, weighting=found.weighting)
    )
    return assembled(list(dict.fromkeys([*imports, *more])), lines, head)


def _arguments(arguments: dict[str, Any], indent: str = "    ") -> list[str]:
    return [f"{indent}{name}={value!r}," for name, value in arguments.items()]


def _together(found: _Combined) -> tuple[tuple[list[str], list[str]], list[str]]:
    """One estimator of all runs."""
    fit = [
        "model = gw.FirstLevelModel(",
        *_arguments(written_arguments(found.sources[0], found.makes_designs)),
        "    mask_img=mask_img,",
        ")",
    ]
    modelled = "all_events, all_confounds" if found.makes_designs else "design_matrices=designs"
    fit += [f"model.fit(imgs, {modelled}, sample_masks=kept, mean_scans=averaged{bins_argument(found.sources[0])})"]
    how = f'missing="skip", dof_method={found.settings.runs.dof_method!r}'
    each = [
        "    # Fixed effects of the runs that can answer.",
        "    maps = model.compute_contrast(",
        f'        contrast, output_type="all", {how}',
        "    )",
        *field_lines(found.sources[0].settings, f"model.random_field(contrast, {how}"),
    ]
    return (fit, each), []


def _apart(found: _Combined) -> tuple[tuple[list[str], list[str]], list[str]]:
    """An estimator for each run: where their models differ, or runs have weights."""
    settings = found.sources[0].settings
    fit = ["# What shapes the numbers of each run.", "choices = ["]
    makes = found.makes_designs
    each_run, modelled = ("events, confounds", "all_events, all_confounds") if makes else ("design", "designs")
    given = each_run if makes else "design_matrices=design"
    for source in found.sources:
        fit += ["    dict(", *_arguments(written_arguments(source, found.makes_designs), "        "), "    ),"]
    fit += [
        "]",
        f"all_bins = {found.bins!r}",
        "models = [",
        "    gw.FirstLevelModel(mask_img=mask_img, **chosen).fit(",
        f"        img, {given}, sample_masks=scans, mean_scans=over, bins=bins",
        "    )",
        f"    for chosen, img, {each_run}, scans, over, bins in zip(",
        f"        choices, imgs, {modelled}, kept, averaged, all_bins",
        "    )",
        "]",
        "fits = [model.fits_[0] for model in models]",
        f"names = {[f'run {number}' for number in found.numbers]!r}",
    ]
    each = [
        "    # Of the runs that can answer.",
        '    answers = contrasts_of_runs(fits, names, contrast, missing="skip")',
        f"    combine = WEIGHTINGS[{found.weighting!r}].combine",
        f"    combined = combine(answers, {found.settings.runs.dof_method!r}) if len(answers) > 1 else answers[0]",
        '    kinds = ("z_score", "stat", "p_value", "effect_size", "effect_variance")',
        "    maps = {kind: models[0].masker_.inverse_transform(getattr(combined, kind)()) for kind in kinds}",
        *field_lines(settings, "runs_random_field(models, combined", "models[0]", "runs_noise(models)"),
    ]
    imports = [
        "from glmwidgets.models.run_contrasts import contrasts_of_runs",
        "from glmwidgets.specification.fixed import WEIGHTINGS",
        *(["from glmwidgets.models import runs_noise, runs_random_field"] if needs_field(settings) else []),
    ]
    return (fit, each), imports


def runs_report(of: RunSet, *, title: str | None = None, bg_img: Any = None, **options: Any) -> Report:
    """Report on several runs and their fixed effects, as one HTML page: what they say together, nothing fitted again.

    Parameters
    ----------
    of : RunSet
    title : str, optional
    bg_img : image or path, optional
        What maps are drawn on; what the explorer draws them on by default.
    **options
        ``plot_type``, ``cut_coords`` and ``display_mode`` of `glmwidgets.report.page.html.analysis_report`.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        If the runs have models that differ in more than their designs, or are weighted by precision.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session.several.runs import RunSet
    >>> runs = [open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60, seed=seed)) for seed in (1, 2)]
    >>> of = RunSet(runs, synchronous=True)
    >>> of.show(2)
    >>> "Two runs" in runs_report(of, title="Two runs").html
    True
    """
    # What was looked at in all tabs, not in one of them.
    return render(study_of_runs(of, title=title, bg_img=bg_img), **{"ledger": of, **options})


def study_of_runs(of: RunSet, *, title: str | None = None, bg_img: Any = None) -> Study:
    """Gather what several runs say together.

    Parameters
    ----------
    of : RunSet
    title, bg_img
        As in `runs_report`.

    Returns
    -------
    Study

    Raises
    ------
    ValueError
        If the runs have models that differ in more than their designs, or are weighted by precision.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session.several.runs import RunSet
    >>> runs = [open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60, seed=seed)) for seed in (1, 2)]
    >>> of = RunSet(runs, synchronous=True)
    >>> of.show(2)
    >>> [facts.name for facts in study_of_runs(of).contrasts]
    ['faces']
    """
    found = _Combined(of)
    if not found.is_one_model:
        raise ValueError(
            "a report covers one model, but runs have models of their own: link them, or report on each run"
        )
    if not found.by_estimator:
        raise ValueError("a report covers runs of equal weight only: choose equal weights, or write the script")
    analysis, settings, facts = of.fixed.analysis, found.settings, []
    for place, (name, text) in enumerate(settings.contrast.listed):
        result = analysis.result(settings.updated({"contrast.active": place}))
        able = [one for one, part in zip(result.fitted, result.parts, strict=True) if not part.why_not]
        clusters = analysis.clusters(result.settings)
        facts.append(ContrastFacts.of(name or text, text, weights_of(text, able), result, clusters))
    runs = [replace(one, name=one.name if one.source else run_name(i)) for i, one in enumerate(result.fitted)]
    runs = tuple(runs[number - 1] for number in found.numbers)
    choices = shaping(choices_of(FirstLevelModel(mask_img=found.mask_img(), **found.arguments[0])), runs[0])
    if bg_img is None:
        mean = analysis.background_image(settings.map.background)
        bg_img = settings.map.underlay or found.domain.volume_image(mean)
    return Study(
        title=title or f"GLM report: {', '.join(run.name for run in runs)}",
        model=ModelFacts("first", choices),
        runs=runs,
        contrasts=tuple(facts),
        mask=result.mask,
        affine=result.domain.affine,
        r_square=np.mean([run.r_square for run in runs], axis=0),
        background=load_image(bg_img),
        beside=told_beside(found.sources[0].settings),
        looks=settings.map,
    )
