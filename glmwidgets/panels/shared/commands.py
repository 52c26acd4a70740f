"""Everything the search of an explorer finds: settings, verdicts, panels, clusters, contrasts, lessons, and exports.

All of it is read from the tables of choices and the metadata of the settings when it is asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from glmwidgets.analysis.proposals import is_contrast, simple_contrasts
from glmwidgets.datasets.atlases import atlas_file
from glmwidgets.panels.parts.search import Entry, search
from glmwidgets.panels.shared.actions import actions_of
from glmwidgets.panels.shared.base import Panel
from glmwidgets.regions.named import kept_atlas
from glmwidgets.report.figures.style import write_number
from glmwidgets.session.core.lessons import LESSONS
from glmwidgets.session.core.reasons import REASONS
from glmwidgets.specification.field import Field, number_in
from glmwidgets.specification.offers import is_number, offers_of, read_value, stepped
from glmwidgets.specification.search import in_words, is_searched, label_at

if TYPE_CHECKING:
    from glmwidgets.panels.shared.explorer import SessionExplorer
    from glmwidgets.regions.atlas import Atlas

# Beyond so many effects their differences are typed.
MOST_EFFECTS = 12
MOST_CLUSTERS = 60

# Numbers of regions that are offered; the command line and Python have them all.
SCHAEFER_OFFERED = (100, 200, 400, 1000)

# Settings whose control does more than set them: a threshold brings its own alpha, another statistic its own colours.
CONTROLS = {
    "threshold.height_control": ("map", "method"),
    "map.statistic": ("map", "statistic"),
    "design.hrf_model": ("hrf", "model"),
}

# Groups of settings that are no choices: which data are looked at.
GIVEN = ("inputs",)

_BETWEEN = ((r"\b(?:minus|versus|vs|against|over)\b", "-"), (r"\b(?:plus|and)\b", "+"))


@dataclass(frozen=True)
class Command(Entry):
    """What can be found and done.

    Attributes
    ----------
    kind : str
        What it is, in a word.
    hint : str
        Small type beside its title.
    act : callable
        Does it. Called with what was typed where it asks for a value.
    asks : str
        Path of the setting whose value has to be typed first; empty for none.

    Raises
    ------
    SettingsError
        By ``act``, if the value is refused; the hint says why before.
    """

    kind: str = ""
    hint: str = ""
    act: Callable[..., Any] | None = None
    asks: str = ""


def find(explorer: SessionExplorer, query: str, most: int = 12) -> list[Command]:
    """What a person probably means by some words.

    Parameters
    ----------
    explorer : SessionExplorer
    query : str
    most : int

    Returns
    -------
    list of Command
    """
    everything = {command.key: command for command in commands_of(explorer, query)}
    found = search(query, list(everything.values()), most)
    typed = _typed_contrast(explorer, query)
    return [
        *explorer.named(query),
        *([typed] if typed else []),
        *(each for each in found if not typed or each.key != typed.key),
    ][:most]


def commands_of(explorer: SessionExplorer, query: str = "") -> Iterator[Command]:
    """Everything that can be found, with values for the numbers of what is typed."""
    yield from _actions(explorer)
    yield from _contrasts(explorer)
    yield from _reasons(explorer)
    yield from _kept(explorer)
    yield from _panels(explorer)
    yield from _clusters(explorer)
    yield from _regions(explorer)
    yield from _atlases(explorer)
    yield from _settings(explorer, query)
    yield from _lessons(explorer)


def _actions(explorer: SessionExplorer) -> Iterator[Command]:
    for name, row in actions_of(explorer).items():
        hint, act = " or ".join(row.keys), partial(row.act, explorer)
        yield Command(f"do {name}", row.label, row.also, kind="action", hint=hint, act=act)


def _reasons(explorer: SessionExplorer) -> Iterator[Command]:
    there = explorer.session.settings.paths()
    for name, row in REASONS.items():
        if row.of and row.of not in there:
            continue
        also, act = (*row.also, f"why {name}"), partial(explorer.show_why, name)
        yield Command(f"why {name}", row.title, also, rank=0.05, kind="why?", act=act)


def panels_of(explorer: SessionExplorer) -> dict[str, Panel]:
    """Panels of an explorer, by the name of its attribute."""
    return {
        name: value for name, value in vars(explorer).items() if isinstance(value, Panel) and not name.startswith("_")
    }


def _panels(explorer: SessionExplorer) -> Iterator[Command]:
    for name, panel in panels_of(explorer).items():
        also, act = (f"{panel.called} panel", *panel.also), partial(explorer.reveal, name)
        yield Command(f"panel {name}", panel.called, also, rank=0.1, kind="panel", act=act)


def _kept(explorer: SessionExplorer) -> Iterator[Command]:
    for name, row in explorer.keeping.items():
        also, act = (f"save {row.label}", f"download {row.label}", *row.also), partial(explorer.keep, name)
        yield Command(f"keep {name}", f"Keep {row.label}", also, rank=0.1, kind="keep", hint=row.ending, act=act)


def _clusters(explorer: SessionExplorer) -> Iterator[Command]:
    clusters = explorer.session.clusters
    for cluster in [] if clusters is None else clusters.found[:MOST_CLUSTERS]:
        peak = cluster.peaks[0]
        place = ", ".join(f"{mm:.0f}".replace("-", "−") for mm in peak.xyz)
        number, hint = cluster.label, f"z {write_number(peak.stat)} at {place} mm"
        act = partial(explorer.clusters.go_to, number)
        yield Command(f"cluster {number}", f"Cluster {number}", rank=0.1, kind="cluster", hint=hint, act=act)


@lru_cache(maxsize=1)
def _labels(atlas: Atlas) -> list[tuple[str, int]]:
    return [(atlas.table.named(label.value), label.value) for label in atlas.regions()]


def _regions(explorer: SessionExplorer) -> Iterator[Command]:
    """Regions of interest, and those of the atlas that is set: to be looked at, and to be searched."""
    session, own = explorer.session, getattr(explorer.session.settings, "regions", None)
    path = session.settings.threshold.atlas

    def place(found: str) -> str:
        return in_words(found).removeprefix("within ")

    def search(name: str, found: str) -> Command:
        title, also = f"Search in {name}", (f"small volume {name}",)
        act = partial(session.update, {"threshold.search": found})
        return Command(f"search in {name}", title, also, rank=0.15, kind="region", hint=place(found), act=act)

    for name, found in {} if own is None else own.listed.items():
        also, shown = ("region of interest", "roi"), {"regions.shown": name, "series.place": "region"}
        act = partial(session.update, shown)
        yield Command(f"region {name}", f"Region {name}", also, rank=0.1, kind="region", hint=place(found), act=act)
        if is_searched(found):
            yield search(name, found)
    try:
        atlas = kept_atlas(path) if path else None
    except (OSError, ValueError):  # said where it is set
        return
    for name, value in [] if atlas is None else _labels(atlas):
        found = label_at(atlas, value, path)
        yield search(name, found)
        if own is not None:
            key, title, also = f"add region {name}", f"Region of interest: {name}", (f"roi {name}",)
            act = partial(session.region_of_interest, name, found)
            yield Command(key, title, also, rank=0.2, kind="region", hint=atlas.name, act=act)


def _atlases(explorer: SessionExplorer) -> Iterator[Command]:
    """Atlases that are downloaded where somebody asks for them, in the template that the run is in."""
    session = explorer.session

    def set_atlas(name: str) -> None:
        session.update({"threshold.atlas": atlas_file(name, session.analysis.space(session.settings))})

    for n in SCHAEFER_OFFERED:
        title, also = f"Atlas: Schaefer 2018, {n} regions", ("download an atlas", f"schaefer {n}")
        hint, act = "downloaded once; MIT licence", partial(set_atlas, f"schaefer:{n}")
        yield Command(f"atlas schaefer:{n}", title, also, rank=0.6, kind="atlas", hint=hint, act=act)


def _lessons(explorer: SessionExplorer) -> Iterator[Command]:
    for name, row in LESSONS.items():
        title, act = f"Lesson: {row.title}", partial(explorer.show_lesson, name)
        yield Command(f"lesson {name}", title, row.also, row.teaches, rank=0.6, kind="lesson", hint=name, act=act)


# Contrasts ------------------------------------------------------------------------------------------------------------


def _asked(explorer: SessionExplorer, key: str, title: str, expression: str) -> Command:
    act = partial(explorer.session.update, {"contrast.expression": expression})
    return Command(f"contrast {key}", title, (f"contrast {title}",), kind="contrast", act=act)


def _contrasts(explorer: SessionExplorer) -> Iterator[Command]:
    session = explorer.session
    effects = session.effects()
    if not effects:
        return
    for name, expression in simple_contrasts(effects, MOST_EFFECTS):
        yield _asked(explorer, name, name, expression)
    for place, (name, expression) in enumerate(session.settings.contrast.listed):
        if name:
            also, act = (f"contrast {name}",), partial(session.update, {"contrast.active": place})
            yield Command(f"listed {place}", name, also, kind="contrast", hint=expression, act=act)


def _typed_contrast(explorer: SessionExplorer, query: str) -> Command | None:
    """What is typed, where it is a contrast of the design's columns with more than a name in it."""
    result = explorer.session.result
    if result is None or not query.strip():
        return None
    expression = query.strip()
    for word, sign in _BETWEEN:
        expression = re.sub(word, sign, expression)
    if not re.search(r"[-+*;/]", expression):
        return None
    if not is_contrast(expression, [str(name) for name in result.design.columns]):
        return None
    return _asked(explorer, expression, expression, expression)


