TITLE Calcium in a shell under the membrane (demo)

COMMENT
Calcium current fills a shell, first-order removal empties it:

  d cai/dt = -ica / (2 F depth) - (cai - rest) / tau

Source: Destexhe, Babloyantz and Sejnowski, Biophys. J. 65:1538 (1993). depth is an effective one: it stands for the shell and for the
calcium that fast buffers take out of it.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX capool
    USEION ca READ ica WRITE cai
    RANGE depth, tau, rest
}

UNITS {
    (um) = (micron)
    (mA) = (milliamp)
    (mM) = (milli/liter)
    F = (faraday) (coulomb)
}

PARAMETER {
    depth = 0.5 (um) <1e-6, 1e9>
    tau = 80 (ms) <1e-6, 1e9>
    rest = 5e-5 (mM) <0, 1e9>
}

ASSIGNED {
    ica (mA/cm2)
}

STATE {
    cai (mM) <1e-6>
}

INITIAL {
    cai = rest
}

BREAKPOINT {
    SOLVE shell METHOD cnexp
}

DERIVATIVE shell {
    cai' = -ica/(2*F*depth)*(1e4) - (cai - rest)/tau
}
