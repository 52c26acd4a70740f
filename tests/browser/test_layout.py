"""The explorer fits the screens of laptops: what belongs together is in view together, and nothing jumps."""

import pytest

# Part of the explorer's area that is the map, at least.
SIZES = {(1280, 660): 0.3, (1280, 720): 0.3, (1440, 800): 1 / 3, (1440, 900): 1 / 3, (1920, 1080): 1 / 3}

# Whether each part of the explorer lies wholly in the notebook's panel, and how tall things are.
MEASURE = """() => {
  const outer = document.querySelector('.jp-WindowedPanel-outer');
  const explorer = document.querySelector('.glmw-explorer');
  explorer.scrollIntoView({ block: 'start' });
  const room = outer.getBoundingClientRect(), box = explorer.getBoundingClientRect();
  const inside = (el) => {
    const part = el?.getBoundingClientRect();
    if (!part?.height) return false;
    const at = document.elementFromPoint(part.x + part.width / 2, part.y + part.height / 2);
    return part.top >= box.top - 1 && part.bottom <= Math.min(box.bottom, room.bottom) + 1 && el.contains(at);
  };
  const of = (query) => explorer.querySelector(query);
  const rows = [...explorer.querySelectorAll('.glmw-clusters tbody tr')];
  const map = of('.glmw-slices').getBoundingClientRect();
  return {
    room: outer.clientHeight, explorer: box.height, map: map.height, top: map.top - box.top,
    area: map.width * map.height / (box.width * box.height),
    clipped: [...explorer.querySelectorAll(
      '.glmw-threshold-row input, .glmw-clusters, .glmw-contrast-said .widget-html-content'
    )].filter((el) => el.scrollWidth > el.clientWidth + 1
      || (!el.matches('.glmw-clusters, input') && el.scrollHeight > el.clientHeight + 1)).map((el) => el.className),
    contrast: inside(of('.glmw-contrast-row input')),
    canvas: inside(of('.glmw-slices canvas')),
    threshold: inside(of('.glmw-threshold-row .glmw-slider canvas')),
    series: inside(of('.glmw-series-body canvas')),
    status: inside(of('.glmw-status .glmw-words')),
    clusters: rows.filter(inside).length,
  };
}"""
PARTS = ("contrast", "canvas", "threshold", "series", "status")


