TITLE A given calcium current, for the tests of the coupling

NEURON {
    THREADSAFE
    SUFFIX casource
    USEION ca WRITE ica
    RANGE amplitude, period, last
}

UNITS {
    (mA) = (milliamp)
    PI = (pi) (1)
}

PARAMETER {
    amplitude = 0 (mA/cm2) : inward
    period = 1e9 (ms)
    last = 1e9 (ms)        : no current afterwards
}

ASSIGNED {
    ica (mA/cm2)
}

BREAKPOINT {
    if (t < last) {
        ica = -amplitude*cos(2*PI*t/period)
    } else {
        ica = 0(mA/cm2)
    }
}
