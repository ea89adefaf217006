"""The pyramidal-cell demo: what its runs show, what it writes, and the tree it draws."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from nubridge import plot

# NEURON holds one cell of the demo and one set of mechanisms a process, so that the demo runs in one of its own.
RUNS = """
import json, nubridge
from nubridge.demos import sk_pyramid as demo
nubridge.load(demo=True)
cell = demo.Cell()
runs = demo.measure(cell, demo.QUICK, repeats=1)
print(json.dumps({
    "sections": len(cell.sections),
    "points": sum(section.n3d() for section in cell.sections),
    "nseg": [section.nseg for section in cell.sections],
    "spikes": {name: len(run.spikes_ms) for name, run in runs.items()},
    "last_interval": {name: run.intervals_ms[-1] for name, run in runs.items()},
    "ahp": {name: run.ahp_mV for name, run in runs.items()},
    "ca": [float(runs["sk"].ca_uM[0]), float(runs["sk"].ca_uM.max())],
    "differences": demo.differences(cell, runs),
    "again": bool((cell.run("sk", demo.QUICK).v_mV == runs["sk"].v_mV).all()),
}))
"""


def python(*arguments):
    done = subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def runs():
    return json.loads(python("-c", RUNS).splitlines()[-1])


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return folder, python("-m", "nubridge.demos.sk_pyramid", "--quick", "--output", folder)


def test_the_cell_is_the_one_that_neuron_ships(runs):
    assert (runs["sections"], runs["points"]) == (79, 2116)
    assert all(nseg % 2 == 1 for nseg in runs["nseg"])


def test_sk_slows_the_train(runs):
    assert runs["spikes"]["sk"] < runs["spikes"]["none"]
    assert runs["last_interval"]["sk"] > 1.1 * runs["last_interval"]["none"]


def test_sk_leaves_an_afterhyperpolarisation(runs):
    assert runs["ahp"]["sk"] > runs["ahp"]["none"] + 2


def test_spikes_bring_calcium_where_sk_acts(runs):
    rest, peak = runs["ca"]
    assert rest == pytest.approx(0.05, rel=1e-12)
    assert 0.3 < peak < 2


def test_sk_and_skkin_fire_alike(runs):
    assert runs["spikes"]["sk"] == runs["spikes"]["skkin"]
    assert runs["last_interval"]["sk"] == pytest.approx(runs["last_interval"]["skkin"], abs=0.025)  # one step


def test_their_difference_is_of_first_order_in_the_step(runs):
    half, one, two = (difference for _, difference in runs["differences"])
    assert 1.5 < one / half < 2.5  # order 1 within 0.42
    assert 1.5 < two / one < 2.5


def test_a_second_run_repeats_bit_for_bit(runs):
    assert runs["again"]


def test_prints_the_table_it_writes(output):
    folder, text = output
    with (folder / "sk_pyramid.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["case"] for row in rows] == ["no SK", "sk", "skkin"]
    for row in rows:
        (line,) = (line for line in text.splitlines() if line.strip().startswith(row["case"] + " "))
        assert line.split(row["case"])[1].split()[0] == row["spikes"]


def test_quick_draws_the_figures_and_no_movie(output):
    folder, _ = output
    assert {file.name for file in folder.iterdir()} == {"sk_pyramid.csv", "sk_pyramid.png", "sk_pyramid_tree.png"}
    with Image.open(folder / "sk_pyramid_tree.png") as picture:
        assert picture.size == (1920, 1080)


@pytest.fixture
def branch():
    """A parent of one segment and a straight daughter of three, 90 um long, with a 3-D point every 10 um."""
    from neuron import h

    parent, daughter = h.Section(name="parent"), h.Section(name="daughter")
    for x in (-10, 0):
        parent.pt3dadd(x, 0, 0, 10)
    for x in range(0, 100, 10):
        daughter.pt3dadd(x, 0, 0, 2)
    daughter.connect(parent(1))
    daughter.nseg = 3
    return [parent, daughter]


def test_tree_values_run_linearly_between_segment_centres(branch):
    tree = plot.Tree(branch)
    middles = tree.lines[:, :, 0].mean(axis=1)
    # the parent's value at its end, those of the daughter at 15, 45 and 75 um, the last up to the tip
    expected = np.interp(middles, [0, 15, 45, 75, 90], [1, 3, 2, 8, 8])
    np.testing.assert_allclose(tree.line_values(np.array([1, 3, 2, 8])), expected, rtol=1e-6)  # 3-D points are floats


def test_gif_keeps_frames_times_and_colours(tmp_path):
    colours = plot.dim_floor("inferno", 0.2)
    palette = plot.gif_palette("#000000", colours, ["#ffffff"])
    assert palette.shape[0] <= 256
    frames = [np.full((8, 8, 3), palette[number], dtype=np.uint8) for number in (0, 60, 110)]
    plot.write_gif(tmp_path / "a.gif", frames, palette, frame_ms=50, hold_ms=1500)
    seen, times = [], []
    with Image.open(tmp_path / "a.gif") as movie:
        for number in range(movie.n_frames):
            movie.seek(number)
            seen.append(movie.convert("RGB").getpixel((4, 4)))
            times.append(movie.info["duration"])
    assert seen == [tuple(int(value) for value in frame[4, 4]) for frame in frames]
    assert times == [50, 50, 1500]
