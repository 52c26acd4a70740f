"""First level: one participant's runs, from images and events to maps."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
from joblib import Parallel, delayed

from glmwidgets.analysis.answers import Fitted
from glmwidgets.analysis.steps import design_of, warn_if_unseen, warn_without_constant
from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.design.given import effects_in
from glmwidgets.glm.fit.contrasts import DOF_METHODS, FIXED_EFFECTS, Contrast, fixed_effects, warn_if_liberal
from glmwidgets.glm.fit.regression import Fit
from glmwidgets.glm.noise.ar1 import check_bins
from glmwidgets.glm.noise.models import noise_model_row
from glmwidgets.models.arguments import asked_by, unused_arguments
from glmwidgets.models.caching import open_memory
from glmwidgets.models.given_masker import BESIDE, settings_of
from glmwidgets.models.run_contrasts import contrasts_of_runs, definitions_by_run
from glmwidgets.models.run_estimates import RunEstimates
from glmwidgets.models.run_fits import fit_run, warning_of
from glmwidgets.models.run_masks import fit_masker
from glmwidgets.models.runs import RunInput, check_runs
from glmwidgets.plural import count
from glmwidgets.runs.run import run_name
from glmwidgets.specification.model import Model


class FirstLevelModel(RunEstimates):
    """General linear model of one participant's runs.

    ``y = X beta + e`` in every voxel, with the columns of X built from events, confounds and drifts.

    Parameters
    ----------
    t_r : float, optional
        Seconds between scans. The images' headers are asked if it is not given.
    slice_time_ref : float
        Time within a scan that its values are taken to be measured at, as a share of `t_r` from 0 to 1.
    hrf_model : str, callable, sequence of callables, or None
        Response function; the names are in `glmwidgets.glm.response.models.HRFS`.
    drift_model : {"cosine", "polynomial", "none"} or None
        Slow changes that are modelled; see `glmwidgets.glm.design.drift.DRIFTS`.
    high_pass : float
        Cut-off of the cosine drift, in Hz.
    drift_order : int
        Highest power of the polynomial drift.
    fir_delays : sequence of int, optional
        Delays in scans for ``hrf_model="fir"``; ``[0]`` by default.
    min_onset : float
        Events that are over by this time, in seconds from the first scan, are left out.
    mask_img : image, path, masker, None or False
        Voxels to analyse. A masker gives its mask, and its smoothing, grid and scaling where the model has none. None
        finds the brain in the runs, False takes all voxels.
    target_affine : array of shape (3, 3) or (4, 4), optional
        Grid that the runs are resampled to.
    target_shape : tuple of 3 int, optional
        Shape of that grid.
    smoothing_fwhm : float, optional
        Full width at half maximum of a Gaussian that the runs are smoothed with, in mm.
    memory : str, path or joblib.Memory, optional
        Folder in which masks, masked series and fits are kept, so that the same work is not done twice.
    memory_level : int or None
        0 or None turns `memory` off.
    standardize : {False, None, True, "zscore_sample", "psc"}
        Whether each series is centred and divided by its standard deviation, or made percent of its own mean. This
        comes after `signal_scaling`, and takes the place of its units.
    signal_scaling : {0, 1, (0, 1), False}
        Percent of each voxel's mean over time, of each scan's mean over voxels, of the mean over both, or the raw
        signal; see `glmwidgets.glm.moments.scaling.scale_signal`.
    noise_model : str
        ``"ols"``, ``"ar1"``, ``"ar2"`` ...; see `glmwidgets.glm.noise.models.NOISE_MODELS`.
    verbose : int
        0 is silent; 1 prints a line for each run; 2 also how long masking and fit took.
    n_jobs : int
        Number of runs that are worked on at once; -1 for as many as there are processors.
    minimize_memory : bool
        Let go of the runs' series after the fit. All but `residuals` still works.
    subject_label : str, optional
        Name of the participant, for group models.
    random_state : int or numpy.random.RandomState, optional
        Start of the search for groups of voxels in noise models of higher order.
    precision : {"float64", "float32"}
        In which the centred series are held and multiplied. float32 halves the memory and moves z by less than 1e-3.
    pooling : {None, "local", "global"}
        Whether voxels share the parameters of their noise with those that touch them, or with the whole mask; see
        `glmwidgets.glm.noise.pooling`. Not for ``noise_model="ols"``, which has none.
    convolution : {None, "exact", "grid"}
        How events meet the response: exactly, or on nilearn's time grid; None keeps the grid for the responses that
        nilearn has, and for functions. See `glmwidgets.glm.design.convolution.CONVOLUTIONS`.

    Attributes
    ----------
    design_matrices_ : list of DataFrame
        One a run, without the scans that a sample mask leaves out.
    masker_ : ImageMasker
        ``masker_.mask_img_`` is the mask; ``transform`` and ``inverse_transform`` go from images to voxels and back.
    fits_ : list of glmwidgets.glm.fit.regression.Fit
        One a run: coefficients, variances and all that follows from them.
    fitted_ : list of glmwidgets.analysis.answers.Fitted
        One a run: its fit with its design, events, name and source.
    sources_ : list of str or None
        Files of the runs.
    n_elements_ : int
        Number of voxels in the mask.

    Notes
    -----
    With ``noise_model`` "ols" and "ar1", maps equal nilearn 0.14.1's to rounding. Where the two differ it is on
    purpose: `predicted`, `residuals` and `r_square` are of the data, not of whitened data; `signal_scaling` and
    `standardize` do what they say; the variance of a rank-deficient design is divided by its degrees of freedom;
    F tests over runs are Wald tests; contrasts that cannot be estimated are errors.

    Examples
    --------
    A small run in which one half of the voxels follows the task:

    >>> import nibabel as nib
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> task = np.arange(60) // 10 % 2
    >>> data = 100 + rng.standard_normal((4, 4, 4, 60))
    >>> data[:2] += 2 * task
    >>> img = nib.Nifti1Image(data, np.diag([3, 3, 3, 1]))
    >>> events = pd.DataFrame({"onset": [20.0, 60.0, 100.0], "duration": 20.0, "trial_type": "task"})
    >>> model = FirstLevelModel(t_r=2.0, hrf_model=None, mask_img=False).fit(img, events)
    >>> model.design_matrices_[0].columns.tolist()
    ['task', 'drift_1', 'drift_2', 'constant']
    >>> z = model.compute_contrast("task").get_fdata()
    >>> bool(z[:2].min() > 4 and abs(z[2:]).max() < 4)
    True
    """

    fitted_to = "run images and events"
    learnt = "fitted_"

    def __init__(
        self,
        t_r: float | None = None,
        slice_time_ref: float = 0.0,
        hrf_model: Any = "glover",
        drift_model: str | None = "cosine",
        high_pass: float = 0.01,
        drift_order: int = 1,
        fir_delays: Any = None,
        min_onset: float = -24,
        mask_img: Any = None,
        target_affine: Any = None,
        target_shape: Any = None,
        smoothing_fwhm: float | None = None,
        memory: Any = None,
        memory_level: int | None = 1,
        standardize: bool | str | None = False,
        signal_scaling: Any = 0,
        noise_model: str = "ar1",
        verbose: int = 0,
        n_jobs: int = 1,
        minimize_memory: bool = True,
        subject_label: str | None = None,
        random_state: Any = None,
        precision: str = "float64",
        pooling: str | None = None,
        *,
        convolution: str | None = None,
    ):
        self._keep(locals())

    # Fit --------------------------------------------------------------------------------------------------------------

    def fit(
        self,
        run_imgs: Any,
        events: Any = None,
        confounds: Any = None,
        sample_masks: Any = None,
        design_matrices: Any = None,
        bins: int | None = 100,
        *,
        fill_first_row: bool = False,
        outside: str = "error",
        mean_scans: Any = None,
    ) -> FirstLevelModel:
        """Fit the model to one run or several.

        Parameters
        ----------
        run_imgs : image, path, or list of these
            4-D, one for each run. A list of 3-D volumes is one run; a list of such lists are several.
        events : DataFrame, path, or list of these
            One for each run: ``onset`` and ``duration`` in seconds, ``trial_type``, and perhaps ``modulation``. Runs
            need not hold the same types.
        confounds : DataFrame, array, path, or list of these, optional
            One for each run, with one row for each scan.
        sample_masks : array of bool or int, or list of these, optional
            Scans that are kept, one for each run; None in the list keeps all.
            Under noise models that nilearn does not have, scans that are left out between others keep their place in
            time by a column each, ``censored_7`` (`design_matrices_` has their rows and columns, and series hold the
            mean there). Under ``"ols"``, ``"ar1"`` and ``"arN"`` their rows are cut, as nilearn does it: ``"ar1"`` and
            ``"arN"`` then take the scans on both sides of a gap for neighbours.
        design_matrices : DataFrame, array, path, or list of these, optional
            One for each run, with one row for each scan, in the place of events and confounds.
        bins : int or None
            How finely autocorrelations are kept apart: ``ar1`` truncates them to multiples of 1/`bins`, higher orders
            gather the voxels in at most `bins` groups. None leaves each voxel its own estimate.
        fill_first_row : bool
            Put 0 where the first row of the confounds, and only the first, has no value, as in fMRIPrep's
            derivatives.
        outside : {"error", "warn"}
            What to do about event types that never happen during a run.
        mean_scans : array of bool or int, or list of these, optional
            Scans over which the mean of each voxel is taken where data are in percent of it, one for each run; by
            default, and with None in the list, all that are kept. The explorer leaves out scans that it scrubs.

        Returns
        -------
        self

        Raises
        ------
        FileNotFoundError, TypeError, ValueError
            If something is missing, cannot be read or does not fit; the message names the run, file, row or column.
        """
        start = time.perf_counter()
        given = settings_of(self.mask_img, self.get_params(deep=False), self._parameters(), BESIDE)
        asked = asked_by(given, Model)
        for said in unused_arguments(asked, given, self._parameters(), design_matrices is not None):
            warnings.warn(said, stacklevel=2)
        if design_matrices is not None:
            asked = asked.updated({"design.source": "given"})
        check_bins(bins)
        asked = asked.updated({"noise.bins": bins})
        runs = check_runs(
            run_imgs,
            events,
            confounds,
            sample_masks,
            design_matrices,
            self.t_r,
            fill_first_row,
            self.slice_time_ref,
            keeps_time=noise_model_row(self.noise_model).keeps_time,
            mean_scans=mean_scans,
        )
        # All that can be wrong with a design is said before any voxel is read.
        designs = [self._design(asked, run, outside) for run in runs]

        memory = open_memory(self.memory, self.memory_level)
        self._log(1, f"masking {count(len(runs), 'run')}")
        self.masker_ = fit_masker(
            runs, memory, self.mask_img, given["target_affine"], given["target_shape"], given["smoothing_fwhm"]
        )
        self._log(2, f"mask of {count(self.n_elements_, 'voxel')} after {time.perf_counter() - start:.1f} s")
        self._names = [run.name for run in runs]
        jobs = (delayed(self._fit_run)(asked, *each, memory=memory) for each in zip(runs, designs, strict=True))
        self.fits_: list[Fit] = Parallel(n_jobs=self.n_jobs, prefer="threads")(jobs)
        self.design_matrices_ = designs
        self.fitted_ = [self._as_fitted(i, *each) for i, each in enumerate(zip(designs, self.fits_, runs, strict=True))]
        self.sources_ = [run.source for run in self.fitted_]
        self._log(1, f"{count(len(runs), 'run')} fitted in {time.perf_counter() - start:.1f} s")
        return self

    @staticmethod
    def _as_fitted(i: int, design: pd.DataFrame, fit: Fit, run: RunInput) -> Fitted:
        name, about = _short_name(i, run.inputs.bold), {"t_r": run.t_r, "inputs": run.inputs}
        if run.design is None:
            return Fitted(name, design, fit, events=run.events, **about)
        return Fitted(name, design, fit, effects=effects_in(design), is_given=True, **about)

    def _design(self, asked: Model, run: RunInput, outside: str) -> pd.DataFrame:
        if run.design is not None:
            design = run.with_gaps(design_of(run, asked, None, None))
            warn_without_constant(run, asked, design)
            return design
        if run.frame_times is None:
            raise ValueError(f"{run.name}: the header knows no time between scans; give t_r in seconds")
        how = {"outside": outside, "where": f"{run.name}: "}
        scans = slice(None) if run.sample_mask is None else run.sample_mask
        if run.places is None:
            return design_of(run, asked, run.events, run.confounds, scans, **how)
        whole = design_of(run, asked, run.events, run.confounds, **how)
        warn_if_unseen(run, run.events, run.sample_mask, how["where"])
        return run.with_gaps(whole)

    def _fit_run(self, asked: Model, run: RunInput, design: pd.DataFrame, **how: Any) -> Fit:
        start = time.perf_counter()
        self._log(1, f"fitting {run.name}")
        more = {name: getattr(self, name) for name in ("random_state", "precision", "minimize_memory")}
        with warning_of(run.name, self._names):
            fit = fit_run(asked, run, design, self.masker_, **how, **more)
        if run.design is not None and fit.basis.rank < design.shape[1]:
            warnings.warn(
                f"{run.name}: the {design.shape[1]} columns of the given design depend on each other (rank "
                f"{fit.basis.rank}); contrasts of these columns may not be estimable",
                stacklevel=2,
            )
        self._log(2, f"{run.name} took {time.perf_counter() - start:.1f} s")
        return fit

    # Contrasts --------------------------------------------------------------------------------------------------------

    def compute_contrast(
        self,
        contrast_def: Any,
        stat_type: str | None = None,
        output_type: str = "z_score",
        *,
        missing: str = "error",
        f_method: str = "wald",
        dof_method: str = "sum",
    ) -> Any:
        """Map of a contrast; over several runs, of its fixed effect.

        Parameters
        ----------
        contrast_def : str, array, dict, or list of these
            - text: an expression such as ``"face - (house + object) / 2"``; rows of an F test are separated by ``;``;
            - a vector of weights of the columns, or a matrix with one for each row of an F test. Short ones are
              completed with zeros, with a warning;
            - a dictionary from column to weight;
            - a list with one contrast for each run. Any other list of expressions or dictionaries is an F test;
            - a dictionary from names to any of these: the result is a dictionary of maps.
        stat_type : {"t", "F"}, optional
            Default: t for one row, F for several.
        output_type : {"z_score", "stat", "p_value", "effect_size", "effect_variance", "all"}
        missing : {"error", "skip"}
            What to do about runs without a column that the contrast names: an error that says which, or leave them
            out with a warning.
        f_method : {"wald", "approximate"}
            How F tests are combined over runs; see `glmwidgets.glm.fit.contrasts.fixed_effects`.
        dof_method : {"sum", "satterthwaite"}
            Degrees of freedom over runs: their sum, as nilearn has it, or Satterthwaite's of each voxel.

        Returns
        -------
        Nifti1Image, or dict of Nifti1Image by output type for ``"all"``
            float64, zero outside the mask. Effects and variances of an F test with several rows are 4-D. Headers tell
            the degrees of freedom.

        Raises
        ------
        ValueError
            If the contrast cannot be read or estimated, in one of the runs or in all.

        Warns
        -----
        UserWarning
            If the sum of the runs' degrees of freedom finds too much, as where one run is short.

        Examples
        --------
        ``model.compute_contrast("face - house")``, ``model.compute_contrast(["face", "house"], output_type="all")``.
        """
        how = {"missing": missing, "f_method": f_method, "dof_method": dof_method}
        return self._maps(contrast_def, output_type, lambda one: self.contrast(one, stat_type, **how), contrast_def)

    def contrast(
        self,
        contrast_def: Any,
        stat_type: str | None = None,
        *,
        missing: str = "error",
        f_method: str = "wald",
        dof_method: str = "sum",
    ) -> Contrast:
        """Estimate a contrast as arrays of the voxels in the mask.

        Parameters
        ----------
        contrast_def, stat_type, missing, f_method, dof_method
            As in `compute_contrast`.

        Returns
        -------
        glmwidgets.glm.fit.contrasts.Contrast
            In the order of ``masker_``: ``masker_.inverse_transform(contrast.stat())`` is an image.
        """
        self.check_fitted()
        check_choice("f_method", f_method, FIXED_EFFECTS)
        contrasts = contrasts_of_runs(self.fits_, self._names, contrast_def, stat_type, missing)
        if len(self.fits_) > 1 and not definitions_by_run(contrast_def, len(self.fits_))[1]:
            self._log(1, f"one contrast was given, and is taken for all {len(self.fits_)} runs")
        if len(contrasts) == 1:
            check_choice("dof_method", dof_method, DOF_METHODS)
            return contrasts[0]
        combined = fixed_effects(contrasts, f_method, dof_method)
        if dof_method == "sum" and not (combined.stat_type == "F" and f_method == "approximate"):
            warn_if_liberal(combined, fixed_effects(contrasts), 'pass dof_method="satterthwaite"', stacklevel=3)
        return combined


def _short_name(i: int, source: str | None) -> str:
    """What a run is called in a report."""
    return run_name(i) if source is None else Path(source).name.removesuffix(".gz").removesuffix(".nii")
