"""nubridge simulate: words in, table, files, figures and exit codes out; by ranks too."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import nubridge
from neuron_process import environment, nubridge_command
from nubridge import InvalidArgumentError, Result, _simulate_command, cli, quantities

MPIEXEC = Path(sys.executable).with_name("mpiexec")
SHORT = ("abc", "--t", "100ms", "--points", "11", "--runs", "600", "--seed", "7")


def simulate(capsys, *words):
    """Exit code, standard output and error of `nubridge simulate` in this process."""
    try:
        status = cli.main(["simulate", *map(str, words)])
    except SystemExit as stop:
        status = stop.code
    return status, *capsys.readouterr()


def test_help_teaches_by_examples(capsys):
    _, text, _ = simulate(capsys, "--help")
    assert text.startswith("usage: nubridge simulate NETWORK")
    for words in (
        "--regime ode",
        "--resume",
        "--set kon=2.0",
        "pulses(10uM",
        "64x64x64@0.1um",
        "mpiexec -n 4",
        "--plot",
    ):
        assert words in text.split("examples:")[1]


def examples():
    lines = [line.strip() for line in _simulate_command.EXAMPLES.splitlines()]
    return [line.removeprefix("nubridge ") for line in lines if line.startswith("nubridge simulate")]


@pytest.mark.parametrize("line", examples())
def test_examples_are_understood(line):
    words = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', line)]
    assert cli._parser().parse_args(words).network


def test_a_run_prints_a_table_and_writes_file_and_figure(capsys, tmp_path):
    output = tmp_path / "run.h5"
    status, text, _ = simulate(capsys, *SHORT, "--output", output, "--plot")
    assert status == 0
    lines = text.splitlines()
    expected = nubridge.simulate("abc", t_s=np.linspace(0, 0.1, 11), runs=600, seed=7)
    assert lines[0] == "abc: ssa, 600 runs from seed 7"
    assert lines[1] == f"hash      {expected.network.hash}"
    assert re.fullmatch(r"events    \S+ in \S+ s, \S+ a second", lines[2])
    assert lines[3].split() == ["at", "0.1", "s", "mean", "std", "molecules"]
    name, mean, std = lines[4].split()
    assert (name, mean, std) == ("A", f"{expected.mean('A')[-1]:.6g}", f"{expected.std('A')[-1]:.4g}")
    assert lines[-2:] == [f"written   {output}", f"drawn     {tmp_path / 'run.png'}"]
    assert Result.from_hdf5(output).values.tobytes() == expected.values.tobytes()
    assert (tmp_path / "run.png").stat().st_size > 10_000


def test_every_word_reaches_the_simulation(capsys, tmp_path):
    (tmp_path / "ca.csv").write_text("t_s,Ca\n0,1\n0.005,2.5\n")
    output = tmp_path / "run.h5"
    options = ["--volume", "2fl", "--t", "5ms,10ms", "--runs", "4", "--seed", "3", "--threads", "1"]
    options += ["--set", "k12=150", "--initial", "C1=100nM", "--initial", "C2=0.2"]
    options += ["--input", f"Ca={tmp_path / 'ca.csv'}", "--input", "k21=90", "--record", "open,C1,Ca", "--quiet"]
    status, _, error = simulate(capsys, "sk", *options, "--output", output)
    assert (status, error) == (0, "")
    found = Result.from_hdf5(output)
    expected = nubridge.simulate(
        "sk",
        t_s=[0.005, 0.01],
        runs=4,
        seed=3,
        volume_um3=2.0,
        parameters={"k12": 150},
        initial={"C1": 0.1, "C2": 0.2},
        inputs={"Ca": ([0, 0.005], [1, 2.5]), "k21": ([0.0], [90.0])},
        record=["open", "C1", "Ca"],
    )
    assert found.settings == expected.settings and found.values.tobytes() == expected.values.tobytes()


def test_pulses_drive(capsys, tmp_path):
    text = "Ca=pulses(10uM, rate_hz=5, tau_ms=12, pulses=3, base=0.1)"
    options = ["sk", "--regime", "ode", "--t", "1s", "--record", "Ca,open", "--output", tmp_path / "run.h5"]
    assert simulate(capsys, *options, "--input", text)[0] == 0
    train = nubridge.PulseTrain(amplitude=10, unit="uM", rate_hz=5, tau_ms=12, pulses=3, base=0.1)
    expected = nubridge.simulate("sk", "ode", inputs={"Ca": train}, record=["Ca", "open"])
    assert Result.from_hdf5(tmp_path / "run.h5").values.tobytes() == expected.values.tobytes()
    for wrong in ("pulses(10uM)", "pulses(10uM, speed=3)", "pulses(10uM, 5)"):
        status, _, error = simulate(capsys, "sk", "--regime", "ode", "--input", f"Ca={wrong}")
        assert status == 1 and error.startswith(f"nubridge: {wrong}")


def test_a_space_is_built_from_words():
    words = "simulate abc --space 8x4@50nm --diffusion A=220 --diffusion B=1um2/ms --face C=x- --periodic".split()
    space = _simulate_command._space(cli._parser().parse_args(words))
    assert (space.shape, space.periodic, dict(space.face)) == ((8, 4), True, {"C": "x-"})
    assert abs(space.spacing_um - 0.05) < 1e-15 and space.diffusion_um2_s == {"A": 220.0, "B": 1000.0}


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["nothing"], 1, "there is no network"),
        (["camkii"], 1, "whole molecules need a finite positive volume"),
        (["sk", "--volume", "-1um3"], 1, "the volume is -1.0 um3; it is finite and positive"),
        (["sk", "--volume", "nan"], 1, "'nan' is no number"),
        (["sk", "--volume", "1s"], 1, "'1s' is no volume: its unit is one of um3"),
        (["sk", "--volume", "1um3", "--set", "k12=-1"], 1, "'k12' is -1"),
        (["sk", "--volume", "1um3", "--set", "kx=1"], 1, "there is no parameter 'kx'"),
        (["sk", "--volume", "1um3", "--initial", "Q=1"], 1, "sk has no species 'Q'"),
        (["abc", "--initial", "A=1uM"], 1, "need --volume"),
        (["abc", "--initial", "A=1V"], 1, "its unit is molecules, nM"),
        (["abc", "--t", "0s"], 1, "the end is later than 0"),
        (["abc", "--t", "2h30"], 1, "'2h30' is no time"),
        (["abc", "--record", "Q"], 1, "abc has no species 'Q'"),
        (["abc", "--input", "A=gone.csv"], 1, "gone.csv cannot be read"),
        (["abc", "--regime", "grid-ssa"], 1, "needs space"),
        (["abc", "--regime", "grid-ssa", "--space", "4x4"], 1, "write cubes and their edge, like 64x64x64@0.1um"),
        (["abc", "--regime", "ode", "--runs", "3"], 1, "there is no chance in ode"),
        (["abc", "--resume"], 1, "name the file as output"),
        (["abc", "--output", "nowhere/run.h5"], 1, "nowhere/run.h5 cannot be written"),
        (["abc", "--regime", "exact"], 2, "invalid choice: 'exact'"),
        (["abc", "--set", "kon"], 2, "--set kon: write NAME=VALUE"),
        ([], 2, "the following arguments are required: network"),
    ],
)
def test_bad_words_get_one_sentence_and_a_code(words, status, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, text, error = simulate(capsys, *words)
    assert (found, text) == (status, "")
    last = error.splitlines()[-1]
    assert said in last and last.startswith("nubridge")
    assert status == 2 or error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_resume_goes_on(capsys, tmp_path):
    output = tmp_path / "run.h5"
    assert simulate(capsys, *SHORT, "--output", output)[0] == 0
    status, _, error = simulate(capsys, *SHORT, "--output", output)
    assert status == 1 and "is there already; resume goes on with it" in error
    more = [*SHORT[:-4], "--runs", "700", "--seed", "7"]
    assert simulate(capsys, *more, "--output", output, "--resume")[0] == 0
    straight = nubridge.simulate("abc", t_s=np.linspace(0, 0.1, 11), runs=700, seed=7)
    assert Result.from_hdf5(output).values.tobytes() == straight.values.tobytes()


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("1um3", "volume", 1.0),
        ("0.5fl", "volume", 0.5),
        ("2e-3 pl", "volume", 2.0),
        ("1e-15l", "volume", 1.0),
        ("500nm3", "volume", 500e-9),
        ("10s", "time", 10.0),
        ("200ms", "time", 0.2),
        ("5µs", "time", 5e-6),
        (".5min", "time", 30.0),
        ("0.1um", "length", 0.1),
        ("1e-8cm2/s", "diffusion constant", 1.0),
        ("7", "time", 7.0),
    ],
)
def test_quantities_have_units(text, kind, value):
    assert abs(quantities.quantity(text, kind) / value - 1) < 1e-12


@pytest.mark.parametrize("text", ["", "s", "1e999", "inf", "1 s s", "1um", "--1s"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(InvalidArgumentError, match=r"is no (time|number)"):
        quantities.quantity(text, "time")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_says_what_was_kept(stop, tmp_path):
    output = tmp_path / "run.h5"
    command = [sys.executable, "-m", "nubridge", "simulate", "abc", "--t", "10s", "--runs", "1000000", "--keep", "runs"]
    command += ["--record", "A", "--output", output]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    default = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler)}
    with subprocess.Popen(command, env=environment(), **pipes, **default) as process:
        deadline = time.monotonic() + 60
        while not (output.is_file() and output.stat().st_size > 100_000):
            assert process.poll() is None and time.monotonic() < deadline, process.communicate()
            time.sleep(0.05)
        process.send_signal(stop)
        stdout, stderr = process.communicate(timeout=60)
    kept = Result.from_hdf5(output)
    assert (process.returncode, stdout) == (130, "")
    assert stderr == f"nubridge: stopped after {kept.runs} of 1000000 runs; {output} holds them, resume goes on\n"
    assert kept.runs > 100


def test_progress_is_not_shown_where_nobody_looks(tmp_path):
    done = nubridge_command("simulate", *SHORT, "--output", tmp_path / "run.h5")
    assert (done.returncode, done.stderr) == (0, "")


# --- ranks ------------------------------------------------------------------------------------------------------


def by_ranks(count, *words, **changes):
    command = [MPIEXEC, "-n", str(count), sys.executable, "-m", "nubridge", "simulate", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment(**changes))


@pytest.mark.parametrize("keep", [("--keep", "runs"), ("--keep", "statistics", "--histogram", "A")])
def test_ranks_do_not_change_a_byte(keep, capsys, tmp_path):
    assert simulate(capsys, *SHORT, *keep, "--output", tmp_path / "alone.h5")[0] == 0
    done = by_ranks(2, *SHORT, *keep, "--output", tmp_path / "two.h5")
    assert done.returncode == 0 and done.stderr == "" and done.stdout.count("abc: ssa, 600 runs") == 1
    assert (tmp_path / "two.h5").read_bytes() == (tmp_path / "alone.h5").read_bytes()


def test_ranks_share_a_lattice(capsys, tmp_path):
    words = [
        *"abc --regime lattice --space 8x8@50nm --diffusion A=1 --initial A=20 --initial B=20 --initial C=2".split(),
        *SHORT[1:],
    ]
    assert simulate(capsys, *words, "--output", tmp_path / "alone.h5")[0] == 0
    assert by_ranks(2, *words, "--output", tmp_path / "two.h5").returncode == 0
    assert (tmp_path / "two.h5").read_bytes() == (tmp_path / "alone.h5").read_bytes()


def test_ranks_go_on_with_a_file(capsys, tmp_path):
    assert by_ranks(2, *SHORT, "--output", tmp_path / "run.h5").returncode == 0
    more = [*SHORT[:-4], "--runs", "1000", "--seed", "7"]
    assert by_ranks(3, *more, "--output", tmp_path / "run.h5", "--resume").returncode == 0
    straight = nubridge.simulate("abc", t_s=np.linspace(0, 0.1, 11), runs=1000, seed=7)
    found = Result.from_hdf5(tmp_path / "run.h5")
    assert found.values.tobytes() == straight.values.tobytes() and found.events == straight.events


def test_an_error_ends_all_ranks_with_one_sentence():
    done = by_ranks(2, "camkii")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("nubridge: the network 'camkii' is in uM") == 1


def test_ranks_without_mpi4py_are_refused(tmp_path):
    (tmp_path / "mpi4py.py").write_text("raise ImportError")
    path = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])
    done = nubridge_command("simulate", *SHORT, PMI_SIZE="2", PYTHONPATH=path)
    assert done.returncode == 1
    assert done.stderr == (
        "nubridge: 2 ranks were started and mpi4py is not installed: pip install mpi4py, or leave mpiexec out\n"
    )
