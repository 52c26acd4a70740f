"""The tour at the first opening: five steps, each pointing at a part of the explorer."""

#: Steps in their order: a selector of what is pointed at, a title and a sentence or two.
TOUR = [
    {
        "at": ".glmw-contrast-row",
        "title": "Ask a question",
        "words": "Type a contrast, such as face - house. The map answers while you type.",
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
