"""Cached stages that every live analysis shares: from data to a contrast, and from a contrast to its clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from glmwidgets.analysis.answers import Answer
from glmwidgets.analysis.significance import judged_of
from glmwidgets.analysis.thresholding import Clusters, bounds_of, clusters_of, hommel_of, searched_of, threshold_of
from glmwidgets.glm.inference.cluster_p import CLUSTER_TESTS
from glmwidgets.glm.inference.cluster_tables import ClusterTable
from glmwidgets.regions.named import try_names
from glmwidgets.regions.spaces import space_in_names
from glmwidgets.runs.domain import Domain
from glmwidgets.session.core.graph import Graph, Stage
from glmwidgets.specification.tree import SettingsTree

#: Called with the name of each stage before it is computed; may raise to stop.
Checkpoint = Callable[[str], None]

#: Gives the result of a stage under the settings that are being answered.
Get = Callable[[str], Any]


class LiveAnalysis:
    """A graph of stages; they give the voxels (``mask``), a contrast with its z scores (`scored`), and ``smoothness``.

    Parameters
    ----------
    stages : iterable of Stage
        Up to the contrast; what survives of it is the same for all analyses.
    """

    #: Stage that gives the contrast with its z scores.
    scored: ClassVar[str] = "contrast"

    def __init__(self, stages: Iterable[Stage]):
        scored = self.scored
        #: Tables of the largest clusters of drawn noise, by `table_key`.
        self.tables: dict[Any, ClusterTable] = {}
        self.graph = Graph(
            [
                *stages,
                # What a method can use again at another level: of the z scores alone.
                Stage("beside z", lambda asked, scored: {}, (scored,)),
                Stage("searched", searched_of, (scored, "smoothness", "beside z")),
                Stage("threshold", threshold_of, ("searched",), keep=8),
                Stage("clusters", clusters_of, ("searched", "threshold")),
                # Of all voxels and no threshold: a threshold that is dragged leaves it as it is.
                Stage("active voxels", hommel_of, (scored,)),
                Stage("bounds", bounds_of, ("mask", scored, "clusters", "active voxels")),
            ]
        )

    @property
    def domain(self) -> Domain:
        """Where the data lie."""
        raise NotImplementedError

    @property
    def warned(self) -> Mapping[str, tuple[str, ...]]:
        """What was warned of before any stage, by what it is about."""
        return {}

    def result(self, settings: SettingsTree, checkpoint: Checkpoint | None = None) -> Answer:
        """Everything up to the threshold.

        Parameters
        ----------
        settings : SettingsTree
        checkpoint : callable, optional
            Called with the name of each stage before it is computed; may raise to stop.

        Returns
        -------
        Answer

        Raises
        ------
        glmwidgets.session.core.graph.StageError
            Names the stage that failed; its cause says why.
        """
        timings: dict[str, float] = {}

        def get(name: str) -> Any:
            return self.graph.get(name, settings, timings, checkpoint)

        return self._answer(settings, get, timings, checkpoint)

    def _answer(
        self, settings: SettingsTree, get: Get, timings: dict[str, float], checkpoint: Checkpoint | None
    ) -> Answer:
        raise NotImplementedError

    def _scored(self, settings: SettingsTree, get: Get) -> dict[str, Any]:
        """What every answer holds."""
        contrast, z = get(self.scored)
        return {
            "settings": settings,
            "domain": get("mask"),
            "contrast": contrast,
            "z": z,
            "searched": get("searched"),
            "threshold": get("threshold"),
            "statistics": self.graph.get("statistics", settings),
            "warnings": {**self.warned, **self.graph.warnings("threshold", settings)},
        }

    def clusters(
        self, settings: SettingsTree, timings: dict[str, float] | None = None, checkpoint: Checkpoint | None = None
    ) -> Clusters:
        """Clusters over the threshold, how much of each is surely active, and what noise says of them."""
        clusters = self.graph.get("clusters", settings, timings, checkpoint)
        bounds = self.graph.get("bounds", settings, timings, checkpoint)
        searched, height = (self.graph.get(name, settings) for name in ("searched", "threshold"))
        table = self.tables.get(self.table_key(settings)) if self.wants_table(settings) else None
        judged = judged_of(settings, searched, clusters, height, table)
        atlas = settings.threshold.atlas
        names = try_names(atlas, clusters.found, clusters.labels, self.domain.affine, self.space(settings))
        return replace(clusters, bounds=bounds, judged=judged, names=names)

    def space(self, settings: SettingsTree) -> str | None:
        """Template that maps are in; None where no name of a file says it."""
        inputs = getattr(settings, "inputs", None)
        return space_in_names(getattr(inputs, "maps", None) or [getattr(inputs, "bold", None)])

    def wants_table(self, settings: SettingsTree) -> bool:
        """Whether the p values that are asked for need noise to be drawn."""
        return CLUSTER_TESTS[settings.threshold.cluster_p].needs_table

    def table_key(self, settings: SettingsTree) -> Any:
        """What a table of drawn noise depends on: the noise, and where one searches."""
        return (self.graph.key("smoothness", settings), settings.threshold.search)

    def pending(self, settings: SettingsTree) -> tuple[str, ...]:
        """Stages that these settings would run, in their order."""
        return self.graph.pending("bounds", settings)

    def suggestion(self, settings: SettingsTree, error: BaseException | None = None) -> str | None:
        """A contrast that could stand in the place of one that cannot be read under these settings.

        Parameters
        ----------
        settings : SettingsTree
        error : Exception, optional
            What reading it raised.
        """
        raise NotImplementedError

    def forget(self) -> None:
        """Let go of everything that was kept for settings that may come back."""
        self.graph.clear()
        self.tables.clear()
