"""Results: kept or streamed, in files and gone on with, stopped, drawn."""

import ctypes
import resource
import signal
import sys
import threading
import time

import numpy as np
import pytest

import nubridge
from neuron_process import run
from nubridge import InvalidArgumentError, Result, ResultFileError, _ensemble, _job, simulate
from nubridge._statistics import MOST_BINS, Histogram, Statistics, merged

TIMES = np.linspace(0, 0.1, 11)


def abc(**changes):
    return simulate(**{"network": "abc", "t_s": TIMES, "runs": 600, "seed": 7, **changes})


@pytest.fixture(scope="module")
def kept():
    return abc()


def require_same_statistics(one: Result, other: Result) -> None:
    for array in ("mean", "scatter", "minimum", "maximum"):
        np.testing.assert_array_equal(getattr(one.statistics, array), getattr(other.statistics, array))
    for name in ("A", "C"):
        for left, right in zip(one.histogram(name), other.histogram(name), strict=True):
            np.testing.assert_array_equal(left, right)
    assert (one.runs, one.events) == (other.runs, other.events)


def streamed(**changes):
    return abc(**{"keep": "statistics", "histograms": ["A", "C"], **changes})


# --- statistics -------------------------------------------------------------------------------------------------


def test_streamed_statistics_are_those_of_the_kept_runs(kept):
    found = streamed()
    assert (found.runs, found.events) == (600, kept.events)
    for name in "ABC":
        np.testing.assert_allclose(found.mean(name), kept.mean(name), rtol=1e-14)
        np.testing.assert_allclose(found.std(name), kept.std(name), rtol=1e-12)
        np.testing.assert_array_equal(found.minimum(name), kept["A" if name == "B" else name].min(axis=0))
        np.testing.assert_array_equal(found.maximum(name), kept.maximum(name))
    expected = [np.cov(kept["A"][:, i], kept["C"][:, i])[0, 1] for i in range(len(TIMES))]
    np.testing.assert_allclose(found.covariance("A", "C"), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(kept.covariance("A", "C"), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("q", [0.0, 0.05, 0.5, 0.731, 1.0])
def test_a_quantile_of_streamed_whole_numbers_is_exact(kept, q):
    np.testing.assert_array_equal(streamed().quantile("A", q), np.quantile(kept["A"], q, axis=0))


def test_a_histogram_counts_whole_molecules_amid_its_bins(kept):
    for counts, edges in (kept.histogram("A"), streamed().histogram("A")):
        values, expected = np.unique(kept["A"][:, -1], return_counts=True)
        assert np.all((edges % 1) == 0.5) and np.all(np.diff(edges) == 1)
        np.testing.assert_array_equal(counts[(values - edges[0]).astype(int)], expected)
        assert counts.sum() == 600
    assert kept.histogram("A", TIMES[3])[0].sum() == 600
    with pytest.raises(InvalidArgumentError, match=r"nothing was recorded at 0\.123 s"):
        kept.histogram("A", 0.123)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("spread", [3, 30_000, 3_000_000])
def test_a_histogram_depends_on_the_amounts_alone(whole, spread):
    values = np.random.default_rng(5).integers(0, spread, size=(300, 4)).astype(float) / (1 if whole else 7)
    every = Histogram(4, 1.0, whole)
    every.add(values)
    for cuts in ([1, 2, 150], [299]):
        pieces = Histogram(4, 1.0, whole)
        for part in reversed(np.split(values, cuts)):
            piece = Histogram(4, 1.0, whole)
            piece.add(part)
            pieces.merge(piece)
        assert (pieces.width, pieces.low) == (every.width, every.low)
        np.testing.assert_array_equal(pieces.counts, every.counts)
    assert every.counts.shape[1] <= MOST_BINS and every.counts.sum() == 1200
    width = every.edges[1] - every.edges[0]
    np.testing.assert_allclose(every.quantile(0.5), np.median(values, axis=0), atol=width)


def test_statistics_of_many_names_keep_variances_alone(monkeypatch):
    monkeypatch.setattr("nubridge._statistics.MOST_COVARIANCE_BYTES", 100)
    values = np.random.default_rng(3).normal(5, 2, size=(50, 4, 3))
    both = merged(Statistics(part) for part in np.split(values, [20]))
    assert both.scatter.shape == (4, 3)
    np.testing.assert_allclose(both.variance, values.var(axis=0, ddof=1))
    with pytest.raises(InvalidArgumentError, match="covariances of 3 names would have taken too much"):
        streamed().covariance("A", "C")


def test_runs_are_kept_up_to_a_bound(monkeypatch, kept):
    assert kept.parts is None
    monkeypatch.setattr(_job, "MOST_KEPT_BYTES", 600 * 11 * 3 * 8 - 1)
    found = abc()
    assert found.runs == 600
    for refused in (lambda: found["A"], lambda: found.values, lambda: found.quantile("A", 0.5)):
        with pytest.raises(InvalidArgumentError, match=r'not kept.*keep="runs"'):
            refused()


def test_a_million_runs_take_no_room():
    nubridge.Network("decay")  # what loading takes is not counted
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = simulate("decay", t_s=[0, 0.01, 0.02], runs=1_000_000, record=["A"], keep="statistics", initial={"A": 1})
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 20e6
    for i, t_s in enumerate(found.t_s):
        p = np.exp(-t_s)
        assert abs(found.mean("A")[i] - p) <= 4 * np.sqrt(p * (1 - p) / 1e6)


# --- the same bytes ---------------------------------------------------------------------------------------------


def test_threads_do_not_change_a_byte(kept):
    one, two = abc(threads=1), abc(threads=2)
    assert one.values.tobytes() == two.values.tobytes() == kept.values.tobytes()
    require_same_statistics(streamed(threads=1), streamed(threads=2))


def test_a_file_holds_all_of_a_result(kept, tmp_path):
    kept.to_hdf5(tmp_path / "run.h5")
    found = Result.from_hdf5(tmp_path / "run.h5")
    assert found.values.tobytes() == kept.values.tobytes() and found.t_s.tobytes() == kept.t_s.tobytes()
    assert (found.names, found.unit, found.settings, found.events) == (
        kept.names,
        kept.unit,
        kept.settings,
        kept.events,
    )
    assert (found.network.hash, found.network.name) == (kept.network.hash, "abc")
    assert repr(found) == repr(kept)


def test_a_file_names_what_it_is(tmp_path):
    import h5py

    simulate("sk", t_s=[0.01], runs=3, seed=9, volume_um3=1.0, output=tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5") as file:
        attributes = dict(file.attrs)
        assert attributes["format"] == "nubridge result 1" and attributes["nubridge"] == nubridge.__version__
        assert (attributes["regime"], attributes["seed"], attributes["unit"]) == ("ssa", 9, "uM")
        assert attributes["network_hash"] == nubridge.Network("sk").hash
        assert (file["t_s"].attrs["unit"], file["values"].attrs["unit"]) == ("s", "uM")
        assert file["values"].shape == (3, 1, len(file["names"])) and b"begin reactions" in file["network"][()]


def test_a_file_of_statistics_holds_all_of_them(tmp_path):
    found = streamed(output=tmp_path / "run.h5")
    require_same_statistics(Result.from_hdf5(tmp_path / "run.h5"), found)
    found.to_hdf5(tmp_path / "again.h5")
    require_same_statistics(Result.from_hdf5(tmp_path / "again.h5"), found)


def test_more_runs_by_resume_are_those_of_one_call(kept, tmp_path):
    for runs in (1, 257, 600, 600):
        found = abc(runs=runs, output=tmp_path / "run.h5", resume=True)
        stored = Result.from_hdf5(tmp_path / "run.h5")
        assert found.values.tobytes() == stored.values.tobytes() == kept.values[:runs].tobytes()
        assert found.events == stored.events
    assert found.events == kept.events
    for runs in (1, 257, 600, 600):
        found = streamed(runs=runs, output=tmp_path / "statistics.h5", resume=True)
    require_same_statistics(found, streamed())
    require_same_statistics(Result.from_hdf5(tmp_path / "statistics.h5"), found)


def test_a_longer_time_by_resume_is_that_of_one_call(kept, tmp_path):
    longer = np.linspace(0, 0.2, 21)
    abc(runs=20, output=tmp_path / "run.h5")
    found = abc(runs=30, t_s=longer, output=tmp_path / "run.h5", resume=True)
    assert found.values.tobytes() == abc(runs=30, t_s=longer).values.tobytes()
    assert found.values[:, :11].tobytes() == kept.values[:30].tobytes()
    assert Result.from_hdf5(tmp_path / "run.h5").values.tobytes() == found.values.tobytes()
    streamed(runs=20, output=tmp_path / "statistics.h5")
    found = streamed(runs=30, t_s=longer, output=tmp_path / "statistics.h5", resume=True)
    require_same_statistics(Result.from_hdf5(tmp_path / "statistics.h5"), streamed(runs=30, t_s=longer))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 8}, "seed was 7 and is 8"),
        ({"initial": {"A": 5}}, "initial A was 1000.0 and is 5.0"),
        ({"parameters": {"kon": 0.5}}, "parameters kon was 0.001 and is 0.5"),
        ({"inputs": {"kon": ([0.0], [0.5])}}, "inputs kon changed"),
        ({"record": ["A"]}, "record was"),
        ({"volume_um3": 2.0}, "volume_um3 was None and is 2.0"),
        ({"first_run": 1}, "first_run was 0 and is 1"),
        ({"step_s": 0.5}, "step_s was None and is 0.5"),
        ({"regime": "ode", "runs": 1}, "regime was ssa and is ode"),
        ({"keep": "statistics"}, "keep is no longer runs"),
        ({"runs": 19}, "holds 20 runs and runs is 19"),
        ({"t_s": TIMES[:-1]}, "has 11 times to 0.1 s, asked are 10 to 0.09 s"),
        ({"resume": False}, "is there already; resume goes on with it"),
    ],
)
def test_a_file_of_other_settings_is_not_gone_on_with(changes, words, tmp_path):
    abc(runs=20, output=tmp_path / "run.h5")
    before = (tmp_path / "run.h5").read_bytes()
    with pytest.raises(ResultFileError) as refusal:
        abc(**{"runs": 20, "output": tmp_path / "run.h5", "resume": True, **changes})
    assert words in str(refusal.value) and "run.h5" in str(refusal.value)
    assert (tmp_path / "run.h5").read_bytes() == before


