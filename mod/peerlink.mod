TITLE A wire between a RANGE variable and the exchange with a particle simulator

COMMENT
A nubridge.Session makes one for each read and each rate. A read (kind 0) sets its variable to scale times count, or to scale count/total when
there is a total; after the exchange, so that the step's end has the new value, and before currents are computed, for a scheme may predict it at
their time. A rate (kind 1) gives the variable's value times scale to the peer, as it is when the currents of the step are computed.
ENDCOMMENT

NEURON {
    THREADSAFE
    POINT_PROCESS peerlink
    POINTER variable
    RANGE session, kind, slot, total_slot, scale
}

PARAMETER {
    session = 0 (1)     : the number of the coupling, 0 for none
    kind = 0 (1) <0, 1> : 0 read, 1 rate
    slot = -1 (1)       : among the counts, or among the rates
    total_slot = -1 (1) : among the counts, of the whole that the read is a fraction of; -1 for none
    scale = 1 (1)
}

ASSIGNED {
    variable (1)
}

VERBATIM
#ifndef NUBRIDGE_NUBRIDGE_H
#include <nubridge/nubridge.h>
#endif
ENDVERBATIM

BEFORE BREAKPOINT {
    set()
}

BREAKPOINT {
    SOLVE set METHOD after_cvode
    give()
}

INITIAL {
    set()
    give()
}

PROCEDURE set() {
VERBATIM
    if (session != 0 && kind == 0)
        variable = scale*nubridge_coupling_read((int)session, (int)slot, (int)total_slot, _nt->_t);
ENDVERBATIM
}

PROCEDURE give() {
VERBATIM
    if (session != 0 && kind == 1 && nubridge_coupling_rate((int)session, (int)slot, scale*variable) != NUBRIDGE_OK)
        hoc_execerror("a rate of the particles must be a finite number that is not negative; correct the variable or the scale of couple(rates=...)", 0);
ENDVERBATIM
}
