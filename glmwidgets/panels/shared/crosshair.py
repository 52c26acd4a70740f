"""The numbers at the crosshair."""

from __future__ import annotations

from html import escape

from glmwidgets.analysis.thresholding import Clusters, sure_percent
from glmwidgets.panels.shared.base import Panel, text
from glmwidgets.plural import count
from glmwidgets.report.figures.style import write_number
from glmwidgets.session.single.session import Session

# Statistics of the map that have a row of their own, whatever is shown.
ALWAYS_TOLD = ("z", "stat", "effect", "standard_error", "r_square")


class CrosshairPanel(Panel):
    """Voxel, mm, effect with its standard error, statistic, z, R², the noise parameters there, and its cluster.

    Parameters
    ----------
    session : LiveSession

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> panel = CrosshairPanel(session)
    >>> session.move_to((5, 6, 5))
    >>> session.cursor
    (5, 6, 5)
    """

    also = ("values at the crosshair", "voxel")
    reason = "active_share"

    def __init__(self, session: Session):
        super().__init__(session, "At the crosshair")
        self._values = text("glmw-values")
        self.fill(self._values)
        self._clusters: Clusters | None = None
        session.observe_at_once(self._show, ["cursor", "result", "clusters", "settings"])

    def forget(self) -> None:
        """Let go of the clusters."""
        self._clusters = None

    def _show(self, _change: object = None) -> None:
        session = self.session
        rows = [
            ("voxel", ", ".join(map(str, session.cursor))),
            ("mm", ", ".join(f"{x:.1f}".replace("-", "−") for x in session.mm())),
        ]
        # While the new ones are being found, those of before stand.
        self._clusters = session.clusters or self._clusters
        rows += self._region()
        here = session.series()
        if here is None:
            rows.append(("", "outside the mask" if session.result is not None else "no result"))
        else:
            rows += [*self._statistics(here.statistics), *self._shown(), *self._cluster()]
        self._values.value = "<table>" + "".join(map(_row, rows)) + "</table>"

    def _shown(self) -> list[tuple[str, str]]:
        """What gives the colours, where it is not among the rest."""
        result, name = self.session.result, self.session.settings.map.statistic
        if name in ALWAYS_TOLD or (name == "rho" and any(each.is_lag_one for each in result.noise_parameters)):
            return []
        shown = result.statistics.show(name)
        value = write_number(float(shown.values[result.voxel(self.session.cursor)]))
        return [(shown.label, f"{value} {shown.unit}".strip())] if shown.name == name else []

    def _region(self) -> list[tuple[str, str]]:
        """What the atlas says of this place, where one is set."""
        names = None if self._clusters is None else self._clusters.names
        if names is None or names.atlas is None or not self.session.settings.threshold.atlas:
            return []
        return [("region", str(names.atlas.at(self.session.mm())))]

    def _cluster(self) -> list[tuple[str, str]]:
        if self._clusters is None:
            return []
        number = int(self._clusters.labels[self.session.cursor])
        if not number:
            return [("cluster", "none")]
        size, share = self._clusters.found[number - 1].n_voxels, self._clusters.bounds[number - 1]
        voxels = count(size, "voxel")
        return [
            ("cluster", f"{number}, {voxels}"),
            ("truly active", f"at least {sure_percent(share)} of it"),
        ]

    def _statistics(self, values: dict[str, float]) -> list[tuple[str, str]]:
        result, contrast = self.session.result, self.session.result.contrast
        effect = f"{write_number(values['effect'])} ± {write_number(values['effect_sd'])} {self.session.unit}".rstrip()
        dof = f"{contrast.dof_at(result.voxel(self.session.cursor)):.4g}"
        stat = f"t ({dof})" if contrast.stat_type == "t" else f"F ({contrast.dim}, {dof})"
        return [
            ("effect ± se", effect if contrast.dim == 1 else "several rows"),
            (stat, write_number(values["stat"])),
            ("z", write_number(values["z"])),
            *([("R²", write_number(values["r_square"]))] if "r_square" in values else []),
            *(
                (each.label, f"{write_number(values[each.name])} {each.unit}".strip())
                for each in result.noise_parameters
            ),
        ]


def _row(row: tuple[str, str]) -> str:
    name, value = row
    strong = ' class="glmw-strong"' if name == "z" else ""
    if name == "region":  # long ones are cut, and whole where the pointer rests
        strong = f' class="glmw-region" title="{escape(value)}"'
    return f"<tr><td>{escape(name)}</td><td{strong}>{escape(value if value != 'nan' else '–')}</td></tr>"
