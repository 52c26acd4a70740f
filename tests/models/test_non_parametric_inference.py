"""Permutation tests on images: against the reference and the parametric model, and the choice of what is rearranged."""

import threading
import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.models.permutation_inference import non_parametric_inference, permutation_maps
from glmwidgets.models.second_level import SecondLevelModel

SHAPE, AFFINE = (8, 9, 7), np.diag([3.0, 3.0, 3.0, 1.0])


def maps_of(n, seed=0, effect=0.0):
    rng = np.random.default_rng(seed)
    added = np.zeros(SHAPE)
    added[2:5, 2:5, 2:5] = effect
    return [nib.Nifti1Image(added + rng.standard_normal(SHAPE), AFFINE) for _ in range(n)]


MASK = nib.Nifti1Image(np.ones(SHAPE, np.uint8), AFFINE)
SCORE = np.random.default_rng(1).normal(100, 15, 12)
GROUP = np.repeat([1.0, 0.0], 6)


@pytest.mark.parametrize(
    ("design", "contrast"),
    [
        ({"intercept": np.ones(12)}, "intercept"),
        ({"score": SCORE, "intercept": np.ones(12)}, "score"),
        ({"score": SCORE, "intercept": np.ones(12)}, "intercept"),
        ({"a": GROUP, "b": 1 - GROUP, "score": SCORE}, "a - b"),
        ({"x": GROUP, "y": SCORE, "intercept": np.ones(12)}, [1, -1, 0]),
    ],
)
def test_the_tested_t_is_the_t_of_the_group_model(design, contrast):
    # Sums and differences of columns among them: the reference tests another hypothesis there.
    design = pd.DataFrame(design)
    maps = maps_of(12)
    out = non_parametric_inference(
        maps, design_matrix=design, second_level_contrast=contrast, mask=MASK, n_perm=10, threshold=0.01
    )
    expected = (
        SecondLevelModel(mask_img=MASK).fit(maps, design_matrix=design).compute_contrast(contrast, output_type="stat")
    )
    np.testing.assert_allclose(out["t"].get_fdata(), expected.get_fdata(), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("smoothing", "tfce", "draws"), [(None, True, 100), (6.0, False, 600)])
