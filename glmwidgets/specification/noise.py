"""Settings of the noise: its model, how voxels share it, and whether it was chosen from the run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glmwidgets.glm.choices import refusal
from glmwidgets.glm.noise.models import NOISE_MODELS, noise_model_row, offered_noise_models
from glmwidgets.glm.noise.pooling import POOLINGS
from glmwidgets.specification.field import Argument, Needs, Option, SettingsError, check_group, setting

#: In the place of a noise model's name: the one that the run asks for. Settings then say `ASKED`, until the run was
#: looked at, and `EVIDENCE` beside the name of the model that it was resolved to.
EVIDENCE = "evidence"
ASKED = "asked"

#: How a noise model was chosen, by ``noise.choice``.
NOISE_CHOICES = {"name": "by name", ASKED: "by evidence, once the run is looked at", EVIDENCE: "by evidence"}


def _noise_name(text: str) -> str:
    return next(name for name, row in NOISE_MODELS.items() if row.means(text))


def _binned() -> list[str]:
    return [name for name, row in NOISE_MODELS.items() if "bins" in row.options]


@dataclass(frozen=True)
class NoiseSettings:
    """The covariance of the errors.

    Attributes
    ----------
    model : str
        A name of `glmwidgets.glm.noise.models.NOISE_MODELS`.
    pooling : {None, "local", "global"}
        Whether voxels share their noise with those that touch them, or with the whole mask; see
        `glmwidgets.glm.noise.pooling`. Changing only the model to one that has nothing to share sets it to None.
    bins : int or None
        How finely autocorrelations are kept apart: see `glmwidgets.models.FirstLevelModel.fit`.
    choice : {"name", "asked", "evidence"}
        Whether a person named the model, or the run is to be asked for it, or was. Who names a model or a pooling ends
        the choice by evidence; a `model` of ``"evidence"`` asks for it. Files that do not say it mean a name.
    """

    model: str = setting(
        "ar1",
        "noise",
        short="noise model",
        help="covariance of the errors",
        say=lambda name: noise_model_row(name).label,
        choices=NOISE_MODELS,
        closed=False,
        options=(
            Option(
                "--noise",
                "covariance of the errors; evidence: the one that fits the run's residuals",
                "NAME",
                default=EVIDENCE,
            ),
        ),
        argument=Argument("noise_model"),
        alternatives=("ar1", "ar1-reml", "arma11"),
        offers=offered_noise_models,
        row=noise_model_row,
        also=("noise model", "prewhitening", "serial correlation"),
    )
    pooling: str | None = setting(
        None,
        "noise pooled",
        short="noise is shared",
        say=lambda way: POOLINGS[way].change,
        choices=POOLINGS,
        options=(Option("--pooling", "voxels with which a voxel shares its noise parameters"),),
        argument=Argument(
            "pooling",
            nilearn=None,
            lacks=lambda way: "nilearn gives each voxel a noise of its own, so that maps differ" if way else "",
            quiet=True,
        ),
        needs=(
            Needs("noise.model", lambda: [name for name, row in NOISE_MODELS.items() if row.can_pool], _noise_name),
        ),
        alternatives=(None, "local"),
        also=("share the noise",),
    )
    bins: int | None = setting(
        100,
        "bins of autocorrelation",
        short="bins",
        help="how finely autocorrelations are binned; empty: each voxel keeps its own",
        low=1,
        high=1_000_000,
        options=(Option("--bins", "autocorrelations are binned to multiples of 1/N, or into N groups"),),
        argument=Argument("bins", "FirstLevelModel.fit"),
        needs=(Needs("noise.model", _binned, _noise_name),),
        absent=100,
    )
    choice: str = setting(
        "name",
        "noise chosen",
        say=lambda way: NOISE_CHOICES[way],
        said=lambda way: "the noise model was chosen from the run's residuals" if way == EVIDENCE else "",
        is_origin=True,
        absent="name",
    )

    def __post_init__(self) -> None:
        try:
            row = noise_model_row(self.model)
        except ValueError as error:
            raise SettingsError.of("noise.model", error) from None
        check_group(self, "noise")
        if (refused := refusal(self.choice, NOISE_CHOICES)) is not None:
            raise SettingsError("noise.choice", *refused)
        try:
            row.check_pooling(self.pooling)
        except ValueError as error:
            raise SettingsError.of("noise.pooling", error) from None

    def changed(self, new: Mapping[str, Any]) -> NoiseSettings:
        """Copy with some fields replaced: pooling gives way to a model that has none, evidence to a name."""
        new = dict(new)
        if new.get("model") == EVIDENCE:
            # Until the run is looked at, the model stays as it is.
            del new["model"]
            new["choice"] = ASKED
        elif new.keys() & {"model", "pooling"} and "choice" not in new:
            new["choice"] = "name"
            if self.choice == EVIDENCE:
                # Who names a model has not asked for the pooling that came with another.
                new.setdefault("pooling", None)
        row = NOISE_MODELS.get(new.get("model", self.model))
        if row is not None and not row.can_pool and "pooling" not in new:
            new["pooling"] = None
        return dataclasses.replace(self, **new)
