from pathlib import Path

import pytest

from layers import ARROWS, violations

ROOT = Path(__file__).resolve().parents[2]


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_sources_follow_the_arrows():
    assert list(violations(ROOT / "bridge/src")) == []


def test_sources_are_there_to_be_checked():
    assert {folder.name for folder in (ROOT / "bridge/src").iterdir() if folder.is_dir()} <= set(ARROWS)
    assert list((ROOT / "bridge/src").glob("*/*.cpp"))


@pytest.mark.parametrize(
    ("file", "include"),
    [
        ("maxent/a.hpp", '"maxent/b.hpp"'),
        ("maxent/a.hpp", '"b.hpp"'),
        ("c_api/a.cpp", '"units/u.hpp"'),
        ("learning/a.cpp", '"model_file/m.hpp"'),
        ("maxent/a.cpp", "<Eigen/Core>"),
        ("cli/a.cpp", "<Eigen/Core>"),
        ("model_file/a.cpp", "<boost/hash2/sha2.hpp>"),
        ("c_api/a.cpp", '"nubridge/nubridge.h"'),
        ("units/a.cpp", "<vector>"),
    ],
)
def test_allows_what_an_arrow_reaches(tmp_path, file, include):
    others = {"maxent/b.hpp": "", "units/u.hpp": "", "model_file/m.hpp": ""}
    write(tmp_path, {**others, file: f"#include {include}\n"})
    assert list(violations(tmp_path)) == []


@pytest.mark.parametrize(
    ("file", "include", "culprit"),
    [
        ("units/a.cpp", '"maxent/b.hpp"', "no arrow leads from units to maxent"),
        ("units/a.cpp", '"../maxent/b.hpp"', "no arrow leads from units to maxent"),
        ("transport/a.cpp", '"maxent/b.hpp"', "no arrow leads from transport to maxent"),
        ("model_file/a.cpp", '"learning/l.hpp"', "no arrow leads from model_file to learning"),
        ("units/a.hpp", "<Eigen/Core>", "allowed in"),
        ("transport/a.hpp", "  <Eigen/Core>", "allowed in"),
        ("dynamics/a.cpp", "<nlohmann/json.hpp>", "allowed in c_api, cli, model_file"),
        ("c_api/a.cpp", "<boost/hash2/sha2.hpp>", "allowed in model_file"),
        ("dynamics/a.cpp", '"nubridge/nubridge.h"', "allowed in c_api, cli"),
        ("dynamics/a.cpp", "<boost/asio.hpp>", "in no layer's list"),
        ("dynamics/a.cpp", '"dynamics/gone.hpp"', "no such file"),
        ("helpers/a.cpp", "<vector>", "helpers is no layer"),
    ],
)
def test_refuses_what_no_arrow_reaches(tmp_path, file, include, culprit):
    write(tmp_path, {"maxent/b.hpp": "", "learning/l.hpp": "", file: f"#pragma once\n #  include {include}\n"})
    (fault,) = violations(tmp_path)
    assert fault.startswith(file)
    assert culprit in fault
