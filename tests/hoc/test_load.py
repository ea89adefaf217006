"""load_file("nubridge.hoc") makes the mechanisms available in hoc, as in Python."""

from pathlib import Path

import numpy as np

from hoc_process import hoc
from neuron_process import STATES, in_neuron
from nubridge import mechanisms

FOLDER = Path(__file__).parent


def same_in_python():
    from neuron import n

    section = n.Section("soma")
    section.insert("sk")
    section.insert("skkin")
    section.gbar_sk = 0.001
    segment = section(0.5)
    segment.cai = 5e-5
    n.finitialize(-65)
    segment.cai = 2e-3
    rows = []
    for _ in range(40):
        n.fadvance()
        rows.append([*(getattr(segment.sk, name) for name in STATES), segment.v])
    return np.array(rows), segment.sk.nu(5)


def test_loads_twice_and_gives_the_numbers_of_python(tmp_path, on_path):
    done = hoc(tmp_path, FOLDER / "load.hoc", on_path)
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr.lower()
    *rows, nu = done.stdout.splitlines()[-41:]
    expected, expected_nu = in_neuron(same_in_python)
    np.testing.assert_array_equal(np.array([row.split() for row in rows], float), expected)
    assert float(nu.split()[1]) == expected_nu


def test_compiles_the_mod_files_that_nubridge_mods_names(tmp_path, on_path, mod):
    script = f'strdef nubridge_mods\nnubridge_mods = "{mod}"\nload_file("nubridge.hoc")\n'
    script += (
        'create s\ns { insert sk insert counts }\nfinitialize(-65)\nfadvance()\ns printf("%g steps\\n", steps_counts)'
    )
    done = hoc(tmp_path, script, on_path)
    assert "1 steps" in done.stdout, done.stderr


def test_a_missing_command_is_explained(tmp_path):
    done = hoc(tmp_path, 'load_file("nubridge.hoc")\nprint "went on"', "/usr/bin:/bin")
    assert "is nubridge installed and on the PATH? try: nubridge doctor" in done.stderr
    assert "went on" not in done.stdout


def test_a_failing_command_says_why(tmp_path, on_path):
    done = hoc(tmp_path, 'strdef nubridge_mods\nnubridge_mods = "nowhere.mod"\nload_file("nubridge.hoc")', on_path)
    assert "nowhere.mod is no .mod file" in done.stderr
    assert "`nubridge mechanisms` failed, see above" in done.stderr


def test_a_foreign_sk_is_refused(tmp_path, on_path, foreign_library):
    done = hoc(tmp_path, 'load_file("nubridge.hoc")', on_path, "-dll", mechanisms.library_file(foreign_library))
    assert "a mechanism sk that is not of nubridge is loaded already" in done.stderr


def test_negative_calcium_stops_the_run_with_its_text(tmp_path, on_path):
    script = (
        'load_file("nubridge.hoc")\ncreate s\ns insert sk\nfinitialize(-65)\ns.cai = -1e-3\nfadvance()\nprint "went on"'
    )
    done = hoc(tmp_path, script, on_path)
    assert "hoc_execerror: nubridge model 'sk': input 'ca' is -1 uM; it must be finite and not negative" in done.stderr
    assert "went on" not in done.stdout


def test_camkii_where_nothing_writes_calcium_is_named_once(tmp_path, on_path):
    script = 'load_file("nubridge.hoc")\ncreate a, b\na insert camkii\nb insert camkii\nb insert spineca\n'
    done = hoc(tmp_path, script + "finitialize(-65)\nfinitialize(-65)", on_path)
    assert done.stdout.count("where no mechanism writes cai") == 1
    assert "nubridge: camkii is in a, where no mechanism writes cai" in done.stdout
