"""SBML level 3 core: mass action is read, with its units and volumes; everything else is refused by name."""

import pytest

import nubridge

MICROMOLAR = """
<listOfUnitDefinitions>
  <unitDefinition id="nmol"><listOfUnits><unit kind="mole" exponent="1" scale="-9" multiplier="1"/></listOfUnits>
  </unitDefinition>
  <unitDefinition id="ml"><listOfUnits><unit kind="litre" exponent="1" scale="-3" multiplier="1"/></listOfUnits>
  </unitDefinition>
  <unitDefinition id="minute"><listOfUnits><unit kind="second" exponent="1" scale="0" multiplier="60"/></listOfUnits>
  </unitDefinition>
</listOfUnitDefinitions>
"""
UM = 'substanceUnits="nmol" extentUnits="nmol" volumeUnits="ml" timeUnits="second"'
ITEMS = 'substanceUnits="item" extentUnits="item" volumeUnits="litre" timeUnits="second"'


def sbml(reactions, *, units=UM, species="", extra="", only_substance="false", size="1"):
    """A model with A, B, C at 3, 2, 0, a clamped X at 5, and the parameters k 2 and q 3."""
    amounts = "".join(
        f'<species id="{name}" compartment="cell" initialConcentration="{amount}" constant="false"'
        f' hasOnlySubstanceUnits="{only_substance}" boundaryCondition="{str(name == "X").lower()}"/>'
        for name, amount in {"A": 3, "B": 2, "C": 0, "X": 5}.items()
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1"><model id="m" {units}>
{MICROMOLAR}
<listOfCompartments><compartment id="cell" spatialDimensions="3" size="{size}" constant="true"/></listOfCompartments>
<listOfSpecies>{amounts}{species}</listOfSpecies>
<listOfParameters><parameter id="k" value="2" constant="true"/><parameter id="q" value="3" constant="true"/>
</listOfParameters>
{extra if "<listOfRules" in extra or "<listOfInitial" in extra else ""}
<listOfReactions>{reactions}</listOfReactions>
{extra if "<listOfEvents" in extra else ""}
</model></sbml>"""


def reaction(law, reactants=(), products=(), modifiers=(), name="r", local=""):
    """One reaction; `law` is content MathML."""

    def side(tag, names):
        rows = "".join(
            f'<speciesReference species="{one}" stoichiometry="{names.count(one)}" constant="true"/>'
            for one in dict.fromkeys(names)
        )
        return f"<{tag}>{rows}</{tag}>" if names else ""

    catalysts = "".join(f'<modifierSpeciesReference species="{one}"/>' for one in modifiers)
    catalysts = f"<listOfModifiers>{catalysts}</listOfModifiers>" if modifiers else ""
    return (
        f'<reaction id="{name}" reversible="true" fast="false">{side("listOfReactants", list(reactants))}'
        f"{side('listOfProducts', list(products))}{catalysts}<kineticLaw>"
        f'<math xmlns="http://www.w3.org/1998/Math/MathML">{law}</math>{local}</kineticLaw></reaction>'
    )


def apply(operator, *arguments):
    parts = "".join(f"<ci>{one}</ci>" if one.isalnum() and not one.isdigit() else one for one in arguments)
    return f"<apply><{operator}/>{parts}</apply>"


def cn(value):
    return f"<cn>{value}</cn>"


@pytest.fixture
def read(tmp_path):
    def opened(text, **options):
        path = tmp_path / "model.xml"
        path.write_text(text)
        return nubridge.Network(path, **options)

    return opened


def test_a_reversible_law_becomes_two_reactions(read):
    law = apply("times", "cell", apply("minus", apply("times", "k", "A", "B"), apply("times", "q", "C")))
    network = read(sbml(reaction(law, "AB", "C"), size="2"))
    assert (network.unit, network.initial) == ("uM", {"A": 3, "B": 2, "C": 0, "X": 5})
    assert [tuple(one) for one in network.reactions] == [
        ("r", {"A": 1, "B": 1}, {"C": 1}, 2.0, "k"),
        ("r_reverse", {"C": 1}, {"A": 1, "B": 1}, 3.0, "q"),
    ]


def test_units_are_converted_to_uM_and_seconds(read):
    # mole, millilitre and minute: 1 mol/ml is 1e9 uM
    units = 'substanceUnits="mole" extentUnits="mole" volumeUnits="ml" timeUnits="minute"'
    law = apply("times", "cell", "k", "A", "B")
    network = read(sbml(reaction(law, "AB", "C"), units=units))
    assert network.initial["A"] == pytest.approx(3e9, rel=1e-14)
    assert network.reactions[0].rate == pytest.approx(2 / 1e9 / 60, rel=1e-14)


def test_items_in_a_volume_become_molecules(read):
    law = apply("times", "cell", "k", "A", "B")  # concentrations are items a litre
    network = read(sbml(reaction(law, "AB", "C"), units=ITEMS, size="10"))
    assert (network.unit, network.initial["A"]) == ("molecules", 30.0)
    assert network.reactions[0].rate == pytest.approx(2 / 10)
    only = read(sbml(reaction(apply("times", "k", "A"), "A", "C"), units=ITEMS, only_substance="true", size="10"))
    assert only.reactions[0].rate == 2.0


def test_the_factor_two_of_equal_molecules(read):
    # k x^2 loses 2 k x^2 of A: the constant of one pair is 2 k, and mass action agrees with the law as written.
    law = apply("times", "cell", "k", apply("power", "A", cn(2)))
    network = read(sbml(reaction(law, "AA", "C")))
    assert network.reactions[0].rate == 4.0
    fall = nubridge.simulate(network, "ode", t_s=[0.5])["A"][0, 0]
    assert fall == pytest.approx(1 / (1 / 3 + 2 * 2 * 0.5), rel=1e-7)
    built = nubridge.Network.build(
        {"A": 3, "C": 0}, [{"reactants": ["A", "A"], "products": ["C"], "rate": 2.0}], unit="uM"
    )
    fall = nubridge.simulate(built, "ode", t_s=[0.5])["A"][0, 0]
    assert fall == pytest.approx(1 / (1 / 3 + 2 * 0.5), rel=1e-7)


def test_a_law_of_pairs_is_the_constant_of_a_pair(read):
    pairs = apply("divide", apply("times", "k", "A", apply("minus", "A", cn(1))), cn(2))
    network = read(sbml(reaction(pairs, "AA", "C"), units=ITEMS, only_substance="true"))
    assert (network.reactions[0].rate, network.reactions[0].parameter) == (2.0, "k")


def test_catalysts_and_clamped_species_stand_on_both_sides(read):
    law = apply("times", "cell", "k", "A", "X", "B")
    (one,) = read(sbml(reaction(law, "AX", "C", modifiers="B"))).reactions
    assert (one.reactants, one.products) == ({"A": 1, "X": 1, "B": 1}, {"C": 1, "B": 1})
    clamped = nubridge.simulate(read(sbml(reaction(law, "AX", "C", modifiers="B"))), "ode", t_s=[1.0])
    assert clamped["X"][0, 0] == 5.0


def test_products_of_constants_and_local_parameters_are_computed(read):
    local = '<listOfLocalParameters><localParameter id="q" value="5"/></listOfLocalParameters>'
    law = apply("divide", apply("times", "cell", "k", "A"), "q")
    text = sbml(reaction(law, "A", "C", local=local))
    assert read(text).reactions[0].rate == pytest.approx(2 / 5)
    assert read(text, parameters={"k": 4}).reactions[0].rate == pytest.approx(4 / 5)


def test_undeclared_units_are_asked_for(read):
    text = sbml(reaction(apply("times", "cell", "k", "A"), "A", "C"), units="")
    with pytest.raises(nubridge.NetworkError, match="declares no unit of substance"):
        read(text)
    assert read(text, unit="uM").reactions[0].rate == 2.0


def test_version_2_of_level_3_is_core_too(read):
    text = sbml(reaction(apply("times", "cell", "k", "A"), "A", "C")).replace(' fast="false"', "")
    assert read(text.replace("version1/core", "version2/core").replace('version="1">', 'version="2">')).reactions


GOOD = apply("times", "cell", "k", "A")
MATH = '<math xmlns="http://www.w3.org/1998/Math/MathML">'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            sbml(reaction(apply("divide", apply("times", "k", "A"), apply("plus", "q", "A")), "A", "C")),
            ["q + A", "'r'"],
        ),
        (sbml(reaction(apply("times", "cell", "k", apply("exp", "A")), "A", "C")), ["exp(A)", "mass action"]),
        (sbml(reaction(apply("times", "cell", "k", "A"), "AA", "C")), ["'r'", "consumes A + A"]),
        (sbml(reaction(apply("times", "cell", "k"), "A", "C")), ["consumes A"]),
        (sbml(reaction(apply("minus", apply("times", "k", "A")), "A", "C")), ["r_reverse", "consumes C"]),
        (sbml(reaction(apply("times", "k", "Z"), "A", "C")), ["Z"]),
        (sbml(reaction(GOOD, "A", "C"), units=UM.replace("nmol", "gram")), ["'gram'", "mole or item"]),
        (sbml(reaction(GOOD, "A", "C"), units=UM.replace('"ml"', '"metre"')), ["'metre'", "volume"]),
        (sbml(reaction(GOOD, "A", "C"), size="0"), ["'cell'", "size 0"]),
        (sbml(reaction(GOOD, "A", "C")).replace('id="k" value="2"', 'id="k" value="NaN"'), ["'k'", "nan"]),
        (sbml(reaction(GOOD, "A", "C")).replace('id="k" value="2"', 'id="k" value="-2"'), ["-2", "not negative"]),
        (sbml(reaction(GOOD, "A", "C")).replace('initialConcentration="3"', ""), ["'A'", "initial amount"]),
        (
            '<?xml version="1.0" encoding="UTF-8"?><sbml xmlns="http://www.sbml.org/sbml/level2/version4" level="2" version="4"><model id="m"/></sbml>',
            ["SBML level 2", "convert it to level 3"],
        ),
        (sbml(reaction(GOOD, "A", "C"))[:-40], ["line"]),
        (
            sbml(
                reaction(GOOD, "A", "C"),
                extra=f'<listOfRules><assignmentRule variable="q">{MATH}<ci>k</ci></math></assignmentRule></listOfRules>',
            ),
            ["rule", "'q'"],
        ),
        (
            sbml(
                reaction(GOOD, "A", "C"),
                extra=f'<listOfInitialAssignments><initialAssignment symbol="A">{MATH}<ci>k</ci></math>'
                "</initialAssignment></listOfInitialAssignments>",
            ),
            ["initial assignment", "'A'"],
        ),
        (
            sbml(
                reaction(GOOD, "A", "C"),
                extra='<listOfEvents><event id="spike" useValuesFromTriggerTime="true"><trigger initialValue="true" '
                f'persistent="true">{MATH}<true/></math></trigger></event></listOfEvents>',
            ),
            ["event", "'spike'"],
        ),
    ],
)
def test_what_is_not_mass_action_is_refused_by_name(read, text, words):
    with pytest.raises(nubridge.NetworkError) as error:
        read(text)
    for word in ["model.xml", *words]:
        assert word in str(error.value)
