"""The tour at the first opening: five steps, each pointing at a part of the explorer."""

from __future__ import annotations

from collections.abc import Sequence

from glmwidgets.analysis.proposals import example_contrast

# Steps in their order: a selector of what is pointed at, a title and a sentence or two.
_STEPS = [
    {
        "at": ".glmw-contrast-row",
        "title": "Ask a question",
        "words": "Type a contrast, such as {example}. The map answers while you type.",
    },
    {
        "at": ".glmw-slices",
        "title": "Look at the map",
        "words": "Click or drag to move the crosshair. Warm colours are above zero, cold ones below.",
    },
    {
        "at": ".glmw-threshold-row",
        "title": "Move the threshold",
        "words": "Drag it: p, q and the table of clusters follow. Below it the map fades instead of vanishing.",
    },
    {
        "at": ".glmw-left",
        "title": "Change the model",
        "words": "Response, drift, noise: click a heading to open it. Small type is the verdict; ? says why.",
    },
    {
        "at": ".glmw-guide",
        "title": "Find and keep",
        "words": "Search sets, shows and explains everything, without a mouse. Keep writes reports, maps, scripts. "
        "Press ? for the keys.",
    },
]


def tour(conditions: Sequence[str] = ()) -> list[dict[str, str]]:
    """The steps of the tour, with a contrast that can be typed here.

    Parameters
    ----------
    conditions : sequence of str
        Event types of the run.

    Returns
    -------
    list of dict
        Each with a selector of what is pointed at (``at``), a ``title`` and ``words``.

    Examples
    --------
    >>> tour(["left hand", "rest", "right"])[0]["words"]
    'Type a contrast, such as "left hand" - rest. The map answers while you type.'
    """
    example = example_contrast(conditions)
    return [step | {"words": step["words"].replace("{example}", example)} for step in _STEPS]
