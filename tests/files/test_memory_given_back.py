"""What is let go of goes back to the system."""

import subprocess
import sys

import pytest

# A thread leaves arrays of its own, too small for the system to have lent them one by one.
SCRIPT = """
import threading
import numpy as np
from glmwidgets.files.memory import give_memory_back

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6

def work():
    blocks.extend(np.ones(12_000) for _ in range(1_000))

blocks = []
before = resident()
thread = threading.Thread(target=work)
thread.start()
thread.join()
top = resident()
blocks.clear()
give_memory_back()
print(top - before, resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts pages as Linux does")
def test_memory_of_a_thread_goes_back():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    taken, left = map(float, done.stdout.split())
    assert taken > 80
    assert left < 10
