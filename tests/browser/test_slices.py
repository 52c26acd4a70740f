"""The slice viewer as a person meets it: seen pixels, real mouse, real keys, in JupyterLab."""

import json

import numpy as np
import pytest
from scipy import ndimage

from glmwidgets.web import script

# A grey box with one hot and one cold voxel. The affine permutes, flips and tilts, so that nothing is right by chance.
VIEWER = """
import numpy as np
from glmwidgets.panels.parts.slices import SliceViewer
tilt = np.array([[np.cos(.2), -np.sin(.2), 0], [np.sin(.2), np.cos(.2), 0], [0, 0, 1]])
affine = np.eye(4)
affine[:3, :3] = tilt @ np.array([[0, 0, -3.], [4, 0, 0], [0, -3, 0]])
affine[:3, 3] = (40, -50, 60)
background = np.full((18, 24, 30), 40.)
background[3:-3, 3:-3, 3:-3] = 90
HOT, COLD = (5, 8, 21), (12, 15, 9)
values = np.where(background > 50, 0.5, np.nan)
values[HOT], values[COLD] = 7.0, -7.0
viewer = SliceViewer(threshold=3, vmax=8, show_crosshair=False)
viewer.set_background(background, affine, limits=(0, 200))
viewer.set_map(values)
viewer.cursor = HOT
heard = []
viewer.observe(lambda change: heard.append(change.new), "cursor")
"""
SLIDER = """
import ipywidgets as W
from glmwidgets.panels.parts.slider import Slider
slider = Slider(value=3, min=0, max=8, step=0.5)
viewer.follow(slider)
slider.observe(lambda change: setattr(viewer, "threshold", change["new"]), "value")
W.VBox([slider, viewer])
"""
CANVAS = ".glmw-slices canvas"


@pytest.fixture
def paint_code(page):
    """``paint_code(expression, **arrays)``: the value of an expression in slices_paint.js, outside any notebook."""
    source = script("slices_paint.js")

    def run(expression, **arrays):
        given = {name: np.asarray(array).ravel().tolist() for name, array in arrays.items()}
        return page.evaluate(
            "([source, expression, given]) => new Function(...Object.keys(given), `${source}; return ${expression};`)"
            "(...Object.values(given))",
            [source, expression, given],
        )

    return run


@pytest.fixture
def shown(notebook):
    """``shown(*cells, theme="light") -> (page, canvas of the first viewer)``, painted."""

    def open_viewer(*cells, theme="light"):
        page = notebook([VIEWER, *(cells or ["viewer"])], theme)
        canvas = page.locator(CANVAS).first
        canvas.wait_for()
        settle(page)
        return page, canvas

    return open_viewer


def settle(page, ms=250):
    page.wait_for_timeout(ms)


def kernel(ask, page, expression):
    return json.loads(ask(page, f"import json; print(json.dumps({expression}))"))


def warm(image):
    rgb = image.astype(int)
    return (rgb[..., 0] > 180) & (rgb[..., 0] - rgb[..., 2] > 70)


def cold(image):
    rgb = image.astype(int)
    return (rgb[..., 2] > 150) & (rgb[..., 2] - rgb[..., 0] > 60)


def planes(image):
    """Left part of the picture (axial), and the upper and lower right (coronal, sagittal), without the colour bar.

    Returns (top, left, pixels) of each. The black gaps between planes are found from the grey box, 40 of 200.
    """
    lit = image.max(axis=2) >= 20
    lit[:, -60:] = False
    columns = runs(lit.any(axis=0))
    (a0, a1), (b0, b1) = columns[0], columns[1]
    rows = runs(lit[:, b0:b1].any(axis=1))
    (c0, c1), (s0, s1) = rows[0], rows[-1]
    return (0, a0, image[:, a0:a1]), (c0, b0, image[c0:c1, b0:b1]), (s0, b0, image[s0:s1, b0:b1])


def runs(flags):
    """Longest runs of True, in order, of those at least a tenth of the length; two are expected."""
    edges = np.flatnonzero(np.diff(np.r_[0, flags.astype(int), 0])).reshape(-1, 2)
    return [(a, b) for a, b in edges if b - a > len(flags) / 10]


def centre(found, top=0, left=0):
    y, x = np.argwhere(found).mean(axis=0)
    return x + left, y + top