def test_other_histograms_are_not_gone_on_with(tmp_path):
    streamed(runs=20, output=tmp_path / "run.h5")
    with pytest.raises(ResultFileError, match="histograms were of A, C"):
        streamed(runs=20, output=tmp_path / "run.h5", histograms=["A"], resume=True)


# --- what goes wrong --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"keep": "some"}, 'keep is \'some\'; it is "runs" or "statistics"'),
        ({"runs": 0}, "runs is 0"),
        ({"t_s": 0.0}, "t_s is 0.0; pass an end > 0"),
        ({"t_s": []}, "t_s is []"),
        ({"t_s": [0.2, 0.1]}, "the time 0.1 s follows 0.2 s"),
        ({"volume_um3": -1.0}, "the volume is -1.0 um3; it is finite and positive"),
        ({"volume_um3": float("nan")}, "the volume is nan um3"),
        ({"histograms": ["Q"]}, "a histogram of 'Q' is asked for, which is not recorded"),
        ({"resume": True}, "name the file as output"),
    ],
)
def test_bad_arguments_are_refused(changes, words):
    with pytest.raises(InvalidArgumentError) as refusal:
        abc(**changes)
    assert words in str(refusal.value)


def test_files_that_are_no_results_are_refused(tmp_path):
    import h5py

    (tmp_path / "text.h5").write_text("no HDF5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    for name, words in (("gone.h5", "there is no file"), ("text.h5", "cannot be read"), ("other.h5", "'unknown'")):
        with pytest.raises(ResultFileError, match=words):
            Result.from_hdf5(tmp_path / name)
    with pytest.raises(ResultFileError, match=r"cannot be written: No such file or directory"):
        abc(output=tmp_path / "nowhere" / "run.h5")


def fill_a_disk() -> tuple[str, int, int]:
    """With files of at most 10 MB: what simulate says, runs in the file, those after going on without the limit."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000_000, resource.RLIM_INFINITY))
    arguments = {"t_s": np.linspace(0, 0.1, 101), "runs": 8000, "seed": 7, "output": "run.h5"}
    try:
        simulate("abc", **arguments)
    except ResultFileError as error:
        said = str(error)
    saved = Result.from_hdf5("run.h5")
    straight = simulate("abc", **{**arguments, "output": None})
    assert saved.values.tobytes() == straight.values[: saved.runs].tobytes()
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    resumed = simulate("abc", **arguments, resume=True)
    stored = Result.from_hdf5("run.h5")
    assert stored.values.tobytes() == resumed.values.tobytes() == straight.values.tobytes()
    assert stored.events == straight.events
    return said, saved.runs, stored.runs


def test_a_full_disk_leaves_the_runs_before_it():
    outcome = run(fill_a_disk, load="nothing")
    assert outcome.status == 0, outcome.stderr
    said, saved, resumed = outcome.value
    assert f"run.h5 cannot be written: File too large; it holds the first {saved} runs: make room" in said
    assert 2000 < saved < 8000 == resumed


@pytest.fixture
def ctrl_c_soon():
    """Sends this process SIGINT when the first runs are whole."""
    counted = _ensemble.Watch._show
    main = threading.main_thread().ident

    def interrupt(when):
        def show(self, points):
            if when(points) and not self.stopped:
                signal.pthread_kill(main, signal.SIGINT)
            return counted(self, points)

        return show

    return interrupt


def test_ctrl_c_keeps_the_runs_that_are_whole(monkeypatch, ctrl_c_soon, tmp_path):
    monkeypatch.setattr(_ensemble.Watch, "_show", ctrl_c_soon(lambda points: points >= 30 * 101))
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(nubridge.Interrupted, match=r"stopped after \d+ of 1000000 runs; .*run.h5 holds them") as stop:
        simulate("abc", t_s=1.0, runs=1_000_000, seed=7, keep="runs", record=["A"], output=tmp_path / "run.h5")
    assert signal.getsignal(signal.SIGINT) is before
    monkeypatch.undo()
    found, stored = stop.value.result, Result.from_hdf5(tmp_path / "run.h5")
    assert 30 <= found.runs < 100_000
    straight = simulate("abc", t_s=1.0, runs=found.runs, seed=7, record=["A"])
    assert found.values.tobytes() == stored.values.tobytes() == straight.values.tobytes()
    assert found.events == stored.events == straight.events
    resumed = simulate(
        "abc", t_s=1.0, runs=found.runs + 9, seed=7, record=["A"], output=tmp_path / "run.h5", resume=True
    )
    assert resumed.values[:-9].tobytes() == straight.values.tobytes() and resumed.runs == found.runs + 9


def test_ctrl_c_keeps_one_long_run_up_to_its_last_time(monkeypatch, ctrl_c_soon, tmp_path):
    monkeypatch.setattr(_ensemble.Watch, "_show", ctrl_c_soon(lambda points: points >= 3))
    times = np.linspace(0, 10_000, 1001)
    with pytest.raises(nubridge.Interrupted, match=r"stopped after \d+ of 10000 s; .*holds them") as stop:
        simulate("abc", t_s=times, seed=7, output=tmp_path / "run.h5")
    monkeypatch.undo()
    found = stop.value.result
    assert 3 <= len(found.t_s) < 1001 and found.runs == 1
    straight = simulate("abc", t_s=found.t_s, seed=7)
    stored = Result.from_hdf5(tmp_path / "run.h5")
    assert stored.values.tobytes() == straight.values.tobytes() and stored.t_s.tobytes() == found.t_s.tobytes()
    longer = times[: len(found.t_s) + 1]
    resumed = simulate("abc", t_s=longer, seed=7, output=tmp_path / "run.h5", resume=True)
    assert resumed.values[:, :-1].tobytes() == straight.values.tobytes()


def test_ctrl_c_leaves_the_shorter_file_as_it_was(monkeypatch, ctrl_c_soon, tmp_path):
    simulate("abc", t_s=[0.1], runs=2, output=tmp_path / "run.h5")
    before = (tmp_path / "run.h5").read_bytes()
    monkeypatch.setattr(_ensemble.Watch, "_show", ctrl_c_soon(lambda points: points >= 2))
    with pytest.raises(nubridge.Interrupted, match=r"run\.h5 is as it was"):
        simulate("abc", t_s=np.linspace(0, 10_000, 1001), runs=2, output=tmp_path / "run.h5", resume=True)
    assert (tmp_path / "run.h5").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["run.h5"]


def test_an_error_of_a_run_is_raised_and_no_thread_is_left():
    before = threading.active_count()
    with pytest.raises(nubridge.InvalidArgumentError, match="relative tolerance is 3"):
        simulate("decay", "ode", relative_tolerance=3)
    assert threading.active_count() == before


def test_progress_is_shown_when_asked(capsys):
    with _ensemble.Watch(ctypes.CDLL(None), 50, 10, True) as watch:
        for _ in range(5):
            watch.count(40)
            time.sleep(0.11)
    said = capsys.readouterr().err
    assert "of 50 runs" in said and "left" in said and "runs/s" in said
    abc(runs=20)
    assert capsys.readouterr().err == ""


# --- elsewhere --------------------------------------------------------------------------------------------------


def test_a_figure_has_a_panel_a_name_with_units_and_says_what_it_is(kept, tmp_path):
    made = kept.plot(["A", "C"], tmp_path / "run.png")
    assert (tmp_path / "run.png").read_bytes()[:4] == b"\x89PNG"
    assert [axes.get_ylabel() for axes in made.axes] == ["A\n(molecules)", "C\n(molecules)"]
    assert made.axes[-1].get_xlabel() == "time (ms)"
    (legend,) = made.legends
    assert legend.get_title().get_text() == "abc: ssa, 600 runs from seed 7"
    assert {text.get_text() for text in legend.get_texts()} == {"mean ± std", "5 of the runs", "mean"}
    np.testing.assert_array_equal(made.axes[0].lines[-1].get_ydata(), kept.mean("A"))


def test_a_figure_is_drawn_from_statistics_and_from_one_run():
    assert len(streamed().plot(band="quantiles", names=["A"]).axes) == 1
    texts = [text.get_text() for text in simulate("sk", "ode").plot().legends[0].get_texts()]
    assert texts == ["amount"]
    with pytest.raises(InvalidArgumentError, match='the band is \'x\'; it is "std" or "quantiles"'):
        streamed().plot(band="x")


def test_a_figure_that_cannot_be_written_is_refused(kept, tmp_path):
    for name in ("run.xyz", "nowhere/run.png"):
        with pytest.raises(ResultFileError, match="cannot be written"):
            kept.plot(path=tmp_path / name)


def test_pandas_has_a_row_for_each_run_and_time(kept):
    frame = kept.to_pandas()
    assert frame.index.names == ["run", "t_s"] and list(frame.columns) == ["A", "B", "C"]
    assert frame.loc[(17, TIMES[3]), "C"] == kept["C"][17, 3]


def test_xarray_has_units(kept):
    data = kept.to_xarray()
    assert data["A"].dims == ("run", "t_s") and data["A"].attrs["units"] == "molecules" and data.attrs["seed"] == 7
    np.testing.assert_array_equal(data["C"].mean("run"), kept.mean("C"))


def test_a_missing_library_is_named(kept, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InvalidArgumentError, match="pandas is not installed: pip install pandas"):
        kept.to_pandas()
