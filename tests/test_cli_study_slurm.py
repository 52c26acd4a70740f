"""The scripts of a study under SLURM itself, a cluster of this one machine, where it is installed.

    apt-get install slurmctld slurmd slurm-client munge

needs no systemd and leaves nothing behind; the daemons want to be root's. Without it, `test_cli_study.py` has a
stand-in.
"""

import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from glmwidgets.cli import main
from glmwidgets.cli.slurm import write_scripts
from glmwidgets.datasets.faults import write_study
from glmwidgets.study import Study

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "squeue")
CONF = """
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={place}/munge/socket
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=16000 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP
"""

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, NEEDED)) or not hasattr(os, "geteuid") or os.geteuid() != 0,
    reason="SLURM is not installed, or its daemons cannot be started",
)


def _free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _until(what, seconds=90, every=0.3):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return
        time.sleep(every)
    raise TimeoutError(f"not within {seconds} s")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The environment of a cluster of one node."""
    place = tmp_path_factory.mktemp("slurm")
    for name in ("state", "spool", "munge"):
        (place / name).mkdir(mode=0o755)
    place.chmod(0o755)
    (place / "munge" / "key").write_bytes(secrets.token_bytes(1024))
    (place / "munge" / "key").chmod(0o400)
    conf = place / "slurm.conf"
    conf.write_text(CONF.format(host=socket.gethostname().partition(".")[0], ports=_free_ports(2), place=place))
    env = {**os.environ, "SLURM_CONF": str(conf)}
    env.pop("SLURM_ARRAY_TASK_ID", None)
    files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed", "log-file": "log"}
    munge = [f"--{name}={place}/munge/{file}" for name, file in files.items()]
    begun = []
    try:
        for command in (["munged", "--foreground", "--force", *munge], ["slurmctld", "-D"], ["slurmd", "-D"]):
            with open(place / f"{command[0]}.log", "wb") as log:
                begun.append(subprocess.Popen(command, env=env, stdout=log, stderr=log))
            if command[0] == "munged":
                _until((place / "munge" / "socket").exists)

        def is_idle():
            asked = subprocess.run(["sinfo", "-h", "-o", "%T"], env=env, capture_output=True, text=True)
            return asked.stdout.strip() == "idle"

        _until(is_idle)
        yield env
    finally:
        for process in reversed(begun):
            process.terminate()
            process.wait(20)


def _files(study):
    return {p.relative_to(study.folder): p.read_bytes() for p in sorted((study.folder / "runs").rglob("*.*"))}


def _asked(cluster, *command):
    return subprocess.run(command, env=cluster, capture_output=True, text=True, check=True).stdout.strip()


def _ended(cluster):
    _until(lambda: not _asked(cluster, "squeue", "-h"))


def test_an_array_under_slurm_is_gathered_though_one_run_failed(cluster, tmp_path, capsys):
    dataset = write_study(tmp_path / "bids", 3, shape=(12, 14, 11), n_scans=40)
    asked = ["--task", "localizer", "--contrast", "seen=faces - tones", "--noise", "ols", "--confound", "trans_x"]
    folder = tmp_path / "study"
    assert main(["study", "init", str(dataset), str(folder), *asked]) == 0
    (bold,) = dataset.glob("derivatives/fmriprep/sub-02/func/*bold.nii.gz")
    whole = bold.read_bytes()
    bold.write_bytes(whole[:5000])

    def submit():
        _asked(cluster, "bash", str(folder / "submit.sh"))
        _ended(cluster)

    submit()
    logs = {path.name.partition("-")[2].partition("_")[2]: path for path in (folder / "logs").glob("run-*.log")}
    assert sorted(logs) == [f"{n}.log" for n in range(3)]
    assert logs["2.log"].read_text() == "sub-03: fitted\n"
    assert logs["1.log"].read_text().startswith("sub-02: ")
    study = Study.open(folder)
    assert study.done == [0, 2]
    (gathered,) = (folder / "logs").glob("gather-*.log")
    assert f"1 of 3 runs left out: 1 as {bold} is damaged" in gathered.read_text()
    # The same bits as in one process; and what is there is not done again.
    other = Study(tmp_path / "here", study.runs, study.model, study.contrasts)
    other.run("here", rows=[0, 2])
    assert _files(study) == _files(other)
    bold.write_bytes(whole)
    submit()
    assert study.done == [0, 1, 2]
    said = [path.read_text() for path in (folder / "logs").glob("run-*.log")]
    assert (said.count("sub-03: fitted\n"), said.count("sub-03: was there\n")) == (1, 1)


def _begun(tmp_path, n, *more):
    """A study in a folder with an odd name, whose runs take long enough to be met at work."""
    dataset = write_study(tmp_path / "bids", n, shape=(32, 38, 30), n_scans=100)
    folder = tmp_path / "half 'n half 50%j"
    assert main(["study", "init", str(dataset), str(folder), "--task", "localizer", *more]) == 0
    return folder


def test_a_run_in_hand_is_kept_when_its_element_is_cancelled(cluster, tmp_path):
    folder = _begun(tmp_path, 3, "--per-task", "3")
    job = _asked(cluster, "sbatch", "--parsable", str(folder / "run.sbatch"))
    _until(lambda: list(folder.glob("runs/.tmp-*")), every=0.002)
    pid = int(_asked(cluster, "scontrol", "listpids", job).splitlines()[1].split()[0])
    os.kill(pid, signal.SIGSTOP)  # SLURM has it go on before it asks it to end
    before = len(Study.open(folder).done)
    _asked(cluster, "scancel", f"{job}_0")
    _ended(cluster)
    assert len(Study.open(folder).done) == before + 1
    assert not list(folder.glob("runs/.tmp-*"))
    said = (folder / "logs" / f"run-{job}_0.log").read_text()
    assert said.count(": fitted\n") == before + 1
    assert said.endswith("error: interrupted\n")


def test_workers_in_a_job_keep_to_what_it_was_given(cluster, tmp_path):
    folder = _begun(tmp_path, 3)
    command = f"exec {sys.executable} -m glmwidgets study run {shlex.quote(str(folder))}"
    for options, said in (
        (["-n1"], "1 worker of this machine (SLURM_CPUS_ON_NODE=1)"),
        (["-n2", "--mem=1G"], "1 worker of this machine (SLURM_MEM_PER_NODE=1024 (1.0 GiB of memory), 1 GiB a worker)"),
    ):
        log = tmp_path / "log"
        _asked(cluster, "sbatch", "-W", "-o", str(log), *options, "--wrap", command)
        assert log.read_text().splitlines()[0].split(maxsplit=1) == ["Where", said]
    assert Study.open(folder).done == [0, 1, 2]


def test_an_array_that_is_too_long_is_refused_with_what_to_do(cluster, tmp_path):
    submit = write_scripts(tmp_path, 1500, 1).submit
    done = subprocess.run(["bash", str(submit)], env=cluster, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Invalid job array specification" in done.stderr
    assert done.stderr.endswith(f"glmwidgets study scripts {tmp_path} --per-task 2\n")
    assert not _asked(cluster, "squeue", "-h")