def test_maps_and_names_equal_the_reference(smoothing, tfce, draws):
    reference = pytest.importorskip("nilearn.glm.second_level").non_parametric_inference
    maps, design = maps_of(9, effect=1.0), pd.DataFrame({"intercept": np.ones(9)})
    # All 511 flips here, some random ones there: p values agree up to the chance of drawing.
    options = {"threshold": 0.01, "tfce": tfce, "mask": MASK, "smoothing_fwhm": smoothing, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = reference(maps, design_matrix=design, n_perm=draws, **options)
    ours = non_parametric_inference(maps, design_matrix=design, n_perm=600, **options)
    assert set(ours) == set(theirs)
    assert ours.result.exact
    for name in ("t", "size", "mass"):
        np.testing.assert_allclose(ours[name].get_fdata(), theirs[name].get_fdata(), rtol=1e-5, atol=1e-5, err_msg=name)
    p, q = (10 ** -maps["logp_max_t"].get_fdata() for maps in (ours, theirs))
    # Five standard errors of a p that is drawn so many times.
    assert (np.abs(p - q) <= 5 * np.sqrt(p * (1 - p) / draws) + 2 / draws).all()
    cluster = 10 ** -ours["logp_max_mass"].get_fdata()
    assert cluster[3, 3, 3] <= 0.01
    assert (cluster[ours["size"].get_fdata() == 0] == 1).all()  # outside clusters there is nothing to reject


def test_without_clusters_it_is_one_image():
    out = non_parametric_inference(maps_of(12), mask=MASK, n_perm=100, random_state=0)
    assert isinstance(out, nib.Nifti1Image)
    assert out.get_fdata().min() >= 0
    assert out.get_fdata().max() <= np.log10(101) + 1e-12


@pytest.mark.parametrize(
    ("design", "contrast", "scheme", "exact"),
    [
        ({"intercept": np.ones(12)}, None, "sign_flip", 2**12),
        ({"score": SCORE}, None, "permutation", None),  # with the intercept that is added
        ({"score": SCORE, "intercept": np.ones(12)}, "score", "permutation", None),
        ({"group": GROUP, "intercept": np.ones(12)}, "group", "permutation", 924),
        ({"a": GROUP, "b": 1 - GROUP}, "a - b", "permutation", 924),
    ],
)
def test_the_hypothesis_and_not_the_intercept_column_decides_what_is_rearranged(design, contrast, scheme, exact):
    result = non_parametric_inference(
        maps_of(12),
        design_matrix=pd.DataFrame(design),
        second_level_contrast=contrast,
        mask=MASK,
        n_perm=4095,
        threshold=0.01,
    ).result
    assert result.scheme == scheme
    assert result.exact == (exact is not None)
    if exact:
        assert result.n_perm + 1 == exact


def test_two_codings_of_two_groups_are_one_test():
    maps = maps_of(12, effect=0.5)
    one = non_parametric_inference(
        maps,
        design_matrix=pd.DataFrame({"group": GROUP, "intercept": 1.0}),
        second_level_contrast="group",
        mask=MASK,
        n_perm=1000,
        threshold=0.05,
    )
    two = non_parametric_inference(
        maps,
        design_matrix=pd.DataFrame({"a": GROUP, "b": 1 - GROUP}),
        second_level_contrast="a - b",
        mask=MASK,
        n_perm=1000,
        threshold=0.05,
    )
    for name in one:
        np.testing.assert_allclose(one[name].get_fdata(), two[name].get_fdata(), rtol=1e-8, atol=1e-8)


def test_paired_maps_in_blocks():
    before, after = maps_of(8, 2), maps_of(8, 3, effect=1.5)
    design = pd.DataFrame(np.tile(np.eye(8), (2, 1)), columns=[f"s{i}" for i in range(8)])
    design.insert(0, "change", np.repeat([-1.0, 1.0], 8))
    subjects = [*range(8), *range(8)]
    paired = non_parametric_inference(
        before + after, design_matrix=design, second_level_contrast="change", blocks=subjects, mask=MASK, threshold=0.01
    )
    differences = [nib.Nifti1Image(a.get_fdata() - b.get_fdata(), AFFINE) for a, b in zip(after, before, strict=True)]
    single = non_parametric_inference(differences, mask=MASK, threshold=0.01)
    assert paired.result.exact
    assert paired.result.n_perm == 2**8 - 1
    for name in paired:
        np.testing.assert_allclose(paired[name].get_fdata(), single[name].get_fdata(), rtol=1e-6, atol=1e-6)


def test_f_tests_are_named_f():
    out = non_parametric_inference(
        maps_of(12),
        design_matrix=pd.DataFrame({"a": GROUP, "b": 1 - GROUP, "score": SCORE}),
        second_level_contrast="a - b; score",
        mask=MASK,
        n_perm=50,
        tfce=True,
        random_state=0,
    )
    assert list(out) == ["f", "logp_max_f", "tfce", "logp_max_tfce"]


def test_a_cancelled_test_warns_and_keeps_what_it_has():
    cancel = threading.Event()
    with pytest.warns(UserWarning, match=r"cancelled after 64 of 5000"):
        out = non_parametric_inference(
            maps_of(14),
            mask=MASK,
            n_perm=5000,
            threshold=0.01,
            cancel=cancel,
            progress=lambda done, total: cancel.set(),
        )
    assert not out.result.complete
    assert out["logp_max_t"].get_fdata().max() <= np.log10(65) + 1e-12


def test_a_model_gives_running_results_as_maps():
    model = SecondLevelModel(mask_img=MASK).fit(maps_of(13, effect=2.0))
    running = [permutation_maps(result, model.masker_) for result in model.iter_permutations(n_perm=200, seed=0)]
    heights = [maps["logp_max_t"].get_fdata().max() for maps in running]
    assert [maps.result.n_done for maps in running] == [0, 64, 128, 192, 200]
    assert heights[0] == 0
    assert sorted(heights) == heights


def test_progress_is_printed_when_asked(capsys):
    non_parametric_inference(maps_of(14), mask=MASK, n_perm=100, verbose=1)
    assert capsys.readouterr().out.splitlines() == [
        "[non_parametric_inference] 0 of 100 rearrangements",
        "[non_parametric_inference] 100 of 100 rearrangements",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"blocks": "subject"}, "blocks names no column of the design: 'subject'"),
        ({"blocks": [1, 2]}, "2 block labels for 12 maps"),
        ({"threshold": 3.1}, "p value between 0 and .5"),
        ({"scheme": "flip"}, "'flip'"),
        ({"second_level_contrast": "age"}, "age"),
    ],
)
def test_bad_options_are_refused_in_words(options, message):
    with pytest.raises(ValueError, match=message):
        non_parametric_inference(maps_of(12), mask=MASK, n_perm=10, **options)


def test_real_maps_have_an_effect_that_survives(wager_dir):
    table = pd.read_csv(wager_dir / "participants.tsv", sep="\t")
    out = non_parametric_inference(
        [wager_dir / name for name in table["file"]],
        mask=wager_dir / "group_mask.nii.gz",
        n_perm=500,
        random_state=0,
        threshold=0.001,
        two_sided_test=True,
    )
    t = out["t"].get_fdata()
    assert round(t.max(), 2) == 7.25
    assert out.result.dof == 29
    assert out["logp_max_t"].get_fdata()[np.unravel_index(t.argmax(), t.shape)] > 2
    # Bonferroni over 34711 voxels asks for |t| = 6.2; permutation knows that they are not independent.
    assert 4.5 < out.result.cutoff("t") < 6.2
