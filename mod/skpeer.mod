TITLE Potassium conductance of the channels that a particle simulator opens

COMMENT
g = gbar popen; popen is written by a nubridge.Session: couple(..., reads=["o1+o2 -> skpeer.popen"]).
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX skpeer
    USEION k READ ek WRITE ik
    RANGE gbar, g, popen, ik
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    (S) = (siemens)
}

PARAMETER {
    gbar = 0.001 (S/cm2) <0, 1e9>
    popen = 0 (1) <0, 1> : the fraction of channels that is open, the peer's
}

ASSIGNED {
    v (mV)
    ek (mV)
    ik (mA/cm2)
    g (S/cm2)
}

BREAKPOINT {
    g = gbar*popen
    ik = g*(v - ek)
}
