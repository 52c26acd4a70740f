"""``glmwidgets study`` as a person types it, and the scripts that it writes for a cluster."""

import os
import shlex
import shutil
import stat
import subprocess
import sys

import pandas as pd
import pytest

from glmwidgets.cli import main
from glmwidgets.cli.slurm import write_scripts
from glmwidgets.datasets.faults import write_study
from glmwidgets.study import Study


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("bids"), 3, shape=(12, 14, 11), n_scans=40)


@pytest.fixture
def folder(dataset, tmp_path, capsys):
    asked = ["--task", "localizer", "--contrast", "seen=faces - tones", "--noise", "ols", "--confound", "trans_x"]
    assert main(["study", "init", str(dataset), str(tmp_path / "study"), *asked]) == 0
    shown = capsys.readouterr().out
    assert "3 of 3 can be fitted" in shown
    assert "seen" in shown
    return tmp_path / "study"


def test_a_study_from_the_list_to_the_group(folder, capsys):
    assert main(["study", "gather", str(folder)]) == 1
    said = capsys.readouterr().out
    assert "no run is fitted yet" in said
    assert (folder / "group" / "qc.tsv").is_file()
    assert "seen:" not in said
    assert main(["study", "run", str(folder), "--executor", "here"]) == 0
    said = capsys.readouterr().out
    assert "1 of 3, " in said
    assert " left  sub-01: fitted" in said
    assert "3 of 3  sub-03: fitted" in said
    assert main(["study", "status", str(folder)]) == 0
    assert "3 of 3 runs" in capsys.readouterr().out
    assert main(["study", "gather", str(folder), "--rule", "fd_max >= 1000"]) == 0
    assert "0 of 3 runs left out" in capsys.readouterr().out
    assert (folder / "group" / "group_contrast-seen_stat-z_statmap.nii.gz").is_file()
    assert (folder / "exclusions.tsv").is_file()
    assert "of whole runs" in (folder / "group" / "report.html").read_text()
    assert main(["study", "report", str(folder), "--title", "all three"]) == 0
    assert "<h1>all three</h1>" in (folder / "report.html").read_text()


def test_a_contrast_of_a_type_that_is_left_out_is_answered_by_what_can_be_typed(dataset, folder, tmp_path, capsys):
    words = ["study", "init", str(dataset), str(tmp_path / "other"), "--task", "localizer", "--condition", "faces"]
    said = "no run can estimate the contrast 'tones': the event type 'tones' is left out of the model; add "
    assert main([*words, "--contrast", "tones"]) == 2
    assert f"error: {said}--condition tones to bring it back\n" in capsys.readouterr().err
    assert not (tmp_path / "other" / "study.json").exists()
    # The options of init are none of run: there a study is changed as it was made, in Python or its explorer.
    made = Study.open(folder)
    made.model = made.model.updated({"design.conditions": ("faces",)})
    made.contrasts = (("tones", "tones"),)
    made.save()
    assert main(["study", "run", str(folder), "--executor", "here"]) == 2
    assert f"error: {said}it to design.conditions to bring it back\n" in capsys.readouterr().err


def test_a_rule_can_be_taken_back_and_maps_of_an_earlier_gather_are_told(folder, capsys):
    assert main(["study", "run", str(folder), "--executor", "here"]) == 0
    assert main(["study", "gather", str(folder)]) == 0
    written = (path := folder / "group" / "group_contrast-seen_stat-z_statmap.nii.gz").read_bytes()
    capsys.readouterr()
    assert main(["study", "gather", str(folder), "--rule", "fd_max ge 0"]) == 1
    said = capsys.readouterr().out
    assert "3 of 3 runs left out: 3 by fd_max ge 0" in said
    assert "seen: every run is left out" in said
    assert f"{path.name} and the other maps of seen stay as an earlier gather wrote them" in said
    assert path.read_bytes() == written
    assert main(["study", "gather", str(folder), "--forget-rules", "--rule", "fd_max >= 1000"]) == 0
    said = capsys.readouterr().out
    assert "0 of 3 runs left out" in said
    assert "earlier gather" not in said


