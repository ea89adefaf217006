TITLE One exchange with a live particle simulator for the whole model

COMMENT
One instance a nubridge.Session, which makes it. When a step of NEURON ends a coupling window, the whole molecules due and the rate constants go
to the peer, and its counts come back. It runs after peerca, which WRITEs a concentration, and so after all currents of the step have been told.
A fault (the peer has ended, is silent, reports an error; time runs back) ends in hoc_execerror on the main thread.
ENDCOMMENT

NEURON {
    THREADSAFE
    POINT_PROCESS peer
    RANGE session
}

PARAMETER {
    session = 0 (1) : the number of the coupling, 0 for none
}

VERBATIM
#ifndef NUBRIDGE_NUBRIDGE_H
#include <nubridge/nubridge.h>
#endif
#ifndef CORENEURON_BUILD
extern int nrn_nthread;
#ifdef __cplusplus
extern "C"
#endif
int PyErr_CheckSignals(void) __attribute__((weak)); /* absent where NEURON has no Python */
#endif
ENDVERBATIM

BREAKPOINT {
    SOLVE exchange METHOD after_cvode
}

INITIAL {
VERBATIM
    if (nubridge_require_abi(NUBRIDGE_ABI_VERSION) != NUBRIDGE_OK) hoc_execerror(nubridge_last_error(), 0);
#ifndef CORENEURON_BUILD
    if (session != 0 && nrn_nthread > 1) hoc_execerror("a Session needs one thread, since several are not in step with each other; call ParallelContext().nthread(1)", 0);
    if (session != 0 && nubridge_coupling_step((int)session, _nt->_t) != NUBRIDGE_OK) hoc_execerror(nubridge_last_error(), 0);
#endif
ENDVERBATIM
}

PROCEDURE exchange() {
VERBATIM
    if (nubridge_coupling_step((int)session, _nt->_t) != NUBRIDGE_OK) hoc_execerror(nubridge_last_error(), 0);
#ifndef CORENEURON_BUILD
    if (PyErr_CheckSignals && PyErr_CheckSignals() != 0) hoc_execerror("stopped by Ctrl-C", 0);
#endif
ENDVERBATIM
}
