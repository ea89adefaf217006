"""nubridge train, evaluate, plot: settings in, model, table and figures out."""

import subprocess
import sys
from pathlib import Path

import pytest

import nubridge
from neuron_process import ROOT, environment
from nubridge import cli

SETTINGS = """
name = "falling"
network = "decay"
[family]
kind = "counts"
species = ["A"]
base = "poisson"
[inputs]
k = "/s"
[dynamics]
kind = "grid"
spacing = { A = 1.0, k = 0.5 }
[training]
regime = "ode"
steps = 5
[[protocols]]
end_s = 1.0
points = 11
initial = { A = 20 }
inputs.k = 0.6
[[protocols]]
end_s = 1.0
points = 11
initial = { A = 20 }
inputs.k = { base = 0.5, amplitude = 1.0, period_s = 0.5 }
[[held_out]]
end_s = 1.0
points = 11
initial = { A = 15 }
inputs.k = { t_s = [0.0, 1.0], values = [0.6, 1.2] }
"""


@pytest.fixture
def settings(tmp_path):
    path = tmp_path / "train.toml"
    path.write_text(SETTINGS, encoding="utf-8")
    return path


def test_a_model_is_trained_evaluated_drawn_and_described(settings, tmp_path, capsys):
    assert cli.main(["train", str(settings), "--quiet"]) == 0
    assert "mean KL" in capsys.readouterr().out
    unseen = tmp_path / "unseen.toml"
    head = 'network = "decay"\n[training]\nregime = "ode"\n'
    unseen.write_text(
        head + '[[protocols]]\nname = "new"\nend_s = 1.0\npoints = 11\ninitial = {A = 15}\ninputs.k = 0.9\n'
    )
    figure = tmp_path / "new.png"
    assert cli.main(["evaluate", str(tmp_path), "--protocol", str(unseen), "--plot", str(figure)]) == 0
    table = capsys.readouterr().out
    assert "new" in table and "mean KL" in table
    assert cli.main(["plot", str(tmp_path)]) == 0
    for drawn in (figure, tmp_path / "model.png"):
        assert drawn.read_bytes().startswith(b"\x89PNG")
    assert cli.main(["info", str(tmp_path)]) == 0
    assert "falling" in capsys.readouterr().out


def test_a_report_is_one_file_that_says_how_to_repeat_it(settings, tmp_path, capsys):
    assert cli.main(["train", str(settings), "--quiet"]) == 0
    unseen, page = tmp_path / "unseen.toml", tmp_path / "falling.html"
    unseen.write_text('network = "decay"\n[training]\nregime = "ode"\n[[protocols]]\nname = "<new>"\nend_s = 1.0\n'
                      "points = 11\ninitial = {A = 15}\ninputs.k = 0.9\n")  # fmt: skip
    assert cli.main(["evaluate", str(tmp_path), "--protocol", str(unseen), "--report", str(page)]) == 0
    assert str(page) in capsys.readouterr().out
    text, model = page.read_text(encoding="utf-8"), nubridge.Model(tmp_path)
    assert model.hash in text and f"nubridge train {settings}" in text
    assert f"{model.provenance['loss']:.6g}" in text and "<td>seed</td>" in text
    assert "&lt;new&gt;" in text and "<new>" not in text
    assert text.count('src="data:image/png;base64,') == 3 == text.count("src=")
    assert "http" not in text
    found = nubridge.evaluate(model, "decay", [{"t_s": [0.0, 1.0], "nu": [-2.0], "inputs": {"k": 0.9}}], regime="ode")
    with pytest.raises(
        nubridge.InvalidArgumentError, match="the evaluation is of 'falling', the model is 'sk_calcium'"
    ):
        nubridge.report(nubridge.Model("sk_calcium"), found, page)


def test_resumed_training_gives_the_bytes_of_an_uncut_one(settings, tmp_path):
    assert cli.main(["train", str(settings), "--quiet", "--output", str(tmp_path / "whole")]) == 0
    short = tmp_path / "short.toml"
    short.write_text(SETTINGS.replace("steps = 5", "steps = 2"))
    assert cli.main(["train", str(short), "--quiet", "--output", str(tmp_path / "cut")]) == 0
    assert cli.main(["train", str(settings), "--quiet", "--resume", "--output", str(tmp_path / "cut")]) == 0
    assert (tmp_path / "cut/model.json").read_bytes() == (tmp_path / "whole/model.json").read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "falling"', "", ["lacks 'name'"]),
        ("steps = 5", "step = 5", ["'step'", "steps"]),
        ("inputs.k = 0.6", 'inputs.k = "high"', ["'high'", "bumps"]),
        ('base = "poisson"', "bases = 2", ["'counts'", "bases"]),
        ('kind = "grid"', 'kind = "net"', ["'net'", "terms, grid, polynomial or map"]),
        ("base = 0.5,", "level = 0.5,", ["'level'", "base"]),
        ("points = 11\ninitial = { A = 15 }", "point = 11", ["held_out 0", "'point'"]),
    ],
)
def test_settings_with_a_mistake_are_refused_by_words(settings, capsys, old, new, words):
    assert old in SETTINGS
    settings.write_text(SETTINGS.replace(old, new), encoding="utf-8")
    assert cli.main(["train", str(settings)]) == 1
    said = capsys.readouterr().err
    for word in words:
        assert word in said


def test_an_exact_model_has_nothing_learned_to_draw(capsys):
    assert cli.main(["plot", str(ROOT / "models/sk")]) == 1
    assert "nothing in it was learned" in capsys.readouterr().err


def by_two_ranks(settings):
    mpiexec = Path(sys.executable).with_name("mpiexec")
    words = [mpiexec, "-n", "2", sys.executable, "-m", "nubridge", "train", str(settings), "--quiet"]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, env=environment())


def test_ranks_share_the_protocols_and_make_the_same_bytes(settings, tmp_path):
    assert cli.main(["train", str(settings), "--quiet"]) == 0
    alone = (tmp_path / "model.json").read_bytes()
    (tmp_path / "model.json").unlink()
    done = by_two_ranks(settings)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("mean KL") == 1
    assert (tmp_path / "model.json").read_bytes() == alone


def test_a_fault_on_one_rank_is_said_once(settings):
    settings.write_text(
        SETTINGS.replace("initial = { A = 20 }\ninputs.k = { base", "initial = { Z = 20 }\ninputs.k = { base")
    )
    done = by_two_ranks(settings)
    assert done.returncode != 0 and done.stderr.count("nubridge: ") == 1 and "'Z'" in done.stderr
