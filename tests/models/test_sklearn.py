"""scikit-learn's own functions take our estimators for their own, where it is installed."""

from inspect import signature

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError as SklearnNotFitted
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from glmwidgets.models import FirstLevelModel, NiftiLabelsMasker, NiftiMasker, NiftiSpheresMasker, SecondLevelModel

MASK = nib.Nifti1Image(np.ones((4, 4, 4), np.uint8), np.eye(4))


@pytest.fixture(scope="module")
def img():
    return nib.Nifti1Image(100 + np.random.default_rng(0).normal(size=(4, 4, 4, 30)), np.eye(4))


@pytest.mark.parametrize(
    "estimator",
    [
        FirstLevelModel(2.0, noise_model="ols", mask_img=MASK),
        SecondLevelModel(smoothing_fwhm=5.0),
        NiftiMasker(MASK, detrend=True),
        NiftiSpheresMasker([(1, 1, 1)], 2.0),
        NiftiLabelsMasker(MASK, strategy="median"),
    ],
)
def test_estimators_are_cloned_and_known(estimator):
    again = clone(estimator)
    assert again is not estimator
    for name, value in estimator.get_params(deep=False).items():
        assert isinstance(value, nib.Nifti1Image) or getattr(again, name) == value
    with pytest.raises(SklearnNotFitted):
        check_is_fitted(again)
    assert not get_tags(again).input_tags.two_d_array
    assert again.set_output(transform="default") is again
    with pytest.raises(NotImplementedError, match="and no 'pandas'"):
        again.set_output(transform="pandas")
    with pytest.raises(NotImplementedError, match="routes no metadata"):
        again.get_metadata_routing()


@pytest.mark.parametrize(
    ("kind", "name", "meant"),
    [
        (FirstLevelModel, "tr", "t_r"),
        (FirstLevelModel, "noise_modell", "noise_model"),
        (SecondLevelModel, "mask", "mask_img"),
        (NiftiMasker, "Mask_Img", "mask_img"),
        (NiftiSpheresMasker, "seed", "seeds"),
    ],
)
def test_a_misspelt_argument_is_told_with_the_one_that_was_meant(kind, name, meant):
    with pytest.raises(TypeError, match=f"^{kind.__name__} has no argument '{name}'; did you mean '{meant}'\\?$"):
        kind(**{name: 2.0})
    with pytest.raises(TypeError, match=f"^{kind.__name__} has no argument 'zzz'$"):
        kind(zzz=1)


def test_a_constructor_is_known_by_its_arguments():
    """Also before Python 3.11, and of a class that takes more than it names."""

    class Mine(FirstLevelModel):
        def __init__(self, t_r=None, **others):
            super().__init__(t_r, **others)

    assert list(signature(FirstLevelModel).parameters) == list(signature(FirstLevelModel.__init__).parameters)[1:]
    assert list(signature(Mine).parameters) == ["t_r", "others"]
    assert Mine(2.0, high_pass=0.02).high_pass == 0.02


def test_what_is_fitted_is_known(img):
    design = pd.DataFrame({"task": np.arange(30) % 2, "constant": 1.0})
    maps = [nib.Nifti1Image(img.get_fdata()[..., i], np.eye(4)) for i in range(6)]
    for fitted in (
        FirstLevelModel(mask_img=MASK).fit(img, design_matrices=design),
        SecondLevelModel(mask_img=MASK).fit(maps),
        NiftiMasker(MASK).fit(),
    ):
        check_is_fitted(fitted)


def test_a_masker_stands_in_a_pipeline(img):
    labels = np.arange(30) % 2
    data = img.get_fdata()
    data[:2, ..., labels == 1] += 5
    run = nib.Nifti1Image(data, np.eye(4))
    pipeline = make_pipeline(NiftiMasker(MASK, standardize="zscore_sample"), RidgeClassifier())
    assert clone(pipeline).fit(run, labels).score(run, labels) == 1