def test_the_app_of_a_study_has_at_least_a_page(folder, capsys):
    pytest.importorskip("voila")
    assert main(["study", "app", str(folder), "--no-browser", "--most", "0"]) == 2
    assert "--most is the number of pages" in capsys.readouterr().err


@pytest.fixture
def submit(tmp_path):
    """Call ``submit.sh`` with a stand-in for sbatch that runs every element of the array, in the reverse order."""
    stand_in = tmp_path / "bin" / "sbatch"
    stand_in.parent.mkdir()
    stand_in.write_text(
        "#!/bin/bash\n"
        'printf "%s\\n" "$*" >> "$CALLS"\n'
        '[[ "$*" != *--bad* ]] || { echo "sbatch: error: Invalid job array specification" >&2; exit 1; }\n'
        'script="${@: -1}"\n'
        "last=$(sed -n 's/^#SBATCH --array=0-//p' \"$script\")\n"
        'for i in $(seq ${last:--1} -1 0); do SLURM_ARRAY_TASK_ID=$i bash "$script" >&2; done\n'
        '[ -n "$last" ] || bash "$script" >&2\n'
        'echo "77;farm"\n'
    )
    stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
    calls = tmp_path / "calls"
    env = {**os.environ, "PATH": f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}", "CALLS": str(calls)}
    env.pop("SLURM_ARRAY_TASK_ID", None)

    def call(folder, *options):
        calls.write_text("")
        command = ["bash", str(folder / "submit.sh"), *options]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        return done, calls.read_text().splitlines()

    return call


def test_an_array_is_submitted_and_gathered(folder, submit):
    done, calls = submit(folder)
    assert done.returncode == 0
    assert calls == [f"--parsable {folder / 'run.sbatch'}", f"--dependency=afterany:77 {folder / 'gather.sbatch'}"]
    assert done.stdout.startswith("Submitted job array 77\n")
    assert [line for line in done.stderr.splitlines() if "fitted" in line] == [f"sub-0{n}: fitted" for n in (3, 2, 1)]
    assert "0 of 3 runs left out" in done.stderr
    assert "#SBATCH --array=0-2\n" in (folder / "run.sbatch").read_text()
    assert "%A_%a.log" in (folder / "run.sbatch").read_text()


def test_scripts_are_written_anew_with_more_runs_an_element_and_take_options(folder, submit, capsys):
    done, calls = submit(folder, "--account=the lab", "--bad")
    assert done.returncode == 1
    assert calls == [f"--parsable --account=the lab --bad {folder / 'run.sbatch'}"]
    assert "sbatch: error: Invalid job array" in done.stderr
    again = done.stderr.splitlines()[-1]
    assert again == f"glmwidgets study scripts {folder} --per-task 2"
    before = (folder / "study.json").read_bytes()
    assert main(again.split()[1:]) == 0
    shown = capsys.readouterr().out
    assert f"bash {folder / 'submit.sh'}, where there is SLURM: a job array of 2 elements, 2 runs each\n" in shown
    assert (folder / "study.json").read_bytes() == before
    assert "#SBATCH --array=0-1\n" in (folder / "run.sbatch").read_text()
    done, calls = submit(folder, "--account=lab")
    assert calls[1] == f"--dependency=afterany:77 --account=lab {folder / 'gather.sbatch'}"
    fitted = [line for line in done.stderr.splitlines() if "fitted" in line]
    assert fitted == [f"sub-0{n}: fitted" for n in (3, 1, 2)]


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such names, nor SLURM")
def test_scripts_work_in_a_folder_with_an_odd_name(folder, submit, tmp_path):
    odd = tmp_path / "half 'n half 50%j"
    folder.rename(odd)
    assert main(["study", "scripts", str(odd)]) == 0
    done, _ = submit(odd)
    assert done.returncode == 0
    assert done.stderr.count(": fitted") == 3
    assert "0 of 3 runs left out" in done.stderr
    (line,) = (line for line in (odd / "run.sbatch").read_text().splitlines() if "--output" in line)
    (path,) = shlex.split(line.partition("--output=")[2])
    assert path == f"{odd}/logs/run-%A_%a.log".replace("50%j", "50%%j")


