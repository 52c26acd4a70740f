"""Atlases that are downloaded: those whose own licence lets everybody have them.

Schaefer's parcellation is under the MIT licence (Copyright 2016 Computational Brain Imaging Group). It comes from
TemplateFlow, which has it in the two templates that runs are usually in. The checksums below are TemplateFlow's own: of
the images the keys of its git-annex, of the tables of names those of the files in its git, as of August 2025.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from glmwidgets.datasets import fetch
from glmwidgets.datasets.download import Remote, download
from glmwidgets.glm.choices import check_choice

#: Templates that it is had in.
SPACES = ("MNI152NLin2009cAsym", "MNI152NLin6Asym")

#: MD5 by number of regions and of networks: of the image in each of `SPACES`, 1 mm, and of the table of names.
_CHECKSUMS = """
100   7 91732aae8643bfa7c05515c92156f7d7 9de61cdbe081339f9a9f9c668cef7ea8 9c00961272eede62859ac75f87436ed7
200   7 f58c39f48ed0caefb5a1794fb76dc8f4 fb62794d18fd1a965d1b3ee87b07338e e16ed129b48c048509541fb6917f9c42
300   7 0f020751caf21f054cb8e1e4a81518d6 1e983e9ebb2f6f72536274dcd6ae1af1 4a26607f4b2d1640c5d3ebc1bef14d5d
400   7 5b3c081760b2e464d8dbf7696af73185 b1f215cf0894e6d0c5a1d6ff068e2c8b f6ce6ad45a2026a39b00d59202b19976
500   7 00a818640ad1d33b9f2defbee3e78a14 f7ed6f1722e264b20d45c299f321e6fa 9e00067b0b35ed80df2b02f4fc67d623
600   7 6b28d2128808ebf8e77ad596f4cfc9f4 a56868f9644488af6492f85d25b7ae99 9810f571822998c461a3d68d8eca6df1
800   7 fef730aea115da4e83235afbb8264b70 c726d0db500091a43d437a92183f84a7 1dc39b45cf01b179bc61560fb6c12586
1000  7 2af598249517529faac7e294498344f9 fa20f1886404e78c4fbe3eedad465cc1 253944963268a6e8df706343b8eab3fb
100  17 96dcfa35ded4cd052950d29785a380a6 2108d0bb90733d2dfe51ef05808ada73 3fb5e1421020e10920025d77f758e681
200  17 b205787deae1f642280d2fb7430e1207 5a9f64ac51d2bb77ffe585eb071729c6 1c84eb2e2a6b506dafb802eb3cd69f48
300  17 61b5bec1f4432e63039a455a6d5c135f a69af0ec33c618c95e05998d935cad80 1f82ea4ba0f0bb5d5a225a96c6ecfc3d
400  17 7eb50119fa9ef3b09b592a552745848a bb40d0f843c52256d85c493668853bbc 8c60e94d06e663fa4c5a8691b9fff281
500  17 93b1fa571ebee60e1c7a94bd71ceaa77 fe233b2a5080f4d5c11730efff5ed29a 307fa853ae982a4c690e910083efcff2
600  17 4f2c45d5ae36c9a0b3a5336bd07cb04d 3fd6dfe9c5f3e821bb78e59b8910714a 14dcba2b6724c5bb8347dc3577889995
800  17 68fb2c32ae59242cd241ae2fe677ddd7 1b0f4cdedc3bd5c70bc19fcd8b3efbe7 ca503aaed8c12166c2b68f350415eb54
1000 17 0c8f9b8f9670fe74b780300773881a50 7e20140368ea487d7301fb3821edf57e 1e69dc6813ac61fd7a43bad16ea2b3e6
"""
SCHAEFER = {(int(n), int(networks)): tuple(md5) for n, networks, *md5 in map(str.split, _CHECKSUMS.strip().split("\n"))}

_NAME = re.compile(r"schaefer(?:2018)?:(\d+)(?::(\d+))?", re.IGNORECASE)


def fetch_schaefer_2018(
    n_rois: int = 400,
    yeo_networks: int = 7,
    space: str = SPACES[0],
    data_dir: str | os.PathLike[str] | None = None,
    *,
    progress: bool = True,
) -> Path:
    """Schaefer's parcellation of the cortex, as TemplateFlow has it: an image of numbers, 1 mm, and its table of names.

    Parameters
    ----------
    n_rois : {100, 200, 300, 400, 500, 600, 800, 1000}
    yeo_networks : {7, 17}
        Networks of Yeo et al. (2011) that the regions are named by.
    space : {"MNI152NLin2009cAsym", "MNI152NLin6Asym"}
        Template that the run is in: fMRIPrep's default, or FSL's.
    data_dir, progress
        As in `fetch_spm_auditory`.

    Returns
    -------
    Path
        Of the image, as `glmwidgets.regions.open_atlas` and the setting ``threshold.atlas`` take it; the table of names
        lies beside it.

    Raises
    ------
    ValueError
        If there is no such parcellation.
    DownloadError
        If it cannot be had, or is not the file whose checksum TemplateFlow publishes.

    References
    ----------
    Schaefer, A., Kong, R., Gordon, E. M., Laumann, T. O., Zuo, X.-N., Holmes, A. J., Eickhoff, S. B., & Yeo, B. T. T.
    (2018). Local-global parcellation of the human cerebral cortex from intrinsic functional connectivity MRI. Cerebral
    Cortex 28, 3095-3114.

    Examples
    --------
    >>> from glmwidgets.regions import open_atlas
    >>> atlas = open_atlas(fetch_schaefer_2018(100))  # doctest: +SKIP
    >>> str(atlas.at((-40, -20, 55)))  # doctest: +SKIP
    '7Networks_LH_SomMot_6'
    """
    check_choice("n_rois", n_rois, dict.fromkeys(n for n, _ in SCHAEFER))
    check_choice("yeo_networks", yeo_networks, dict.fromkeys(n for _, n in SCHAEFER))
    check_choice("space", space, SPACES)
    *of_images, of_table = SCHAEFER[n_rois, yeo_networks]
    described = f"atlas-Schaefer2018_desc-{n_rois}Parcels{yeo_networks}Networks_dseg"
    (pattern,) = fetch.DATASETS["schaefer_2018"].files
    folder = fetch.dataset_folder("schaefer_2018", data_dir)

    def get(name: str, md5: str) -> Path:
        return download(Remote(name, pattern.url.format(space, name), f"md5:{md5}"), folder, progress)

    get(f"tpl-{space}_{described}.tsv", of_table)
    return get(f"tpl-{space}_res-01_{described}.nii.gz", of_images[SPACES.index(space)])


def atlas_file(text: str, space: str | None = None) -> str:
    """Path of an atlas that a person names: a path as it is, or ``schaefer:400``, which is downloaded once.

    Parameters
    ----------
    text : str
        A path, ``schaefer:N`` or ``schaefer:N:NETWORKS``.
    space : str, optional
        Template that the run is in; another one than those of `SPACES`, or None, takes the first of them.

    Returns
    -------
    str

    Raises
    ------
    ValueError, DownloadError
        As `fetch_schaefer_2018` does.

    Examples
    --------
    >>> atlas_file("villages.nii.gz")
    'villages.nii.gz'
    >>> atlas_file("schaefer:70")
    Traceback (most recent call last):
    glmwidgets.glm.errors.InputError: n_rois must be one of 100, 200, 300, 400, 500, 600, 800, 1000, not 70
    """
    named = _NAME.fullmatch(text.strip())
    if named is None or Path(text).exists():
        return text
    n_rois, networks = named.groups()
    return str(fetch_schaefer_2018(int(n_rois), int(networks or 7), space if space in SPACES else SPACES[0]))
