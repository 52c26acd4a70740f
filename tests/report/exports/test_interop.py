"""Designs in the files of FSL and AFNI: written, read back, and fitted to identical maps."""

import numpy as np
import pandas as pd
import pytest

from glmwidgets.models import FirstLevelModel
from glmwidgets.report.exports.interop import (
    read_afni_xmat,
    read_fsl_con,
    read_fsl_mat,
    write_afni_xmat,
    write_fsl_con,
    write_fsl_mat,
)

CONTRASTS = {"face - house": "face - house/3", "any": "face; house", '<script> & "x"': "face"}


@pytest.fixture
def fitted(run):
    return FirstLevelModel(t_r=2.0, mask_img=run.mask_img, slice_time_ref=0.5).fit(run.img, run.events, run.confounds)


def _check_maps(fitted, run, design, contrasts):
    pd.testing.assert_frame_equal(design, fitted.design_matrices_[0], check_exact=True)
    again = FirstLevelModel(t_r=2.0, mask_img=run.mask_img).fit(run.img, design_matrices=design)
    assert set(CONTRASTS) <= set(contrasts)
    for name, definition in CONTRASTS.items():
        np.testing.assert_array_equal(
            again.compute_contrast(contrasts[name]).get_fdata(), fitted.compute_contrast(definition).get_fdata()
        )


def test_fsl_files_written_and_read_back_give_identical_maps(fitted, run, tmp_path):
    design = fitted.design_matrices_[0]
    mat = write_fsl_mat(tmp_path / "design.mat", design)
    con = write_fsl_con(tmp_path / "design.con", CONTRASTS, design)
    _check_maps(fitted, run, read_fsl_mat(mat), read_fsl_con(con))


def test_afni_files_written_and_read_back_give_identical_maps(fitted, run, tmp_path):
    path = write_afni_xmat(tmp_path / "X.xmat.1D", fitted.design_matrices_[0], CONTRASTS, interest=["face", "house"])
    _check_maps(fitted, run, *read_afni_xmat(path))


def test_fsl_files_are_what_fsl_reads(fitted, tmp_path):
    design = fitted.design_matrices_[0].rename(columns={"face": "/Matrix a", "house": "/NumWaves 3"})
    text = write_fsl_mat(tmp_path / "design.mat", design).read_text()
    # FSL reads words up to /Matrix, and takes the counts from those that follow these keywords
    words = text.split()
    assert words.index("/Matrix") == len(words) - design.size - 1
    assert words[words.index("/NumWaves") + 1] == str(design.shape[1])
    assert words[words.index("/NumPoints") + 1] == str(design.shape[0])
    assert words.count("/NumWaves") == 1
    values = np.array(words[words.index("/Matrix") + 1 :], dtype=float).reshape(design.shape)
    np.testing.assert_array_equal(values, design.to_numpy())
    heights = text.partition("/PPheights")[2].splitlines()[0].split()
    np.testing.assert_allclose(np.array(heights, dtype=float), np.ptp(design.to_numpy(), axis=0))
    assert read_fsl_mat(tmp_path / "design.mat").columns.tolist() == design.columns.tolist()


def test_f_tests_of_fsl_stand_in_their_own_file(fitted, tmp_path):
    design = fitted.design_matrices_[0]
    write_fsl_con(tmp_path / "design.con", CONTRASTS, design)
    fts = (tmp_path / "design.fts").read_text()
    assert fts.partition("/Matrix\n")[2].split() == ["0", "1", "1", "0"]
    write_fsl_con(tmp_path / "design.con", {"a": "face"}, design, overwrite=True)
    assert not (tmp_path / "design.fts").exists()


def test_files_of_fsl_itself_are_read(tmp_path):
    (tmp_path / "d.mat").write_text(
        "/NumWaves\t2\n/NumPoints\t3\n/PPheights\t\t1.0e+00\t1.0e+00\n\n/Matrix\n"
        "1.000000e+00\t0.000000e+00\t\n0.5\t1\n0\t1\n"
    )
    (tmp_path / "d.con").write_text(
        "/ContrastName1\ta\n/ContrastName2\tb\n/NumWaves\t2\n/NumContrasts\t2\n/PPheights 1 1\n/Matrix\n1 0 \n0 1 \n"
    )
    (tmp_path / "d.fts").write_text("/NumWaves\t2\n/NumContrasts\t1\n\n/Matrix\n1 1 \n")
    design = read_fsl_mat(tmp_path / "d.mat")
    assert design.columns.tolist() == ["ev1", "ev2"]
    assert design.to_numpy().tolist() == [[1, 0], [0.5, 1], [0, 1]]
    contrasts = {name: rows.tolist() for name, rows in read_fsl_con(tmp_path / "d.con").items()}
    assert contrasts == {"F1": [[1, 0], [0, 1]], "a": [1, 0], "b": [0, 1]}


def test_a_file_of_afni_itself_is_read(tmp_path):
    (tmp_path / "X.xmat.1D").write_text(
        "# <matrix\n"
        '#  ni_type = "3*double"\n#  ni_dimen = "4"\n'
        '#  ColumnLabels = "Run#1Pol#0 ; face#0 ; house#0"\n#  ColumnGroups = "-1,1,2"\n'
        '#  RowTR = "2"\n#  GoodList = "0..1,3,5"\n#  NRowFull = "6"\n#  RunStart = "0"\n'
        '#  Nstim = "2"\n#  StimBots = "1,2"\n#  StimTops = "1,2"\n#  StimLabels = "face ; house"\n'
        '#  Nglt = "1"\n#  GltLabels = "f-h"\n#  GltMatrix_000000 = "1,3,0,1,-1,"\n#  CommandLine = "3dDeconvolve"\n'
        "# >\n 1 0 0\n 1 0.5 0\n 1 1 0.25\n 1 0 1\n# </matrix>\n"
    )
    design, contrasts = read_afni_xmat(tmp_path / "X.xmat.1D")
    assert design.columns.tolist() == ["Run#1Pol#0", "face#0", "house#0"]
    assert design.index.tolist() == [0, 2, 6, 10]
    assert design["face#0"].tolist() == [0, 0.5, 1, 0]
    assert contrasts["f-h"].tolist() == [0, 1, -1]


