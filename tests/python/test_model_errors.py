"""What a call of Model or a model file does wrong is said in one sentence: the value, the rule, what to do."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import nubridge
from neuron_process import ROOT, environment

NU = [0.0] * 5
P = [1 / 6] * 6
TRAIN = (ROOT / "models" / "sk" / "train.toml").read_text(encoding="utf-8")
MODEL = (ROOT / "models" / "sk" / "model.json").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sk():
    return nubridge.Model("sk")


def sealed(change):
    """The model file with a change and the hash that fits: sha256 of the text without spaces, sorted, without its hash."""
    document = json.loads(MODEL)
    change(document)
    del document["hash"]
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return json.dumps({**document, "hash": "sha256:" + hashlib.sha256(text.encode()).hexdigest()})


CALLS = {
    "initial": lambda sk, ca: sk.initial([ca]),
    "initial_moments": lambda sk, ca: sk.initial_moments([ca]),
    "rhs": lambda sk, ca: sk.rhs(NU, [ca]),
    "rhs_moments": lambda sk, ca: sk.rhs_moments(P, [ca]),
    "jacobian": lambda sk, ca: sk.jacobian(NU, [ca]),
    "step": lambda sk, ca: sk.step(NU, [ca], 1.0),
    "step_moments": lambda sk, ca: sk.step_moments(P, [ca], 1.0),
    "ramp from": lambda sk, ca: sk.step(NU, [ca], 1.0, inputs_end=[1.0]),
    "ramp to": lambda sk, ca: sk.step(NU, [1.0], 1.0, inputs_end=[ca]),
    "one of five rows": lambda sk, ca: sk.step([NU] * 5, [[1.0], [1.0], [1.0], [ca], [1.0]], 1.0),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("ca", [float("nan"), float("inf"), -0.001])
def test_bad_calcium_is_named(sk, call, ca):
    with pytest.raises(nubridge.InvalidInputError) as caught:
        call(sk, ca)
    assert f"input 'ca' is {ca:g} uM; it must be finite and not negative" in str(caught.value)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros(5, np.float32), ["nu has the type float32", "pass float64", "nu.astype(float)"]),
        (np.zeros(5, np.int64), ["nu has the type int64"]),
        (np.zeros(5, ">f8"), ["nu has the type >f8"]),
        ([True] * 5, ["nu has the type bool"]),
        ([1j] * 5, ["nu has the type complex128"]),
        ("abcde", ["nu has the type <U5"]),
        (None, ["nu has the type object"]),
        ([[1, 2], [3]], ["nu is no array of numbers", "same length"]),
        (np.zeros(6), ["nu has the shape (6,)", "must be (5,) or (rows, 5)"]),
        (np.zeros((5, 1)), ["nu has the shape (5, 1)"]),
        (np.zeros((1, 1, 5)), ["nu has the shape (1, 1, 5)"]),
        (1.0, ["nu has the shape ()"]),
    ],
)
def test_arrays_of_another_kind_are_refused(sk, values, words):
    for call in (sk.moments, sk.observe, sk.fisher, sk.log_partition, lambda nu: sk.step(nu, [1.0], 1.0)):
        with pytest.raises(nubridge.InvalidArgumentError) as caught:
            call(values)
        assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("nu", "inputs"), [(np.zeros((2, 5)), np.ones((3, 1))), (np.zeros((2, 5)), [1.0]), (NU, [[1.0]])]
)
def test_rows_must_match(sk, nu, inputs):
    for call in (sk.rhs, sk.jacobian, lambda nu, inputs: sk.step(nu, inputs, 1.0)):
        with pytest.raises(nubridge.InvalidArgumentError, match="need the same rows"):
            call(nu, inputs)


@pytest.mark.parametrize("dt_ms", [-1, float("nan"), float("inf"), "a", None, [1, 2]])
def test_step_must_be_a_finite_number(sk, dt_ms):
    for call in (sk.step, sk.step_moments):
        with pytest.raises(nubridge.InvalidArgumentError, match="dt_ms is"):
            call(NU if call == sk.step else P, [1.0], dt_ms)


@pytest.mark.parametrize("tolerance", [0, 1, float("nan"), 1e-13])
def test_tolerance_has_bounds(sk, tolerance):
    with pytest.raises(nubridge.InvalidArgumentError, match=r"tolerance is .*; it lies between 1e-12 and 0.1"):
        sk.step(NU, [1.0], 1.0, inputs_end=[2.0], tolerance=tolerance)


@pytest.mark.parametrize(("count", "seed"), [(-1, 0), (1, -1), (1.5, 0), (1, 0.5), (1, 2**64)])
def test_samples_need_whole_numbers(sk, count, seed):
    with pytest.raises(nubridge.InvalidArgumentError, match="count is"):
        sk.sample(NU, count, seed)


@pytest.mark.parametrize(
    "call",
    [
        lambda sk: sk.step([float("nan"), 0, 0, 0, 0], [1.0], 1.0),
        lambda sk: sk.step_moments([float("nan"), 1, 0, 0, 0, 0], [1.0], 1.0),
        lambda sk: sk.step_moments([0.0] * 6, [1.0], 1.0),
        lambda sk: sk.step_moments([-0.1, 1.1, 0, 0, 0, 0], [1.0], 1.0),
        lambda sk: sk.sample([float("nan"), 0, 0, 0, 0], 3, 0),
    ],
)
def test_a_state_that_is_no_probability_is_refused(sk, call):
    with pytest.raises(nubridge.InvalidStateError, match=r"look for (NaN|what wrote it)"):
        call(sk)


def test_nan_in_nu_comes_out_as_nan(sk):
    nu = [float("nan"), 0.0, 0.0, 0.0, 0.0]
    for found in (sk.moments(nu), sk.observe(nu), sk.rhs(nu, [1.0])):
        assert np.isnan(found).any()


def test_unknown_policy_names_the_known():
    with pytest.raises(
        nubridge.InvalidArgumentError, match="'strict' is unknown; it is one of model, clamp, extrapolate, error"
    ):
        nubridge.Model("sk", policy="strict")


def test_unknown_model_names_the_known():
    with pytest.raises(nubridge.ModelNotFoundError, match=r"no model 'skk' in .*; there: .*sk"):
        nubridge.Model("skk")


def test_missing_model_file_is_named(tmp_path):
    for path in (tmp_path, tmp_path / "model.json"):
        with pytest.raises(nubridge.ModelNotFoundError, match=r"no model file at .*model.json; give a model's name"):
            nubridge.Model(path)


def set_rate(document):
    document["dynamics"]["transitions"][3]["rate"] = -80


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["no valid JSON|not valid JSON|truncated"]),
        (MODEL[:700], ["truncated"]),
        (MODEL.replace('"schema_version": 1', '"schema_version": 2'), ["schema version 2", "reads version 1"]),
        (MODEL.replace("Hirschberg B", "Hirschberg C"), ["sha256:", "it was edited", "nubridge train"]),
        (sealed(set_rate), ["transition 3", "rate -80", "not negative"]),
        (sealed(lambda document: document.update(policy="ignore")), ["policy 'ignore'", "'clamp'"]),
        (sealed(lambda document: document.update(extra=1)), ["'extra'"]),
        ('{"schema": "other"}', ["no nubridge model"]),
    ],
    ids=["empty", "truncated", "newer schema", "edited", "rate below zero", "policy", "unknown key", "no model"],
)
def test_bad_model_files_are_refused(tmp_path, text, words):
    file = tmp_path / "model.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(nubridge.ModelFileError) as caught:
        nubridge.Model(file)
    assert str(file) in str(caught.value)
    assert all(any(option in str(caught.value) for option in word.split("|")) for word in words), str(caught.value)


def test_the_seal_of_the_tests_is_that_of_the_file(tmp_path):
    file = tmp_path / "model.json"
    file.write_text(sealed(lambda document: document.update(title="another")), encoding="utf-8")
    assert nubridge.Model(file).name == "sk"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("rate = 1000", "rate = -1000", ["rate -1000", "not negative: correct it"]),
        ("rate = 1000", "rate = nan", ["finite numbers", "correct that entry"]),
        ("rate = 1000", "rate = 2020-01-01", ["date", "correct that entry"]),
        ('unit = "/uM/s", input', 'unit = "/s", input', ["has the unit '/s'", "'/uM/s'"]),
        ('from = "C1"', 'from = "X"', ["unknown state 'X'", "C1, C2"]),
        ("domain = [0.0, 1000.0]", "domain = [10.0, 1.0]", ["domain of input 'ca' is [10, 1]"]),
        ("[family]", "[family", ["is not valid TOML", "correct that line"]),
        ('name = "sk"', "", ["'name'"]),
    ],
)
def test_bad_training_files_are_refused_and_leave_no_model(tmp_path, old, new, words):
    assert old in TRAIN
    settings = tmp_path / "train.toml"
    settings.write_text(TRAIN.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(nubridge.ModelFileError) as caught:
        nubridge.train(settings)
    assert all(any(option in str(caught.value) for option in word.split("|")) for word in words), str(caught.value)
    assert [file.name for file in tmp_path.iterdir()] == ["train.toml"]


def test_missing_training_file_is_named(tmp_path):
    with pytest.raises(nubridge.ModelNotFoundError, match=r"train.toml cannot be read: No such file"):
        nubridge.train(tmp_path / "train.toml")


def test_training_into_a_missing_folder_is_named(tmp_path):
    with pytest.raises(
        nubridge.Error, match="cannot create the model file: No such file or directory; check the folder"
    ):
        nubridge.train(ROOT / "models" / "sk" / "train.toml", tmp_path / "nowhere" / "model.json")


# ---- the library ---------------------------------------------------------------------------------------------------------


def with_prefix(prefix):
    """What `import nubridge; nubridge.Model("sk")` says under another NUBRIDGE_PREFIX."""
    code = "import nubridge\ntry: nubridge.Model('sk')\nexcept nubridge.LibraryError as error: print(error)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(NUBRIDGE_PREFIX=prefix), timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def prefix(tmp_path):
    """A copy of the build's prefix, of links."""
    from nubridge import paths

    (tmp_path / "lib").mkdir()
    (tmp_path / "include" / "nubridge").mkdir(parents=True)
    header = paths.prefix() / "include" / "nubridge" / "nubridge.h"
    (tmp_path / "include" / "nubridge" / "nubridge.h").write_text(header.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "lib" / "libnubridge.so").symlink_to(paths.library())
    (tmp_path / "models").symlink_to(paths.prefix() / "models")
    return tmp_path