@pytest.mark.skipif(os.name != "posix", reason="other systems have no SLURM")
def test_a_study_that_was_moved_or_copied_submits_nothing_of_the_other(folder, submit, tmp_path):
    copied = tmp_path / "two  blanks"
    shutil.copytree(folder, copied)
    done, calls = submit(copied)
    assert (done.returncode, calls) == (1, [])
    assert "This study was moved or copied" in done.stderr
    again = shlex.split(done.stderr.splitlines()[-1])
    assert again == ["glmwidgets", "study", "scripts", str(copied)]
    assert main(again[1:]) == 0
    assert submit(copied)[0].returncode == 0
    (tmp_path / "link").symlink_to(folder)
    assert submit(tmp_path / "link")[0].returncode == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--contrast", "a=faces", "--contrast", "a=houses"], "two contrasts are called 'a': each needs its own name"),
        (["--condition", "nobody"], "no run can be fitted under this model: sub-01: no event is of type nobody"),
        (["--confound", "nix"], "no run can be fitted under this model: sub-01: the confounds have no column nix"),
        (["--min-onset", "1000"], "no run can be fitted under this model: sub-01: min_onset is relative to"),
    ],
)
def test_what_no_run_can_be_fitted_under_is_refused_before_anything_is(dataset, tmp_path, capsys, options, said):
    place = tmp_path / "study"
    assert main(["study", "init", str(dataset), str(place), "--task", "localizer", *options]) == 2
    assert said in capsys.readouterr().err
    assert not place.exists()


def test_a_study_of_chosen_conditions_asks_for_these(dataset, tmp_path, capsys):
    place, asked = tmp_path / "study", ["--task", "localizer", "--condition", "faces", "--condition", "tones"]
    assert main(["study", "init", str(dataset), str(place), *asked]) == 0
    assert "Contrasts  faces; tones\n" in capsys.readouterr().out


def test_a_study_without_a_run_to_fit_says_what_the_first_lacks(tmp_path, capsys):
    pd.DataFrame({"bold": ["nowhere.nii.gz"]}).to_csv(tmp_path / "runs.tsv", sep="\t", index=False)
    assert main(["study", "init", str(tmp_path / "runs.tsv"), str(tmp_path / "study")]) == 2
    assert "no run can be fitted; run: no such image" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("n", "per_task", "array", "time", "said"),
    [
        (1000, None, "0-999", "01:00:00", "a job array of 1,000 elements, 1 run each"),
        (2500, None, "0-833", "01:00:00", "a job array of 834 elements, 3 runs each"),
        (7, 20, "0-0", "02:00:00", "a job array of 1 element, 7 runs each"),
        (
            1500,
            1,
            "0-1499",
            "01:00:00",
            "a job array of 1,500 elements, 1 run each; SLURM takes 1,000 unless its MaxArraySize was raised: ask for "
            "--per-task 2 or more",
        ),
    ],
)
def test_an_array_is_as_long_as_slurm_allows_or_it_is_said(tmp_path, n, per_task, array, time, said):
    assert write_scripts(tmp_path, n, per_task).said == said
    script = (tmp_path / "run.sbatch").read_text()
    assert f"#SBATCH --array={array}\n" in script
    assert f"#SBATCH --time={time}\n" in script


