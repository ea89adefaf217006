"""Compiling and loading the mechanisms: what works, and what is said when something does not."""

import contextlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import nubridge
from neuron_process import in_neuron, run
from nubridge import mechanisms


def loaded(times):
    """popen at 1 uM after loading."""
    from neuron import n

    import nubridge

    for _ in range(times):
        nubridge.load()
    section = n.Section("s")
    section.insert("sk")
    section(0.5).cai = 1e-3
    n.finitialize(-65)
    return section(0.5).sk.popen


def load_user_library(folder):
    """Steps that the user's mechanism counted, beside ours."""
    from neuron import n

    import nubridge

    nubridge.load(library=folder)
    section = n.Section("s")
    for mechanism in ("sk", "skkin", "counts"):
        section.insert(mechanism)
    n.finitialize(-65)
    n.fadvance()
    return section(0.5).counts.steps


def load_then(extra):
    import nubridge

    nubridge.load()
    nubridge.load(*extra)


def load_library(folder, first=None):
    """Loads `first` by NEURON's own means, then `folder`."""
    from neuron import n

    import nubridge

    if first:
        n.nrn_load_dll(str(mechanisms.library_file(Path(first))))
    nubridge.load(library=folder) if folder else nubridge.load()


def refused(function, *arguments, **environment):
    """The text of the exception with which `function` ends, which must be of nubridge."""
    outcome = run(function, *arguments, load="nothing", **environment)
    assert outcome.status == 1, outcome.stderr
    _, found, text = outcome.stderr.rpartition("nubridge.errors.")
    assert found, outcome.stderr
    return text


def leftovers(folder):
    return [path.name for path in folder.rglob("*") if ".part" in path.name]


@pytest.mark.parametrize("times", [1, 2])
def test_load_is_safe_to_repeat(times):
    assert in_neuron(loaded, times, load="nothing") == pytest.approx(0.702549575070822, abs=1e-12)


def test_mechanisms_of_the_user_come_along(user_library, mod):
    outcome = run(load_user_library, user_library, load="nothing")
    assert outcome.status == 0, outcome.stderr
    assert outcome.value == 1


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """Compiling without a compiler, into a cache of its own; the list of the folders compiled in."""
    ran = []

    def nrnivmodl(folder, coreneuron, count):
        ran.append(folder)
        (folder / "libnrnmech.so").write_text(f"{count} {coreneuron}")

    monkeypatch.setattr(mechanisms, "_run_nrnivmodl", nrnivmodl)
    monkeypatch.setenv("NUBRIDGE_CACHE", str(tmp_path / "cache"))
    return ran


def test_each_set_of_mod_files_is_compiled_once(quick, mod, tmp_path):
    compile_ = mechanisms.compile_mechanisms
    folders = [compile_(), compile_([mod]), compile_(coreneuron=True), compile_(demo=True)]
    assert len(set(folders)) == len(quick) == 4
    assert folders == [compile_(), compile_([mod.parent]), compile_(coreneuron=True), compile_(demo=True)]
    assert len(quick) == 4
    assert (
        json.loads((folders[1] / "nubridge.json").read_text())["mechanisms"]
        == "camkii neckca nmdar peer peerca peerlink sk skkin skpeer spineca user"
    )
    mod.write_text(mod.read_text() + "COMMENT another ENDCOMMENT\n")
    assert compile_([mod]) not in folders
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("stamp", [None, "{", '{"nubridge": "0.0.1"}'])
def test_a_folder_of_another_nubridge_is_replaced(quick, stamp):
    folder = mechanisms.compile_mechanisms()
    good = (folder / "nubridge.json").read_text()
    (folder / "nubridge.json").unlink() if stamp is None else (folder / "nubridge.json").write_text(stamp)
    assert mechanisms.compile_mechanisms() == mechanisms.compile_mechanisms() == folder
    assert (folder / "nubridge.json").read_text() == good
    assert len(quick) == 2


def test_two_processes_may_compile_the_same(quick, monkeypatch):
    first = mechanisms.compile_mechanisms()
    shutil.copytree(first, first.with_name("other"))
    nrnivmodl = mechanisms._run_nrnivmodl

    def while_another_finishes(folder, coreneuron, count):
        nrnivmodl(folder, coreneuron, count)
        first.with_name("other").rename(first)

    shutil.rmtree(first)
    monkeypatch.setattr(mechanisms, "_run_nrnivmodl", while_another_finishes)
    assert mechanisms.compile_mechanisms() == first
    assert mechanisms.library_file(first).is_file()


