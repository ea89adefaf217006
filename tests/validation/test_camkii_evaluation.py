"""camkii in NEURON against its network on unseen calcium: the short form of `nubridge evaluate camkii`."""

from pathlib import Path

import numpy as np
import pytest
import tomllib

import nubridge
from neuron_process import nubridge_command
from nubridge import _camkii_evaluation as evaluation
from nubridge import mechanisms

UNSEEN = Path(__file__).resolve().parents[2] / "models" / "camkii" / "unseen.toml"

CLASSES = """
network = "camkii_kernel"
[[classes]]
name = "trains"
kind = "train"
end_s = 0.6
rate_hz = [2.0, 50.0]
amplitude_uM = 20.0
[[classes]]
name = "bursts"
kind = "burst"
end_s = 0.5
rate_hz = 5.0
amplitude_uM = [3.0]
[[classes]]
name = "noise"
kind = "noise"
end_s = 0.5
level_uM = [1.0]
seed = 3
[[classes]]
name = "steps"
kind = "step"
end_s = 0.5
level_uM = [35.0]
[[classes]]
name = "slow"
kind = "noise"
end_s = 2.0
dt_ms = 1.0
tau_ms = 1000.0
level_uM = [1.0]
seed = 4
"""


def test_no_class_of_calcium_takes_camkii_two_percent_off(tmp_path):
    mechanisms.compile_mechanisms(demo=True)  # not within the command's time
    (tmp_path / "short.toml").write_text(CLASSES)
    report = tmp_path / "report.md"
    done = nubridge_command("evaluate", "camkii", "--protocol", tmp_path / "short.toml", "--report", report)
    assert done.returncode == 0, done.stderr
    lines = [line.split("|") for line in report.read_text().splitlines() if line.startswith("| ")][1:]
    assert [line[1].strip() for line in lines] == ["trains", "bursts", "noise", "steps", "slow"]
    errors = np.array([[[float(e) for e in cell.split("/")] for cell in line[3:-1]] for line in lines])
    by_default, by_sums, often = errors[:, 0], errors[:, 3], errors[:, -1]
    assert by_default.max() < 2 and by_sums.max() < 2 and often.max() < 1
    assert errors[:, 4:-1].max(axis=(0, 2)).min() > 50  # none of the simpler ways is near


def closure_errors(calcium, dt_ms=0.1):
    """Of camkii-sums against camkii, both stepped alike through `calcium`: the largest over time, of each one's largest value."""
    exact, sums = nubridge.Kernel("camkii"), nubridge.Kernel("camkii-sums")
    totals = list(calcium.totals_uM)
    states = [one.initial([calcium.ca_uM[0], *totals]) for one in (exact, sums)]
    seen = []
    for t_ms in np.arange(dt_ms / 2, 1e3 * calcium.t_s[-1], dt_ms):
        inputs = [float(np.interp(t_ms * 1e-3, calcium.t_s, calcium.ca_uM)), *totals]
        states = [one.step(state, inputs, dt_ms) for one, state in zip((exact, sums), states, strict=True)]
        if len(seen) < t_ms / 5:
            seen.append(
                [
                    [one.observe(x)[name] for name in evaluation.OBSERVABLES]
                    for one, x in zip((exact, sums), states, strict=True)
                ]
            )
    values = np.array(seen)
    return np.abs(values[:, 1] - values[:, 0]).max(axis=0) / values[:, 0].max(axis=0)


@pytest.mark.parametrize("kind", ["bursts of four pulses", "steps", "noise", "other totals (10 and 20 uM)"])
def test_the_sums_err_by_a_fifth_of_a_percent_on_unseen_calcium(kind):
    definition = tomllib.loads(UNSEEN.read_text())
    definition["classes"] = [{**one, "end_s": 2.0} for one in definition["classes"] if one["name"] == kind]
    errors = closure_errors(next(evaluation.protocols(definition, "unseen.toml")))
    assert (errors < 2e-3).all() and errors[0] > 0


def full_network():
    """Largest error of the reference of `evaluation` against all 155 species, on a train."""
    kernel, network = nubridge.Kernel("camkii"), nubridge.Network("camkii")
    calcium = next(evaluation.protocols(tomllib.loads(CLASSES), "here"))
    t_s = np.linspace(0, 0.6, 61)
    exact = evaluation.reference(nubridge.Network("camkii_kernel"), kernel, calcium, t_s)
    rest = dict(zip(kernel.state_names, kernel.initial([0.1, 30.0, 80.0]), strict=True))
    wave = nubridge.Waveform(calcium.t_s, calcium.ca_uM, "linear")
    of_155 = {name: rest.get(name, 0.0) for name in network.species if name in rest}
    everything = nubridge.simulate(
        network, "ode", t_s, initial=of_155, inputs={"Ca": wave}, record=["pK_total"], relative_tolerance=1e-7
    )
    return np.abs(exact[:, 0] - everything.mean("pK_total") / 80.0).max() / exact[:, 0].max()


def test_the_reference_is_the_network_of_155_species():
    assert full_network() < 1e-5


def test_every_class_of_the_shipped_protocols_is_made():
    definition = tomllib.loads(UNSEEN.read_text())
    definition["classes"] = [one for one in definition["classes"] if one["kind"] != "spine"]
    made = list(evaluation.protocols(definition, "unseen.toml"))
    assert len(made) > 30 and {one.kind for one in made} == {one["name"] for one in definition["classes"]}
    for one in made:
        assert (np.diff(one.t_s) > 0).all() and (one.ca_uM > 0).all() and one.ca_uM.max() < 100


@pytest.mark.parametrize(
    ("change", "words"),
    [("kind = 'saw'", "it is spine, train"), ("tempo = 3\nkind = 'train'", "found name, tempo")],
)
def test_a_class_that_cannot_be_is_refused_by_name(change, words):
    text = f"network = 'camkii_kernel'\n[[classes]]\nname = 'x'\nend_s = 1.0\n{change}\n"
    with pytest.raises(nubridge.InvalidArgumentError, match=words.split(", ")[0]):
        list(evaluation.protocols(tomllib.loads(text), "here"))
