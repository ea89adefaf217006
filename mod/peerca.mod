TITLE Calcium of a segment whose ions live in a particle simulator

COMMENT
A nubridge.Session inserts it and sets session and the slots. In the coupled segment

    the ions of the step,  -ica area dt/(2 e),        are owed to the peer, in whole ions, the rest carried;
    cai = count/per_mM                                 is the peer's free calcium, as the session's scheme has it at t;
    back = 2 e (requested - realised)/(area window)    takes back, over the next window, what the peer could not realise,

so that the charge through the membrane is 2 e (realised + carried) and no ion belongs to both sides. cai is that of the exchange before the
last until peerlink, which comes after the exchange, has set it. In segments that are not coupled it does nothing.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX peerca
    USEION ca READ cai, ica WRITE cai, ica
    RANGE session, slot, count_slot, per_mM, back, told
}

UNITS {
    (mA) = (milliamp)
    (mM) = (milli/liter)
    (um) = (micron)
}

PARAMETER {
    session = 0 (1)    : the number of the coupling, 0 for none
    slot = -1 (1)      : of the ions among the amounts of the exchange
    count_slot = -1 (1) : of the free calcium among its counts
    per_mM = 1 (/mM) <1e-9, 1e30> : of the count, volume N_A times its parts of a molecule
}

ASSIGNED {
    ica (mA/cm2)
    cai (mM)
    area (um2)
    dt (ms)
    back (mA/cm2) : the current that takes ions back
    told (ms)     : until when the current has been told; a Session restores it
}

VERBATIM
#ifndef NUBRIDGE_NUBRIDGE_H
#include <nubridge/nubridge.h>
#endif
#ifdef CORENEURON_BUILD
#define ADAPTIVE_ 0
#else
#define ADAPTIVE_ cvode_active_
#endif
ENDVERBATIM

BREAKPOINT {
    SOLVE tell METHOD after_cvode
    back = taken_back()
    ica = back
}

INITIAL {
    told = t
    back = 0(mA/cm2)
    concentration()
}

PROCEDURE tell() {
VERBATIM
    if (session != 0) {
        double duration_ms_ = ADAPTIVE_ ? _nt->_t - told : dt;
        if (_nt->_t > told && nubridge_coupling_current((int)session, (int)slot, ica - back, area, 2, duration_ms_, _nt->_t) != NUBRIDGE_OK)
            hoc_execerror(nubridge_last_error(), 0);
        told = _nt->_t;
    }
ENDVERBATIM
    concentration()
}

FUNCTION taken_back() (mA/cm2) {
VERBATIM
    _ltaken_back = session != 0 ? nubridge_coupling_back((int)session, (int)slot, area, 2) : 0;
ENDVERBATIM
}

PROCEDURE concentration() {
VERBATIM
    if (session != 0) cai = nubridge_coupling_read((int)session, (int)count_slot, -1, _nt->_t)/per_mM;
ENDVERBATIM
}
