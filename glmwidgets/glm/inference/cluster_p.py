"""P values of clusters by their size, and of peaks by their height: one row a way to find them.

Adding a way is one function and one row in `CLUSTER_TESTS`; tables of clusters, the command line, reports and the
documentation read that table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glmwidgets.glm.choices import Choices, check_choice
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.inference.cluster_tables import ClusterTable
from glmwidgets.glm.inference.random_fields import RandomField, check_forming

#: Columns of `ClusterP.rows` in the conventional table of clusters, with what each means.
P_COLUMNS = {
    "Cluster p (FWE)": "chance that noise has a cluster as large anywhere in the search region",
    "Cluster p (unc.)": "chance that one cluster of noise is as large",
    "Peak p (FWE)": "chance that noise is as high anywhere in the search region",
}

Tails = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class ClusterP:
    """P values of clusters and their peaks.

    Attributes
    ----------
    familywise : array of shape (n_clusters,)
        Chance that noise has a cluster as large anywhere in the region.
    uncorrected : array of shape (n_clusters,)
        Chance that one cluster of noise is as large; NaN where a way to find p has none.
    peaks : tuple of arrays
        One a cluster: for each of its peaks, the chance that noise is as high anywhere in the region.
    """

    familywise: NDArray[np.float64]
    uncorrected: NDArray[np.float64]
    peaks: tuple[NDArray[np.float64], ...] = ()

    def rows(self) -> NDArray[np.float64]:
        """One row a peak, as tables of clusters have them: familywise, uncorrected, and the peak's own p.

        Examples
        --------
        >>> ClusterP(np.array([0.01]), np.array([0.001]), (np.array([0.04, 0.2]),)).rows()
        array([[0.01 , 0.001, 0.04 ],
               [  nan,   nan, 0.2  ]])
        """
        ranks = [rank for heights in self.peaks for rank in range(len(heights))]
        number = np.repeat(np.arange(len(self.peaks)), [len(heights) for heights in self.peaks])
        found = np.full((len(ranks), 3), np.nan)
        first = np.asarray(ranks, dtype=int) == 0
        found[first, 0], found[first, 1] = self.familywise[number[first]], self.uncorrected[number[first]]
        found[:, 2] = np.concatenate([[], *self.peaks])
        return found


class ClusterTest(NamedTuple):
    """A way to find p values of clusters: a row of `CLUSTER_TESTS`.

    Attributes
    ----------
    label : str
        A few words for a menu.
    description : str
        What it assumes, in a sentence.
    question : str
        Which question it answers, in a sentence.
    size_p : callable or None
        ``size_p(size, forming, field, table)``: familywise and uncorrected p of sizes in voxels above a forming
        threshold in z, of a `RandomField` and, where it `needs_table`, a `ClusterTable`. None finds no p at all.
    formulas : str
        By whose formulas peaks get their p: a key of `glmwidgets.glm.inference.random_fields.CLUSTER_METHODS`.
    phrase : str
        What it is in a methods section.
    needs_table : bool
        Whether noise has to be drawn first.
    also : tuple of str
        Phrases by which a person looks for it.
    """

    label: str
    description: str
    question: str = ""
    size_p: Callable[..., Tails] | None = None
    formulas: str = "spm"
    phrase: str = ""
    needs_table: bool = False
    also: tuple[str, ...] = ()

    @property
    def hint(self) -> str:
        """What it assumes and which question it answers."""
        return " ".join(filter(None, (self.description, self.question)))


def cluster_p(
    size: ArrayLike,
    forming: float,
    field: RandomField,
    test: str = "rft",
    *,
    peaks: tuple[ArrayLike, ...] = (),
    table: ClusterTable | None = None,
) -> ClusterP:
    """P values of clusters, and of their peaks.

    Parameters
    ----------
    size : array-like of shape (n_clusters,)
        In voxels.
    forming : float
        Threshold in z above which clusters were formed.
    field : RandomField
        Noise of the map over the region that was searched.
    test : {"rft", "rft-fsl", "simulated"}
        A key of `CLUSTER_TESTS`.
    peaks : tuple of array-like
        Heights in z of each cluster's peaks.
    table : ClusterTable, optional
        For "simulated": of the same region, from `glmwidgets.glm.inference.cluster_tables.draw_cluster_table`.

    Returns
    -------
    ClusterP

    Raises
    ------
    ValueError
        If the forming threshold is below z = 2.3, or outside the table; if the test is unknown or lacks its table.

    Warns
    -----
    UserWarning
        If the forming threshold is below z = 3.09.

    Examples
    --------
    >>> field = RandomField((7, 43, 269, 467), 133, 62077, dof=84)
    >>> found = cluster_p([10, 100], 3.2, field, peaks=([4.0], [5.5, 4.2]))
    >>> found.familywise.round(4), found.peaks[1].round(3)
    (array([0.7914, 0.0374]), array([0.001, 0.175]))
    """
    row = CLUSTER_TESTS[check_choice("test", test, CLUSTER_TESTS)]
    if row.size_p is None:
        raise ValueError(f"{test!r} finds no p values")
    if row.needs_table and table is None:
        raise InputError(
            f"{test!r} needs a table of the largest clusters of noise",
            advice={"function": "give table=draw_cluster_table(...)"},
        )
    familywise, uncorrected = row.size_p(np.asarray(size, dtype=np.float64), float(forming), field, table)
    ends = np.cumsum([len(heights) for heights in peaks], dtype=int)
    of_peaks = replace(field, method=row.formulas).peak_p(np.concatenate([[], *peaks]))
    return ClusterP(familywise, uncorrected, tuple(np.split(of_peaks, ends[:-1])) if peaks else ())


def _by_field(formulas: str) -> Callable[..., Tails]:
    def size_p(size: NDArray, forming: float, field: RandomField, table: ClusterTable | None) -> Tails:
        return replace(field, method=formulas).cluster_p(size, forming)

    return size_p


def _by_table(size: NDArray, forming: float, field: RandomField, table: ClusterTable) -> Tails:
    check_forming(forming)
    familywise = table.p(size, forming, "bi" if field.two_sided else "one")
    return familywise, np.full(size.shape, np.nan)


#: Every way by its name.
CLUSTER_TESTS: Choices[ClusterTest] = Choices(
    {
        "none": ClusterTest("no p of clusters", "Clusters are listed with their size and the bound on what is active."),
        "rft": ClusterTest(
            "random field",
            "The expected sizes of clusters in noise as smooth as the residuals, by SPM's formulas.",
            "Is this cluster as a whole too large for noise? It does not say which of its voxels are active.",
            _by_field("spm"),
            phrase="random field theory",
            also=("cluster p value", "cluster-level inference", "cluster-extent p", "spm cluster p"),
        ),
        "rft-fsl": ClusterTest(
            "random field, FSL",
            "The same by FSL's formulas, for Gaussian noise, counting the volume of the region but not its surface.",
            "Which p would FSL's cluster print for this cluster?",
            _by_field("fsl"),
            formulas="fsl",
            phrase="Gaussian random field theory",
            also=("fsl cluster p",),
        ),
        "simulated": ClusterTest(
            "simulated",
            "How large the largest clusters of drawn noise are, which correlates over space as the residuals do, "
            "also in a long tail.",
            "Is this cluster as a whole too large for noise that is not Gaussian in shape?",
            _by_table,
            phrase="the largest clusters of simulated noise",
            needs_table=True,
            also=("3dClustSim", "AFNI", "cluster simulation"),
        ),
    }
)
