"""Every test on disk is one that a runner knows."""

import re
from pathlib import Path

from tree import ROOT, files


def unregistered_cpp(root: Path) -> list[str]:
    """C++ tests that no CMakeLists.txt above them names."""
    missing = []
    for test in sorted((root / "tests").rglob("*.cpp")):
        folders = [folder for folder in test.parents if folder == root or root in folder.parents]
        lists = [folder / "CMakeLists.txt" for folder in folders if (folder / "CMakeLists.txt").is_file()]
        if not any(
            re.search(rf"(?<![\w./-]){re.escape(test.relative_to(file.parent).as_posix())}(?![\w.-])", code(file))
            for file in lists
        ):
            missing.append(test.relative_to(root).as_posix())
    return missing


def code(cmake_list: Path) -> str:
    return re.sub(r"#.*", "", cmake_list.read_text(encoding="utf-8"))


def unregistered_python(root: Path, testpaths: list[str]) -> list[str]:
    """Python files with tests that pytest does not collect."""
    missing = []
    for file in sorted((root / "tests").rglob("*.py")):
        collected = file.name.startswith("test_") and any(root / path in file.parents for path in testpaths)
        if not collected and re.search(r"^\s*(def test_|class Test)", file.read_text(encoding="utf-8"), re.MULTILINE):
            missing.append(file.relative_to(root).as_posix())
    return missing


def test_cmake_knows_every_cpp_test():
    assert unregistered_cpp(ROOT) == []


def test_pytest_collects_every_python_test(pytestconfig):
    assert unregistered_python(ROOT, pytestconfig.getini("testpaths")) == []


def test_every_nmodl_folder_has_a_test():
    folders = {mod.parent for mod in files(ROOT) if mod.suffix == ".mod" and ROOT / "tests/nmodl" in mod.parents}
    assert [folder.name for folder in sorted(folders) if not list(folder.glob("test_*.py"))] == []


def test_names_a_cpp_test_that_cmake_does_not_know(tmp_path):
    unit = tmp_path / "tests/unit/units"
    unit.mkdir(parents=True)
    for name in ("known_test.cpp", "forgotten_test.cpp", "commented_test.cpp", "unknown_test.cpp"):
        (unit / name).touch()
    (tmp_path / "tests/CMakeLists.txt").write_text(
        "nubridge_test(unit/units/known_test.cpp)\n# unit/units/commented_test.cpp\n"
    )
    (unit / "CMakeLists.txt").write_text("add_executable(x unknown_test.cpp.in)\n")
    assert unregistered_cpp(tmp_path) == [
        "tests/unit/units/commented_test.cpp",
        "tests/unit/units/forgotten_test.cpp",
        "tests/unit/units/unknown_test.cpp",
    ]


def test_names_a_python_test_that_pytest_does_not_collect(tmp_path):
    files = {
        "tests/python/test_model.py": "def test_x(): ...",
        "tests/python/model_checks.py": "def test_x(): ...",
        "tests/bench/test_speed.py": "class TestSpeed: ...",
        "tests/bench/run.py": "def run(): ...",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert unregistered_python(tmp_path, ["tests/python"]) == [
        "tests/bench/test_speed.py",
        "tests/python/model_checks.py",
    ]
