import marimo

app = marimo.App(width="full")


@app.cell
def _():
    import marimo as mo

    import glmwidgets as gw
    from glmwidgets.datasets import simulate_run

    explorer = gw.explore(simulate_run(), settings={"contrast.expression": "faces - houses"})
    return explorer, mo


@app.cell
def _(mo):
    # What a control of the explorer sets elsewhere, a control of marimo sets here.
    fwhm = mo.ui.slider(0, 12, 2, value=4, label="smoothing, mm", show_value=True)
    threshold = mo.ui.dropdown(["fixed", "fpr", "fdr", "bonferroni"], value="fdr", label="threshold")
    mo.hstack([fwhm, threshold], justify="start")
    return fwhm, threshold


@app.cell
def _(explorer, fwhm, threshold):
    explorer.session.update({"data.smoothing_fwhm": float(fwhm.value), "threshold.height_control": threshold.value})
    explorer.session.wait_until_idle(120)
    answered = explorer.session.result  # for the cells that follow
    return (answered,)


@app.cell
def _(explorer):
    explorer
    return


@app.cell
def _(explorer, mo):
    # The crosshair as a value that other cells depend on.
    view = mo.ui.anywidget(explorer.map.viewer)
    return (view,)


@app.cell
def _(answered, mo, view):
    ijk = tuple(view.value["cursor"])
    number = answered.voxel(ijk)
    where = f"voxel {', '.join(map(str, ijk))}"
    mo.md(f"At the crosshair, {where}: z **{answered.z[number]:.2f}**" if number is not None else f"{where}: no data")
    return


if __name__ == "__main__":
    app.run()