def test_mechanisms_after_the_first_load_are_refused(mod):
    said = refused(load_then, [str(mod)])
    assert said.startswith("MechanismError: mechanisms are loaded already, without counts; NEURON cannot add them")
    assert "in the first nubridge.load()" in said


def test_library_for_another_neuron_is_refused(tmp_path):
    folder = shutil.copytree(mechanisms.compile_mechanisms(), tmp_path / "old", symlinks=True)
    stamp = json.loads((folder / "nubridge.json").read_text())
    (folder / "nubridge.json").write_text(json.dumps({**stamp, "neuron": "8.2.2"}))
    said = refused(load_library, folder)
    assert f"{folder} was compiled for NEURON 8.2.2, this is {stamp['neuron']}; compile it again" in said


def test_library_without_ours_is_refused(foreign_library):
    said = refused(load_library, foreign_library)
    assert (
        "libnrnmech.so has no mechanism camkii, neckca, nmdar, peer, peerca, peerlink, skkin, skpeer, spineca; compile it with `nubridge mechanisms`"
        in said
    )


def test_a_foreign_sk_is_refused(foreign_library):
    said = refused(load_library, None, foreign_library)
    assert "a mechanism 'sk' that is not ours is loaded already; rename its SUFFIX" in said


def test_a_library_that_neuron_loaded_itself_is_taken():
    assert run(load_library, None, mechanisms.compile_mechanisms(), load="nothing").status == 0


@pytest.mark.parametrize(
    ("content", "words"), [(None, "there is no libnrnmech.so in"), (b"text", "cannot be loaded: ")]
)
def test_folder_without_a_usable_library_is_refused(tmp_path, content, words):
    if content:
        (tmp_path / "libnrnmech.so").write_bytes(content)
    said = refused(load_library, tmp_path)
    assert words in said and str(tmp_path) in said and "nubridge mechanisms" in said


def test_syntax_error_of_the_user_is_named(tmp_path, mod, monkeypatch):
    (tmp_path / "wrong.mod").write_text(mod.read_text().replace("PROCEDURE", "PROCEDRE"))
    monkeypatch.setattr(mechanisms, "mod_files", lambda extra, _demo: extra)  # ours take their time
    with pytest.raises(nubridge.MechanismError) as caught:
        mechanisms.compile_mechanisms([tmp_path / "wrong.mod"], tmp_path / "out")
    said = str(caught.value)
    assert "nrnivmodl failed" in said and "correct the mod file that it names" in said
    assert "wrong.mod" in said and "PROCEDRE" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["user.mod", "wrong.mod"]


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("nowhere.mod", "nowhere.mod is no .mod file; name existing .mod files"),
        ("empty", "holds no .mod file; name the files or another folder"),
        ("notes.txt", "notes.txt is no .mod file"),
        ("sk.mod", "have the same name; rename one"),
    ],
)
def test_unusable_mod_files_are_named(tmp_path, extra, words):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "sk.mod").touch()
    with pytest.raises(nubridge.MechanismError, match=words.replace(".", r"\.")):
        mechanisms.compile_mechanisms([tmp_path / extra])


def test_a_cache_where_no_folder_can_be_is_named(tmp_path):
    (tmp_path / "file").touch()
    said = refused(load_library, None, NUBRIDGE_CACHE=tmp_path / "file" / "cache")
    assert f"the mechanisms cannot be written to {tmp_path / 'file' / 'cache'}" in said
    assert "Not a directory; free space there, or name another folder in NUBRIDGE_CACHE" in said


def limited():
    """Compiles where no file may be longer than 2000 bytes."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
    mechanisms.compile_mechanisms()


def test_a_file_that_cannot_be_written_whole_is_named(tmp_path):
    said = refused(limited, NUBRIDGE_CACHE=tmp_path / "cache")
    assert f"cannot be written to {tmp_path / 'cache'}" in said and "File too large; free space there" in said
    assert leftovers(tmp_path) == []


@contextlib.contextmanager
def small_disk(folder, size):
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "nubridge", folder], capture_output=True)
    if done.returncode != 0:
        pytest.skip("a disk can be mounted by root only")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="a disk can be mounted by root only")
@pytest.mark.parametrize(("size", "words"), [("8k", "cannot be written to"), ("128k", "nrnivmodl failed")])
def test_a_full_disk_is_named(tmp_path, size, words):
    with small_disk(tmp_path / "disk", size):
        said = refused(load_library, None, NUBRIDGE_CACHE=tmp_path / "disk" / "cache")
        assert words in said and "No space left on device" in said
        assert leftovers(tmp_path) == []
