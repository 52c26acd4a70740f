"""A group of 30 maps of 50,000 voxels: fit, contrast, and what a person waits for in the explorer.

    python -m benchmarks.group

The reference is timed from the same images, in the same process and in turns; medians.
"""

from __future__ import annotations

import warnings

import nibabel as nib
import numpy as np
import pandas as pd

from benchmarks.table import Row, medians, render

N_MAPS, SHAPE = 30, (40, 50, 25)


def group(seed: int = 0) -> tuple[list[nib.Nifti1Image], nib.Nifti1Image, pd.DataFrame]:
    """Maps of noise, a mask of every voxel, and a covariate."""
    rng = np.random.default_rng(seed)
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    maps = [nib.Nifti1Image(rng.standard_normal(SHAPE).astype(np.float32), affine) for _ in range(N_MAPS)]
    table = pd.DataFrame({"age": rng.normal(40, 10, N_MAPS), "score": rng.normal(100, 15, N_MAPS)})
    return maps, nib.Nifti1Image(np.ones(SHAPE, np.uint8), affine), table


def rows(repeats: int = 9) -> list[Row]:
    """Time every step."""
    from nilearn.glm.second_level import SecondLevelModel as Reference

    from glmwidgets.glm.group.fit import fit_group, group_contrast
    from glmwidgets.models.second_level import SecondLevelModel
    from glmwidgets.session.group.data import open_group
    from glmwidgets.session.group.session import GroupSession

    maps, mask, table = group()
    values = np.stack([img.get_fdata(dtype=np.float32).ravel() for img in maps])
    designs = [table.assign(intercept=1.0)[[name, "intercept"]] for name in table]
    fits = [fit_group(values, design) for design in designs]
    session = GroupSession(open_group(maps, table, mask=mask), synchronous=True)
    session.refresh()

    def theirs(k: int) -> None:
        model = Reference(mask_img=mask).fit(maps, design_matrix=designs[k % 2])
        model.compute_contrast([1, 0])

    def ours(k: int) -> None:
        SecondLevelModel(mask_img=mask).fit(maps, design_matrix=designs[k % 2]).compute_contrast([1, 0])

    def change(k: int) -> None:
        # Another centring each time, so that nothing is kept from before.
        cells = session.settings.table.with_cell(k % N_MAPS, 0, f"{40 + k / 7:.3f}")
        session.update({"table.cells": cells, "design.terms": ("age",), "contrast.expression": "age"})

    fit, contrast, live = medians(
        lambda k: fit_group(values, designs[k % 2]),
        lambda k: group_contrast(fits[k % 2], [1, 0]).z_score(),
        change,
        repeats=repeats,
    )
    whole, reference = medians(ours, theirs, repeats=min(repeats, 3))
    return [
        Row("fit of 30 × 50,000 values", fit, None, None, "< 50 ms"),
        Row("one more contrast, to z", contrast),
        Row("a cell of the table typed, to map and clusters", live),
        Row("images to a z map", whole, reference),
    ]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(render(rows()))