def click(page, canvas, x, y):
    box = canvas.bounding_box()
    page.mouse.click(box["x"] + x, box["y"] + y)


@pytest.mark.parametrize("convention", ["neurological", "radiological"])
def test_click_finds_the_voxel(shown, ask, pixels, convention):
    """In each of the three planes: where the hot voxel is seen, a click finds its data indices."""
    page, canvas = shown()
    hot = kernel(ask, page, "HOT")
    for number, axis in enumerate((2, 1, 0)):
        ask(page, f"viewer.convention = {convention!r}; viewer.cursor = HOT")
        settle(page)
        top, left, picture = planes(pixels(canvas))[number]
        x, y = centre(warm(picture), top, left)
        click(page, canvas, x - 60, y + 30)
        settle(page)
        elsewhere = kernel(ask, page, "viewer.cursor")
        normal = kernel(ask, page, f"viewer._grid.axes.index({axis})")
        assert [a for a in range(3) if elsewhere[a] == hot[a]] == [normal]
        click(page, canvas, x, y)
        settle(page)
        assert kernel(ask, page, "viewer.cursor") == hot


def test_left_is_left(shown, ask, pixels):
    page, canvas = shown()
    where = dict(zip("xyz", kernel(ask, page, "viewer.cursor_mm"), strict=True))
    middle = kernel(ask, page, "(affine @ [8.5, 11.5, 14.5, 1])[:3].tolist()")
    for convention, side in (("neurological", 1), ("radiological", -1)):
        ask(page, f"viewer.convention = {convention!r}")
        settle(page)
        (_, _, axial), (_, _, coronal), (_, _, sagittal) = planes(pixels(canvas))
        for picture, right, up in ((axial, "x", "y"), (coronal, "x", "z"), (sagittal, "y", "z")):
            x, y = centre(warm(picture))
            mirrored = side if right == "x" else 1
            assert (x > picture.shape[1] / 2) == (mirrored * (where[right] - middle["xyz".index(right)]) > 0)
            assert (y < picture.shape[0] / 2) == (where[up] > middle["xyz".index(up)])


def test_threshold_repaints_while_the_kernel_is_busy(shown, ask, pixels):
    page, canvas = shown(SLIDER)
    assert warm(pixels(canvas)[:, :-60]).sum() > 50
    page.locator(".glmw-slider canvas").focus()
    page.evaluate(
        """() => { const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
        window.busy = true;
        kernel.requestExecute({ code: 'import time; time.sleep(12)' }).done.then(() => { window.busy = false; }); }"""
    )
    for _ in range(9):  # 3 to 7.5
        page.keyboard.press("ArrowUp")
    settle(page, 400)
    image = pixels(canvas)
    assert page.evaluate("() => window.busy")
    assert warm(image[:, :-60]).sum() == 0
    page.wait_for_function("() => !window.busy")
    settle(page, 1000)
    assert kernel(ask, page, "viewer.threshold") == 7.5
    assert warm(pixels(canvas)[:, :-60]).sum() == 0
    ask(page, "viewer.threshold = 3.0")  # once the hand has rested, the kernel's word counts again
    settle(page, 800)
    assert warm(pixels(canvas)[:, :-60]).sum() > 50


def test_sign_and_fading(shown, ask, pixels):
    page, canvas = shown()
    ask(page, "viewer.cursor = COLD; viewer.fade_below = False")
    settle(page)
    assert cold(pixels(canvas)[:, :-60]).sum() > 50
    ask(page, "viewer.sign = 'positive'")
    settle(page)
    assert cold(pixels(canvas)[:, :-60]).sum() == 0
    ask(page, "viewer.sign = 'negative'; viewer.threshold = 7.5")
    settle(page)
    plain = pixels(canvas)[:, :-60]
    ask(page, "viewer.fade_below = True")
    settle(page)
    faded = pixels(canvas)[:, :-60]
    blue = faded.astype(int)[..., 2] - plain.astype(int)[..., 2]
    assert 20 < blue.max() < 150  # there, and weaker than what survives
    ask(page, "viewer.stale = True")
    settle(page)
    veiled = pixels(canvas)[:, :-60].astype(int)[..., 2] - plain.astype(int)[..., 2]
    assert 5 < veiled.max() < blue.max() / 2


