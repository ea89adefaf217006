TITLE Calcium that decays to its resting value, for trains of pulses (test)

NEURON {
    THREADSAFE
    SUFFIX catrain
    USEION ca WRITE cai
    RANGE rest, tau
}

UNITS {
    (mM) = (milli/liter)
}

PARAMETER {
    rest = 1e-4 (mM)
    tau = 12 (ms)
}

STATE {
    cai (mM)
}

INITIAL {
    cai = rest
}

BREAKPOINT {
    SOLVE decay METHOD cnexp
}

DERIVATIVE decay {
    cai' = (rest - cai)/tau
}
