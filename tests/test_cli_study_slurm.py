"""The scripts of a study under SLURM itself, a cluster of this one machine, where it is installed.

    apt-get install slurmctld slurmd slurm-client munge

needs no systemd and leaves nothing behind; the daemons want to be root's. Without it, `test_cli_study.py` has a
stand-in.
"""

import os
import secrets
import shutil
import socket
import subprocess
import time

import pytest

from glmwidgets.cli import main
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


def _until(what, seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return
        time.sleep(0.3)
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


def test_an_array_under_slurm_is_gathered_though_one_run_failed(cluster, tmp_path, capsys):
    dataset = write_study(tmp_path / "bids", 3, shape=(12, 14, 11), n_scans=40)
    asked = ["--task", "localizer", "--contrast", "seen=faces - tones", "--noise", "ols", "--confound", "trans_x"]
    folder = tmp_path / "study"
    assert main(["study", "init", str(dataset), str(folder), *asked]) == 0
    (bold,) = dataset.glob("derivatives/fmriprep/sub-02/func/*bold.nii.gz")
    whole = bold.read_bytes()
    bold.write_bytes(whole[:5000])

    def submit():
        subprocess.run(["bash", str(folder / "submit.sh")], env=cluster, capture_output=True, text=True, check=True)
        queue = ["squeue", "-h"]
        _until(lambda: not subprocess.run(queue, env=cluster, capture_output=True, text=True, check=True).stdout)

    submit()
    logs = {path.name.partition("-")[2].partition("_")[2]: path for path in (folder / "logs").glob("run-*.log")}
    assert sorted(logs) == [f"{n}.log" for n in range(3)]
    assert logs["2.log"].read_text() == "sub-03: fitted\n"
    assert logs["1.log"].read_text().startswith("sub-02: ")
    study = Study.open(folder)
    assert study.done == [0, 2]
    (gathered,) = (folder / "logs").glob("gather-*.log")
    assert "1 run is not fitted yet" in gathered.read_text()
    # The same bits as in one process; and what is there is not done again.
    other = Study(tmp_path / "here", study.runs, study.model, study.contrasts)
    other.run("here", rows=[0, 2])
    assert _files(study) == _files(other)
    bold.write_bytes(whole)
    submit()
    assert study.done == [0, 1, 2]
    said = [path.read_text() for path in (folder / "logs").glob("run-*.log")]
    assert (said.count("sub-03: fitted\n"), said.count("sub-03: was there\n")) == (1, 1)