# Settings -------------------------------------------------------------------------------------------------------------


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _settings(explorer: SessionExplorer, query: str) -> Iterator[Command]:
    settings = explorer.session.settings
    kind = type(settings)
    number = re.search(r"[.]?\d.*", query)
    for path, field in kind.known().items():
        if path.partition(".")[0] in GIVEN:
            continue
        now, label = settings.get(path), _capital(field.label)
        # What has no effect under the other settings comes last.
        idle = field.lacking(settings)
        rank = 1.0 if idle else 0.0
        why = f"has no effect: it is for {kind.field(idle[0].path).label}: {idle[0].words}" if idle else ""

        def command(key: str, title: str, also: tuple[str, ...], more: float, **what: Any) -> Command:
            return Command(key, title, also, rank=rank + more, kind="setting", **{"hint": why, **what})  # noqa: B023

        values = {json.dumps(offer.value): offer for offer in offers_of(path, kind)}
        for written, offer in values.items():
            here = offer.value == now
            near = isinstance(now, str) and isinstance(offer.value, str) and offer.value.startswith(now)
            yield command(
                f"{path} = {written}",
                f"{label}: {offer.label}",
                (*offer.also, *field.also, *_of_a_switch(field, offer.value)),
                # What is switched by its name alone is switched to what it is not.
                0.5 if here and not isinstance(now, str) else 0.18 if near else 0.2,
                about=offer.about,
                hint="now" if here else why,
                act=partial(_set, explorer, path, offer.value),
            )
        for up, phrases, word in ((True, field.more, "more"), (False, field.less, "less")):
            after = stepped(field, now, up)
            if after is not None:
                yield command(
                    f"{word} {path}",
                    f"{label}: {word}",
                    (*phrases, *field.also, f"{'increase' if up else 'decrease'} {field.label}"),
                    0.35 if up else 0.4,
                    hint=f"{field.words(now)} → {field.words(after)}",
                    act=partial(_set, explorer, path, after),
                )
        if number and is_number(kind.hint(path)) and number_in(number[0]) is not None:
            value, refused = _read(path, number[0], kind)
            written = json.dumps(value)
            if written not in values:
                yield command(
                    f"{path} = {written}",
                    f"{label}: {field.words(value)}",
                    (f"{field.label} {number[0]}", *(f"{each} {number[0]}" for each in (*field.also, *field.more))),
                    0.25,
                    hint=why if refused is None else str(refused),
                    act=partial(_set, explorer, path, value, refused),
                )
        if not values or is_number(kind.hint(path)):
            yield command(
                f"type {path}",
                f"{label} …",
                field.also,
                0.3,
                hint=why or field.words(now)[:60],
                asks=path,
                act=lambda text, path=path: _set(explorer, path, read_value(path, text, kind)),
            )


def _of_a_switch(field: Field, value: Any) -> tuple[str, ...]:
    """Phrases that ask for a thing, or for the lack of it."""
    return {True: field.more, False: field.less}[value] if isinstance(value, bool) else ()


def _read(path: str, text: str, kind: Any) -> tuple[Any, ValueError | None]:
    """A typed number as a value of a setting, and why it cannot be one."""
    try:
        value = read_value(path, text, kind)
        kind.field(path).check(path, value)
    except ValueError as error:
        return number_in(text), error
    return value, None


def _set(explorer: SessionExplorer, path: str, value: Any, refused: ValueError | None = None) -> None:
    if refused is not None:
        raise refused
    panel, control = CONTROLS.get(path, ("", ""))
    found = getattr(getattr(explorer, panel, None), control, None)
    if found is not None and value in [each for _, each in found.options]:
        found.value = value
    else:
        explorer.session.update({path: value})
