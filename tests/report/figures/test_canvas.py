"""Figures come from any thread, never touch pyplot, and never cut off what they write."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from matplotlib.cbook import is_math_text
from matplotlib.figure import Figure
from matplotlib.text import Text

from glmwidgets.report import figures
from glmwidgets.report.figures.canvas import ink_on, shorten, width_of

RNG = np.random.default_rng(0)
LONG = [f"auditory_sentence_by_another_speaker_{i:02d}" for i in range(12)]
STAT = nib.Nifti1Image(
    RNG.normal(size=(20, 24, 18)).astype(np.float32), nib.affines.from_matvec(np.diag([4.0, 4, 4]), [-40.0, -60, -30])
)
WIDE = pd.DataFrame(RNG.normal(size=(60, 12)), columns=LONG)
MANY = pd.DataFrame(RNG.normal(size=(60, 60)), columns=[f"regressor_{i}" for i in range(60)])
ONE = pd.DataFrame({"listening": RNG.normal(size=60)})
EVENTS = pd.DataFrame({"onset": 10.0 * np.arange(12), "duration": 5.0, "trial_type": LONG})
SERIES = RNG.normal(size=60)

FIGURES = {
    "ortho": lambda: figures.plot_stat_map(STAT, threshold=2.3, stat_name="z", title="face - (house + object) / 2"),
    "mosaic": lambda: figures.plot_stat_map(STAT, display_mode="mosaic", threshold=2.3),
    "one small panel": lambda: figures.plot_stat_map(
        STAT, display_mode="z", cut_coords=1, title="A title of some length"
    ),
    "empty": lambda: figures.plot_stat_map(STAT, display_mode="z", cut_coords=1, threshold=30, stat_name="z"),
    "fourteen cuts": lambda: figures.plot_r_square(STAT, cut_coords=14),
    "glass": lambda: figures.plot_glass_brain(STAT, display_mode="lyrz", threshold=2.3, title="glass"),
    "anatomy": lambda: figures.plot_anat(STAT),
    "region": lambda: figures.plot_roi(STAT),
    "design of long names": lambda: figures.plot_design_matrix(WIDE, title="design"),
    "design of many columns": lambda: figures.plot_design_matrix(MANY),
    "design of one column": lambda: figures.plot_design_matrix(ONE, title="one"),
    "contrast of long names": lambda: figures.plot_contrast_matrix(np.eye(12)[:3], WIDE, colorbar=True, title="F"),
    "contrast of many columns": lambda: figures.plot_contrast_matrix({"regressor_3": 1}, MANY),
    "contrast by name": lambda: figures.plot_contrast_matrix([LONG[0], LONG[1]], WIDE),
    "correlation of long names": lambda: figures.plot_design_correlation(WIDE, title="correlation"),
    "correlation of many columns": lambda: figures.plot_design_correlation(MANY),
    "series of twelve types": lambda: figures.plot_series(SERIES, SERIES, t_r=2, events=EVENTS, unit="% signal"),
    "series of large values": lambda: figures.plot_series(1e4 + SERIES, t_r=2, title="raw"),
    "events": lambda: figures.plot_events(EVENTS, title="events"),
    "response": lambda: figures.plot_hrf("spm + derivative + dispersion"),
    "residuals": lambda: figures.plot_residual_histogram(SERIES, unit="% signal", title="residuals"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_written_is_cut_off(name):
    figure = FIGURES[name]().figure
    drawn = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    # Half a point of room for the rounding of glyphs to pixels.
    room = 0.5 / 72
    assert drawn.x0 > -room
    assert drawn.y0 > -room
    assert drawn.x1 < width + room
    assert drawn.y1 < height + room


@pytest.mark.parametrize("name", ["ortho", "glass", "design of long names", "series of twelve types", "residuals"])
def test_figures_show_themselves_in_a_notebook(name):
    picture = FIGURES[name]()._repr_png_()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"


def test_threads_draw_the_same_pictures():
    names = ["ortho", "glass", "series of twelve types"] * 2
    alone = [FIGURES[name]()._repr_png_() for name in names]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda name: FIGURES[name]()._repr_png_(), names))
    assert together == alone


def test_pyplot_is_never_imported():
    script = """
import sys
import nibabel as nib, numpy as np, pandas as pd
from glmwidgets.report import figures
stat = nib.Nifti1Image(np.random.default_rng(0).normal(size=(8, 9, 7)).astype(np.float32), np.diag([3, 3, 3, 1.0]))
design = pd.DataFrame({"a": [0.0, 1, 0, 1], "b": [0.0, 0, 1, 1]})
events = pd.DataFrame({"onset": [0.0], "duration": 1.0, "trial_type": "a"})
drawn = [
    figures.plot_stat_map(stat, stat, threshold=1), figures.plot_glass_brain(stat), figures.plot_anat(stat),
    figures.plot_img(stat), figures.plot_roi(stat), figures.plot_r_square(stat), figures.plot_design_matrix(design),
    figures.plot_contrast_matrix("a - b", design), figures.plot_design_correlation(design), figures.plot_hrf("spm"),
    figures.plot_series(np.arange(4.0), t_r=1, events=events), figures.plot_events(events),
    figures.plot_residual_histogram(np.arange(9.0)),
]
for figure in drawn:
    figure._repr_png_()
