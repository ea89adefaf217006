"""The shipped networks against numbers computed elsewhere, and what Network reads, builds and refuses."""

import csv
import itertools
import math
from pathlib import Path

import numpy as np
import pytest

import nubridge
from nubridge import _bionetgen

ORACLES = Path(__file__).resolve().parents[1] / "support" / "oracles"
NETWORKS = Path(__file__).resolve().parents[2] / "models" / "networks"
TIGHT = {"relative_tolerance": 1e-10, "absolute_tolerance": 1e-20}
NMDAR = ("C0", "C1", "C2", "D", "O", "OB", "C2B", "DB", "C1B", "C0B")
NOTHING = 1e-17  # zeros of these files are round-off


def rows(name):
    with (ORACLES / name).open(encoding="utf-8") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def close(value, expected):
    return value == pytest.approx(expected, rel=1e-6, abs=NOTHING)


def test_nmdar_follows_a_pulse_of_glutamate():
    pulses = itertools.groupby(rows("nmdar_pulse_1mM_1ms.csv"), key=lambda row: (row["V_mV"], row["mg_mM"]))
    for (V_mV, Mg_mM), expected in pulses:
        receptor = nubridge.Simulator(
            "nmdar", "ode", parameters={"V_mV": V_mV, "Mg_mM": Mg_mM}, initial={"C0": 1.0, "Glu": 1000.0}, **TIGHT
        )
        for row in expected:
            if row["t_ms"] > 1.0:
                receptor.advance(max(1e-3, receptor.t_s))
                receptor["Glu"] = 0.0
            receptor.advance(row["t_ms"] * 1e-3)
            assert all(close(receptor[state], row[state]) for state in NMDAR), row


def test_nmdar_has_the_steady_state_of_its_rates():
    for row in rows("nmdar_steady_state.csv"):
        parameters = {"V_mV": row["V_mV"], "Mg_mM": row["mg_mM"]}
        initial = {"C0": 1.0, "Glu": 1000.0 * row["glu_mM"]}
        receptor = nubridge.Simulator("nmdar", "ode", parameters=parameters, initial=initial, **TIGHT)
        receptor.advance(100.0)
        assert all(close(receptor[state], row[state]) for state in NMDAR), row


def test_spine_takes_up_an_impulse_of_calcium():
    spine = nubridge.Simulator("spine", "ode", parameters={"VDCC_0": 0}, **TIGHT)
    assert spine["Ca"] == pytest.approx(0.100382407, abs=1e-9)
    spine.add("Ca", 20.0)
    copies_per_uM = 602.214076 * spine.network.parameters["volume_um3"]
    for row in rows("spine_impulse20uM.csv"):
        spine.advance(row["t_ms"] * 1e-3)
        assert close(spine["Ca"], row["Ca_uM"])
        assert close(spine["CBP_Ca"], row["CBPCa_uM"])
        assert close(spine["PMCA_Ca"] * copies_per_uM, row["PMCA1"])
        assert close(spine["NCX_Ca"] * copies_per_uM, row["NCX1"])
        for h, m in itertools.product(range(3), repeat=2):
            assert close(spine[f"Calb(h~{h},m~{m})"], row[f"calb_h{h}m{m}_uM"])


def test_spine_follows_an_action_potential():
    network = nubridge.Network("spine")
    expected = rows("spine_bap.csv")

    def voltage_mV(t_s):
        t_ms = 1e3 * t_s - 1.0
        return -65.0 if t_ms < 0 else -65.0 + 67.0 * (0.7 * math.exp(-t_ms / 3) + 0.3 * math.exp(-t_ms / 40))

    spine = nubridge.simulate(
        network,
        "ode",
        [row["t_ms"] * 1e-3 for row in expected],
        inputs=network.rates_of("V_mV", voltage_mV),
        record=["Ca", "VDCC_open", "CBP_Ca", "PMCA_Ca", "NCX_Ca"],
        **TIGHT,
    )
    copies_per_uM = 602.214076 * network.parameters["volume_um3"]
    for i, row in enumerate(expected):
        assert close(spine["Ca"][0, i], row["Ca_uM"])
        assert close(spine["VDCC_open"][0, i] / network.parameters["VDCC_0"], row["VDCC_O"])
        assert close(spine["CBP_Ca"][0, i], row["CBPCa_uM"])
        assert close(spine["PMCA_Ca"][0, i] * copies_per_uM, row["PMCA1"])
        assert close(spine["NCX_Ca"][0, i] * copies_per_uM, row["NCX1"])


