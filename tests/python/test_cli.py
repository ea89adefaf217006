"""The command nubridge: what it prints, its exit code, and what Ctrl-C leaves."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import nubridge
from neuron_process import ROOT, environment, nubridge_command
from nubridge import cli, doctor, mechanisms, paths

COMMANDS = ("info", "simulate", "mechanisms", "doctor", "train", "evaluate", "plot", "demo")


def test_help_shows_examples():
    text = nubridge_command("--help").stdout
    assert "examples:" in text and "nubridge info sk" in text and "nubridge mechanisms --output . my.mod" in text
    assert all(command in text for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_says_what_it_does(command, capsys):
    with contextlib.suppress(SystemExit):
        assert cli.main([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: nubridge {command}")
    if command != "demo":  # the demo's own
        assert f"examples:\n  nubridge {command}" in text


def test_version():
    assert nubridge_command("--version").stdout == f"nubridge {nubridge.__version__}\n"


@pytest.mark.parametrize("words", [[], ["trian"], ["info", "sk", "two"]])
def test_a_wrong_call_exits_with_two_and_shows_the_usage(words):
    done = nubridge_command(*words)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: nubridge")


def test_info_names_versions_folders_and_models():
    done = nubridge_command("info")
    assert done.returncode == 0
    assert f"nubridge {nubridge.__version__}, library {nubridge.__version__}, interface 1" in done.stdout
    assert str(paths.prefix()) in done.stdout and str(paths.cache()) in done.stdout
    assert "models     camkii, camkii-sums, sk" in done.stdout


def test_info_shows_what_a_kernel_holds():
    done = nubridge_command("info", "camkii")
    assert done.returncode == 0
    for text in ("75 states", "bound, pT286, ca4cam, cataken", "input        ca: 0 to 1000 uM", "Pepke"):
        assert text in done.stdout


@pytest.mark.parametrize("name", ["sk", ROOT / "models" / "sk", ROOT / "models" / "sk" / "model.json"])
def test_info_shows_what_a_model_holds(name):
    done = nubridge_command("info", name)
    assert done.returncode == 0
    for text in (
        "C1, C2, C3, C4, O1, O2",
        "ca: 0 to 1000 uM; outside: extrapolate",
        "popen",
        "Hirschberg",
        nubridge.Model("sk").hash,
    ):
        assert text in done.stdout


def test_info_of_an_unknown_model_names_the_known():
    done = nubridge_command("info", "ks")
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr.startswith("nubridge: no model 'ks' in ")
        and "there: camkii, camkii-sums, sk, sk_calcium." in done.stderr
    )


def test_train_makes_the_model_of_the_repository_byte_for_byte(tmp_path):
    done = nubridge_command("train", ROOT / "models" / "sk" / "train.toml", "--output", tmp_path / "model.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'model.json'}  {nubridge.Model('sk').hash}\n"
    assert (tmp_path / "model.json").read_bytes() == (ROOT / "models" / "sk" / "model.json").read_bytes()


def test_train_writes_beside_its_settings(tmp_path):
    (tmp_path / "train.toml").write_bytes((ROOT / "models" / "sk" / "train.toml").read_bytes())
    assert nubridge_command("train", tmp_path / "train.toml").returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "train.toml"]


def test_mechanisms_compiles_into_a_folder_that_exists(user_library):
    assert mechanisms.library_file(user_library).is_file()
    assert os.access(mechanisms.library_file(user_library).with_name("special"), os.X_OK)
    assert (user_library / "kept.txt").is_file()
    assert [path.name for path in user_library.parent.iterdir() if ".part" in path.name] == []


def test_mechanisms_prints_its_folder_or_its_library():
    folder, library = (
        Path(nubridge_command("mechanisms", *words).stdout.rstrip("\n")) for words in ([], ["--library"])
    )
    assert folder.is_dir() and library.is_file()
    assert folder in library.parents


def test_mechanisms_explains_a_missing_mod_file():
    done = nubridge_command("mechanisms", "nowhere.mod")
    assert done.returncode == 1
    assert "nubridge: nowhere.mod is no .mod file; name existing .mod files or folders that hold some" in done.stderr


def test_doctor_finds_everything():
    done = nubridge_command("doctor")
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert all(line.startswith("ok    ") for line in lines)
    for check in ("Python", "compiler", "NEURON", "library", "models", "mechanisms", "peers", "shared memory"):
        assert any(line.startswith(f"ok    {check} ") for line in lines)


@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        ({"PATH": "nowhere", "CXX": None}, "compiler", "no C++ compiler was found; install g++"),
        ({"CXX": "no-such-compiler"}, "compiler", "the compiler no-such-compiler does not answer"),
        ({"NUBRIDGE_PREFIX": "nowhere"}, "library", "libnubridge.so is not in"),
        ({"NUBRIDGE_CACHE": "/dev/null/x"}, "mechanisms", "cannot be written to /dev/null/x"),
    ],
)
def test_doctor_names_what_is_broken(changes, check, words):
    done = nubridge_command("doctor", **changes)
    assert done.returncode == 1
    (line,) = (line for line in done.stdout.splitlines() if line.startswith(f"FAIL  {check} "))
    assert words in line


def test_doctor_takes_a_compiler_of_two_words(monkeypatch):
    plain = doctor.check_compiler()
    monkeypatch.setenv("CXX", f"env {os.environ.get('CXX', 'c++')}")
    assert doctor.check_compiler() == plain


def processes_in(folder):
    """The commands of the processes whose working folder lies in `folder`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder in (process / "cwd").readlink().parents or (process / "cwd").readlink() == folder:
                found.append((process / "cmdline").read_bytes())
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_ctrl_c_while_compiling_leaves_nothing(tmp_path):
    cache = tmp_path / "cache"
    command = [sys.executable, "-m", "nubridge", "mechanisms"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment(NUBRIDGE_CACHE=cache), start_new_session=True, **pipes) as process:
        deadline = time.monotonic() + 60
        while not any(b"cc1plus" in line or b"nocmodl" in line for line in processes_in(cache)):
            assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        os.killpg(process.pid, signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    assert stderr.rstrip().endswith("nubridge: stopped")
    assert processes_in(cache) == []
    assert list(cache.iterdir()) == []
