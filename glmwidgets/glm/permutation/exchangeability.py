"""What may be rearranged when the null hypothesis holds: sign flips, permutations and exchangeability blocks.

A rearrangement multiplies the rows of the errors by signs or exchanges them; it is applied to the design instead of
to the data, ``D* = s D[order]``, which gives the same statistics and costs nothing.

With a contrast written as tested part and nuisance part, ``X beta = U phi + Z gamma``
(`glmwidgets.glm.fit.partition`), the residuals of Z are what the null hypothesis calls exchangeable (Freedman & Lane
1983; Winkler et al. 2014, NeuroImage 92:381-397).

Which rearrangement is right depends on the hypothesis, not on the columns that happen to be in the design. If the
tested part carries some of the mean (``U'1 != 0``: a one-sample test, the mean of one group, an intercept adjusted
for covariates), exchanging subjects says nothing about it and the errors are assumed symmetric: their signs are
flipped. If the tested part is free of the mean (a slope, a difference), the errors are assumed exchangeable and are
permuted.
"""

from __future__ import annotations

import itertools
import math
import numbers
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.fit.partition import TOLERANCE, Hypothesis
from glmwidgets.plural import count

SCHEMES = ("sign_flip", "permutation")


def choose_scheme(hypothesis: Hypothesis) -> str:
    """Name the rearrangement that a hypothesis calls for: sign flips if it is about a mean, else permutations.

    Parameters
    ----------
    hypothesis : Hypothesis

    Returns
    -------
    {"sign_flip", "permutation"}

    Examples
    --------
    >>> from glmwidgets.glm.fit.partition import partition
    >>> age = [-1.0, 0.0, 2.0, 3.0]
    >>> design = np.column_stack([np.ones(4), age])
    >>> choose_scheme(partition(design, [1, 0])), choose_scheme(partition(design, [0, 1]))
    ('sign_flip', 'permutation')
    """
    mean_part = np.linalg.norm(hypothesis.tested.sum(axis=0)) / np.sqrt(len(hypothesis.tested))
    return "sign_flip" if mean_part > TOLERANCE else "permutation"


@dataclass(frozen=True)
class Rearrangements:
    """A list of sign flips or permutations; the one that changes nothing is not among an exact list.

    Attributes
    ----------
    rows : array of shape (n_rearrangements, n)
        Signs (int8) of a sign flip, or row indices of a permutation.
    scheme : {"sign_flip", "permutation"}
    exact : bool
        Whether these are all distinct rearrangements there are.
    """

    rows: np.ndarray
    scheme: str
    exact: bool = False

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, part: slice) -> Rearrangements:
        return Rearrangements(self.rows[part], self.scheme, self.exact)

    def apply(self, columns: np.ndarray) -> np.ndarray:
        """Rearrange the rows of (n, k) columns in every way: shape (n_rearrangements, k, n)."""
        if self.scheme == "sign_flip":
            return np.multiply(self.rows[:, None, :], columns.T, order="C")
        return np.ascontiguousarray(columns[self.rows].swapaxes(1, 2))


def draw_rearrangements(
    hypothesis: Hypothesis,
    n_perm: int,
    *,
    scheme: str = "auto",
    blocks: Sequence[object] | np.ndarray | None = None,
    exchange: str = "within",
    seed: int | np.random.SeedSequence | None = None,
) -> Rearrangements:
    """Draw rearrangements of the rows, or list all of them when there are no more than were asked for.

    The draws are independent and uniform; a longer list from the same seed begins with the shorter one. Two
    permutations that put equal rows of the design in each other's place are the same and are counted once, so two
    groups of four have 70 rearrangements and not 40320.

    Parameters
    ----------
    hypothesis : Hypothesis
    n_perm : int
        How many, without the one that changes nothing.
    scheme : {"auto", "sign_flip", "permutation"}
        "auto" asks `choose_scheme`.
    blocks : sequence of n labels, optional
        Exchangeability blocks: rows with the same label belong together (a subject with several maps, a family).
    exchange : {"within", "whole"}
        "within": rows are permuted inside their block only, signs are flipped row by row. "whole": blocks change
        places, and are flipped, as a whole; for permutations all must be of one size, their rows in the same order.
    seed : int or SeedSequence, optional

    Returns
    -------
    Rearrangements

    Raises
    ------
    ValueError
        If a name is unknown, the labels are not one a row, the blocks cannot change places, or nothing that
        is permuted changes the tested effect.
    """
    check_choice("scheme", scheme, ("auto", *SCHEMES))
    check_choice("exchange", exchange, ("within", "whole"))
    if isinstance(n_perm, bool) or not isinstance(n_perm, numbers.Integral) or n_perm < 1:
        raise ValueError(f"n_perm must be a whole number of at least 1, not {n_perm!r}")
    scheme = choose_scheme(hypothesis) if scheme == "auto" else scheme
    members = _block_members(blocks, len(hypothesis.tested))
    rng = np.random.default_rng(seed)
    if scheme == "sign_flip":
        units = members if exchange == "whole" and blocks is not None else [[row] for row in itertools.chain(*members)]
        return _sign_flips(units, n_perm, rng)
    if exchange == "whole" and blocks is not None:
        if len({len(rows) for rows in members}) > 1:
            raise ValueError("blocks that are exchanged as a whole must have the same number of rows each")
        groups = [np.array(members)]
    else:
        groups = [np.array(rows)[:, None] for rows in members]
    if np.linalg.norm(hypothesis.tested - _orbit_means(hypothesis.tested, groups)) < TOLERANCE:
        raise ValueError(
            "no permutation changes the tested effect: it is the same for all rows that may be exchanged. "
            "A mean is tested with scheme='sign_flip'; an effect between blocks with exchange='whole'"
        )
    return _permutations(np.hstack([hypothesis.tested, hypothesis.nuisance]), groups, n_perm, rng)


