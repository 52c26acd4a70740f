"""Response models: equal to nilearn's where they bear its names, to the published formulas where they do not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nilearn.glm.first_level import hemodynamic_models as nilearn_hrf
from scipy import integrate, stats

from glmwidgets.glm.response import curves as hrf_curves
from glmwidgets.glm.response import kernels as hrf_kernels
from glmwidgets.glm.response.models import HRFS, hrf_curve, parse_hrf, resolve_hrf

NILEARN_NAMES = [
    "spm",
    "spm + derivative",
    "spm + derivative + dispersion",
    "glover",
    "glover + derivative",
    "glover + derivative + dispersion",
    "fir",
    None,
]

# spm_hrf(2) of SPM12, printed by MATLAB.
SPM12_AT_2_S = [
    0,
    0.0865660809936357,
    0.374888236471690,
    0.384923381745461,
    0.216117315646557,
    0.0768695652550848,
    0.00162017719800089,
    -0.0306078117340448,
    -0.0373060781329993,
    -0.0308373715988730,
    -0.0205161333521205,
    -0.0116441637490611,
    -0.00582063147182588,
]


def moments(curve, end=200.0):
    """Area, mean and standard deviation of a positive curve, by adaptive quadrature."""
    area = integrate.quad(curve, 0, end, limit=400)[0]
    mean = integrate.quad(lambda t: t * curve(t), 0, end, limit=400)[0] / area
    variance = integrate.quad(lambda t: (t - mean) ** 2 * curve(t), 0, end, limit=400)[0] / area
    return area, mean, np.sqrt(variance)


@pytest.mark.parametrize("name", NILEARN_NAMES)
@pytest.mark.parametrize(("t_r", "oversampling"), [(2.0, 50), (0.735, 16), (7.0, 50), (1.3, 1)])
def test_kernels_equal_nilearn(name, t_r, oversampling):
    ours = resolve_hrf(name, fir_delays=[0, 3]).kernels(t_r, oversampling)
    theirs = nilearn_hrf._hrf_kernel(name, t_r, oversampling, fir_delays=[0, 3])
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        # Derivatives divide by 0.1 and 0.01: their rounding error is a hundred times that of the response.
        np.testing.assert_allclose(mine, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NILEARN_NAMES)
def test_column_names_equal_nilearn(name):
    ours = resolve_hrf(name, fir_delays=[0, 3]).column_names("face")
    assert ours == nilearn_hrf._regressor_names("face", name, fir_delays=[0, 3])


@pytest.mark.parametrize(
    "name",
    [f"{model}_{part}" for model in ("spm", "glover") for part in ("hrf", "time_derivative", "dispersion_derivative")],
)
def test_kernel_functions_take_nilearns_arguments(name):
    arguments = {"t_r": 1.5, "oversampling": 10, "time_length": 25.0, "onset": 0.4}
    np.testing.assert_allclose(
        getattr(hrf_kernels, name)(**arguments), getattr(nilearn_hrf, name)(**arguments), rtol=0, atol=1e-12
    )


def test_spm12_gives_the_published_values():
    # SPM samples 16 times finer, then takes every 16th value and normalises: the same as sampling at 2 s.
    (kernel,) = resolve_hrf("spm12").kernels(2.0, 1)
    np.testing.assert_allclose(kernel[: len(SPM12_AT_2_S)], SPM12_AT_2_S, rtol=1e-12)
    assert kernel.size == 17


def test_spm12_does_not_depend_on_the_grid_but_nilearns_spm_does():
    peak = {}
    for name in ("spm12", "spm"):
        for t_r in (0.5, 7.0):
            (kernel,) = resolve_hrf(name).kernels(t_r, 50)
            peak[name, t_r] = np.argmax(kernel) * t_r / 50
    assert peak["spm12", 0.5] == pytest.approx(5.0, abs=0.011)
    assert peak["spm12", 7.0] == pytest.approx(5.0, abs=0.07)
    # One step late: 0.14 s at a repetition time of 7 s.
    assert peak["spm", 7.0] - peak["spm12", 7.0] == pytest.approx(0.14, abs=1e-9)


def test_spm12_basis_is_spms():
    step = 0.05
    t = np.arange(int(32 / step) + 1) * step

    def canonical(shift=0.0, dispersion=1.0):
        u = t - shift
        h = stats.gamma.pdf(u, 6 / dispersion, scale=dispersion) - stats.gamma.pdf(u, 16) / 6
        return h / h.sum()

    raw = np.column_stack(
        [canonical(), canonical() - canonical(shift=1.0), (canonical() - canonical(dispersion=1.01)) / 0.01]
    )
    # Gram-Schmidt without normalisation is the R of a QR decomposition, rescaled to a unit diagonal.
    q, r = np.linalg.qr(raw)
    expected = q * np.diag(r)
    kernels = resolve_hrf("spm12 + derivative + dispersion").kernels(1.0, 20)
    np.testing.assert_allclose(np.column_stack(kernels), expected, rtol=0, atol=1e-12)


def test_fsl_gammas_have_their_published_lags_and_widths():
    assert moments(hrf_curves.fsl_gamma) == pytest.approx((1.0, 6.0, 3.0), rel=1e-6)
    t = np.linspace(0, 40, 200)
    response = stats.gamma.pdf(t, 6**2 / 6, scale=6 / 6)  # mean 6, variance 6
    undershoot = stats.gamma.pdf(t, 16**2 / 4**2, scale=4**2 / 16)  # mean 16, standard deviation 4
    np.testing.assert_allclose(hrf_curves.fsl_double_gamma(t), response - undershoot / 6, atol=1e-15)


def test_glover1999_is_the_published_formula():
    # R package fmri, fmri.stimulus(type="canonical"): a1 = 6, a2 = 12, b1 = b2 = 0.9, c = 0.35.
    t = np.array([0.0, 1.0, 5.4, 10.8, 20.0])
    a, b, c = np.array([6, 12]), 0.9, 0.35
    peak = a * b
    lobes = [(t / p) ** k * np.exp(-(t - p) / b) for p, k in zip(peak, a, strict=True)]
    np.testing.assert_allclose(hrf_curves.glover1999(t), lobes[0] - c * lobes[1], rtol=1e-14)


def test_afni_gam_peaks_at_4_7_s_with_height_1_and_width_3_8_s():
    t = np.linspace(0, 20, 200_001)
    curve = hrf_curves.afni_gam(t)
    assert t[np.argmax(curve)] == pytest.approx(8.6 * 0.547, abs=1e-3)
    assert curve.max() == pytest.approx(1.0, abs=1e-9)
    half = t[curve >= 0.5]
    assert half[-1] - half[0] == pytest.approx(3.8, abs=0.05)  # as AFNI's documentation says


@pytest.mark.parametrize("duration", [0.5, 5.0, 20.0, 42.0])
def test_afni_block_is_the_integral_it_stands_for(duration):
    def unscaled(t):
        g = lambda s: (t - s) ** 4 * np.exp(-(t - s)) / (4**4 * np.exp(-4))  # noqa: E731
        return integrate.quad(g, 0, min(t, duration))[0]

    t = np.linspace(0.1, duration + 20, 60)
    shape = np.array([unscaled(s) for s in t])
    fine = np.linspace(0, duration + 20, 20_001)
    peak = max(unscaled(s) for s in fine[np.abs(fine - fine[np.argmax(hrf_curves.afni_block(fine, duration))]) < 0.01])
    np.testing.assert_allclose(hrf_curves.afni_block(t, duration), shape / peak, atol=1e-6)
    assert hrf_curves.afni_block(fine, duration).max() == pytest.approx(1.0, abs=1e-6)


def test_afni_spmg1_has_afnis_constants():
    t = np.linspace(0, 25, 100)
    published = np.exp(-t) * (0.0083333333 * t**5 - 1.274527e-13 * t**15)
    np.testing.assert_allclose(hrf_curves.afni_spmg1(t), published, atol=1e-7)
    (kernel,) = resolve_hrf("spmg1").kernels(2.0, 50)
    assert kernel.sum() == pytest.approx(5 / 6, abs=1e-3)  # not normalised: 1 - 1/6, less what lies after 32 s


def test_afni_mion_peaks_at_1_and_starts_at_0():
    t = np.linspace(0, 100, 100_001)
    curve = hrf_curves.afni_mion(t)
    assert curve.max() == pytest.approx(1.0, abs=2e-4)
    assert abs(curve[0]) < 0.01
    assert curve[-1] < 1e-3
    assert hrf_curves.afni_mion(np.array([-1.0]))[0] == 0


def test_tents_sum_to_1_and_are_cardinal():
    kernels = np.array(resolve_hrf("tent(2, 14, 7)").kernels(2.0, 10))
    t = np.arange(kernels.shape[1]) * 0.2
    inside = t >= 2
    np.testing.assert_allclose(kernels[:, inside].sum(axis=0), 1.0, atol=1e-12)
    assert (kernels[:, ~inside] == 0).all()
    np.testing.assert_allclose(kernels[:, 10::10], np.eye(7), atol=1e-12)
    assert resolve_hrf("tent(2, 14, 7)").column_names("a")[-1] == "a_tent_6"


def test_custom_gamma_is_spm_at_spms_numbers():
    t = np.arange(801) * 0.04
    h = stats.gamma.pdf(t, 6) - 0.167 * stats.gamma.pdf(t, 16)
    (kernel,) = resolve_hrf("gamma(6, 16, 1, 1, 0.167)").kernels(2.0, 50)
    np.testing.assert_allclose(kernel, h / h.sum(), atol=1e-14)


@pytest.mark.parametrize("name", HRFS)
def test_every_row_is_complete_and_its_scale_is_what_it_says(name):
    row = HRFS[name]
    text = f"{name}({', '.join(str(p.value) for p in row.parameters)})" if row.parameters else name
    response = resolve_hrf(text, fir_delays=[0, 1, 2])
    kernels = response.kernels(2.0, 50)
    assert len(kernels) == len(response.suffixes)
    assert all(np.isfinite(kernel).all() for kernel in kernels)
    assert all((row.label, row.description.endswith("."), row.formula, row.source, row.normalisation))
    if row.normalisation.startswith("Unit sum"):
        assert kernels[0].sum() == pytest.approx(1.0, abs=1e-12)
    if row.normalisation.startswith("Peak 1"):
        assert kernels[0].max() == pytest.approx(1.0, abs=1e-5)
    curve = hrf_curve(text, fir_delays=[0, 1, 2])
    assert curve.shape[1] == len(kernels)
    assert curve.index.name == "time"


def test_curve_does_not_depend_on_the_repetition_time():
    short, long = (hrf_curve("spm12", t_r=t_r, dt=0.5) for t_r in (0.8, 3.0))
    np.testing.assert_allclose(short["response"], long["response"], atol=2e-4)
    assert short["response"].sum() * 0.5 == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("text", ["SPM+Derivative", " spm  +derivative ", "spm + derivative"])
def test_case_and_blanks_make_no_difference(text):
    assert parse_hrf(text)[0].name == "spm + derivative"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("spn", "did you mean 'spm'"),
        ("block", "needs its duration"),
        ("block(0)", "between 0.1 and 600"),
        ("block(a)", "must hold numbers"),
        ("block(nan)", "between"),
        ("spm(3)", "takes 0 numbers, not 1"),
        ("gam(1, 2, 3)", r"write gam\(p, q\)"),
        ("__import__('os')", "not a known hrf_model"),
        ("block(__import__('os'))", "not a known hrf_model"),
        ("", "not a known hrf_model"),
    ],
)
def test_wrong_names_are_refused_in_words(text, message):
    with pytest.raises(ValueError, match=message):
        resolve_hrf(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [("tent(5, 2, 3)", "stop must come after"), ("gamma(2, 16, 3, 1, 0)", "longer than its dispersion")],
)
def test_impossible_shapes_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        resolve_hrf(text).kernels(2.0, 50)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_a_model_or_a_value_error(text):
    try:
        row, values = parse_hrf(text)
    except ValueError:
        return
    assert row.name in HRFS
    assert len(values) == len(row.parameters)


@pytest.mark.parametrize("delays", [[-1], [0.5], []])
def test_fir_delays_must_be_scans(delays):
    with pytest.raises(ValueError, match="whole numbers of scans"):
        resolve_hrf("fir", fir_delays=delays)


def test_repeated_fir_delays_are_refused():
    with pytest.raises(ValueError, match="same name"):
        resolve_hrf("fir", fir_delays=[1, 1])


def boxcar(t_r, oversampling):
    return np.ones(oversampling)


def ramp(t_r, oversampling):
    return np.linspace(0, 1, 2 * oversampling)


def test_functions_are_models_as_in_nilearn():
    assert resolve_hrf(boxcar).column_names("a") == nilearn_hrf._regressor_names("a", boxcar) == ["a_boxcar"]
    assert resolve_hrf([boxcar, ramp]).column_names("a") == ["a_boxcar", "a_ramp"]
    np.testing.assert_array_equal(resolve_hrf([boxcar, ramp]).kernels(2.0, 5)[1], ramp(2.0, 5))


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (lambda t_r: np.ones(3), ValueError, r"could not be called as <lambda>\(t_r, oversampling\)"),
        (lambda t_r, oversampling: np.array([1.0, np.nan]), ValueError, "finite"),
        (lambda t_r, oversampling: np.ones((2, 2)), ValueError, r"shape \(2, 2\)"),
        (3, TypeError, "not int"),
        ([boxcar, "spm"], TypeError, "not list"),
        ([], ValueError, "empty list"),
        ([boxcar, boxcar], ValueError, "same name"),
    ],
)
def test_wrong_functions_are_refused(model, error, message):
    with pytest.raises(error, match=message):
        resolve_hrf(model).kernels(2.0, 5)


def test_shared_kernels_cannot_be_written():
    (kernel,) = resolve_hrf("spm").kernels(2.0, 50)
    with pytest.raises(ValueError, match="read-only"):
        kernel[0] = 1