def test_spine_starts_in_the_equilibrium_of_its_channels_and_calbindin():
    for row in rows("vdcc_steady_state.csv"):
        if row["V_mV"] == 0.0:
            continue  # the flux is 0/0 there
        spine = nubridge.Network("spine", parameters={"V_mV": row["V_mV"]})
        for state in ("C0", "C1", "C2", "C3", "O"):
            assert close(spine.initial[f"VDCC(s~{state})"] / spine.parameters["VDCC_0"], row[state])
        assert close(spine.parameters["k_Ca"], row["kCa_ions_per_s_per_open_channel"])
    for row in rows("calbindin_equilibrium.csv"):
        spine = nubridge.Network("spine", parameters={"Ca_0": row["ca_uM"]})
        for h, m in itertools.product(range(3), repeat=2):
            assert close(spine.initial[f"Calb(h~{h},m~{m})"] / 45.0, row[f"h{h}m{m}"])


TOTALS = ("spine", "nmdar", "ip3r", "camkii", "camkii_label_invariant", "camkii75", "sk_calcium", "sep", "abc")


@pytest.mark.parametrize("name", TOTALS)
def test_conserved_totals_stay(name):
    network = nubridge.Network(name)
    laws = np.array([[law.get(one, 0) for one in network.species] for law in network.conserved])
    assert len(laws) > 0
    volume_um3 = 0.5
    exact = nubridge.simulate(network, t_s=[0.0, 0.01], record=network.species, volume_um3=volume_um3, seed=1)
    counts = np.array([np.rint(exact.counts(one)[0]) for one in network.species])
    assert (laws @ counts[:, 0] == laws @ counts[:, 1]).all()
    smooth = nubridge.simulate(network, "ode", t_s=[0.0, 0.01, 1.0], record=network.species)
    totals = laws @ smooth.values[0].T
    assert totals[:, 1:] == pytest.approx(np.repeat(totals[:, :1], 2, axis=1), rel=1e-10)


def test_ip3r_drives_the_calcium_of_de_young_and_keizer_round_its_limit_cycle():
    """The subunit's closure in nu with calcium as its input, and the flux and pump that are no mass action: learning.md 2.4."""
    network, ip3_uM = nubridge.Network("ip3r"), np.array([0.5, 0.2])
    family = nubridge.Categorical([name for name in network.species if name.startswith("S(")])
    closure = nubridge.Closure(network, family, inputs=["Ca", "IP3"])
    active = family.moment_names.index("S(a~1,h~0,i~1)")

    def slopes(y):  # columns: nu, then calcium in uM; c0 2, c1 0.185, v1 6, v2 0.11, v3 0.9, k3 0.1
        nu, ca = y[:, :-1], y[:, -1]
        flux = 0.185 * (6 * family.moments(nu)[:, active] ** 3 + 0.11) * ((2 - ca) / 0.185 - ca)
        pump = 0.9 * ca**2 / (ca**2 + 0.1**2)
        return np.column_stack([closure(nu, np.column_stack([ca, ip3_uM])), flux - pump])

    h_s, y, calcium = 4e-3, np.column_stack([np.zeros((2, 7)), [0.2, 0.2]]), []
    for _ in range(18_000):
        k1 = slopes(y)
        k2 = slopes(y + h_s / 2 * k1)
        k3 = slopes(y + h_s / 2 * k2)
        y = y + h_s / 6 * (k1 + 2 * k2 + 2 * k3 + slopes(y + h_s * k3))
        calcium.append(y[:, -1])
    cycle, steady = np.array(calcium[-7000:]).T  # 28 s, two periods
    rise = np.flatnonzero((cycle[:-1] < 0.25) & (cycle[1:] >= 0.25))
    crossed = rise + (0.25 - cycle[rise]) / (cycle[rise + 1] - cycle[rise])
    # 1e-4 is what the table and its source differ by; the slowest rate, of inhibition, has forgotten the beginning after 56 s
    assert cycle[-4000:].min() == pytest.approx(0.12260120, abs=1e-4)
    assert cycle[-4000:].max() == pytest.approx(0.44066088, abs=1e-4)
    assert h_s * np.diff(crossed)[-1] == pytest.approx(13.0550, abs=2e-3)
    assert steady[-1] == pytest.approx(0.08232792, abs=1e-4)


