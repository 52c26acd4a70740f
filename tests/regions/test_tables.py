"""Label tables as tools write them: the number 7 is the mill in each, and the pond has 3."""

import pytest

from glmwidgets.glm.errors import InputError, MissingFileError
from glmwidgets.regions.labels import side_in_name
from glmwidgets.regions.tables import FORMATS, parse_labels, read_labels

FSL = """<?xml version="1.0"?><atlas><header><name>T</name><type>Label</type><images><imagefile>/T/t</imagefile>
</images></header><data><label index="3" x="2" y="0" z="0">pond</label><label index="7" x="1" y="0" z="0">mill</label>
</data></atlas>"""
SPM = """<atlas><data><label><index>7</index><name>mill_L</name></label><label><index>3</index><name>pond_R</name>
</label></data></atlas>"""
AFNI = """<AFNI_attributes><AFNI_atr ni_type="String" atr_name="VALUE_LABEL_DTABLE">"&lt;VALUE_LABEL_DTABLE
 ni_type=&quot;2*String&quot; ni_dimen=&quot;2&quot; &gt;
 &quot;7&quot; &quot;mill&quot;
 &quot;3&quot; &quot;pond&quot;
&lt;/VALUE_LABEL_DTABLE&gt;"</AFNI_atr></AFNI_attributes>"""
TEXTS = {
    "fsl": FSL,
    "spm": SPM,
    "afni": AFNI,
    "niivue": '{"R":[0,255,0],"G":[0,0,0],"B":[0,0,255],"I":[0,7,3],"labels":["none","mill","pond"]}',
    "bids": 'index\tname\tcolor\n3\tpond\t#0000ff\n7\t"mill"\t#ff0000\n',
    "itksnap": '# Label Description\n0 0 0 0 0 0 0 "Clear Label"\n7 255 0 0 1 1 1 "mill"\n3 0 0 255 1 1 1 "pond"',
    "freesurfer": "# No. Name R G B A\n3 pond 0 0 255 0\n7 mill 255 0 0 0\n9 moor 255 0 0 0\n",
    "schaefer": "3\t7Networks_LH_Pond_1\t0\t0\t255\t0\n7\t7Networks_RH_Mill_1\t255\t0\t0\t0\n",
    "aal": "MIL\tmill\t7\nPON\tpond\t3\n",
    "plain": "3 pond\n7 mill\n",
}


@pytest.mark.parametrize("key", FORMATS)
def test_a_number_has_the_name_that_the_file_gives_it(key):
    table = parse_labels(TEXTS[key], "made")
    assert table.format == key
    assert "mill" in table[7].name.lower()
    assert "pond" in table[3].name.lower()
    assert 5 not in table


def test_sides_are_those_of_the_table_or_of_names():
    assert parse_labels(TEXTS["spm"])[7].side == "left"
    assert parse_labels(TEXTS["schaefer"])[3].side == "left"
    table = parse_labels("index\tname\themisphere\n1\tmill\tR\n")
    assert table[1].side == "right"
    assert [side_in_name(n) for n in ("Left-Mill", "lh.mill", "ctx-rh-mill", "Mill R", "rill", "Lingual")] == [
        "left",
        "left",
        "right",
        "right",
        "",
        "",
    ]


def test_colours_are_read_and_tell_nothing_apart():
    assert parse_labels(TEXTS["freesurfer"])[7].colour == parse_labels(TEXTS["freesurfer"])[9].colour == (255, 0, 0)
    assert parse_labels(TEXTS["bids"])[3].colour == (0, 0, 255)


def test_names_keep_their_words():
    table = parse_labels('index\tname\n1\t"NA"\n2.0\tNone\n3\t n/a \n4\tOperculum, left part\n', "made")
    assert [label.name for label in table] == ["NA", "None", "n/a", "Operculum, left part"]
    assert parse_labels('7 255 0 0 1 1 1 "mill, upper"')[7].name == "mill, upper"


@pytest.mark.parametrize(
    ("cell", "name"),
    [('"""mill"""', "mill"), ('"Old ""Pond"""', 'Old "Pond"'), ('"""Old"" ""Pond"""', '"Old" "Pond"')],
)
def test_quotation_marks_within_a_name_belong_to_it(cell, name):
    assert parse_labels(f"index\tname\n7\t{cell}\n", "made.tsv").named(7) == name


@pytest.mark.parametrize(
    "text",
    [
        "index;name;x\n3;pond;1,5\n7;Mill, upper;2\n",
        "sep=;\r\nindex;name;\r\n3;pond;\r\n7;Mill, upper;\r\n;;\r\n",
        "index\tname\r3\tpond\r7\tMill, upper\r",
        "# Atlas of the town\n\nindex\tname\n# a part of 7\n3\tpond\n7\tMill, upper\n",
        'index name\n3 pond\n7 "Mill, upper"\n',
        'index,name\n3,pond\n7,"Mill, upper"\n',
    ],
)
def test_a_table_has_its_names_however_its_cells_are_separated(text):
    assert [(label.value, label.name) for label in parse_labels(text)] == [(3, "pond"), (7, "Mill, upper")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('index\tname\n3\t"pond\n7\tmill\n9\tmoor\n', "line 2 opens a quotation mark that is not closed on it"),
        ("index,name\n7,mill, upper\n", "line 2 has 3 cells, but there are 2 names of columns"),
        ("index\tindex\tname\n7\t3\tmill\n", "more than one column is called 'index'"),
    ],
)
def test_no_row_of_a_table_is_lost_to_how_it_is_written(text, words):
    with pytest.raises(InputError, match=words):
        parse_labels(text, "made.tsv")


def test_a_colour_table_may_leave_the_opacity_out():
    table = parse_labels("0 Unknown 0 0 0\n10 Left-Mill 0 118 14\n")
    assert (table[10].name, table[10].side, table[10].colour) == ("Left-Mill", "left", (0, 118, 14))


def test_a_place_is_a_number_only_where_the_format_says_so():
    table = parse_labels('{"R":[0,1],"G":[0,1],"B":[0,1],"labels":["none","mill"]}', "made")
    assert table[1].name == "mill"
    assert 7 not in table


def test_numbers_beyond_single_precision_are_kept():
    assert parse_labels("index\tname\n16777217\tmill\n312782550\tpond\n")[16777217].name == "mill"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("index\tname\n7\tmill\n7\tpond\n", "two regions of number 7"),
        ("index\tname\n7.5\tmill\n", "row 2 is not a whole number"),
        ("index\tname\n7\n", "row 2 has no name"),
        ("mill\npond\n", "is not a known kind of table of names"),
        ('{"labels": ["a", "b"], "I": [1]}', "not two lists of one length"),
        (
            '<!DOCTYPE a [<!ENTITY b "c">]><atlas><data><label index="1">&b;</label></data></atlas>',
            "is not a known kind of table of names",
        ),
        ("", "is not a known kind of table of names"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(text, said):
    with pytest.raises(InputError, match=said):
        parse_labels(text, "made.txt")


def test_files_are_read_whatever_their_encoding(tmp_path):
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "latin-1"):
        path = tmp_path / f"{encoding}.tsv"
        path.write_bytes("index\tname\n7\tMühle\n".encode(encoding))
        assert read_labels(path)[7].name == "Mühle"
    with pytest.raises(MissingFileError, match="there is no file"):
        read_labels(tmp_path / "none.tsv")
    (tmp_path / "some.bin").write_bytes(b"\x00\x01\x02")
    with pytest.raises(InputError, match="is not a text table"):
        read_labels(tmp_path / "some.bin")
