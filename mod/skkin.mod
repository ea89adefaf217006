TITLE Small-conductance calcium-activated potassium channel by plain KINETIC, the reference of sk

COMMENT
The same six states and rates as sk (Hirschberg B, Maylie J, Adelman JP, Marrion NV (1998) J Gen Physiol 111:565-581), without nubridge:
NEURON's own KINETIC scheme, solved by METHOD sparse (backward Euler at fixed step, so its error falls in proportion to dt).
Rates are per ms and per mM: 1 /uM/s = 1 /mM/ms.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX skkin
    USEION ca READ cai
    USEION k READ ek WRITE ik
    RANGE gbar, g, popen, ik, q10, diff
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    (S) = (siemens)
    (mM) = (milli/liter)
}

PARAMETER {
    gbar = 0.001 (S/cm2) <0, 1e9>
    q10 = 1 (1) <1e-3, 1e3>  : factor of all rates per 10 degC above 23 degC
    diff = 1 (1) <1e-3, 1e3> : the channel sees cai / diff (Solinas et al. 2007: 3)
    celsius (degC)
}

STATE {
    c1 (1) c2 (1) c3 (1) c4 (1) o1 (1) o2 (1)
}

ASSIGNED {
    v (mV)
    ek (mV)
    cai (mM)
    ik (mA/cm2)
    g (S/cm2)
    popen (1)
    speed (1)
}

BREAKPOINT {
    CONDUCTANCE g USEION k
    SOLVE gating METHOD sparse
    popen = o1 + o2
    g = gbar*popen
    ik = g*(v - ek)
}

INITIAL {
    speed = q10^((celsius - 23(degC))/10(degC))
    SOLVE gating STEADYSTATE sparse
}

KINETIC gating {
    LOCAL ca
    ca = cai/diff
    ~ c1 <-> c2 (speed*200(/mM-ms)*ca, speed*0.08(/ms))
    ~ c2 <-> c3 (speed*160(/mM-ms)*ca, speed*0.08(/ms))
    ~ c3 <-> c4 (speed*80(/mM-ms)*ca, speed*0.2(/ms))
    ~ c3 <-> o1 (speed*0.16(/ms), speed*1.0(/ms))
    ~ c4 <-> o2 (speed*1.2(/ms), speed*0.1(/ms))
    CONSERVE c1 + c2 + c3 + c4 + o1 + o2 = 1
}
