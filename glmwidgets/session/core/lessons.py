"""The lessons: notebooks that teach what the explorers show."""

from __future__ import annotations

from typing import NamedTuple

from glmwidgets.glm.choices import Choices


class Lesson(NamedTuple):
    """A row of `LESSONS`.

    Attributes
    ----------
    title : str
        As its notebook is headed.
    teaches : str
        What one learns in it.
    also : tuple of str
        Phrases by which a person looks for it.
    """

    title: str
    teaches: str
    also: tuple[str, ...] = ()


#: Every notebook of ``notebooks/``, by the name of its file.
LESSONS: Choices[Lesson] = Choices(
    {
        "00_tour": Lesson("A tour", "to question a map", ("where to begin", "introduction")),
        "01_single_run": Lesson(
            "One run, from images to a table", "to go from events to a table of clusters", ("learn the glm",)
        ),
        "02_predicted_and_residuals": Lesson(
            "What the model says, and what it leaves over", "to read the fit and the residuals", ("learn residuals",)
        ),
        "03_two_runs": Lesson("Two runs of one person", "to combine runs", ("learn fixed effects",)),
        "04_parameters": Lesson("What each parameter does", "what each setting of the model does to the map"),
        "05_group": Lesson(
            "From people to people in general", "to test a group", ("learn random effects", "learn permutation tests")
        ),
        "06_study": Lesson(
            "Which runs to believe", "to find the runs that are unlike the others", ("learn quality control",)
        ),
        "10_convolution_and_hrf": Lesson(
            "Convolution: from events to expected signal",
            "how events become regressors",
            ("learn convolution", "explain convolution", "explain the hrf"),
        ),
        "11_noise_and_false_positives": Lesson(
            "Noise that remembers, and what it makes you find",
            "why correlated scans make false positives",
            ("learn autocorrelation", "explain prewhitening", "false positives"),
        ),
        "12_collinearity_and_efficiency": Lesson(
            "Designs that can answer, and designs that cannot",
            "which designs can answer a question",
            ("learn about collinearity", "learn about efficiency", "design my experiment"),
        ),
        "13_thresholds_and_multiple_comparisons": Lesson(
            "Thresholds, and what they promise",
            "what each threshold promises",
            ("learn about multiple comparisons", "explain thresholds", "explain fdr"),
        ),
        "14_break_it": Lesson("Find what is wrong", "to find faults in runs", ("exercise", "quality control")),
    }
)
