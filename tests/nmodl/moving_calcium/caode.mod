TITLE Calcium as a sine of the time, by an ODE (test)

COMMENT
cai' = amplitude 2 pi/period cos(2 pi t/period). The fixed step evaluates the right side at its end, so that `early`, half a step, makes
it the midpoint rule; with CVODE `early` is 0.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX caode
    USEION ca WRITE cai
    RANGE mean, amplitude, period, early
}

UNITS {
    (mM) = (milli/liter)
    PI = (pi) (1)
}

PARAMETER {
    mean = 2e-3 (mM)
    amplitude = 1e-3 (mM)
    period = 30 (ms)
    early = 0 (ms)
}

STATE {
    cai (mM)
}

INITIAL {
    cai = mean
}

BREAKPOINT {
    SOLVE wave METHOD cnexp
}

DERIVATIVE wave {
    cai' = amplitude*2*PI/period*cos(2*PI*(t - early)/period)
}