def test_ip3r_settles_where_its_rates_balance():
    network = nubridge.Network("ip3r", parameters={"Ca_0": 0.2, "IP3_0": 0.6})
    states = [name for name in network.species if name.startswith("S(")]
    flow = np.zeros((8, 8))
    for one in network.reactions:
        (left,), (right,) = (set(side) - {"Ca", "IP3"} for side in (one.reactants, one.products))
        rate = one.rate * 0.2 ** ("Ca" in one.reactants) * 0.6 ** ("IP3" in one.reactants)
        flow[states.index(right), states.index(left)] += rate
        flow[states.index(left), states.index(left)] -= rate
    flow[0] = 1.0
    occupied = np.linalg.solve(flow, [network.parameters["subunits"], *[0.0] * 7])
    simulator = nubridge.Simulator(network, "ode", **TIGHT)
    simulator.advance(1000.0)
    np.testing.assert_allclose([simulator[name] for name in states], occupied, rtol=1e-8)
    # IP3 and activating calcium bind one after the other
    ratio = simulator["active"] / simulator["S(a~0,h~0,i~0)"]
    assert ratio == pytest.approx(0.6 / 0.13 * 0.2 / 0.08234, rel=2e-3)  # d1 d2 = d3 d4 holds to 4 digits


def test_roessler_has_the_probabilities_of_the_lattice_model():
    lattice, mixed = nubridge.Network("roessler"), nubridge.Network("roessler:well_mixed")
    meetings_per_s = 2 / (6 * 0.01)
    pairs = [one.rate / meetings_per_s for one in lattice.reactions if sum(one.reactants.values()) == 2]
    assert pairs == pytest.approx([0.1, 0.4, 0.24, 0.36])
    assert mixed.reactions[1].rate / lattice.reactions[1].rate == pytest.approx(6 / 999)


def test_camkii_variants_give_the_published_amounts():
    after_1_s = {
        name: nubridge.simulate(name, "ode", t_s=[1.0])["pK_total"][0, 0]
        for name in ("camkii:default", "camkii:biomodels", "camkii75:biomodels", "camkii_label_invariant")
    }
    assert after_1_s["camkii:default"] == pytest.approx(8.6711599, rel=1e-6)
    assert after_1_s["camkii:biomodels"] == pytest.approx(8.6577384, rel=1e-6)
    assert after_1_s["camkii75:biomodels"] == pytest.approx(8.6577384, rel=1e-6)
    assert after_1_s["camkii_label_invariant"] == pytest.approx(10.797, abs=1e-3)


def test_the_label_invariant_camkii_pairs_any_two_molecules_alike():
    published, invariant = nubridge.Network("camkii"), nubridge.Network("camkii_label_invariant")
    for network, alike in ((published, 100.0), (invariant, 50.0)):
        homodimers = [one.rate for one in network.reactions if 2 in one.reactants.values()]
        assert homodimers == [alike] * 9
        assert len(network.species) == 155


def test_the_stochastic_lumping_has_the_mean_of_the_full_network():
    # Any two molecules of a class react alike, so that the lumping is exact in distribution too.
    full, lumped = (
        nubridge.simulate(name, t_s=[0.2], runs=400, seed=seed, volume_um3=0.02)["pK_total"][:, 0]
        for name, seed in (("camkii", 1), ("camkii75", 2))
    )
    error = np.hypot(full.std(ddof=1), lumped.std(ddof=1)) / 400**0.5
    assert abs(full.mean() - lumped.mean()) < 4 * error


def test_a_shipped_bngl_needs_no_bionetgen():
    assert nubridge.Network(NETWORKS / "camkii.bngl").hash == nubridge.Network("camkii").hash
    for rules in NETWORKS.glob("*.bngl"):
        stated = f"# rules: {_bionetgen.rules_hash(rules.read_text(encoding='utf-8'))}\n"
        assert stated in rules.with_suffix(".net").read_text(encoding="utf-8"), rules.name


def test_a_hash_changes_with_what_a_network_is():
    same = nubridge.Network("sk").hash
    assert same == nubridge.Network(NETWORKS / "sk.net").hash
    others = [
        nubridge.Network("sk", parameters={"k12": 201}),
        nubridge.Network("sk", unit="molecules"),
        nubridge.Network("sk_calcium"),
    ]
    assert len({same, *(other.hash for other in others)}) == 4


