"""What memory there is, as a container limits it: by groups of version 1 and 2, its own and those above."""

from __future__ import annotations

from pathlib import Path

import pytest

from glmwidgets.files.memory import _of_containers, available_memory


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def version_2(group: str, limit: str, used: int, reclaimed: int) -> dict[str, str]:
    folder = f"sys/fs/cgroup{group}"
    return {
        f"{folder}/memory.max": f"{limit}\n",
        f"{folder}/memory.current": f"{used}\n",
        f"{folder}/memory.stat": f"anon 5\ninactive_file {reclaimed}\n",
    }


def version_1(group: str, limit: int, used: int, reclaimed: int) -> dict[str, str]:
    folder = f"sys/fs/cgroup/memory{group}"
    return {
        f"{folder}/memory.limit_in_bytes": f"{limit}\n",
        f"{folder}/memory.usage_in_bytes": f"{used}\n",
        f"{folder}/memory.stat": f"cache 5\ntotal_inactive_file {reclaimed}\n",
    }


def test_a_group_below_the_root(tmp_path):
    # As systemd and batch systems place processes: the limit is not at the root.
    root = written(tmp_path, {"proc/self/cgroup": "0::/user/job\n", **version_2("/user/job", "1000", 700, 50)})
    assert list(_of_containers(root)) == [350]


def test_the_limit_of_a_group_above_holds_too(tmp_path):
    files = {"proc/self/cgroup": "0::/pod/kernel\n", **version_2("/pod/kernel", "max", 10, 0)}
    root = written(tmp_path, {**files, **version_2("/pod", "600", 500, 0), **version_2("", "900", 100, 0)})
    assert sorted(_of_containers(root)) == [100, 800]


def test_a_container_that_sees_its_own_root_under_the_name_of_the_host(tmp_path):
    root = written(tmp_path, {"proc/self/cgroup": "0::/docker/0123\n", **version_2("", "2000", 500, 0)})
    assert list(_of_containers(root)) == [1500]


@pytest.mark.parametrize("kinds", ["memory", "cpu,memory"])
def test_groups_of_version_1(tmp_path, kinds):
    lines = f"12:{kinds}:/docker/0123\n3:cpuset:/other\n0::/\n"
    root = written(tmp_path, {"proc/self/cgroup": lines, **version_1("/docker/0123", 4000, 3000, 2500)})
    assert list(_of_containers(root)) == [3500]


def test_nothing_is_said_where_the_system_tells_nothing(tmp_path):
    assert list(_of_containers(tmp_path)) == []
    damaged = {"proc/self/cgroup": "nonsense\n", "sys/fs/cgroup/memory.max": "much\n"}
    assert list(_of_containers(written(tmp_path, damaged))) == []


def test_of_this_machine():
    assert available_memory() > 2**20
