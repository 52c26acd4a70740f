"""Explanations of verdicts: formula, numbers on screen, what would change them, and the lesson about them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from glmwidgets.analysis.compare import SPEAKS, Comparison
from glmwidgets.analysis.events import event_findings
from glmwidgets.analysis.thresholding import sure_percent
from glmwidgets.analysis.verdicts import ContrastVerdict
from glmwidgets.glm.choices import Choices
from glmwidgets.glm.design.diagnostics import energy_removed
from glmwidgets.glm.design.drift import DRIFTS, make_drift
from glmwidgets.glm.fit.whiteness import LEVEL, TOLERATED, Whiteness
from glmwidgets.glm.inference.heights import THRESHOLDS, false_discovery_rate, p_from_z
from glmwidgets.glm.noise.models import noise_model_row
from glmwidgets.plural import count
from glmwidgets.session.core.live import LiveSession


@dataclass(frozen=True)
class Why:
    """What is answered to "why?".

    Attributes
    ----------
    formula : str
        In plain characters.
    here : str
        The same with the numbers of what is on screen.
    change : str
        What would make the verdict another.
    """

    formula: str
    here: str
    change: str


@dataclass(frozen=True)
class Facts:
    """What a reason is made of.

    Attributes
    ----------
    session : LiveSession
        With a result.
    white : Whiteness or None
        What the residuals of the result look like, where they were tested.
    """

    session: LiveSession
    white: Whiteness | None = None

    @property
    def result(self) -> Any:
        """The result on screen."""
        return self.session.result

    @property
    def contrast(self) -> ContrastVerdict:
        """The verdict on the contrast of the result."""
        return self.result.book.verdict(self.result.settings.contrast.expression)

    @property
    def effect_unit(self) -> str:
        """Unit of effects with a blank before it; empty without one."""
        return f" {self.session.unit}".rstrip()


class Reason(NamedTuple):
    """A row of `REASONS`.

    Attributes
    ----------
    title : str
        The question that it answers.
    told : callable
        ``told(facts)`` gives a `Why`; None where there is no such verdict on screen.
    lesson : str
        Key of `glmwidgets.session.core.lessons.LESSONS`.
    also : tuple of str
        Phrases by which a person looks for it.
    of : str
        Setting without which there is no such verdict; empty where every explorer may give it.
    """

    title: str
    told: Callable[[Facts], Why | None]
    lesson: str
    also: tuple[str, ...] = ()
    of: str = ""


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")


def _white(facts: Facts) -> Why | None:
    white = facts.white
    if white is None:
        return None
    low, n = int(np.count_nonzero(white.p_values < LEVEL)), white.voxels.size
    here = (
        f"{low:,} of {n:,} voxels have p < {LEVEL:g}: {100 * white.share:.0f} %. "
        f"{100 * LEVEL:.0f} % are expected by chance; up to {100 * TOLERATED:.0f} % count as white."
    )
    change = (
        f"Try the noise model {noise_model_row(white.suggestion).label}: it left fewer such voxels in a sample."
        if white.suggestion
        else "Model the rhythm or drift that is left: add confounds, change the cut-off, or scrub scans."
    )
    formula = (
        "share = voxels with p < .05 / voxels tested; p: rank of autocorrelation and rhythm among simulated series"
    )
    return Why(
        formula, here, change if not white.white else f"Nothing has to change. {change}" * bool(white.suggestion)
    )


def _removed(facts: Facts, high_pass: float) -> dict[str, float]:
    """Share of the first regressor of each effect that a drift of some cut-off removes."""
    design, chosen = facts.result.design, facts.result.settings.design
    if not len(design):  # of several runs, each has a design of its own
        return {}
    drift, _ = make_drift(chosen.drift_model, design.index.to_numpy(dtype=float), high_pass, chosen.drift_order)
    first = {name: columns[0] for name, columns in facts.session.effects().items() if columns}
    drift = drift[:, np.ptp(drift, axis=0) > 0]
    if not first or not drift.shape[1]:
        return {}
    return dict(zip(first, energy_removed(design[list(first.values())], drift), strict=True))


def _drift(facts: Facts) -> Why | None:
    settings = getattr(facts.result.settings, "design", None)
    if settings is None or not hasattr(settings, "drift_model"):
        return None
    lost = {name: share for name, share in _removed(facts, settings.high_pass).items() if math.isfinite(share)}
    if not lost:
        return None
    worst = max(lost, key=lost.get)
    here = f"{worst}: {100 * lost[worst]:.0f} % of its variance lies in the drift columns"
    change = "A lower order removes less."
    if DRIFTS[settings.drift_model].setting == "high_pass" and settings.high_pass:
        here += f", which hold periods of {1 / settings.high_pass:.4g} s and longer"
        slower = _removed(facts, settings.high_pass / 2).get(worst, 0.0)
        change = (
            f"A cut-off of {2 / settings.high_pass:.4g} s would remove {100 * slower:.0f} % of it. "
            "Events that alternate faster lose less."
        )
    return Why("removed = |D D⁺ x|² / |x − mean x|², x: regressor, D: drift columns", f"{here}.", change)


def _contrast(facts: Facts) -> Why:
    verdict, here = facts.contrast, facts.session.series()
    if not verdict.estimable:
        return Why(
            "A contrast c can be estimated if c = c X⁺ X, X: the design",
            verdict.message,
            "Weigh only columns that the design can separate, or remove a column that is a combination of others.",
        )
    if verdict.stat_type == "F":
        formula = f"F = (C b)' [C V C']⁻¹ (C b) / {verdict.dim}"
        said = f"{verdict.dim} rows, {verdict.dof_said}"
        said += f"; at the crosshair F = {_number(here.statistics['stat'])}" if here else ""
    else:
        formula = "t = c b / √(c V c'),  b: coefficients, V: their covariance"
        said = verdict.dof_said
        if here:
            at = here.statistics
            said += (
                f"; at the crosshair t = {_number(at['effect'])} / {_number(at['effect_sd'])} = "
                f"{_number(at['stat'])}, which is z = {_number(at['z'])}"
            )
    said += f". It can be estimated: c = c X⁺ X. Efficiency 1 / trace(C (X'X)⁺ C') = {verdict.efficiency:.3g}."
    return Why(formula, said, "More events, or events that overlap less, raise the efficiency and with it t.")


def _detectable(facts: Facts) -> Why | None:
    verdict, height = facts.contrast, facts.result.threshold
    effect = verdict.detectable(height)
    if not math.isfinite(effect):
        return None
    sd = math.sqrt(verdict.variance)
    lower = verdict.detectable(height - 1)
    unit = facts.effect_unit
    here = (
        f"{_number(effect / sd)} × {_number(sd)}{unit} = {_number(effect)}{unit}: a true effect of this "
        f"size passes z > {height:.2f} with a probability of .8 in the median voxel."
    )
    change = "Four times as many events halve it."
    if math.isfinite(lower):
        change += f" At a threshold of {height - 1:.2f} it would be {_number(lower)}{unit}."
    return Why(
        "smallest effect = δ √v,  v: variance of the estimate, δ: non-centrality of t for power .8", here, change
    )


def _collinearity(facts: Facts) -> Why | None:
    verdict = facts.contrast
    if not math.isfinite(verdict.inflation):
        return None
    grows = math.sqrt(verdict.inflation)
    here = (
        f"VIF of this contrast {verdict.inflation:.2f}: its standard error is √{verdict.inflation:.2f} = {grows:.2f} "
        "times as large as it would be without correlation with other columns."
    )
    change = "Vary the order of the events, use fewer confounds, or contrast other columns."
    return Why("VIF = 1 / (1 − R²), R²: how well the other columns predict the contrasted ones", here, change)


def _freedom(facts: Facts) -> Why | None:
    result = facts.result
    fit, design = getattr(result, "fit", None), result.design
    if fit is None or not len(design):
        return None
    n, dof = len(design), float(fit.dof)
    rank = np.linalg.matrix_rank(design.to_numpy(dtype=float))
    here = f"{n} rows of the design − {rank} independent columns = {dof:g}"
    if facts.contrast.dof_left is not None:
        here += f". As the noise is estimated from the same series, tests have {facts.contrast.dof_said}"
    change = "Fewer confounds, scrubbed scans or drift columns leave more; a longer run has more."
    return Why("degrees of freedom = rows − rank of the design", f"{here}.", change)


def _threshold(facts: Facts) -> Why | None:
    result, chosen = facts.result, facts.result.thresholding
    height, z = result.threshold, result.searched.values
    row = THRESHOLDS[chosen.height_control]
    n, (size, symbol) = z.size, (np.abs(z), "|z|") if chosen.two_sided else (z, "z")
    rate = f" at {chosen.level:g}" if row.setting != "fixed" else ""
    if not math.isfinite(height):
        here = f"{row.label}{rate}: no threshold keeps the error rate; the highest {symbol} is {size.max():.2f}."
        return Why(row.hint, here, "Allow a larger rate, smooth, or test a contrast with a larger effect.")
    if row.enhance is not None:
        here = f"{row.label}{rate}: {np.count_nonzero(size > height):,} of {n:,} voxels pass."
        return Why(row.hint, here, "Choose another level, or a method that tests the z of each voxel.")
    p, passing = float(p_from_z(height, chosen.two_sided)), int(np.count_nonzero(size > height))
    q = false_discovery_rate(height, z, chosen.two_sided)
    share = "" if math.isnan(q) else f", so that about {100 * q:.0f} % of them are false (q = {q:.2g})"
    here = (
        f"{row.label}{rate}: {symbol} > {height:.2f}. Of {n:,} voxels {n * p:,.0f} would pass by chance "
        f"({n:,} × {p:.2g}); {passing:,} pass{share}."
    )
    other = next(
        (each for name, each in THRESHOLDS.items() if each.setting == "alpha" and name != chosen.height_control)
    )
    change = f"Choose another method, such as {other.label}: {other.description[0].lower()}{other.description[1:]}"
    sides = "p = 2 (1 − Φ(z))" if chosen.two_sided else "p = 1 − Φ(z)"
    return Why(f"{row.hint} {sides}, q = n p / voxels that pass", here, change)


def _clusters(facts: Facts) -> Why | None:
    clusters, result = facts.session.clusters, facts.result
    if clusters is None:
        return None
    chosen = result.thresholding
    size = np.abs(result.searched.z) if chosen.two_sided else result.searched.z
    passing, kept = int(np.count_nonzero(size > result.threshold)), sum(each.n_voxels for each in clusters.found)
    least = f" of {chosen.cluster_size} voxels or more" if chosen.cluster_size > 1 else ""
    here = (
        f"{count(passing, 'voxel')} above the threshold; {kept:,} of them in "
        f"{count(len(clusters.found), 'cluster')}{least}."
    )
    change = "A higher threshold breaks clusters apart and makes them smaller; a smaller least size keeps more of them."
    return Why("cluster = voxels of one sign over the threshold that share a face", here, change)


def _active(facts: Facts) -> Why | None:
    clusters = facts.session.clusters
    if clusters is None or not clusters.found:
        return None
    number = int(clusters.labels[facts.session.cursor]) or 1
    cluster, share = clusters.found[number - 1], float(clusters.bounds[number - 1])
    sure = math.floor(share * cluster.n_voxels + 1e-9)
    here = (
        f"Cluster {number}: {sure} of {cluster.n_voxels} voxels ({sure_percent(share)}) are active with a "
        "confidence of 95 %, for all clusters at all thresholds together."
    )
    change = (
        "A higher threshold leaves fewer voxels, and a larger share of them is sure. At 0 % none is sure; some "
        "may be active."
    )
    return Why(
        "share ≥ max over u of (1 − u + #{h p / α ≤ u}) / voxels, h: Hommel's number of voxels without effect",
        here,
        change,
    )


def _colour(facts: Facts) -> Why:
    session, result = facts.session, facts.result
    here, look = session.series(), session.settings.map
    if here is None:
        return Why("colour = value at the voxel", "The crosshair is outside the mask.", "Move it to a coloured voxel.")
    z, chosen = here.statistics["z"], result.thresholding
    tested = float(result.searched.z[result.voxel(session.cursor)])
    passes = (abs(tested) if chosen.two_sided else tested) > result.threshold
    positive, negative = (
        ("orange", "blue") if look.colormap == "warm-cold" else ("the colours of +", "the colours of −")
    )
    expression = result.settings.contrast.expression
    said = f"z of {expression} is {_number(z)} at the crosshair: "
    if result.contrast.stat_type == "F":
        said += "an F test has no direction, and its colour shows its size"
    else:
        said += (
            f"{positive}, because the effect is positive" if z > 0 else f"{negative}, because the effect is negative"
        )
    said += f"; it {'passes' if passes else 'does not pass'} the threshold of {result.threshold:.2f}"
    said += "." if passes else " and is faint." if look.fade_below else " and is left out."
    change = f"Reversing the contrast swaps {positive} and {negative}. Values below the threshold are faint."
    return Why(f"{positive}: above 0, {negative}: below 0; faint below the threshold", said, change)


def _fit(facts: Facts) -> Why | None:
    here = facts.session.series()
    if here is None or "r_square" not in here.statistics:
        return None
    share = here.statistics["r_square"]
    said = (
        f"The model explains {100 * share:.0f} % of the variance at the crosshair; {100 - 100 * share:.0f} % is left."
    )
    change = (
        "Add columns that explain more, such as confounds, or choose a better response. Any added column raises R²."
    )
    return Why("R² = 1 − residual sum of squares / sum of squares about the mean", said, change)


def _models(facts: Facts) -> Why | None:
    ledger = getattr(facts.session, "ledger", None)
    if ledger is None:
        return None
    m = ledger.n_contrasts
    here = (
        f"{ledger.summary()[0].upper()}{ledger.summary()[1:]}. With {m} independent tests at .05, the chance of a "
        "false finding is "
        f"1 − .95^{m} = {1 - 0.95**m:.2f}."
    )
    change = "Choose the model before you look, lock it as confirmatory, or confirm what you found on other data."
    return Why("chance of at least one false finding = 1 − (1 − α)^m, for m independent tests", here, change)


def _agree(facts: Facts) -> Why | None:
    agreement = getattr(facts.session.series(), "agreement", None)
    if agreement is None:
        return None
    here = (
        f"Q = {agreement.q:.2f} with {agreement.dof} degrees of freedom, p = {agreement.p:.2g}; I² = "
        f"{100 * agreement.i_square:.0f} % of the scatter between runs exceeds what their standard errors explain."
    )
    change = "Leave out the run that differs and report it, or find why it differs: motion, events, signal."
    return Why("Q = Σ (b_r − b)² / v_r,  I² = (Q − dof) / Q", here, change)


def _events(facts: Facts) -> Why | None:
    source = getattr(facts.session.analysis, "event_source", None)
    if source is None or source.given is None:
        return None
    findings = event_findings(source, facts.session.settings.events, facts.session.run.frame_times)[0]
    rule = "onset ≥ 0, onset + duration ≤ end of the run, no overlap within a type, ≥ 2 events a type, times in seconds"
    here = " ".join(found.message for found in findings) or "Nothing is wrong with these events."
    change = "Correct the table (edit …) or shift all onsets; a note needs no correction."
    return Why(rule, here, change)


def _compare(facts: Facts) -> Why | None:
    a, b = getattr(facts.session, "pinned", None), facts.result
    if a is None:
        return None
    both = Comparison(a, b)
    formula = "AICc = n ln(RSS / n) + ln |V| + 2 k + 2 k (k + 1) / (n − k − 1), with k parameters and n scans"
    if both.aicc is None:
        return Why(formula, f"There is no AICc here: {both.why_no_aicc}.", "Compare models of the same scans and data.")
    known = both.aicc[np.isfinite(both.aicc)]
    ranks = [result.fit.basis.rank for result in (a, b)]
    here = (
        f"A has {count(ranks[0], 'column')}, B has {ranks[1]}. AICc of B minus that of A is "
        f"{_number(np.median(known))} in the median voxel; a voxel favours one of them where the two differ by more "
        f"than {SPEAKS:g}."
    )
    return Why(formula, here, "Use a model that describes the data with fewer columns. AICc does not test a contrast.")


def _permutation(facts: Facts) -> Why | None:
    permuted = getattr(facts.session, "permuted", None)
    if permuted is None:
        return None
    done, name = permuted.result.n_done, permuted.names[0]
    reached = round(permuted.best[name] * (1 + done)) - 1
    here = (
        f"{done:,} rearrangements; {reached:,} of them reach the highest value of the map: p = (1 + {reached}) / "
        f"(1 + {done:,}) = {permuted.best[name]:.4f}. p cannot be lower than {1 / (1 + done):.4f}."
    )
    change = "More permutations make p finer; more maps, or a model with smaller residuals, make it lower."
    return Why("p = (1 + rearrangements whose largest value reaches this one) / (1 + rearrangements)", here, change)


#: Every verdict that an explorer gives, by name.
REASONS: Choices[Reason] = Choices(
    {
        "whiteness": Reason(
            "Why are the residuals white, or not?",
            _white,
            "11_noise_and_false_positives",
            ("residuals not white", "autocorrelation left", "noise verdict"),
            of="noise.model",
        ),
        "drift": Reason(
            "Why does the filter remove part of a regressor?",
            _drift,
            "04_parameters",
            ("filter removes my task", "high-pass removes the task", "drift verdict"),
            of="design.drift_model",
        ),
        "contrast": Reason(
            "Can this contrast be estimated?",
            _contrast,
            "12_collinearity_and_efficiency",
            ("contrast estimable", "degrees of freedom of the contrast", "efficiency", "why this t value"),
        ),
        "detectable_effect": Reason(
            "How small an effect can be found?",
            _detectable,
            "12_collinearity_and_efficiency",
            ("how small an effect can I find", "power", "smallest detectable effect"),
        ),
        "collinearity": Reason(
            "How much does collinearity cost?",
            _collinearity,
            "12_collinearity_and_efficiency",
            ("collinearity", "variance inflation factor", "vif"),
        ),
        "degrees_of_freedom": Reason(
            "Where do the degrees of freedom come from?", _freedom, "04_parameters", ("degrees of freedom", "dof")
        ),
        "threshold": Reason(
            "What does this threshold promise?",
            _threshold,
            "13_thresholds_and_multiple_comparisons",
            ("why this threshold", "what is q", "false positives expected"),
        ),
        "clusters": Reason(
            "Why these clusters?", _clusters, "13_thresholds_and_multiple_comparisons", ("why so few clusters",)
        ),
        "active_share": Reason(
            "How much of a cluster is truly active?",
            _active,
            "13_thresholds_and_multiple_comparisons",
            ("truly active", "true discovery proportion"),
        ),
        "map_colour": Reason(
            "Why does this voxel have its colour?",
            _colour,
            "00_tour",
            ("why is this orange", "why is this blue", "why red"),
        ),
        "goodness_of_fit": Reason(
            "How well does the model fit here?", _fit, "02_predicted_and_residuals", ("r squared", "goodness")
        ),
        "viewed_models": Reason(
            "Why are the models that I viewed counted?",
            _models,
            "13_thresholds_and_multiple_comparisons",
            ("models viewed", "forking paths", "exploratory"),
        ),
        "events": Reason(
            "What is checked in the events?",
            _events,
            "10_convolution_and_hrf",
            ("events overlap", "events outside the run", "what is wrong with my events"),
            of="events.table",
        ),
        "model_comparison": Reason(
            "Which of A and B describes the data better?", _compare, "04_parameters", ("aicc", "which model is better")
        ),
        "permutation": Reason(
            "Where does the permutation p value come from?",
            _permutation,
            "05_group",
            ("permutation p", "smallest p of permutations"),
            of="permutation.n_perm",
        ),
        "heterogeneity": Reason(
            "Do the runs agree?", _agree, "03_two_runs", ("heterogeneity", "runs differ", "i squared")
        ),
    }
)
