import pytest

from tree import ROOT, faults


def test_repository_has_no_faults():
    assert list(faults(ROOT)) == []


@pytest.mark.parametrize(
    ("text", "culprit"),
    [
        ("x\n" * 601, "601 lines"),
        ("see /" + "home/ada/model.json", "path of one machine"),
        ("prefix=/" + "work/main", "path of one machine"),
        ('open("/' + 'tmp/x")', "path of one machine"),
        ("pip install --index" + "-url x", "registry"),
        ("https://py" + "pi.org/simple", "registry"),
    ],
)
def test_refuses(tmp_path, text, culprit):
    (tmp_path / "notes.md").write_text(text)
    (fault,) = faults(tmp_path)
    assert fault.startswith("notes.md:")
    assert culprit in fault


@pytest.mark.parametrize(
    "text", ["x\n" * 600, "$HOME/project", "build/tmp/x", "https://example.org/home/page", "~/home/x", "/usr/include"]
)
def test_allows(tmp_path, text):
    (tmp_path / "notes.md").write_text(text)
    assert list(faults(tmp_path)) == []


def test_allows_long_data_and_pictures(tmp_path):
    (tmp_path / "model.json").write_text("1\n" * 700)
    (tmp_path / "figure.png").write_bytes(b"\x89PNG" + b"\n" * 700)
    assert list(faults(tmp_path)) == []
