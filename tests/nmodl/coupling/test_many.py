"""Many coupled segments: several sessions of one NEURON, several NEURONs at once, many compartments of one peer."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from neuron_process import in_neuron

SITES = 20
WINDOWS = 200


def spines(seeds):
    """(calcium, open fraction) of the spine of each session at every step; the sessions run at once, a spine each."""
    from neuron import n

    import nubridge

    n.load_file("stdrun.hoc")
    sections, sessions = [], []
    for seed in seeds:
        sections.append(n.Section(f"spine{seed}"))
        sections[-1].L = sections[-1].diam = 1
        sections[-1].insert("casource")
        sections[-1].insert("skpeer")
        sections[-1].amplitude_casource = 0.003 * seed
        sessions.append(nubridge.Session("ssa", "sk_calcium", seed=seed))
        sessions[-1].couple(sections[-1](0.5), reads=["O1 + O2 -> skpeer.popen"])
    n.finitialize(-65)
    rows = []
    for _ in range(WINDOWS):
        n.fadvance()
        rows.append([(section.cai, section.popen_skpeer) for section in sections])
    for session in sessions:
        session.close()
    return list(zip(*rows, strict=True))


def test_two_sessions_of_one_neuron_are_each_as_alone():
    first, second = in_neuron(spines, (1, 2))
    assert (first, second) == (in_neuron(spines, (1,))[0], in_neuron(spines, (2,))[0])
    assert first != second


def test_neurons_that_run_at_once_do_not_get_into_each_others_way():
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(in_neuron, spines, (1,)) for _ in range(3)]
        first, *others = (run.result() for run in runs)
    assert all(run == first for run in others)


def solved(ranks):
    """(cai, open fraction, all calcium) at every step, ions realised, and what is left behind: of the spine of every rank."""
    from neuron import n

    import nubridge
    from nubridge import channel

    if ranks > 1:
        n.nrnmpi_init()
    context = n.ParallelContext()
    section, rank = n.Section("spine"), int(context.id())
    section.L = section.diam = 1
    for mechanism in ("casource", "skpeer"):
        section.insert(mechanism)
    section.amplitude_casource = 0.003 * (rank + 1)
    variables = (section(0.5)._ref_cai, section(0.5).skpeer._ref_popen, section(0.5).skpeer._ref_gbar)
    traces = [n.Vector().record(variable) for variable in variables]
    with nubridge.Session("ssa", "sk_calcium", seed=7) as session:
        session.couple(section(0.5), reads=["O1 + O2 -> skpeer.popen", "Ca_total -> skpeer.gbar"])
        context.set_maxstep(1)
        n.finitialize(-65)
        context.psolve(5)
        report = session.report()
        name = session.name
    found = [list(trace) for trace in traces], report.ledgers[0].realised, name, channel.stale()
    every = context.py_allgather(found)
    return None if rank else every


def test_a_session_on_each_rank_of_mpi_has_its_own_peer():
    both = in_neuron(solved, 2, ranks=2)
    alone = in_neuron(solved, 1)
    assert both[0][:2] == alone[0][:2]
    assert both[0][2] != both[1][2]
    for (_, _, calcium), realised, _, stale in both:
        assert realised > 0 and calcium[-1] == calcium[0] + realised
        assert stale == []
    assert both[1][1] > both[0][1]


def compartments():
    """(molecules at the end, ions realised) of each segment of a cable; segment i loses its molecules at 50 i per s."""
    from neuron import n

    import nubridge

    n.load_file("stdrun.hoc")
    cable = n.Section("cable")
    cable.nseg, cable.L, cable.diam = SITES, 10 * SITES, 1
    cable.insert("skpeer")
    cable.insert("casource")
    segments = list(cable)
    with nubridge.Session("ssa", "decay") as session:
        for i, segment in enumerate(segments):
            segment.skpeer.gbar = 50.0 * i
            segment.casource.amplitude = 0.01 * (i % 3)
            session.couple(segment, rates={"k": "skpeer.gbar"}, species="A")
        n.finitialize(-65)
        for _ in range(WINDOWS):
            n.fadvance()
        books = session.report().ledgers
        left = [segment.cai * 602214.076 * segment.volume() for segment in segments]
    return np.array(left), np.array([one.realised for one in books])


def test_every_compartment_of_a_peer_has_its_own_ions_and_rates():
    left, realised = in_neuron(compartments)
    assert np.allclose(left, np.rint(left), atol=1e-6)
    assert left[0] == 100 + realised[0]
    for i, (molecules, ions) in enumerate(zip(left, realised, strict=True)):
        assert (ions > 0) == (i % 3 > 0)
        kept = np.exp(-50 * i * 25e-6 * np.arange(WINDOWS, 0, -1))  # of what a window brings, which is the same in each
        numbers = np.full(WINDOWS, ions / WINDOWS) + 100 * (np.arange(WINDOWS) == 0)
        mean, variance = numbers @ kept, numbers @ (kept * (1 - kept))
        assert abs(molecules - mean) <= 4 * variance**0.5 + 1  # a window's part of an ion
