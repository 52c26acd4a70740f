"""Random fields beside printed tables of two packages, other fields' limits, and direct counts of noise."""

import warnings

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, label
from scipy.special import gammaln, ndtri, stdtr

from glmwidgets.glm.inference.random_fields import CLUSTER_METHODS, RandomField, ec_densities

# Printed by SPM12 of the auditory run: 84 degrees of freedom, resel counts, voxels a resel.
RESELS = (7, 42.96312274763, 269.40914815306, 467.07642343881)
RESEL_SIZE, DOF = 132.907586178202, 84
HEIGHT = 4.85241745689539
PEAKS = {
    6.55745935440063: 9.17574302586877e-05,
    6.19558477401733: 0.000382453907303626,
    5.27320194244385: 0.0119099090973821,
}
# Voxels: familywise and uncorrected p, above the height.
CLUSTERS = {
    37: (0.000255384009130943, 0.00497953247554),
    29: (0.000565384750377596, None),
    12: (0.00418900977248904, None),
}


def z_of_t(t, dof=DOF):
    return -ndtri(stdtr(dof, -np.asarray(t)))


@pytest.fixture
def field():
    return RandomField(RESELS, RESEL_SIZE, 62077, dof=DOF)


def test_the_familywise_height_is_spms(field):
    """To 1e-9: the same formula, with the root found to more digits than are printed."""
    assert field.statistic(field.threshold(0.05)) == pytest.approx(HEIGHT, rel=1e-9)


def test_p_of_peaks_are_spms(field):
    assert field.peak_p(z_of_t(list(PEAKS))) == pytest.approx(list(PEAKS.values()), rel=1e-9)


def test_p_of_clusters_are_spms(field):
    familywise, uncorrected = field.cluster_p(list(CLUSTERS), z_of_t(HEIGHT))
    assert familywise == pytest.approx([p for p, _ in CLUSTERS.values()], rel=1e-9)
    assert uncorrected[0] == pytest.approx(CLUSTERS[37][1], rel=1e-9)


@pytest.mark.filterwarnings("ignore:clusters were formed")
def test_p_of_clusters_are_fsls_to_the_printed_digit():
    resel_size = (4 * np.log(2)) ** 1.5 / 0.70114
    field = RandomField((1, 0, 0, 38352 / resel_size), resel_size, 38352, method="fsl")
    printed = {522: "5.57e-20", 167: "1.69e-08", 99: "1.57e-05", 46: "0.011", 41: "0.0227", 40: "0.0263"}
    familywise, _ = field.cluster_p(list(printed), 2.3)
    assert [float(f"{p:.3g}") for p in familywise] == [float(text) for text in printed.values()]


def test_an_f_of_one_row_is_t_squared():
    for t in (1.0, 3.0, 6.0):
        assert ec_densities(t**2, 20, rows=1) == pytest.approx(2 * ec_densities(t, 20), rel=1e-12)


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_an_f_of_many_degrees_of_freedom_is_chi_square(rows):
    """Densities of a chi-square field (Worsley 1994, theorem 3.1); 1e-5, as 1e7 degrees of freedom are not infinite."""
    chi = 15.0

    def common(d):
        scale = (4 * np.log(2) / (2 * np.pi)) ** (d / 2)
        return scale * chi ** ((rows - d) / 2) * np.exp(-chi / 2 - gammaln(rows / 2) - (rows - 2) / 2 * np.log(2))

    square = chi**2 - (2 * rows - 1) * chi + (rows - 1) * (rows - 2)
    expected = [common(1), common(2) * (chi - (rows - 1)), common(3) * square]
    assert ec_densities(chi / rows, 1e7, rows)[1:] == pytest.approx(expected, rel=1e-5)


def test_a_t_of_many_degrees_of_freedom_is_gaussian():
    assert ec_densities(4.0, 1e7) == pytest.approx(ec_densities(4.0), rel=1e-5)


def test_the_euler_characteristic_is_that_of_noise():
    """Counted in 80 smooth volumes: pieces above z = 3, which have no holes there; within three standard errors."""
    rng, shape, fwhm, n = np.random.default_rng(1), (32, 32, 32), 6.0, 80
    counts = []
    for _ in range(n):
        wide = gaussian_filter(rng.standard_normal([s + 24 for s in shape]), fwhm / np.sqrt(8 * np.log(2)), mode="wrap")
        noise = wide[12:-12, 12:-12, 12:-12] / wide.std()
        counts.append(label(noise > 3.0, np.ones((3, 3, 3)))[1])
    edge = (shape[0] - 1) / fwhm
    field = RandomField((1, 3 * edge, 3 * edge**2, edge**3), fwhm**3, 32**3)
    assert abs(np.mean(counts) - field.expected_clusters(3.0)) < 3 * np.std(counts) / np.sqrt(n)


def test_two_sides_expect_twice_as_much(field):
    both = RandomField(RESELS, RESEL_SIZE, 62077, dof=DOF, two_sided=True)
    assert both.expected_clusters(4.0) == pytest.approx(2 * field.expected_clusters(4.0), rel=1e-12)
    assert both.peak_p(-5.0) == both.peak_p(5.0)
    assert both.threshold(0.05) == pytest.approx(field.threshold(1 - np.sqrt(0.95)), rel=1e-9)


@pytest.mark.parametrize("method", CLUSTER_METHODS)
def test_the_least_size_is_the_first_that_is_rare_enough(method):
    field = RandomField(RESELS, RESEL_SIZE, 62077, dof=DOF, method=method)
    size = field.cluster_size(3.09, 0.05)
    (below, at), _ = field.cluster_p([size - 1, size], 3.09)
    assert at <= 0.05 < below


def test_low_forming_thresholds_are_refused_and_doubtful_ones_warned_of(field):
    with pytest.raises(ValueError, match="Eklund"):
        field.cluster_p(100, 2.0)
    with pytest.warns(UserWarning, match=r"3\.09"):
        field.cluster_p(100, 2.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        field.cluster_p(100, 3.09)


def test_a_region_of_one_voxel_is_tested_as_one():
    """1.6449, where one voxel is tested; 1 % of that, as the number of clusters counts as Poisson's."""
    field = RandomField((1, 0, 0, 0), 27.0, 1)
    assert field.threshold(0.05) == pytest.approx(1.6449, rel=0.01)
    assert field.peak_p(1.6449) == pytest.approx(0.05, abs=2e-3)


def test_an_f_has_one_side():
    with pytest.raises(ValueError, match="one side"):
        RandomField(RESELS, RESEL_SIZE, 62077, dof=84, rows=3, two_sided=True)
    field = RandomField(RESELS, RESEL_SIZE, 62077, dof=84, rows=3)
    z = field.threshold(0.05)
    assert ec_densities(field.statistic(z), 84, 3) @ RESELS == pytest.approx(-np.log(0.95), rel=1e-8)