def moved_nuisance(hypothesis: Hypothesis, rearrangements: Rearrangements) -> np.ndarray:
    """Orthonormal columns of the nuisance part that the rearrangements change; shape (n, k <= m).

    What stays in place under all of them (the constant, the means of blocks) is orthogonal to the rearranged
    residuals for ever and needs no computing. Over B rearrangements ``sum |P_b Z g - Z g|^2 = 2 g'(B - Z'WZ)g`` with
    ``W = sum P_b``: its null vectors g are what does not move.
    """
    z = hypothesis.nuisance
    n, count = len(z), len(rearrangements)
    if rearrangements.scheme == "sign_flip":
        w = np.diag(rearrangements.rows.sum(axis=0, dtype=float))
    else:
        cells = np.arange(n) * n + rearrangements.rows
        w = np.bincount(cells.ravel(), minlength=n * n).reshape(n, n)
    overlap = z.T @ w @ z / count
    moved, mixing = np.linalg.eigh(np.eye(z.shape[1]) - (overlap + overlap.T) / 2)
    return z @ mixing[:, moved > TOLERANCE]


def _orbit_means(columns: np.ndarray, groups: Sequence[np.ndarray]) -> np.ndarray:
    """Replace every entry by the mean over the rows it may be exchanged with."""
    out = np.empty_like(columns)
    for units in groups:  # (n_units, rows in a unit): the j-th rows of all units are exchanged with each other
        out[units] = columns[units].mean(axis=0)
    return out


def _block_members(blocks: Sequence[object] | np.ndarray | None, n: int) -> list[list[int]]:
    """List the row numbers of every block, in order of appearance."""
    if blocks is None:
        return [list(range(n))]
    labels = list(blocks)
    if len(labels) != n:
        raise ValueError(f"{count(len(labels), 'block label')} for {n} maps")
    members: dict[object, list[int]] = {}
    for row, label in enumerate(labels):
        if label != label:  # NaN
            raise ValueError(f"the block label of row {row} is missing")
        members.setdefault(label, []).append(row)
    return list(members.values())


def _sign_flips(units: Sequence[Sequence[int]], n_perm: int, rng: np.random.Generator) -> Rearrangements:
    """Flip the signs of whole units, at random or in all ``2^n_units - 1`` ways."""
    n_units = len(units)
    exact = 2**n_units - 1 <= n_perm
    if exact:
        # The bits of 1 .. 2^n - 1; 0 would be the identity.
        bits = (np.arange(1, 2**n_units)[:, None] >> np.arange(n_units)) & 1
    else:
        bits = rng.integers(0, 2, size=(n_perm, n_units), dtype=np.int64)
    unit_of_row = np.empty(sum(map(len, units)), dtype=int)
    for index, rows in enumerate(units):
        unit_of_row[list(rows)] = index
    return Rearrangements((1 - 2 * bits)[:, unit_of_row].astype(np.int8), "sign_flip", exact)


def _permutations(
    design: np.ndarray, groups: Sequence[np.ndarray], n_perm: int, rng: np.random.Generator
) -> Rearrangements:
    """Exchange units inside each group, at random or in all distinct ways."""
    kinds = [_kinds_of_units(design, units) for units in groups]
    total = math.prod(_count_orders(kind) for kind in kinds)
    n = len(design)
    if total - 1 <= n_perm:
        orders = np.tile(np.arange(n), (total, 1))
        for row, choice in enumerate(itertools.product(*(list(_distinct_orders(kind)) for kind in kinds))):
            for units, order in zip(groups, choice, strict=True):
                orders[row, units] = units[list(order)]
        return Rearrangements(orders[1:], "permutation", True)  # the first is the identity
    orders = np.empty((n_perm, n), dtype=np.intp)
    # One random key a row, sorted inside each group: one call to the generator whatever the blocks are.
    keys = rng.random((n_perm, n))
    for units in groups:
        order = np.argsort(keys[:, units[:, 0]], axis=1)
        orders[:, units] = units[order]
    return Rearrangements(orders, "permutation", False)


def _kinds_of_units(design: np.ndarray, units: np.ndarray) -> list[int]:
    """Number the units so that two have the same number exactly if their rows of the design are equal."""
    rows = np.round(design[units].reshape(len(units), -1) / TOLERANCE) + 0.0
    return np.unique(rows, axis=0, return_inverse=True)[1].ravel().tolist()


def _count_orders(kinds: Sequence[int]) -> int:
    """Count the distinct orders of items of which some are equal: ``n! / prod(n_kind!)``."""
    out = math.factorial(len(kinds))
    for kind in set(kinds):
        out //= math.factorial(kinds.count(kind))
    return out


def _distinct_orders(kinds: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Generate one permutation of the items for each distinct order of their kinds, the identity first.

    >>> list(_distinct_orders([0, 0, 1]))
    [(0, 1, 2), (0, 2, 1), (2, 0, 1)]
    """
    spare = {kind: [item for item, k in enumerate(kinds) if k == kind] for kind in dict.fromkeys(kinds)}

    def extend(order: tuple[int, ...], used: dict[int, int]) -> Iterator[tuple[int, ...]]:
        if len(order) == len(kinds):
            yield order
            return
        # The kind that stands here already comes first, which makes the first order of all the identity.
        here = kinds[len(order)]
        for kind in sorted(spare, key=lambda k: k != here):
            if used[kind] < len(spare[kind]):
                yield from extend((*order, spare[kind][used[kind]]), {**used, kind: used[kind] + 1})

    yield from extend((), dict.fromkeys(spare, 0))
