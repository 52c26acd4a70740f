"""The numbers at the crosshair."""

from __future__ import annotations

from html import escape

from glmwidgets.panels.base import Panel, text
from glmwidgets.report.style import write_number
from glmwidgets.session.session import Session

__all__ = ["CrosshairPanel"]


class CrosshairPanel(Panel):
    """Voxel, mm, effect with its standard error, statistic, z, R², and the noise parameters there."""

    def __init__(self, session: Session):
        super().__init__(session, "At the crosshair")
        self._values = text("glmw-values")
        self.fill(self._values)
        session.observe_locked(self._show, ["cursor", "result"])
        self._show()

    def _show(self, _change: object = None) -> None:
        session = self.session
        rows = [
            ("voxel", ", ".join(map(str, session.cursor))),
            ("mm", ", ".join(f"{x:.1f}".replace("-", "−") for x in session.mm())),
        ]
        here = session.series()
        if here is None:
            rows.append(("", "outside the mask" if session.result is not None else "waiting for the first fit"))
        else:
            rows += self._statistics(here.statistics)
        self._values.value = "<table>" + "".join(map(_row, rows)) + "</table>"

    def _statistics(self, values: dict[str, float]) -> list[tuple[str, str]]:
        contrast = self.session.result.contrast
        percent = f" {self.session.unit}".rstrip()
        effect = f"{write_number(values['effect'])}{percent} ± {write_number(values['effect_sd'])}"
        stat = f"t ({contrast.dof:g})" if contrast.stat_type == "t" else f"F ({contrast.dim}, {contrast.dof:g})"
        known = ("effect", "effect_sd", "stat", "z", "r_square")
        return [
            ("effect ± se", effect if contrast.dim == 1 else "several rows"),
            (stat, write_number(values["stat"])),
            ("z", write_number(values["z"])),
            ("R²", write_number(values["r_square"])),
            *((name, write_number(value)) for name, value in values.items() if name not in known),
        ]


def _row(row: tuple[str, str]) -> str:
    name, value = row
    strong = ' class="glmw-strong"' if name == "z" else ""
    return f"<tr><td>{escape(name)}</td><td{strong}>{escape(value if value != 'nan' else '–')}</td></tr>"