def test_a_run_that_fails_is_said_and_told_by_the_exit_code(dataset, folder, capsys):
    (bold,) = dataset.glob("derivatives/fmriprep/sub-02/func/*bold.nii.gz")
    kept = bold.read_bytes()
    try:
        bold.write_bytes(kept[:5000])
        assert main(["study", "run", str(folder), "--index", "1"]) == 1
        assert capsys.readouterr().out.startswith("sub-02: ")
        assert main(["study", "run", str(folder), "--index", "0", "--per-task", "2"]) == 1
        assert "sub-01: fitted\nsub-02: " in capsys.readouterr().out
        assert main(["study", "run", str(folder), "--index", "2"]) == 0
        assert main(["study", "gather", str(folder)]) == 0
        said = capsys.readouterr().out
        assert f"1 of 3 runs left out: 1 as {bold} is damaged or cut short" in said
        assert "not fitted yet" not in said
        assert (folder / "group" / "group_contrast-seen_stat-z_statmap.nii.gz").is_file()
        for name, column in (("exclusions.tsv", "reason"), ("qc.tsv", "unusual")):
            table = pd.read_csv(folder / "group" / name, sep="\t", index_col="name")
            assert "damaged or cut short" in table.loc["sub-02", column]
        # The figures are those of whole runs, which all others have: previews have none of this one.
        assert table["not_white"].notna().tolist() == [True, False, True]
        assert "damaged or cut short" in (folder / "group" / "report.html").read_text()
    finally:
        bold.write_bytes(kept)


def test_copies_that_srun_starts_do_not_fit_the_same_runs_again(folder, monkeypatch, capsys):
    words = ["study", "run", str(folder)]
    monkeypatch.setenv("SLURM_PROCID", "1")
    assert main([*words, "--executor", "here"]) == 2
    assert "this is copy 1 of a command that srun started more than once" in capsys.readouterr().err
    assert not (folder / "runs").exists()
    assert main([*words, "--index", "1"]) == 0
    assert capsys.readouterr().out == "sub-02: fitted\n"
    monkeypatch.setenv("SLURM_PROCID", "0")
    assert main([*words, "--executor", "here"]) == 0
    assert "3 of 3  sub-03: fitted" in capsys.readouterr().out


def test_a_run_that_is_not_fitted_yet_is_not_called_included(folder, capsys):
    def gathered(code):
        assert main(["study", "gather", str(folder)]) == code
        return pd.read_csv(folder / "group" / "exclusions.tsv", sep="\t", index_col="name")

    table = gathered(1)
    assert table["included"].tolist() == ["no"] * 3
    assert table["reason"].tolist() == ["it is not fitted yet"] * 3
    for index in ("0", "2"):
        assert main(["study", "run", str(folder), "--index", index]) == 0
    table = gathered(0)
    assert "1 run is not fitted yet, and is not in the group's maps: sub-02" in capsys.readouterr().out
    assert table["included"].tolist() == ["yes", "no", "yes"]
    assert table.loc["sub-02", "reason"] == "it is not fitted yet"


def test_warnings_of_a_run_are_told_where_it_is_fitted_and_named_where_it_is_gathered(tmp_path, capsys):
    place, folder = write_study(tmp_path / "bids", 3, shape=(10, 12, 9), n_scans=40), tmp_path / "study"
    (events,) = place.glob("sub-02/func/*events.tsv")
    head, *lines = events.read_text().splitlines(True)
    events.write_text("".join([head, *lines, lines[0]]))
    assert main(["study", "init", str(place), str(folder), "--task", "localizer"]) == 0
    for told in (1, 0):
        capsys.readouterr()
        assert main(["study", "run", str(folder), "--executor", "here"]) == 0
        assert capsys.readouterr().out.count("the type, onset and duration of an earlier event") == told
    assert main(["study", "gather", str(folder)]) == 0
    assert "1 run fitted with a warning, told in manifest.json of each result: sub-02\n" in capsys.readouterr().out