def test_afni_knows_the_columns_of_the_task(fitted, tmp_path):
    design = fitted.design_matrices_[0]
    text = write_afni_xmat(tmp_path / "X.xmat.1D", design, interest=["face", "house"]).read_text()
    groups = text.partition('ColumnGroups = "')[2].partition('"')[0].split(",")
    assert groups == ["1", "2"] + ["-1"] * (design.shape[1] - 2)
    assert 'StimLabels = "face ; house"' in text
    assert 'RowTR = "2.0"' in text
    odd = design.rename(columns={"face": "a;b", "house": "a b"})
    path = write_afni_xmat(tmp_path / "Y.xmat.1D", odd, {"a - b": '"a b"'}, interest=["a b", "a;b"])
    assert 'StimLabels = "a_b ; a_b_(2)"' in path.read_text()
    again, contrasts = read_afni_xmat(path)
    assert again.equals(odd)
    assert list(contrasts) == ["a - b"]


XMAT = """# <matrix
#  ni_type = "5*double"
#  ni_dimen = "2"
#  ColumnLabels = "Run#1Pol#0 ; vis#0 ; aud#0 ; roll ; dS"
#  RowTR = "2"
#  GoodList = "{scans}"
#  Nglt = "2"
#  GltLabels = "V-A ; both"
#  GltMatrix_000000 = "{first}"
#  GltMatrix_000001 = "2,5,0,1,5@0,1,2@0"
# >
 1 2 3 4 5
 5 4 3 2 1
# </matrix>
"""


def test_run_lengths_of_afni_are_read(tmp_path):
    (tmp_path / "X.xmat.1D").write_text(XMAT.format(scans="0,3", first="1,5,0,1,-1,2@0"))
    design, contrasts = read_afni_xmat(tmp_path / "X.xmat.1D")
    assert design.index.tolist() == [0, 6]
    assert contrasts["V-A"].tolist() == [0, 1, -1, 0, 0]
    assert contrasts["both"].tolist() == [[0, 1, 0, 0, 0], [0, 0, 1, 0, 0]]


@pytest.mark.parametrize(
    ("scans", "first", "words"),
    [
        ("0,3", "1,5,999999999999@0", "more than 10,000,000 values"),
        ("0..99999999999", "1,5,5@0", "more than 10,000,000 values"),
        ("0..5", "1,5,5@0", "names 6 scans, but the table has 2 rows"),
        ("0,3", "1,5,4@0", "cannot be read"),
        ("0,3", "1,5,x@0", "cannot be read"),
    ],
)
def test_headers_of_afni_that_cannot_be_are_refused_with_the_file(tmp_path, scans, first, words):
    (tmp_path / "X.xmat.1D").write_text(XMAT.format(scans=scans, first=first))
    with pytest.raises(ValueError, match=rf"X.xmat.1D: .*{words}"):
        read_afni_xmat(tmp_path / "X.xmat.1D")


def test_no_test_of_fsl_is_lost(tmp_path):
    con = "/ContrastName1 a\n/ContrastName2 {}\n/NumWaves 2\n/NumContrasts 2\n/Matrix\n1 0\n0 1\n"
    (tmp_path / "d.con").write_text(con.format("b"))
    (tmp_path / "d.fts").write_text("/NumWaves 2\n/NumContrasts 3\n/Matrix\n1 0\n1 1\n0 1\n")
    found = {name: rows.tolist() for name, rows in read_fsl_con(tmp_path / "d.con").items()}
    assert found == {"F1": [[1, 0]], "F2": [[1, 0], [0, 1]], "a": [1, 0], "F3": [[0, 1]], "b": [0, 1]}
    (tmp_path / "d.con").write_text(con.format("a"))
    (tmp_path / "d.fts").unlink()
    assert list(read_fsl_con(tmp_path / "d.con")) == ["a", "a (2)"]


def test_a_constant_is_offered_where_feat_writes_none(tmp_path):
    (tmp_path / "d.mat").write_text("/NumWaves 1\n/NumPoints 3\n/Matrix\n-1\n0\n1\n")
    assert read_fsl_mat(tmp_path / "d.mat").columns.tolist() == ["ev1"]
    assert read_fsl_mat(tmp_path / "d.mat", constant=True)["constant"].tolist() == [1.0] * 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/NumWaves 1\n", "no line /Matrix"),
        ("/NumWaves 2\n/NumPoints 1\n/Matrix\n1\n", "/NumWaves is 2, but the matrix has 1"),
        ("/NumWaves 1\n/NumPoints 2\n/Matrix\n1\n", "/NumPoints is 2, but the matrix has 1"),
        ("/Matrix\n1 x\n", "cannot be read"),
        ("/Matrix\n", "empty"),
    ],
)
def test_broken_files_say_what_is_wrong(tmp_path, text, words):
    (tmp_path / "d.mat").write_text(text)
    with pytest.raises(ValueError, match=words):
        read_fsl_mat(tmp_path / "d.mat")
    with pytest.raises(ValueError, match="no header with ni_type"):
        read_afni_xmat(tmp_path / "d.mat")
    with pytest.raises(FileNotFoundError, match="no FSL contrasts"):
        read_fsl_con(tmp_path / "d.con")