def open_cells(visloc_dir):
    stem = str(visloc_dir / "sub-02_task-oneback_run-1_")
    return [
        "import glmwidgets as gw\n"
        f"ex = gw.explore({stem + 'bold.nii.gz'!r}, events={stem + 'events.tsv'!r}, t_r=2.0,\n"
        "                settings={'contrast.expression': 'face - house', 'data.smoothing_fwhm': 5.0})\n"
        "ex"
    ]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_everything_of_the_loop_is_in_view_together(notebook, page, visloc_dir, settle, ask, screenshot, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    notebook(open_cells(visloc_dir))
    settle(page, 600)
    screenshot(page, f"layout_{size[0]}x{size[1]}")

    def check(after, map_stays=True):
        found = page.evaluate(MEASURE)
        assert found["explorer"] <= found["room"], (after, found)
        assert all(found[part] for part in PARTS), (after, found)
        assert found["clusters"] >= 5, (after, found)
        assert found["map"] >= 0.3 * found["explorer"], (after, found)
        assert found["clipped"] == [], (after, found)
        if map_stays:
            assert abs(found["top"] - first["top"]) < 1, (after, found)
        return found

    first = page.evaluate(MEASURE)
    assert check("opening")["area"] >= SIZES[size], first
    contrast = page.locator(".glmw-contrast-row input")
    contrast.fill("face - hous")
    settle_error(page)
    check("a name that is half typed")
    contrast.fill("face - house")
    settle(page)
    for title in ("Noise", "Design"):
        head = page.locator(".glmw-left .glmw-head", has_text=title)
        assert head.get_attribute("aria-expanded") == "false"
        head.focus()
        head.press("Enter")
        assert head.get_attribute("aria-expanded") == "true"
    check("unfolding")
    page.locator(".glmw-tabs").get_by_text("Event average").first.click()
    settle(page)
    check("event averages")
    ask(page, "ex.session.update({'threshold.height_control': 'fdr', 'threshold.alpha': 0.2})")
    settle(page)
    check("many clusters")


def test_map_or_series_alone_and_the_handle_between_them(notebook, page, visloc_dir, settle, ask, screenshot):
    page.set_viewport_size({"width": 1440, "height": 900})
    notebook(open_cells(visloc_dir))
    settle(page, 600)
    canvas, chart = page.locator(".glmw-slices canvas").first, page.locator(".glmw-series-body canvas").first

    def size(of):
        return {name: of.bounding_box()[name] for name in ("width", "height")}

    shared, plots = size(canvas), size(chart)
    canvas.click()
    page.keyboard.press("b")
    settle(page, 500)
    screenshot(page, "layout_map_alone")
    large = size(canvas)
    assert large["width"] * large["height"] > 2 * shared["width"] * shared["height"]
    assert not chart.is_visible()
    assert page.evaluate(MEASURE)["explorer"] <= page.evaluate(MEASURE)["room"]
    assert ask(page, "print(ex.session.settings.map.room)") == "map"
    page.keyboard.press("Escape")
    settle(page, 500)
    assert size(canvas) == shared
    page.keyboard.press("B")
    settle(page, 500)
    assert size(chart)["height"] > 3 * plots["height"]
    assert not canvas.is_visible()
    ask(page, "ex.session.undo()")
    settle(page, 500)
    assert size(chart) == plots

    handle = page.locator(".glmw-handle").bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + 4
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 80, steps=8)
    page.mouse.up()
    settle(page, 500)
    assert abs(size(chart)["height"] - plots["height"] - 80) < 4
    assert float(ask(page, "print(ex.session.settings.series.height)")) > 0.2
    page.locator(".glmw-handle").dblclick()
    settle(page, 500)
    assert size(chart) == plots

    # At 150 % the columns scroll together: the map is in view at once, head and status line always.
    page.set_viewport_size({"width": 960, "height": 600})
    settle(page, 600)
    screenshot(page, "layout_150_percent")
    for scrolled in (0, 10_000):
        page.locator(".glmw-columns").first.evaluate("(el, to) => { el.scrollTop = to; }", scrolled)
        found = page.evaluate(MEASURE)
        assert found["explorer"] <= found["room"], (scrolled, found)
        assert found["status"], (scrolled, found)
    assert page.locator(".glmw-top").first.bounding_box()["height"] < 30


def settle_error(page):
    page.wait_for_function("() => document.querySelector('.glmw-status .glmw-failed') !== null")


def test_keys_beside_the_map_stay_in_the_explorer(notebook, visloc_dir, settle):
    page = notebook([*open_cells(visloc_dir), "1 + 1"])
    settle(page)
    cells = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"
    there = page.evaluate(cells)
    places = (
        ".glmw-right tbody tr",
        ".glmw-chips button",
        ".glmw-centre .glmw-tabs .widget-toggle-button",
        ".glmw-head-line .glmw-top",
        ".glmw-left .glmw-title",
        ".glmw-left input[type=checkbox]",
        ".glmw-right .glmw-values",
        ".glmw-map-choices select",
    )
    for place in places:
        page.locator(place).first.click()
        for key in ("x", "y", "z"):
            page.keyboard.press(key)
        assert page.evaluate(cells) == there, place


def test_a_saved_explorer_opens_without_a_kernel(notebook, visloc_dir, settle, ask):
    page = notebook(open_cells(visloc_dir))
    settle(page)
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    banner = """() => getComputedStyle(document.querySelector('.glmw-explorer'), '::before').content"""
    page.wait_for_function(f"() => /Without a kernel/.test(({banner})())")
    icons = """() => [...document.querySelectorAll('.glmw .jupyter-widgets-disconnected')]
      .filter((el) => !el.matches('.glmw-explorer') && getComputedStyle(el, '::before').display !== 'none').length"""
    assert page.evaluate(icons) == 0
