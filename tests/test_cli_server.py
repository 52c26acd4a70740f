"""What is said where a server does not start."""

import subprocess
import sys

import pytest

from glmwidgets.cli import CommandError, server


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import time; time.sleep(60)", "Voilà did not answer within 0.2 s: try again; it wrote no message"),
        ("raise SystemExit(3)", "Voilà ended with code 3; it wrote no message"),
        ("print('no port'); raise SystemExit(3)", "Voilà ended with code 3; its last message: no port"),
    ],
)
def test_a_server_that_is_late_is_told_from_one_that_has_ended(program, said, tmp_path, monkeypatch):
    def unreachable():
        raise OSError

    log = tmp_path / "log"
    with log.open("w") as sink:
        process = subprocess.Popen([sys.executable, "-c", program], stdout=sink)
    if "sleep" in program:
        monkeypatch.setattr(server, "PATIENCE", 0.2)
    try:
        with pytest.raises(CommandError) as error:
            server._wait_until_it_answers(process, unreachable, log, "Voilà")
        assert str(error.value) == said
    finally:
        process.kill()
        process.wait()