def test_another_statistic_gives_the_colours_and_the_threshold_stays_on_the_first(shown, ask, pixels):
    """The hot voxel's effect is negative, the cold one's positive; what lies between has values of its own."""
    page, canvas = shown()
    ask(
        page,
        "effect = np.where(np.isfinite(values), 0.2, np.nan); effect[HOT], effect[COLD] = -1.2, 1.2\n"
        "def show(**how):\n"
        "    with viewer.hold_sync():\n"
        "        viewer.shown_label, viewer.shown_unit, viewer.vmax = 'effect', '%', how.pop('vmax', 2.0)\n"
        "        for name, value in how.items(): setattr(viewer, name, value)\n"
        "        viewer.set_map(values, shown=np.abs(effect) if how.get('signed') is False else effect)\n"
        "show()",
    )
    settle(page)
    image = pixels(canvas)[:, :-60]
    assert cold(image).sum() > 50
    assert warm(image).sum() == 0
    assert page.locator(".glmw-slices-readout").inner_text().split("\n")[-2:] == ["z 7.00", "effect −1.2 %"]
    ask(page, "viewer.threshold = 7.5; viewer.fade_below = False")
    settle(page)
    assert cold(pixels(canvas)[:, :-60]).sum() == 0  # z decides, not the effect
    # seen whole: the threshold hides nothing; without a sign: colours of a sequential map
    ask(page, "viewer.whole = True")
    settle(page)
    assert cold(pixels(canvas)[:, :-60]).sum() > 50
    ask(page, "show(signed=False, sequential='viridis', vmax=1.2)")
    settle(page)
    lit = pixels(canvas)[:, :-60].astype(int)
    yellow = (lit[..., 1] > 180) & (lit[..., 1] - lit[..., 2] > 90)
    assert yellow.sum() > 50
    assert cold(lit).sum() == 0

    ask(page, "viewer.view = 'glass'; viewer.threshold = 3; viewer.signed = True; show(signed=True)")
    settle(page)
    glass = pixels(canvas)[:, :-60]
    assert cold(glass).sum() > 50
    assert warm(glass).sum() > 50  # the cold voxel, through the whole brain, in the colour of its effect
    ask(page, "viewer.shown_label = ''; viewer.vmax = 8; viewer.view = 'ortho'; viewer.set_map(values)")
    settle(page, 600)
    assert warm(pixels(canvas)[:, :-60]).sum() > 50


def test_what_is_seen_whole_is_faint_around_a_zero_in_its_middle(paint_code):
    opacity = paint_code(
        "[[true, 'two-sided'], [true, 'positive'], [false, 'two-sided']].map(([fade, sides]) => "
        "[0, 0.2, 0.4, 1].map((size) => emerging(size, { fade, sides })))"
    )
    assert opacity == [[0, 0.5, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]]


def test_keys_and_wheel(shown, ask):
    page, canvas = shown()
    ask(page, "viewer.cursor = (9, 12, 15)")
    settle(page)
    box = canvas.bounding_box()

    def mm(act):
        before = np.array(kernel(ask, page, "viewer._grid.display_index(viewer.cursor).tolist()"))
        act()
        settle(page)
        return (np.array(kernel(ask, page, "viewer._grid.display_index(viewer.cursor).tolist()")) - before).tolist()

    canvas.focus()
    assert mm(lambda: page.keyboard.press("PageUp")) == [0, 0, 1]
    assert mm(lambda: page.keyboard.press("ArrowRight")) == [1, 0, 0]
    assert mm(lambda: page.keyboard.press("ArrowUp")) == [0, 1, 0]
    page.keyboard.press("x")
    assert mm(lambda: page.keyboard.press("ArrowRight")) == [0, 1, 0]
    assert mm(lambda: page.keyboard.press("PageDown")) == [-1, 0, 0]
    ask(page, "viewer.convention = 'radiological'")
    page.keyboard.press("z")
    assert mm(lambda: page.keyboard.press("ArrowRight")) == [-1, 0, 0]
    page.mouse.move(box["x"] + 60, box["y"] + 100)
    page.mouse.move(box["x"] + 70, box["y"] + 110)
    page.keyboard.press("Escape")
    assert mm(lambda: page.mouse.wheel(0, -100)) == [0, 0, 0]  # the page's, until the map is clicked
    page.mouse.down()
    page.mouse.up()
    settle(page)
    assert mm(lambda: page.mouse.wheel(0, -100)) == [0, 0, 1]
    assert mm(lambda: page.mouse.wheel(0, 100)) == [0, 0, -1]

    page.keyboard.press("d")
    page.keyboard.press("d")  # would delete the cell
    assert page.locator(".jp-CodeCell").count() == 2