def test_missing_library_says_where_it_was_looked_for(tmp_path):
    assert with_prefix(tmp_path).startswith(f"libnubridge.so is not in {tmp_path / 'lib'}; run `./run build`")


def test_library_of_another_version_is_refused(prefix):
    header = prefix / "include" / "nubridge" / "nubridge.h"
    header.write_text(header.read_text(encoding="utf-8").replace("NUBRIDGE_ABI_VERSION 1", "NUBRIDGE_ABI_VERSION 2"))
    said = with_prefix(prefix)
    assert "compiled for nubridge interface 2" in said and "has interface 1; compile it again" in said


@pytest.mark.parametrize("content", [b"", b"not a library"], ids=["empty", "text"])
def test_library_that_cannot_be_loaded_is_refused(prefix, content):
    library = prefix / "lib" / "libnubridge.so"
    library.unlink()
    library.write_bytes(content)
    said = with_prefix(prefix)
    assert f"{library} cannot be used: " in said and "build it again with `./run build` or reinstall" in said


def test_library_without_our_functions_is_refused(prefix):
    library = prefix / "lib" / "libnubridge.so"
    library.unlink()
    compiler = os.environ.get("CXX", "c++").split()
    subprocess.run([*compiler, "-shared", "-x", "c", "-o", library, os.devnull], check=True)
    said = with_prefix(prefix)
    assert "undefined symbol: nubridge_" in said and "build it again" in said


def test_the_good_prefix_is_accepted(prefix):
    assert with_prefix(prefix) == ""
