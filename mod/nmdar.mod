TITLE NMDA receptor with ten states, trapping magnesium block and a calcium current

COMMENT
    C0 <-> C1 <-> C2 <-> O          C2 <-> D
                         |
    C0b <-> C1b <-> C2b <-> Ob      C2b <-> Db
Rates: Bartol TM, Keller DX, Kinney JP, et al. (2015) Front Synaptic Neurosci 7:17, Table 1, after Vargas-Caballero M, Robinson HPC (2004)
J Neurosci 24:6171-6180; at 34 degC. The table does not say how blocked receptors bind glutamate and desensitise: here as the others do.
Rates are per ms and per mM: 1 /uM/s = 1 /mM/ms.

Glutamate is glu_ambient + glu_amplitude * released. Each event of weight w > 0 adds w to released for glu_duration (read when it arrives), so
that transients that overlap add up; events of another weight do nothing.

Calcium current, of the total current i + ica = g (v - e):
ca_law 0: ica = Pf g (v - 40 mV), Pf = 0.6 * 4 cao/(4 cao + 120 mM/1.38), 0.0505 at 2 mM; Schneggenburger R, Zhou Z, Konnerth A, Neher E
          (1993) Neuron 11:133-143, as in the synapse model of Chindemi G et al. (2022) Nat Commun 13:3038
ca_law 1: ica = Pf g (v - e), Pf = 1/(1 + 65.6 mM/(0.5 * 11.3 cao)), 0.147 at 2 mM; Jahr CE, Stevens CF (1993) Proc Natl Acad Sci 90:11573-11577
ENDCOMMENT

NEURON {
    THREADSAFE
    POINT_PROCESS nmdar
    USEION ca READ cao WRITE ica
    NONSPECIFIC_CURRENT i
    RANGE gmax, glu_amplitude, glu_duration, glu_ambient, mg, e, ca_law, g, popen, glu, i, ica
}

UNITS {
    (mV) = (millivolt)
    (nA) = (nanoamp)
    (uS) = (microsiemens)
    (mM) = (milli/liter)
}

PARAMETER {
    gmax = 0.001 (uS) <0, 1e9>        : all receptors open; 20 of 50 pS
    glu_amplitude = 1 (mM) <0, 1e9>   : of the transient of an event of weight 1
    glu_duration = 1 (ms) <0, 1e9>
    glu_ambient = 0 (mM) <0, 1e9>
    mg = 1 (mM) <0, 1e9>
    e = 0 (mV)
    ca_law = 0 (1) <0, 1>
}

STATE {
    C0 (1) C1 (1) C2 (1) D (1) O (1) Ob (1) C2b (1) Db (1) C1b (1) C0b (1)
    released (1)   : the weights of the transients under way; a STATE, as the next, so that SaveState is exact
    transients (1) : how many are under way
}

ASSIGNED {
    v (mV)
    cao (mM)
    i (nA)
    ica (nA)
    g (uS)
    popen (1)
    glu (mM)
}

VERBATIM
#ifndef CORENEURON_BUILD
extern int nrn_nthread;
extern void (*nrn_allthread_handle)(void);

/* Raises on the main thread, after the threads have joined: a worker thread that raised would hang NEURON. */
static void raise_(void) {
    nrn_allthread_handle = 0;
    hoc_execerror("the mechanism nmdar needs gmax, glu_amplitude, glu_duration, glu_ambient and mg that are not negative, and ca_law 0 or 1; correct them and call finitialize()", 0);
}
#endif
ENDVERBATIM

BREAKPOINT {
    SOLVE gating METHOD sparse
    glu = glu_ambient + glu_amplitude*released
    popen = O
    g = gmax*popen
    if (ca_law == 0) {
        ica = g*(v - 40(mV))*0.6*4*cao/(4*cao + 120(mM)/1.38)
    } else {
        ica = g*(v - e)*0.5*11.3*cao/(0.5*11.3*cao + 65.6(mM))
    }
    i = g*(v - e) - ica
}

INITIAL {
    released = 0
    transients = 0
    glu = glu_ambient
    equilibrate(glu_ambient)
    if (!(gmax >= 0 && glu_amplitude >= 0 && glu_duration >= 0 && glu_ambient >= 0 && mg >= 0 && (ca_law == 0 || ca_law == 1))) {
        refuse()
    }
}

PROCEDURE refuse() {
VERBATIM
#ifndef CORENEURON_BUILD
    if (nrn_nthread == 1) raise_();
    nrn_allthread_handle = raise_;
#endif
ENDVERBATIM
}

: The steady state: the scheme is a tree, so that every transition balances. Without glutamate, all receptors are in C0.
PROCEDURE equilibrate(c (mM)) {
    LOCAL sum, second
    C0 = 0  C1 = 0  C2 = 1  D = 0  O = 0  Ob = 0  C2b = 0  Db = 0  C1b = 0  C0b = 0
    if (c > 0) {
        second = 0.022(/ms)/(10(/mM-ms)*c)
        C1 = second
        D = 0.0168/0.0036
        O = 0.093/0.1832
        Ob = O*blocking(v)/unblocking(v)
        C2b = Ob*0.574/0.097
        Db = D*C2b
        C1b = second*C2b
        C0 = C1*0.011(/ms)/(20(/mM-ms)*c)
        C0b = C0*C2b
    } else {
        C0 = 1
        C2 = 0
    }
    sum = C0 + C1 + C2 + D + O + Ob + C2b + Db + C1b + C0b
    C0 = C0/sum  C1 = C1/sum  C2 = C2/sum  D = D/sum  O = O/sum
    Ob = Ob/sum  C2b = C2b/sum  Db = Db/sum  C1b = C1b/sum  C0b = C0b/sum
}

FUNCTION blocking(v (mV)) (/ms) {
    blocking = 1.2(/mM-ms)*mg*exp(-v/17(mV))
}

FUNCTION unblocking(v (mV)) (/ms) {
    unblocking = 10.8(/ms)*exp(v/47(mV))
}

KINETIC gating {
    LOCAL first, second, block, unblock
    first = 20(/mM-ms)*(glu_ambient + glu_amplitude*released)
    second = 10(/mM-ms)*(glu_ambient + glu_amplitude*released)
    block = blocking(v)
    unblock = unblocking(v)
    ~ C0 <-> C1 (first, 0.011(/ms))
    ~ C1 <-> C2 (second, 0.022(/ms))
    ~ C2 <-> D (0.0168(/ms), 0.0036(/ms))
    ~ C2 <-> O (0.093(/ms), 0.1832(/ms))
    ~ O <-> Ob (block, unblock)
    ~ C2b <-> Ob (0.097(/ms), 0.574(/ms))
    ~ C2b <-> Db (0.0168(/ms), 0.0036(/ms))
    ~ C1b <-> C2b (second, 0.022(/ms))
    ~ C0b <-> C1b (first, 0.011(/ms))
    CONSERVE C0 + C1 + C2 + D + O + Ob + C2b + Db + C1b + C0b = 1
}

NET_RECEIVE(weight (1)) {
    if (flag == 0) {
        if (weight > 0 && glu_duration >= 0) {
            count(1, weight)
            net_send(glu_duration, weight)
        }
    } else {
        count(-1, -flag)
    }
}

: Takes a transient of weight w in (sign 1) or out (sign -1); a procedure, as NET_RECEIVE may set no STATE without an equation.
PROCEDURE count(sign (1), w (1)) {
    transients = transients + sign
    released = released + w
    if (transients == 0) {
        released = 0
    }
}
