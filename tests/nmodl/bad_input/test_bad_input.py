"""What is wrong with a simulation is said in words, by a Python exception, with one thread and with two; then the run can go on."""

import json
import shutil

import pytest

import nubridge
from neuron_process import ROOT, in_neuron, run

REMEDY = "it must be finite and not negative: look for what writes it, or shorten dt"


def spoiled(ca_mM, where, solver, threads, cells):
    """Sets cai of one cell after three steps. Returns (raised, popen of that cell after 0.1 ms of a new run without the fault).

    cells: the mechanism of each cell, "sk" or "pas", dealt to the threads in turn. solver: "fadvance", "psolve", "cvode" or "local".
    """
    from neuron import n

    context = n.ParallelContext()
    context.nthread(threads)
    sections = [n.Section(f"cell{i}") for i in range(len(cells))]
    for section, mechanism in zip(sections, cells, strict=True):
        section.insert(mechanism)
    segment = sections[where](0.5)
    cvode = n.CVode()
    if solver in ("cvode", "local"):
        cvode.active(True)
        cvode.use_local_dt(solver == "local")
    context.set_maxstep(10)

    def advance(until_ms):
        if solver == "psolve":
            context.psolve(until_ms)
        elif solver == "fadvance":
            while n.t < until_ms - n.dt / 2:
                n.fadvance()
        else:
            cvode.solve(until_ms)

    n.finitialize(-65)
    advance(0.075)
    segment.cai = ca_mM
    raised = None
    try:
        if solver in ("cvode", "local"):
            cvode.re_init()
        advance(0.15)
    except RuntimeError as error:
        raised = str(error)
    segment.cai = 1e-3
    n.finitialize(-65)
    advance(0.1)
    return raised, segment.sk.popen


def spoiled_start(threads):
    """NaN at finitialize() in the last of four cells; then the same as `spoiled`."""
    from neuron import n

    n.ParallelContext().nthread(threads)
    sections = [n.Section(f"cell{i}") for i in range(4)]
    for section in sections:
        section.insert("sk")
    sections[3](0.5).cai = float("nan")
    raised = None
    try:
        n.finitialize(-65)
    except RuntimeError as error:
        raised = str(error)
    sections[3](0.5).cai = 1e-3
    n.finitialize(-65)
    n.fadvance()
    return raised, sections[3](0.5).sk.popen


def uninitialised(cvode_first):
    from neuron import n

    section = n.Section("s")
    section.insert("sk")
    if cvode_first:
        n.CVode().active(True)
        n.CVode().active(False)
    n.fadvance()


def settings(name, value):
    from neuron import n

    section = n.Section("s")
    section.insert("sk")
    setattr(n if name.startswith("policy") else section, name, value)
    n.celsius = 33
    n.finitialize(-65)


def spoiled_state():
    from neuron import n

    section = n.Section("s")
    section.insert("sk")
    n.finitialize(-65)
    section(0.5).sk.c1 = float("nan")
    n.fadvance()


def initialised():
    """popen at 1 uM."""
    from neuron import n

    section = n.Section("s")
    section.insert("sk")
    section(0.5).cai = 1e-3
    n.finitialize(-65)
    return section(0.5).sk.popen


def initialised_again(model, good):
    """The error of finitialize() with a bad model file, and popen at 1 uM when the good one is in its place."""
    import shutil

    from neuron import n

    section = n.Section("s")
    section.insert("sk")
    section(0.5).cai = 1e-3
    raised = None
    try:
        n.finitialize(-65)
    except RuntimeError as error:
        raised = str(error)
    shutil.copy(good, model)
    n.finitialize(-65)
    return raised, section(0.5).sk.popen


@pytest.mark.parametrize("solver", ["fadvance", "psolve", "cvode", "local"])
@pytest.mark.parametrize(
    ("threads", "where", "cells"),
    [
        (1, 0, ["sk"]),
        (2, 0, ["sk", "sk"]),
        (2, 1, ["sk", "sk"]),
        (2, 3, ["sk", "pas", "sk", "sk", "pas"]),
        (2, 1, ["pas", "sk"]),  # no sk at all on the thread that may raise
    ],
    ids=["alone", "thread 0", "thread 1", "thread 1 of five", "thread 1, none on thread 0"],
)
def test_nan_calcium_raises_and_a_new_run_works(solver, threads, where, cells):
    raised, popen = in_neuron(spoiled, float("nan"), where, solver, threads, cells, timeout_s=30)
    assert f"nubridge model 'sk': input 'ca' is nan uM; {REMEDY}" in raised
    assert popen == pytest.approx(0.702549575070822, abs=1e-6)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("ca_mM", "text"), [(float("inf"), "inf"), (-1e-3, "-1"), (-1e-9, "-1e-06")])