def test_enlarged_moved_and_whole_again(shown, ask, pixels):
    """What is under the pointer stays there, a drag with Shift moves it, and a crosshair that jumps is found."""
    page, canvas = shown()
    whole = pixels(canvas)
    top, left, axial = planes(whole)[0]
    x, y = centre(warm(axial), top, left)
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.down()
    page.mouse.up()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -440)
    page.keyboard.up("Control")
    settle(page, 600)
    factor = kernel(ask, page, "viewer.zoom")[0]
    assert 2.9 < factor < 3.1
    (_, _, large) = planes(pixels(canvas))[0]
    assert abs(warm(large).sum() / warm(axial).sum() / factor**2 - 1) < 0.3
    np.testing.assert_allclose(centre(warm(large), 0, left), (x, y), atol=8)
    page.keyboard.down("Shift")
    page.mouse.down()
    page.mouse.move(box["x"] + x - 20, box["y"] + y + 10, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    settle(page, 600)
    (_, _, moved) = planes(pixels(canvas))[0]
    shift = np.subtract(centre(warm(moved), 0, left), centre(warm(large), 0, left))
    np.testing.assert_allclose(shift, (-20, 10), atol=4)
    ask(page, "viewer.cursor = COLD")
    settle(page)
    assert cold(pixels(canvas)[:, :-60]).sum() > 2 * cold(whole).sum() / 3
    page.keyboard.press("0")
    settle(page, 600)
    assert kernel(ask, page, "viewer.zoom") == []
    ask(page, "viewer.cursor = HOT")
    settle(page)
    assert warm(pixels(canvas)[:, :-60]).sum() == warm(whole[:, :-60]).sum()


def test_peaks_and_typed_places(shown, ask):
    page, canvas = shown()
    hot, cold_ = kernel(ask, page, "[HOT, COLD]")
    ask(page, "values[COLD] = -7.5; viewer.set_map(values, visible_first=False); viewer.cursor = HOT")
    settle(page, 500)
    canvas.focus()
    page.keyboard.press("m")
    settle(page)
    assert kernel(ask, page, "viewer.cursor") == cold_
    ask(page, "viewer.sign = 'positive'")
    page.get_by_label("crosshair to the peak of").select_option("map")
    settle(page)
    assert kernel(ask, page, "viewer.cursor") == hot
    page.keyboard.press("Tab")
    in_mm = " ".join(f"{c:.1f}" for c in kernel(ask, page, "(affine @ [*HOT, 1])[:3].tolist()"))
    for which, (typed, there) in enumerate((("12 15 9", cold_), (in_mm, hot))):
        page.locator(".glmw-slices-readout span").nth(which).click()
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        settle(page)
        assert kernel(ask, page, "viewer.cursor") == there
    page.locator(".glmw-slices-readout span").first.click()
    page.keyboard.type("12, 15")
    page.keyboard.press("Enter")
    assert page.locator(".glmw-slices-readout input[aria-invalid]").count() == 1
    page.keyboard.press("Escape")
    assert page.locator(".glmw-slices-readout span").first.inner_text() == f"voxel {', '.join(map(str, hot))}"
    with page.expect_download() as kept:
        page.locator(".glmw-slices-tools button", has_text="PNG").click()
    assert kept.value.suggested_filename == "map.png"


def test_drag_tells_the_kernel_now_and_then_and_at_last(shown, ask):
    page, canvas = shown()
    box = canvas.bounding_box()
    page.evaluate(
        """() => { window.times = [];
        document.addEventListener('glmw:paint', () => window.times.push(performance.now())); }"""
    )
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    for k in range(60):
        page.mouse.move(box["x"] + 60 + 3 * k, box["y"] + 60 + 2 * k)
        page.wait_for_timeout(10)
    page.mouse.up()
    settle(page, 500)
    times = page.evaluate("() => window.times")
    heard = kernel(ask, page, "heard")
    assert 3 <= len(heard) <= (times[-1] - times[0]) / 60 + 2
    voxel = page.locator(".glmw-slices-readout span").first.inner_text()
    assert voxel == f"voxel {', '.join(map(str, heard[-1]))}"


def test_planes_in_sight_come_first(shown, ask, pixels):
    """A refit is on screen before its volume; slices that it has not reached show the old map, dimmed."""
    page, canvas = shown()
    hot = warm(pixels(canvas)).sum()
    ask(page, "viewer.on_msg(viewer._on_message, remove=True)")  # as if the kernel had no time for the rest
    ask(page, "viewer.cursor = (9, 12, 15)")
    settle(page)
    assert warm(pixels(canvas)[:, :-60]).sum() == 0
    ask(page, "values[9, 12, 15] = 7.5; viewer.set_map(values)")
    settle(page)
    assert warm(pixels(canvas)[:, :-60]).sum() > hot / 4
    assert kernel(ask, page, "viewer._map['serial'] < viewer._planes['serial']")
    ask(page, "viewer.cursor = HOT")
    settle(page)
    assert warm(pixels(canvas)[:, :-60]).sum() == 0  # seen through a veil
    ask(page, "viewer.on_msg(viewer._on_message); viewer.set_map(values)")
    settle(page, 800)
    assert kernel(ask, page, "viewer._map['serial'] == viewer._planes['serial']")
    assert warm(pixels(canvas)[:, :-60]).sum() > hot / 4


def test_two_views_of_one_viewer(shown, ask, pixels):
    page, first = shown("viewer", "viewer")
    second = page.locator(CANVAS).nth(1)
    before = pixels(second)
    click(page, first, 60, 60)
    settle(page)
    assert (pixels(second) != before).any()
    np.testing.assert_array_equal(pixels(first), pixels(second))

    page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-cell-output')")
    settle(page)
    assert page.locator(CANVAS).count() == 1
    page.evaluate(
        "() => { window.paints = 0; document.addEventListener('glmw:paint', () => { window.paints += 1; }); }"
    )
    ask(page, "viewer.cursor = COLD")
    settle(page)
    assert page.evaluate("() => window.paints") == 1
    assert cold(pixels(page.locator(CANVAS))[:, :-60]).sum() > 50


@pytest.mark.browser_context_args(device_scale_factor=2)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.usefixtures("context")  # a page of its own, with pixels of its own
def test_fits_and_stays_crisp(shown, pixels, screenshot, theme):
    page, _ = shown(theme=theme)
    for width in (480, 900, 1800):
        page.set_viewport_size({"width": width, "height": 1300})
        settle(page, 400)
        fits = page.evaluate(
            """() => { const root = document.querySelector('.glmw-slices'), canvas = root.firstChild;
            return [root.scrollWidth <= root.clientWidth, canvas.width === 2 * canvas.clientWidth,
                    canvas.height === Math.round(2 * parseFloat(canvas.style.height))]; }"""
        )
        assert fits == [True, True, True]
        screenshot(page.locator(".glmw-slices"), f"slices_{theme}_{width}")
    assert pixels(page.locator(".glmw-slices"))[20, 6].max() < 30  # near black in either theme


def test_mosaic_glass_flash_and_shapes(shown, ask, pixels, screenshot):
    page, canvas = shown("viewer", "flat = SliceViewer(); flat.set_background(np.eye(20)[..., None], np.eye(4)); flat")
    ask(page, "viewer.view = 'mosaic'; viewer.cut_axes = 'zyx'; viewer.n_cuts = 5")
    settle(page)
    screenshot(page.locator(".glmw-slices").first, "slices_mosaic")
    click(page, canvas, 30, 30)
    settle(page)
    cursor = kernel(ask, page, "viewer._grid.display_index(viewer.cursor).tolist()")
    assert cursor[2] == kernel(ask, page, "viewer._cuts['z'][0]")

    ask(page, "viewer.cursor = (9, 12, 15); viewer.view = 'glass'")
    settle(page)
    screenshot(page.locator(".glmw-slices").first, "slices_glass")
    image = pixels(canvas)
    left = image[:, : image.shape[1] // 2]
    click(page, canvas, *centre(warm(left)))
    settle(page)
    assert kernel(ask, page, "viewer.cursor") == kernel(ask, page, "HOT")  # through the whole brain, to what is seen

    ask(page, "viewer.view = 'ortho'")
    settle(page)
    # Every paint is compared as it happens: a flash is over before a slow machine could take a picture of it.
    canvas.evaluate(
        """(canvas) => {
          const before = canvas.toDataURL();
          const seen = window.flashSeen = { lit: false, over: false };
          document.addEventListener('glmw:paint', () => {
            const now = canvas.toDataURL() !== before;
            seen.over = seen.lit && !now;
            seen.lit ||= now;
          });
        }"""
    )
    ask(page, "viewer.flash([HOT])")
    page.wait_for_function("() => window.flashSeen.lit", timeout=20_000)
    page.wait_for_function("() => window.flashSeen.over", timeout=20_000)

    assert page.locator(CANVAS).nth(1).bounding_box()["height"] > 100


SHAPE = (9, 11, 8)


@pytest.fixture
def noise():
    volume = ndimage.gaussian_filter(np.random.default_rng(3).standard_normal(SHAPE), 0.8)
    return (volume / volume.std()).astype(np.float32)


@pytest.mark.parametrize(("sign", "parts"), [("two-sided", (1, -1)), ("positive", (1,)), ("negative", (-1,))])
def test_clusters_equal_scipy(paint_code, noise, sign, parts):
    found = paint_code(
        f"Array.from(largeClusters(Float32Array.from(data), Uint32Array.from(inside), [9, 11, 8], "
        f"STRENGTH['{sign}'], 1, 6), (state) => state === 1)",
        data=noise,
        inside=np.arange(noise.size),
    )
    expected = np.zeros(SHAPE, dtype=bool)
    for part in parts:
        labels, _ = ndimage.label(part * noise >= 1)  # connected by faces
        sizes = np.bincount(labels.ravel())
        expected |= (labels > 0) & (sizes >= 6)[labels]
    assert 0 < expected.sum() < (np.abs(noise) >= 1).sum()
    np.testing.assert_array_equal(np.reshape(found, SHAPE), expected)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_planes_and_projections_equal_numpy(paint_code, noise, axis):
    plane = np.take(noise, 4, axis)
    shown = paint_code(
        f"Array.from(toScreen([], planeOf(data, [9, 11, 8], {axis}, 4), {plane.shape[0]}, {plane.shape[1]}, true))",
        data=noise,
    )
    np.testing.assert_array_equal(np.reshape(shown, plane.T.shape), plane[::-1, ::-1].T)  # rows from the top, mirrored

    seen = paint_code(
        f"(() => {{ const p = projection(data, [9, 11, 8], {axis}, Math.abs, 0.5, null);"
        "return [Array.from(p.data, (x) => (Number.isNaN(x) ? 0 : x)), Array.from(p.depth)]; })()",
        data=noise,
    )
    depth = np.abs(noise).argmax(axis)
    best = np.take_along_axis(noise, np.expand_dims(depth, axis), axis).squeeze(axis)
    np.testing.assert_array_equal(np.reshape(seen[0], best.shape), np.where(np.abs(best) >= 0.5, best, 0))
    np.testing.assert_array_equal(np.reshape(seen[1], depth.shape)[np.abs(best) >= 0.5], depth[np.abs(best) >= 0.5])


def test_outline_stands_around_what_survives(paint_code):
    """Four screen pixels a voxel: the line touches every side of the set from outside and covers nothing of it."""
    members = np.zeros((5, 6), dtype=bool)
    members[1:3, 1] = members[2, 2:4] = True
    line = paint_code(
        """(() => {
          const frame = { w: 6, h: 5, width: 24, height: 20, xs: steps(6, 24), ys: steps(5, 20) };
          const pixels = new Uint32Array(24 * 20).fill(0xff000000);
          outline(pixels, set, frame, [255, 255, 255, 1], 1);
          return Array.from(pixels, (pixel) => pixel === 0xffffffff); })()""",
        set=members.astype(int),
    )
    inside = np.kron(members, np.ones((4, 4), dtype=bool))
    np.testing.assert_array_equal(np.reshape(line, inside.shape), ndimage.binary_dilation(inside) & ~inside)
