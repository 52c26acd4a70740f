"""Tables of the largest clusters of noise, beside brute force, a printed table, and direct labelling."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, generate_binary_structure, label
from scipy.special import ndtri

from glmwidgets.glm.inference.cluster_tables import (
    SIDES,
    Autocorrelation,
    correlation_by_distance,
    draw_cluster_table,
    draw_noise,
    fit_autocorrelation,
)


def ball(n_voxels):
    radius = (n_voxels * 3 / (4 * np.pi)) ** (1 / 3)
    side = int(2 * radius + 3)
    return np.square(np.indices((side,) * 3) - side / 2).sum(axis=0) < radius**2


@pytest.fixture(scope="module")
def mask():
    return ball(5000)


def test_noise_is_as_smooth_as_asked(mask):
    """Correlations at 3 to 15 mm to .02: 200 volumes of some 5000 voxels, of which few are independent."""
    wanted = Autocorrelation(0.6, 3.0, 10.0)
    noise = draw_noise(mask, (3, 3, 3), wanted, 200, np.random.default_rng(0))
    assert noise.std() == pytest.approx(1, abs=0.01)
    r, found = correlation_by_distance(noise, mask, (3, 3, 3))
    near = (r > 0) & (r < 15)
    assert found[near] == pytest.approx(wanted(r[near]), abs=0.02)


def test_the_model_is_found_again(mask):
    wanted = Autocorrelation(0.6, 3.0, 10.0)
    noise = draw_noise(mask, (3, 3, 3), wanted, 200, np.random.default_rng(1))
    found = fit_autocorrelation(*correlation_by_distance(noise, mask, (3, 3, 3)))
    assert found.fwhm == pytest.approx(wanted.fwhm, rel=0.05)


def test_a_gaussian_kernel_makes_noise_of_its_width(mask):
    """The correlation of filtered white noise, which this module did not draw."""
    rng, fwhm, size = np.random.default_rng(2), 7.0, 3.0
    sigma = fwhm / np.sqrt(8 * np.log(2)) / size
    wide = [gaussian_filter(rng.standard_normal([s + 24 for s in mask.shape]), sigma, mode="wrap") for _ in range(60)]
    noise = np.stack([w[12:-12, 12:-12, 12:-12][mask] for w in wide])
    r, found = correlation_by_distance(noise, mask, (size,) * 3)
    near = r < 12
    # Steps of a voxel make a kernel of 1 sigma a little narrower than it is called.
    assert found[near] == pytest.approx(Autocorrelation.gaussian(fwhm)(r[near]), abs=0.03)


def test_largest_clusters_are_those_of_labelling(mask):
    heights = (1.8, 2.6, 3.2)
    ac = Autocorrelation.gaussian(6.0)
    table = draw_cluster_table(mask, (3, 3, 3), ac, n_draws=8, seed=3, heights=heights)
    seeds = np.random.SeedSequence(3).spawn(1)
    noise = draw_noise(mask, (3, 3, 3), ac, 8, np.random.default_rng(seeds[0]))
    volume = np.zeros(mask.shape, np.float32)

    def largest(above, connectivity):
        labels, n = label(above, generate_binary_structure(3, connectivity))
        return int(np.bincount(labels.ravel())[1:].max()) if n else 0

    for i, one in enumerate(noise):
        volume[mask] = one
        for h, height in enumerate(np.float32(heights)):
            for k in (1, 2, 3):
                up, down = largest(volume >= height, k), largest(volume <= -height, k)
                both = largest(np.abs(volume) >= height, k)
                assert table.largest[i, h, k - 1].tolist() == [up, max(up, down), both]


def test_sizes_are_those_of_brute_force(mask):
    """White noise smoothed by a kernel and labelled, 1200 volumes for 1000 draws: within 3 standard errors of both."""
    rng, size, fwhm, height = np.random.default_rng(4), 3.0, 7.0, 2.9
    sigma = fwhm / np.sqrt(8 * np.log(2)) / size
    sizes, n = [], 1200
    for _ in range(n):
        wide = gaussian_filter(rng.standard_normal([s + 16 for s in mask.shape]), sigma, mode="wrap")
        volume = wide[8:-8, 8:-8, 8:-8] / (1 / np.sqrt(4 * np.pi * sigma**2)) ** 1.5
        labels, found = label((volume >= height) & mask)
        sizes.append(np.bincount(labels.ravel())[1:].max() if found else 0)
    table = draw_cluster_table(
        mask, (size,) * 3, Autocorrelation.gaussian(fwhm), n_draws=1000, seed=5, heights=(2.4, 2.9)
    )
    for k in np.quantile(sizes, [0.5, 0.8, 0.95]).round():
        brute, drawn = np.mean(np.array(sizes) >= k), float(table.p(k, height, "one"))
        error = np.sqrt(brute * (1 - brute) * (1 / n + 1 / 1000))
        assert abs(brute - drawn) < 3 * error + 1e-3, (k, brute, drawn)


def test_sizes_are_those_of_a_published_table():
    """3dClustSim of a mask of 70,509 voxels; a ball of that size has less surface, so 20 % are allowed."""
    table = draw_cluster_table(
        ball(70509), (3, 3, 3), Autocorrelation.gaussian(5.9497), n_draws=200, heights=(3.0, 3.0902, 3.2905, 3.4)
    )
    one, bi = -ndtri(0.001), -ndtri(0.0005)
    assert table.size(one, 0.05, "one") == pytest.approx(13.4, rel=0.2)
    assert table.size(bi, 0.05, "bi") == pytest.approx(11.6, rel=0.2)


def test_a_seed_draws_the_same_whatever_the_threads(mask):
    ac = Autocorrelation.gaussian(6.0)
    a, b = (draw_cluster_table(mask, (3, 3, 3), ac, n_draws=50, seed=7, n_threads=n) for n in (1, 3))
    assert np.array_equal(a.largest, b.largest)
    c = draw_cluster_table(mask, (3, 3, 3), ac, n_draws=50, seed=8)
    assert not np.array_equal(a.largest, c.largest)


def test_drawing_can_be_stopped(mask):
    seen = []

    def progress(done, total):
        seen.append((done, total))
        return len(seen) < 2

    assert (
        draw_cluster_table(mask, (3, 3, 3), Autocorrelation.gaussian(6.0), n_draws=400, n_threads=1, progress=progress)
        is None
    )
    assert seen == [(20, 400), (40, 400)]


def test_p_falls_with_size_and_height(mask):
    table = draw_cluster_table(mask, (3, 3, 3), Autocorrelation.gaussian(7.0), n_draws=200)
    for sides in SIDES:
        p = table.p(np.arange(1, 60), 2.6, sides)
        assert (np.diff(p) <= 0).all()
        assert p[-1] >= 1 / 201
    assert table.p(20, 2.3) >= table.p(20, 2.57) >= table.p(20, 3.1)
    assert table.size(2.6, 0.05) < table.size(2.6, 0.01)
    with pytest.raises(ValueError, match=r"heights from z = 1\.64 to 4\.54"):
        table.p(10, 1.0)