print(len(drawn), "matplotlib.pyplot" in sys.modules)
"""
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert output.split() == ["13", "False"]


def test_every_figure_takes_a_figure_or_axes():
    calls = [
        lambda **to: figures.plot_stat_map(STAT, **to),
        lambda **to: figures.plot_glass_brain(STAT, **to),
        lambda **to: figures.plot_anat(STAT, **to),
        lambda **to: figures.plot_roi(STAT, **to),
        lambda **to: figures.plot_design_matrix(WIDE, **to),
        lambda **to: figures.plot_contrast_matrix(LONG[0], WIDE, **to),
        lambda **to: figures.plot_design_correlation(WIDE, **to),
        lambda **to: figures.plot_series(SERIES, t_r=2, **to),
        lambda **to: figures.plot_events(EVENTS, **to),
        lambda **to: figures.plot_hrf("spm", **to),
        lambda **to: figures.plot_residual_histogram(SERIES, **to),
    ]
    for call in calls:
        mine = Figure(figsize=(6, 4))
        assert call(figure=mine).figure is mine
        assert len(mine.axes) == 1
        other = Figure(figsize=(6, 4))
        axes = other.subplots(2, 2)[1, 1]
        assert call(axes=axes).figure is other
        assert len(other.axes) == 4
        assert axes.has_data() or axes.child_axes


def test_ink_can_be_read_on_its_ground():
    assert ink_on("#000000") != ink_on("#ffffff")
    assert ink_on("#fff2b0") == ink_on("#ffffff")


def test_long_names_keep_both_ends():
    assert shorten("a" * 40) == "a" * 40
    short = shorten("start_" + "x" * 60 + "_end", 20)
    assert len(short) == 20
    assert short.startswith("start_")
    assert short.endswith("_end")
    assert width_of(["wide_name", "i"], 8) > width_of(["i"], 8) > 0
    assert width_of([], 8) == width_of([" "], 8) == 0


TEX = ["$x$", r"$\frac{", "a$b", r"$\notacommand$"]
NAMED = pd.DataFrame(RNG.normal(size=(60, 4)), columns=TEX)
TYPED = pd.DataFrame({"onset": 10.0 * np.arange(4), "duration": 5.0, "trial_type": TEX})
DOLLARS = {
    "plot_anat": lambda name: figures.plot_anat(STAT, title=name),
    "plot_contrast_matrix": lambda name: figures.plot_contrast_matrix(np.eye(4), NAMED, title=name),
    "plot_design_correlation": lambda name: figures.plot_design_correlation(NAMED, title=name),
    "plot_design_matrix": lambda name: figures.plot_design_matrix(NAMED, title=name),
    "plot_design_matrix_correlation": lambda name: figures.plot_design_matrix_correlation(NAMED, title=name),
    "plot_epi": lambda name: figures.plot_epi(STAT, title=name),
    "plot_event": lambda name: figures.plot_event(TYPED, title=name),
    "plot_events": lambda name: figures.plot_events(TYPED, title=name),
    "plot_glass_brain": lambda name: figures.plot_glass_brain(
        STAT, title=name, stat_name=name, threshold=1, colorbar=True
    ),
    "plot_hrf": lambda name: figures.plot_hrf(title=name),
    "plot_img": lambda name: figures.plot_img(STAT, title=name),
    "plot_r_square": lambda name: figures.plot_r_square(STAT, title=name),
    "plot_residual_histogram": lambda name: figures.plot_residual_histogram(SERIES, unit=name, title=name),
    "plot_roi": lambda name: figures.plot_roi(STAT, title=name),
    "plot_series": lambda name: figures.plot_series(SERIES, t_r=2, events=TYPED, unit=name, title=name),
    "plot_stat_map": lambda name: figures.plot_stat_map(STAT, title=name, stat_name=name, threshold=1),
}


@pytest.mark.parametrize("name", TEX)
@pytest.mark.parametrize("plot", [each for each in figures.__all__ if each.startswith("plot_")])
def test_names_are_never_formulas(plot, name):
    figure = DOLLARS[plot](name).figure
    figure.canvas.draw()
    texts = [text.get_text() for text in figure.findobj(Text)]
    assert not any(is_math_text(text) for text in texts)
    assert any(name in text.replace(r"\$", "$") for text in texts)