def test_net_text_reads_back_to_the_same_network(tmp_path):
    for name in ("abc", "sk", "spine", "camkii75"):
        network = nubridge.Network(name)
        path = tmp_path / f"{name}.net"
        path.write_text(network.to_net())
        again = nubridge.Network(path)
        assert (again.hash, again.reactions, again.initial) == (network.hash, network.reactions, network.initial)


def test_build_takes_names_units_and_observables():
    network = nubridge.Network.build(
        {"A": "A_0", "B": 1, "E": 5},
        [
            {"name": "pair", "reactants": ["A", "A"], "products": ["B"], "rate": "k"},
            {"reactants": ["B", "E"], "products": ["A", "A", "E"], "rate": "back"},
        ],
        parameters={"A_0": 10, "k": 2.0, "back": "k/4"},
        unit="uM",
        fixed=["E"],
        observables={"total": {"A": 1, "B": 2}},
        units={"k": "1/(uM s)"},
    )
    assert [one.name for one in network.reactions] == ["pair", "R2"]
    assert [one.rate for one in network.reactions] == [2.0, 0.5]
    assert network.initial == {"A": 10, "B": 1, "E": 5}
    assert network.conserved == ({"A": 1, "B": 2},)
    assert list(network.weights("total")) == [1, 2, 0]


RULES = """# unit: uM
begin model
begin parameters
  k 2 # unit: 1/(uM s)
  q 3
end parameters
begin molecule types
  A(s~0~1)
end molecule types
begin seed species
  A(s~0) 10
end seed species
begin observables
  Molecules all A()
end observables
begin reaction rules
  pair: A(s~0) + A(s~0) -> A(s~1) + A(s~1) k
end reaction rules
end model
"""


def test_rules_become_a_network_with_its_units_and_labels(tmp_path):
    path = tmp_path / "pair.bngl"
    path.write_text(RULES + "generate_network({overwrite=>1, max_iter=>3})\n")
    network = nubridge.Network(path)
    path.write_text(RULES.replace("# unit: uM\nbegin model", "begin model\n# unit: uM"))
    assert nubridge.Network(path).hash == network.hash
    assert (network.unit, network.reactions[0].name, network.reactions[0].rate) == ("uM", "pair", 2.0)
    path.write_text(RULES.replace("1/(uM s)", "1/s"))
    with pytest.raises(nubridge.NetworkError, match=r"'k' is in 1/s .* 'pair' of order 2 .* 1/\(uM s\)"):
        nubridge.Network(path)


@pytest.mark.parametrize("name", ["abc", "annihilation", "sk", "roessler", "nmdar", "ip3r", "spine", "camkii75"])
def test_bngl_text_reads_back_to_the_same_network(tmp_path, name):
    expect_read_back(nubridge.Network(name), tmp_path / f"{name}.bngl")


def test_bngl_text_keeps_the_rates_of_equal_molecules_that_stay(tmp_path):
    # BioNetGen's factor depends on how many of the equal reactants come back as products.
    sides = [("A" * left, "A" * right + "B" * other) for left in (1, 2, 3) for right in range(4) for other in (0, 1)]
    reactions = [
        {"reactants": list(left), "products": list(right), "rate": f"k{i}"}
        for i, (left, right) in enumerate(sides)
        if left != right
    ]
    parameters = {f"k{i}": 0.1 + i / 3 for i in range(len(sides))}
    expect_read_back(nubridge.Network.build({"A": 3, "B": 0.1 + 0.2}, reactions, parameters), tmp_path / "equal.bngl")


