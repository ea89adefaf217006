"""NubridgeSession of nubridge.hoc is the Session of Python."""

import numpy as np
import pytest

from hoc_process import hoc
from neuron_process import in_neuron

BEGIN = """
load_file("stdrun.hoc")
load_file("nubridge.hoc")
create spine
spine { L = 1 diam = 1 insert skpeer }
objref session
"""
RUN = """
session = new NubridgeSession("ssa", "sk_calcium", 50, 7, "SCHEME", "windows.h5")
spine session.couple(0.5, "O1 + O2 -> skpeer.popen", "k21 <- 8e4 * skpeer.gbar")
finitialize(-65)
continuerun(2)
session.save("bundle")
continuerun(4)
{ session.restore("bundle") }
spine session.set_regime(0.5, "nu")
continuerun(6)
session.report()
printf("seen %.17g %.17g\\n", spine.cai(0.5), spine.popen_skpeer(0.5))
session.close()
"""


def same_in_python(folder, scheme):
    from neuron import n

    import nubridge

    n.load_file("stdrun.hoc")
    spine = n.Section("spine")
    spine.L = spine.diam = 1
    spine.insert("skpeer")
    with nubridge.Session("ssa", "sk_calcium", 50, seed=7, scheme=scheme) as session:
        rates = {"k21": ("skpeer.gbar", 8e4)}
        session.couple(spine(0.5), reads=["O1 + O2 -> skpeer.popen"], rates=rates)
        n.finitialize(-65)
        n.continuerun(2)
        session.save(f"{folder}/bundle")
        session.set_regime(spine(0.5), "nu")
        n.continuerun(6)
        return spine(0.5).cai, spine(0.5).skpeer.popen


@pytest.mark.parametrize("scheme", ["serial", "predictor"])
def test_a_session_of_hoc_gives_the_numbers_of_python(scheme, tmp_path, on_path):
    done = hoc(tmp_path, BEGIN + RUN.replace("SCHEME", scheme), on_path)
    assert done.returncode == 0, done.stderr
    assert "NEURON 6 ms, peer 6 ms" in done.stdout and "spine(0.5): in nu" in done.stdout
    seen = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("seen")]
    np.testing.assert_array_equal(np.array(seen[0], float), in_neuron(same_in_python, str(tmp_path), scheme))
    assert (tmp_path / "windows.h5").stat().st_size > 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('spine session.couple(0.5, "O3 -> skpeer.popen")', "no species 'O3'; near are"),
        ('spine session.couple(0.5, "k21 <- 2 +")', "the rate 'k21 <- 2 +' is none"),
        ('spine session.set_regime(0.5, "nu")', "is not coupled"),
        ('session.save("bundle")', "has not started"),
    ],
)
def test_a_mistake_is_told_in_the_words_of_python(line, words, tmp_path, on_path):
    made = 'session = new NubridgeSession("ssa", "sk_calcium", 25, 1)\n'
    done = hoc(tmp_path, BEGIN + made + line + '\nprint "went on"', on_path)
    assert words in done.stderr
    assert "went on" not in done.stdout
