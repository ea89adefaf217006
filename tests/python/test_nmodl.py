"""NMODL text of networks and of models: what it holds, and what it refuses."""

import subprocess
import sys
from pathlib import Path

import pytest

from nubridge import InvalidArgumentError, ModelNotFoundError, Network, NetworkError
from nubridge.model_nmodl import mechanism
from nubridge.nmodl import kinetic

PAIRS = [{"reactants": ["Ca", "A"], "products": ["B"], "rate": 2.0}, {"reactants": ["B"], "products": ["Ca", "A"], "rate": 40.0},
         {"reactants": ["B", "B"], "products": ["D"], "rate": "k"}]  # fmt: skip


def network(unit="uM", reactions=PAIRS):
    return Network.build({"Ca": 0, "A": 10, "B": 0, "D": 0}, reactions, parameters={"k": 6.0}, unit=unit, name="pairs")


def test_a_line_holds_a_reaction_and_its_reverse_in_mM_and_ms():
    text = kinetic(network(), "pairs")
    assert "~ A <-> B (2(/mM-ms)*cai, 0.04(/ms))" in text
    assert "A_0 = 0.01 (mM)" in text


def test_equal_reactants_keep_their_rate_law():
    assert "~ B + B <-> D (3(/mM-ms), 0(/ms))" in kinetic(network(), "pairs")  # k x^2/2


def test_what_is_off_at_rest_is_multiplied_by_running():
    assert "~ B + B <-> D (running*3(/mM-ms), 0(/ms))" in kinetic(network(), "pairs", off_at_rest=["k"])


def test_modlunit_finds_no_error(tmp_path):
    (tmp_path / "pairs.mod").write_text(kinetic(network(), "pairs", off_at_rest=["k"]))
    command = [str(Path(sys.executable).with_name("modlunit")), "pairs.mod"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "<<ERROR>>" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: kinetic(network("molecules"), "pairs"), "counts molecules; a KINETIC block of concentrations needs uM"),
        (lambda: kinetic(network(), "pairs", calcium="Zn"), "no species 'Zn' that cai could hold"),
        (lambda: kinetic(network(reactions=[{"reactants": [], "products": ["A"], "rate": 1.0}]), "pairs"), "0 reactants"),
    ],
)  # fmt: skip
def test_a_network_that_it_cannot_say_is_refused(call, words):
    with pytest.raises(NetworkError, match=words):
        call()


def test_the_text_of_a_model_says_how_to_make_it_again():
    text = mechanism("camkii", "mine", {"cam": "30", "camkii": "80"}, "bound:nonspecific")
    command = "nubridge mechanisms --model camkii --suffix mine --input ca=cai --input cam=30 --input camkii=80"
    assert f"{command} --current bound:nonspecific" in text
    assert "RANGE cam, camkii, outside, gbar, g, e, i" in text and "NONSPECIFIC_CURRENT i" in text
    assert "USEION ca READ cai" in text and "cai*1e3" in text


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: mechanism("sk", inputs={"calcium": "cai"}), InvalidArgumentError, "no input 'calcium'; it has ca"),
        (lambda: mechanism("sk", inputs={"ca": "the sea"}), InvalidArgumentError, "cannot come from 'the sea'; name an ion's"),
        (lambda: mechanism("sk", current="open:k"), InvalidArgumentError, "no OBSERVABLE:ION such as popen:k; the observables are popen"),
        (lambda: mechanism("sk", current="popen"), InvalidArgumentError, "'popen' is no OBSERVABLE:ION"),
        (lambda: mechanism("no_such_model"), ModelNotFoundError, "no_such_model"),
    ],
)  # fmt: skip
def test_a_mechanism_that_a_model_cannot_be_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
