TITLE Calcium as a sine of the time, written at the end of each step (test)

NEURON {
    THREADSAFE
    SUFFIX casine
    USEION ca WRITE cai
    RANGE mean, amplitude, period
}

UNITS {
    (mM) = (milli/liter)
    PI = (pi) (1)
}

PARAMETER {
    mean = 2e-3 (mM)
    amplitude = 1e-3 (mM)
    period = 30 (ms)
}

ASSIGNED {
    cai (mM)
}

INITIAL {
    cai = mean + amplitude*sin(2*PI*t/period)
}

BREAKPOINT {
    SOLVE write METHOD after_cvode
}

PROCEDURE write() {
    cai = mean + amplitude*sin(2*PI*t/period)
}
