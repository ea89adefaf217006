"""A large model is set up about as fast as with hh."""

from neuron_process import in_neuron


def setup_s(mechanism):
    """Processor time to insert a mechanism in 1e5 segments and initialise."""
    import time

    from neuron import n

    sections = [n.Section(f"s{i}") for i in range(100)]
    for section in sections:
        section.nseg = 1000
    begin = time.process_time()
    for section in sections:
        section.insert(mechanism)
    n.finitialize(-65)
    return time.process_time() - begin


def test_a_hundred_thousand_segments_load_in_three_seconds_more_than_hh():
    assert in_neuron(setup_s, "sk") < in_neuron(setup_s, "hh") + 3
