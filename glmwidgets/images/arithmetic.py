"""Arithmetic of images from a formula that is read, never evaluated as Python; and thresholds of a map.

A formula may hold the names of its images, numbers, `+ - * / // % **`, comparisons, `&`, `|`, `~`, slices, and the
functions of `FUNCTIONS`, as `np.name(...)` or `name(...)`. Anything else is refused by name.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

import nibabel as nib
import numpy as np
from scipy import ndimage

from glmwidgets.glm.choices import nearest
from glmwidgets.glm.errors import InputError
from glmwidgets.images.grids import grid_difference
from glmwidgets.images.load import ImageLike, image_data, image_name, load_image
from glmwidgets.images.mask import match_mask
from glmwidgets.images.new import image_like

_NAMES = """
abs absolute all any around average ceil clip cos cumsum diff divide equal exp expm1 fabs float32 float64 floor fmax
fmin greater greater_equal isfinite isinf isnan less less_equal log log10 log1p log2 logical_and logical_not logical_or
logical_xor max maximum mean median min minimum mod multiply nan_to_num nanmax nanmean nanmedian nanmin nanstd nansum
nanvar negative not_equal percentile power prod ptp quantile rint round sign sin sqrt square std subtract sum tan tanh
true_divide var where
"""

#: Functions that a formula may call, by their name in numpy.
FUNCTIONS: dict[str, Callable[..., Any]] = {name: getattr(np, name) for name in _NAMES.split()}

# Numbers that a formula may name.
_CONSTANTS = {"pi": np.pi, "e": np.e, "inf": np.inf, "nan": np.nan, "newaxis": None}

_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}

MOST_CHARACTERS = 10_000


def math_img(formula: str, copy_header_from: str | None = None, **imgs: ImageLike) -> nib.Nifti1Image:
    """Compute an image from others.

    Parameters
    ----------
    formula : str
        Such as ``"img1 - img2"`` or ``"-np.log10(np.minimum(1, img * 1000))"``; it is parsed, never run as Python.
    copy_header_from : str, optional
        Name of the image whose place and time step are taken; by default the first.
    **imgs : images or paths
        Under the names that the formula uses, all on one grid.

    Returns
    -------
    Nifti1Image

    Raises
    ------
    InputError
        If the formula cannot be read, names what is not there, or does not give one value a voxel; if grids differ.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.array([[[1.0, 2.0]]]), np.eye(4))
    >>> math_img("np.maximum(img, 1.5) * 2", img=img).get_fdata().ravel().tolist()
    [3.0, 4.0]
    >>> math_img("img > 1", img=img).get_fdata().ravel().tolist()
    [0.0, 1.0]
    >>> math_img("__import__('os')", img=img)
    Traceback (most recent call last):
    glmwidgets.glm.errors.InputError: a formula of images cannot call ...
    """
    if not imgs:
        raise InputError("a formula of images needs at least one image", advice='name it: math_img("img * 2", img=img)')
    opened = {name: load_image(img) for name, img in imgs.items()}
    if copy_header_from is not None and copy_header_from not in opened:
        raise InputError(f"copy_header_from is one of {', '.join(opened)}, not {copy_header_from!r}")
    first = opened[copy_header_from or next(iter(opened))]
    for name, img in opened.items():
        if (difference := grid_difference(img, first)) is not None:
            raise InputError(
                f"{name} ({image_name(imgs[name])}) and the first image lie on different grids: {difference}"
            )
    values = _computed(formula, {name: image_data(img) for name, img in opened.items()})
    if not isinstance(values, np.ndarray) or values.ndim < 3 or values.shape[:3] != first.shape[:3]:
        raise InputError(f"the formula {formula!r} gives no value for each voxel, but one of shape {np.shape(values)}")
    return image_like(values, first)


def _computed(formula: str, arrays: dict[str, np.ndarray]) -> Any:
    if len(formula) > MOST_CHARACTERS:
        raise InputError(f"a formula of {len(formula)} characters is too long: {MOST_CHARACTERS} are allowed")
    try:
        tree = ast.parse(formula.strip(), mode="eval").body
        return _value(tree, arrays)
    except (SyntaxError, RecursionError, MemoryError) as error:
        why = getattr(error, "msg", None) or "it is nested too deeply"
        raise InputError(f"cannot read the formula {formula[:200]!r}: {why}") from None
    except InputError:
        raise
    except (TypeError, ValueError, IndexError, OverflowError, ZeroDivisionError) as error:
        raise InputError(f"cannot compute {formula[:200]!r}: {error}") from None


def _value(node: ast.AST, arrays: dict[str, np.ndarray]) -> Any:
    """Value of a part of a formula."""

    def of(part: ast.AST | None) -> Any:
        return None if part is None else _value(part, arrays)

    match node:
        case ast.Constant(value=value) if value is Ellipsis or isinstance(value, int | float | None | bool):
            return value
        case ast.Name(id=name):
            return _named(name, arrays)
        case ast.Attribute(value=ast.Name(id="np" | "numpy"), attr=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](of(operand))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _binary(op, of(left), of(right))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](of(left), of(right))
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return tuple(of(part) for part in parts)
        case ast.Slice(lower=lower, upper=upper, step=step):
            return slice(of(lower), of(upper), of(step))
        case ast.Subscript(value=value, slice=index):
            return of(value)[of(index)]
        case ast.Call(func=function, args=args, keywords=keywords):
            called = _function(function)
            return called(*map(of, args), **{k.arg: of(k.value) for k in keywords if k.arg is not None})
    raise InputError(
        f"a formula of images cannot hold {ast.unparse(node)[:80]!r}: it may hold numbers, the names of its images, "
        "arithmetic, comparisons and functions of numpy"
    )


def _binary(op: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(op, ast.Pow) and not isinstance(left, np.ndarray) and not isinstance(right, np.ndarray):
        left = float(left)  # whole numbers could become so large that memory ends
    return _OPERATORS[type(op)](left, right)


def _named(name: str, arrays: dict[str, np.ndarray]) -> Any:
    if name in arrays:
        return arrays[name]
    if name in _CONSTANTS:
        return _CONSTANTS[name]
    meant = nearest(name, arrays)
    raise InputError(
        f"the formula names {name!r}, and the images are {', '.join(arrays)}" + (f"; meant {meant!r}?" if meant else "")
    )


def _function(node: ast.AST) -> Callable[..., Any]:
    match node:
        case ast.Attribute(value=ast.Name(id="np" | "numpy"), attr=name) | ast.Name(id=name):
            if name in FUNCTIONS:
                return FUNCTIONS[name]
            raise InputError(f"a formula of images cannot call {name!r}; known are numpy's {', '.join(FUNCTIONS)}")
    raise InputError(f"a formula of images cannot call {ast.unparse(node)[:80]!r}; known are functions of numpy")


# Thresholds -----------------------------------------------------------------------------------------------------------


def threshold_img(
    img: ImageLike,
    threshold: float | str,
    cluster_threshold: int = 0,
    two_sided: bool = True,
    mask_img: ImageLike | None = None,
    copy: bool = True,
    copy_header: bool = True,
) -> nib.Nifti1Image:
    """Set to zero what does not reach a threshold.

    Parameters
    ----------
    img : image or path
        3-D or 4-D.
    threshold : float or str
        A height that values must exceed, or the share of values that do not exceed it, ``"80%"``: of their
        sizes, or of those that are not negative if one-sided.
    cluster_threshold : int
        Clusters of fewer voxels, which touch by their faces, are taken out as well.
    two_sided : bool
        Whether negative values below minus the height stay.
    mask_img : image or path, optional
        Values outside become zero.
    copy, copy_header : bool
        Accepted: a new image is always made.

    Returns
    -------
    Nifti1Image

    Raises
    ------
    ValueError
        If the threshold is negative where both signs are looked at, or no number and no percentage.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.array([[[-3.0, 0.5, 2.0, 4.0]]]), np.eye(4))
    >>> threshold_img(img, 1.0).get_fdata().ravel().tolist()
    [-3.0, 0.0, 2.0, 4.0]
    >>> threshold_img(img, 1.0, cluster_threshold=2, two_sided=False).get_fdata().ravel().tolist()
    [0.0, 0.0, 2.0, 4.0]
    """
    opened = load_image(img)
    data = np.nan_to_num(image_data(opened).astype(np.float64), posinf=np.inf, neginf=-np.inf)
    if mask_img is not None:
        data[~match_mask(mask_img, opened)] = 0
    height = _height(threshold, data, two_sided)
    if two_sided and height < 0:
        raise ValueError(f"a two-sided threshold cannot be {height:g}: it is compared with the size of values")
    volumes = data.reshape(*data.shape[:3], -1)
    for t in range(volumes.shape[3]):
        volume = volumes[..., t]
        parts = [volume > height, volume < -height] if two_sided else [volume > height]
        volume[~np.any([_large(part, cluster_threshold) for part in parts], axis=0)] = 0
    return image_like(volumes.reshape(data.shape), opened)


def _height(threshold: float | str, data: np.ndarray, two_sided: bool) -> float:
    if not isinstance(threshold, str):
        return float(threshold)
    try:
        percent = float(threshold.strip().removesuffix("%"))
    except ValueError:
        percent = np.nan
    if not threshold.strip().endswith("%") or not 0 <= percent <= 100:
        raise ValueError(f'a threshold is a number or a percentage such as "80%", not {threshold!r}')
    values = np.abs(data).ravel() if two_sided else data[data >= 0]
    return float(np.percentile(values, percent)) if values.size else 0.0


def _large(part: np.ndarray, least: int) -> np.ndarray:
    """Voxels of clusters of at least so many."""
    if least <= 1:
        return part
    labels, _ = ndimage.label(part)
    counts = np.bincount(labels.ravel())
    counts[0] = 0
    return (counts >= least)[labels]


def binarize_img(
    img: ImageLike,
    threshold: float | str = 0.0,
    mask_img: ImageLike | None = None,
    two_sided: bool = False,
    copy_header: bool = True,
) -> nib.Nifti1Image:
    """Image of ones where a map exceeds a threshold, and zeros elsewhere.

    Parameters
    ----------
    img, threshold, mask_img, two_sided, copy_header
        As in `threshold_img`.

    Returns
    -------
    Nifti1Image
        Of uint8.

    Examples
    --------
    >>> binarize_img(nib.Nifti1Image(np.array([[[-3.0, 0.5]]]), np.eye(4)), 0.2).get_fdata().ravel().tolist()
    [0.0, 1.0]
    """
    kept = threshold_img(img, threshold, two_sided=two_sided, mask_img=mask_img)
    return image_like(kept.get_fdata() != 0, kept)
