"""nubridge.Kernel: mass action stepped explicitly, by the compiled topology and by the list of reactions."""

import json

import numpy as np
import pytest

from nubridge import InvalidArgumentError, InvalidInputError, Kernel, Model, ModelFileError, Network, _library, train

BINDING = """
name = "binding"
title = "A + Ca <-> AC, and AC + B <-> D"
policy = "clamp"
observables = ["AC_or_D"]

[[inputs]]
name = "ca"
unit = "uM"
domain = [0.0, 100.0]

[[inputs]]
name = "a"
unit = "uM"
domain = [0.0, 100.0]

[[inputs]]
name = "b"
unit = "uM"
domain = [0.0, 100.0]

[dynamics]
kind = "mass_action"
network = "binding.net"
driven = { Ca = "ca" }
totals = [{ input = "a", start = "A", observable = "A_total" }, { input = "b", start = "B", observable = "B_total" }]
"""


@pytest.fixture
def binding(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reactions = [
        (["A", "Ca"], ["AC"], 20.0),
        (["AC"], ["A", "Ca"], 30.0),
        (["AC", "B"], ["D"], 5.0),
        (["D"], ["AC", "B"], 40.0),
    ]
    network = Network.build(
        {"Ca": 1.0, "A": 10.0, "AC": 0.0, "B": 4.0, "D": 0.0},
        [{"reactants": left, "products": right, "rate": rate} for left, right, rate in reactions],
        unit="uM",
        fixed=["Ca"],
        observables={"A_total": {"A": 1, "AC": 1, "D": 1}, "B_total": {"B": 1, "D": 1}, "AC_or_D": {"AC": 1, "D": 1}},
    )  # fmt: skip
    (tmp_path / "binding.net").write_text(network.to_net())
    (tmp_path / "train.toml").write_text(BINDING)
    return train("train.toml")


def test_any_network_becomes_a_kernel_with_the_steady_state_of_its_equations(binding):
    a, ac, b, d = binding.initial([2.0, 10.0, 4.0])
    assert np.allclose([20.0 * 2.0 * a, 5.0 * ac * b, a + ac + d, b + d], [30.0 * ac, 40.0 * d, 10.0, 4.0], rtol=1e-9)
    assert binding.observe([a, ac, b, d])["AC_or_D"] == pytest.approx(10.0 - a)


def test_a_long_step_is_cut_into_stable_ones_and_keeps_totals_and_signs(binding):
    amounts = binding.step([10.0, 0.0, 4.0, 0.0], [100.0, 10.0, 4.0], 1e4)
    assert np.allclose(amounts, binding.initial([100.0, 10.0, 4.0]), rtol=1e-9)
    assert (amounts >= 0).all() and amounts[0] + amounts[1] + amounts[3] == pytest.approx(10.0, rel=1e-13)


def test_the_same_settings_give_the_same_bytes(binding):
    first = binding.path.read_bytes()
    assert train("train.toml").path.read_bytes() == first


@pytest.mark.parametrize("name", ["camkii", "camkii-sums"])
def test_camkii_is_what_its_settings_make(tmp_path, name):
    kernel = Kernel(name)
    made = train(kernel.path.with_name("train.toml"), tmp_path / "model.json")
    assert made.path.read_bytes() == kernel.path.read_bytes()


def test_camkii_steps_as_its_reactions_say():
    kernel = Kernel("camkii")
    inputs, amounts = [3.0, 30.0, 80.0], np.random.default_rng(7).uniform(0.1, 1.0, 75)
    h_ms = 0.01  # one step of Heun's method
    first = kernel.rhs(amounts, inputs)
    second = kernel.rhs(amounts + h_ms * first, inputs)
    assert np.allclose(kernel.step(amounts, inputs, h_ms), amounts + h_ms * (first + second) / 2, rtol=0, atol=1e-14)


def test_camkii_keeps_totals_and_signs_over_a_thousand_seconds():
    kernel, inputs = Kernel("camkii"), [5.0, 30.0, 80.0]
    amounts = kernel.initial([0.1, 30.0, 80.0])
    for _ in range(50):
        amounts = kernel.step(amounts, inputs, 20_000.0)
    network = Network("camkii_kernel")
    order = [network.species_index(name) for name in kernel.state_names]
    totals = [network.weights(name)[order] @ amounts for name in ("CaM_total", "K_total")]
    assert np.allclose(totals, [30.0, 80.0], rtol=1e-11) and (amounts >= 0).all()


def test_sums_are_refused_where_there_are_no_subunits(binding, tmp_path):
    (tmp_path / "train.toml").write_text(BINDING.replace("mass_action", "subunit_sums"))
    with pytest.raises(ModelFileError, match="need the network of calmodulin and CaMKII of 75 states"):
        train("train.toml", tmp_path / "sums.json")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("subunit_sums", "sums", "a kernel is 'mass_action' or 'subunit_sums'"),
        ("CaM_total", "CaM_sum", "names the observable 'CaM_sum', which the network has not"),
        ('"schema_version": 1', '"schema_version": 2', "no kernel of version 1"),
    ],
)
def test_a_file_of_sums_that_breaks_a_rule_is_refused(tmp_path, old, new, words):
    text = json.dumps({key: value for key, value in Kernel("camkii-sums").document.items() if key != "hash"})
    assert old in text
    dynamics = text.replace(f'"{old}"' if '"' not in old else old, f'"{new}"' if '"' not in old else new)
    library = _library.library()
    status = library.nubridge_kernel_seal(dynamics.encode(), str(tmp_path / "model.json").encode())
    with pytest.raises(ModelFileError, match=words):
        _library.check(library, status)


def test_a_file_of_sums_that_was_edited_is_refused(tmp_path):
    text = Kernel("camkii-sums").path.read_text()
    (tmp_path / "model.json").write_text(text.replace("c1_on 4\\n", "c1_on 5\\n"))
    with pytest.raises(ModelFileError, match="hash"):
        Kernel(tmp_path / "model.json")


def test_bad_arguments_are_named():
    kernel = Kernel("camkii")
    amounts = kernel.initial([0.1, 30.0, 80.0])
    with pytest.raises(InvalidArgumentError, match="pass 75 numbers"):
        kernel.rhs(amounts[:3], [0.1, 30.0, 80.0])
    with pytest.raises(InvalidInputError, match="input 'ca' is nan uM"):
        kernel.step(amounts, [np.nan, 30.0, 80.0], 0.1)
    with pytest.raises(ModelFileError, match="no nubridge model"):
        Model("camkii")


@pytest.mark.parametrize("part", ["inputs", "domain"])
def test_a_learned_file_that_lacks_a_part_is_refused(tmp_path, part):
    document = {key: value for key, value in Kernel("sk_calcium").document.items() if key not in (part, "hash")}
    path = tmp_path / "model.json"
    library = _library.library()
    _library.check(library, library.nubridge_model_seal(json.dumps(document).encode(), str(path).encode()))
    with pytest.raises(ModelFileError, match=part):
        Kernel(path)