def test_infinite_and_negative_calcium_raise(ca_mM, text, threads):
    outcome = run(spoiled, ca_mM, threads - 1, "fadvance", threads, ["sk"] * threads)
    assert f"input 'ca' is {text} uM; {REMEDY}" in outcome.value[0]
    assert f"input 'ca' is {text} uM; {REMEDY}" in outcome.stderr  # where hoc users see it


@pytest.mark.parametrize("threads", [1, 2])
def test_nan_calcium_at_the_start_raises(threads):
    raised, popen = in_neuron(spoiled_start, threads)
    assert f"input 'ca' is nan uM; {REMEDY}" in raised
    assert popen == pytest.approx(0.702549575070822, abs=1e-12)


@pytest.mark.parametrize("cvode_first", [False, True])
def test_a_step_before_finitialize_raises(cvode_first):
    outcome = run(uninitialised, cvode_first)
    assert outcome.status == 1
    assert "no model is loaded: initialise with finitialize() first" in outcome.stderr


def test_nan_state_raises():
    outcome = run(spoiled_state)
    assert outcome.status == 1
    assert "the state is not finite or is no probability; look for NaN in what was written to it" in outcome.stderr


@pytest.mark.parametrize(
    ("name", "value"), [("policy_sk", 4), ("policy_sk", -1), ("q10_sk", 0), ("q10_sk", -2), ("diff_sk", -3)]
)
def test_settings_against_the_rules_raise(name, value):
    outcome = run(settings, name, value)
    assert outcome.status == 1
    assert "the mechanism sk needs policy_sk 0, 1, 2 or 3, and q10, diff and dt above 0" in outcome.stderr


def test_zero_diff_raises():
    outcome = run(settings, "diff_sk", 0)
    assert outcome.status == 1
    assert "input 'ca' is inf uM" in outcome.stderr


@pytest.fixture
def model(tmp_path):
    """A copy of sk's model file in a folder for NUBRIDGE_MODELS."""
    (tmp_path / "sk").mkdir()
    return shutil.copy(ROOT / "models" / "sk" / "model.json", tmp_path / "sk" / "model.json")


def edited(text, **changes):
    return json.dumps({**json.loads(text), **changes})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[:900], ["model.json", "truncated"]),
        (lambda text: edited(text, schema_version=2), ["schema version 2; this library reads version 1"]),
        (lambda text: text.replace("200,", "201,"), ["has the hash sha256:", "it was edited"]),
    ],
    ids=["truncated", "newer schema", "edited"],
)
def test_a_bad_model_file_raises_and_a_good_one_helps(model, tmp_path, change, words):
    model.write_text(change(model.read_text()))
    raised, popen = in_neuron(initialised_again, model, ROOT / "models" / "sk" / "model.json", NUBRIDGE_MODELS=tmp_path)
    assert all(word in raised for word in words), raised
    assert popen == pytest.approx(0.702549575070822, abs=1e-14)


def test_a_model_of_another_shape_raises(tmp_path):
    settings = (ROOT / "models" / "sk" / "train.toml").read_text()
    fewer = settings.replace('"O1", "O2"]', '"O1"]').replace(", O2 = 1.0", "")
    fewer = "\n".join(line for line in fewer.splitlines() if '"O2"' not in line)
    (tmp_path / "sk").mkdir()
    (tmp_path / "sk" / "train.toml").write_text(fewer)
    nubridge.train(tmp_path / "sk" / "train.toml")
    outcome = run(initialised, NUBRIDGE_MODELS=tmp_path)
    assert outcome.status == 1
    assert "the mechanism sk needs a model of six states and one input; correct NUBRIDGE_MODELS" in outcome.stderr
    assert str(tmp_path / "sk" / "model.json") in outcome.stderr


def test_models_are_found_in_the_folders_of_nubridge_models(model, tmp_path):
    assert in_neuron(initialised, NUBRIDGE_MODELS=tmp_path) == pytest.approx(0.702549575070822, abs=1e-14)
    assert in_neuron(initialised, NUBRIDGE_MODELS="nowhere") == pytest.approx(0.702549575070822, abs=1e-14)