def test_gather_names_the_runs_that_cannot_be_in_a_map_and_why(tmp_path, capsys):
    place, folder = write_study(tmp_path / "bids", 4, shape=(10, 12, 9), n_scans=40), tmp_path / "study"
    (events,) = place.glob("sub-02/func/*events.tsv")
    events.write_text("".join(line for line in events.read_text().splitlines(True) if "faces" not in line))
    (confounds,) = place.glob("derivatives/fmriprep/sub-03/func/*confounds*.tsv")
    pd.read_csv(confounds, sep="\t").assign(rot_x=float("nan")).to_csv(confounds, sep="\t", index=False, na_rep="n/a")
    asked = ["--task", "localizer", "--contrast", "fh=faces - houses", "--contrast", "tones"]
    assert main(["study", "init", str(place), str(folder), *asked]) == 0
    assert main(["study", "run", str(folder), "--executor", "here"]) == 1
    capsys.readouterr()
    assert main(["study", "gather", str(folder)]) == 0
    told = capsys.readouterr()
    assert "fh: 1 run cannot estimate it, and is not in its map: sub-02 (no column named 'faces'." in told.out
    assert told.out.count("cannot estimate it") == 1
    assert "1 run cannot be fitted, and is not in the group's maps: sub-03 (" in told.out
    assert "'rot_x' has no value" in told.out
    assert "not fitted yet" not in told.out
    assert told.err == ""
    table = pd.read_csv(folder / "group" / "exclusions.tsv", sep="\t", index_col="name")
    assert table["included"].tolist() == ["yes", "yes", "no", "yes"]
    assert "'rot_x' has no value" in table.loc["sub-03", "reason"]
    used = pd.read_csv(folder / "group" / "group_contrast-fh_participants.tsv", sep="\t")
    assert used["participant_id"].tolist() == ["sub-01", "sub-04"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["run", "{folder}", "--index", "7"],
            "there is no element 7: 3 runs, 1 for each element, make elements 0 to 2",
        ),
        (["run", "{folder}", "--per-task", "2"], "--per-task applies to the elements of a job array"),
        (["run", "{folder}", "--executor", "cloud"], "'cloud' is not a place to compute"),
        (["status", "{folder}/none"], "there is no study in"),
        (["gather", "{folder}", "--rule", "fd_mean over 1"], "a comparison must be one of"),
        (["init", "{folder}/none", "{folder}/new"], "there is no dataset at"),
        (["init", "{folder}/study.json", "{folder}/new", "--task", "rest"], "--task chooses runs of a dataset"),
        (["init", "{folder}", "{folder}/new"], "is the folder of a study, not a dataset; the dataset is named first"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(folder, capsys, words, said):
    assert main(["study", *(word.format(folder=folder) for word in words)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("glmwidgets study: error: ")
    assert said in line


def test_a_contrast_that_no_run_can_answer_is_refused_before_anything_is_fitted(dataset, folder, tmp_path, capsys):
    words = ["study", "init", str(dataset), str(tmp_path / "new"), "--contrast", "faces - huoses"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "no run can estimate the contrast 'faces - huoses'" in said
    assert "houses" in said
    assert not (tmp_path / "new").exists()
    tree = (folder / "study.json").read_text()
    (folder / "study.json").write_text(tree.replace("faces - tones", "faces - tools"))
    assert main(["study", "run", str(folder), "--executor", "here"]) == 2
    assert "faces - tools" not in capsys.readouterr().out
    assert not (folder / "runs").exists()


def test_noise_by_evidence_is_refused(dataset, tmp_path, capsys):
    assert main(["study", "init", str(dataset), str(tmp_path), "--noise", "evidence"]) == 2
    assert "one noise model for all runs" in capsys.readouterr().err


def test_the_command_starts_as_a_module():
    done = subprocess.run([sys.executable, "-m", "glmwidgets", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("glmwidgets ")