def expect_read_back(network, path):
    path.write_text(network.to_bngl())
    again = nubridge.Network(path)
    assert {one.name: one for one in again.reactions} == {one.name: one for one in network.reactions}
    assert (again.species, again.initial, again.parameters) == (network.species, network.initial, network.parameters)
    assert again.unit == network.unit
    for name in network.observables:
        assert (again.weights(name) == network.weights(name)).all()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("begin seed species", "begin functions\nf() = k\nend functions\nbegin seed species", ["'functions'", ":10:"]),
        ("begin seed species", "begin compartments\nV 3 1\nend compartments\nbegin seed species", ["'compartments'"]),
        (
            "begin reaction rules",
            "begin energy patterns\nend energy patterns\nbegin reaction rules",
            ["'energy patterns'"],
        ),
        ("A(s~1) k", "A(s~1) Sat(k,q)", ["'Sat'", "mass action", ":17:"]),
        ("A(s~1) k", "A(s~1) MM(k,q)", ["'MM'"]),
        ("A(s~1) k", "A(s~1) Hill(k,q,2)", ["'Hill'"]),
        ("A(s~1) k", "A(s~1) k TotalRate", ["'TotalRate'"]),
        ("end model", "end model\nsimulate({method=>'ode',t_end=>1})", ["'simulate'", "outside the model", ":20:"]),
        ("end model", 'end model\nsetConcentration("A(s~0)",3)', ["'setConcentration'"]),
        ("# unit: uM", 'setOption("NumberPerQuantityUnit",6e23)', ["'setOption'", ":1:"]),
        ("end model", "end model\ngenerate_network({prefix=>'x'})", ["'prefix'"]),
    ],
)
def test_what_rules_cannot_say_here_is_refused_by_name(tmp_path, before, after, words):
    path = tmp_path / "refused.bngl"
    assert before in RULES
    path.write_text(RULES.replace(before, after))
    with pytest.raises(nubridge.NetworkError) as error:
        nubridge.Network(path)
    for word in ["refused.bngl", *words]:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("A(s~0) + A(s~0) ->", "A(s~0) + Z(s~0) ->", ["Z"]),
        ("q 3", "q oops*3", ["oops"]),
        ("A(s~1) k", "A(s~1) k*all", ["'functions'", "not supported"]),
        ("k 2 #", "k -2 #", ["0.5*k", "-1", "not negative"]),
        ("A(s~0) 10", "A(s~0) -10", ["-10", "not negative"]),
        ("k 2 #", "k 0/0 #", ["division by zero"]),
    ],
)
def test_faulty_rules_are_refused_by_name(tmp_path, before, after, words):
    path = tmp_path / "faulty.bngl"
    assert before in RULES
    path.write_text(RULES.replace(before, after))
    with pytest.raises(nubridge.NetworkError) as error:
        nubridge.Network(path)
    for word in words:
        assert word in str(error.value)


BUILD = nubridge.Network.build
A_TO_NOTHING = {"reactants": ["A"], "products": [], "rate": "k"}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: BUILD({"A": float("nan")}, []), ["'A'", "nan"]),
        (lambda: BUILD(["A"], [A_TO_NOTHING], {"k": float("inf")}), ["'k'", "inf"]),
        (lambda: BUILD(["A"], [A_TO_NOTHING], {"k": -1.0}), ["'k'", "-1", "not negative"]),
        (lambda: BUILD(["A"], [A_TO_NOTHING], {"k": 1.0}, units={"k": "uM/s"}), ["'k'", "uM/s", "order 1", "1/s"]),
        (lambda: BUILD(["A"], [A_TO_NOTHING], {"k": 1.0}, units={"q": "1/s"}), ["'q'", "k"]),
        (lambda: BUILD(["A"], [A_TO_NOTHING], {"k": 1.0}, fixed=["B"]), ["'B'", "A"]),
        (lambda: BUILD(["A"], [{**A_TO_NOTHING, "name": "two words"}], {"k": 1.0}), ["'two words'", "one word"]),
        (lambda: BUILD(["A"], [{**A_TO_NOTHING, "name": "x"}] * 2, {"k": 1.0}), ["'x'", "rename"]),
        (lambda: BUILD(["A"], [{**A_TO_NOTHING, "law": "k"}], {"k": 1.0}), ["law", "rate"]),
        (lambda: BUILD(["A"], [{"reactants": ["A"] * 4, "rate": 1.0}]), ["4 reactants"]),
        (lambda: nubridge.Network("camkii:biomodel"), ["'biomodel'", "default, biomodels"]),
        (lambda: nubridge.Network("nmdar.toml"), ["nmdar.toml", ".bngl"]),
        (lambda: BUILD(["A"], [], observables={"half": {"A": 0.5}}).to_bngl(), ["'half'", "0.5", "to_net"]),
        (lambda: BUILD(["A"], [], observables={"none": {}}).to_bngl(), ["'none'", "to_net"]),
    ],
)
def test_bad_networks_are_named(call, words):
    with pytest.raises(nubridge.Error) as error:
        call()
    for word in words:
        assert word in str(error.value)
