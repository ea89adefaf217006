TITLE Small-conductance calcium-activated potassium channel, reduced model advanced by nubridge

COMMENT
Six states (Hirschberg B, Maylie J, Adelman JP, Marrion NV (1998) J Gen Physiol 111:565-581), rates per s and per uM:

    C1 <-> C2 <-> C3 <-> C4      200 ca / 80,  160 ca / 80,  80 ca / 200
                  C3 <-> O1      160 / 1000   (short openings)
                  C4 <-> O2      1200 / 100   (long openings)

The STATE variables are the occupancies, the dual moments of the categorical maximum-entropy family p_i = exp(-nu_i)/Z, nu_C1 = 0:
they stay finite where nu does not and cost no logarithm. nu is read by nu(1) ... nu(5), and recorded from nu0 ... nu4 when track_nu = 1.

Fixed step: each step is the exact solution exp(Q dt) at the calcium of the step's middle, which is second order in a calcium that moves. A played calcium
has its middle value when the currents are computed; one that a mechanism writes still has its first value then, so that the mean with its last is taken.
ca_left tells which: it is the calcium at the end of the step before, a STATE only so that SaveState keeps it. CVODE: the true derivative, with the exact Jacobian for its Newton step.
The model file models/sk/model.json holds the rates; NUBRIDGE_MODELS names other folders to look in.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX sk
    USEION ca READ cai
    USEION k READ ek WRITE ik
    RANGE gbar, g, popen, ik, q10, diff, outside
    RANGE nu0, nu1, nu2, nu3, nu4
    GLOBAL policy, track_nu
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    (S) = (siemens)
    (mM) = (milli/liter)
    (uM) = (micro/liter)
}

PARAMETER {
    gbar = 0.001 (S/cm2) <0, 1e9>
    q10 = 1 (1) <1e-3, 1e3>  : factor of all rates per 10 degC above 23 degC
    diff = 1 (1) <1e-3, 1e3> : the channel sees cai / diff (Solinas et al. 2007: 3)
    policy = 0 (1) <0, 3>    : off the domain 0 as the model file says, 1 clamp, 2 extrapolate, 3 error
    track_nu = 0 (1) <0, 1>  : 1 keeps nu0 ... nu4 up to date, otherwise they are NaN
    celsius (degC)
}

STATE {
    c1 (1) c2 (1) c3 (1) c4 (1) o1 (1) o2 (1)
    ca_left (mM)
}

ASSIGNED {
    v (mV)
    ek (mV)
    cai (mM)
    dt (ms)
    ik (mA/cm2)
    g (S/cm2)
    popen (1)
    outside (1)    : steps (CVODE: derivatives) with calcium off the model's domain since the start
    ca_seen (mM)   : what the currents of this step saw
    speed (1)      : of all rates at this temperature
    uM_seen (uM/mM) : calcium at the channel, uM per mM of cai
    nu0 (1) nu1 (1) nu2 (1) nu3 (1) nu4 (1)
}

VERBATIM
#ifndef NUBRIDGE_NUBRIDGE_H
#include <nubridge/nubridge.h>
#endif
#include <math.h>
#include <stdio.h>
static nubridge_model* model_;
#ifdef CORENEURON_BUILD
#define CVODE_ 0
#define ALONE_ 1 /* hoc_execerror ends CoreNEURON from any thread */
#else
#define CVODE_ (cvode_active_ || __func__[0] == '_') /* use_local_dt() calls CVODE's copy of the block, _ode_spec1, before CVODE is active */
#define ALONE_ (nrn_nthread == 1)
extern int nrn_nthread;
extern void (*nrn_allthread_handle)(void);

/* Raises the kept fault on the main thread, after the step's threads have joined: a worker thread that raised would hang NEURON. */
static void raise_(void) {
    nrn_allthread_handle = 0;
    if (nubridge_fault_take(model_) != NUBRIDGE_OK) hoc_execerror(nubridge_last_error(), 0);
}
#endif

static void open_(void) {
    if (nubridge_require_abi(NUBRIDGE_ABI_VERSION) != NUBRIDGE_OK || nubridge_model_open_once("sk", &model_) != NUBRIDGE_OK)
        hoc_execerror(nubridge_last_error(), 0);
    if (nubridge_count(model_, NUBRIDGE_ITEM_STATE) != 6 || nubridge_count(model_, NUBRIDGE_ITEM_INPUT) != 1)
        hoc_execerror("the mechanism sk needs a model of six states and one input; correct NUBRIDGE_MODELS and start again, not with", nubridge_model_path(model_));
}

/* Tells of a step that left the domain; raises a fault, or keeps it for raise_ with the value as the state, or as the
   derivative: 0 for CVODE, which would give up on NaN by an error on its own thread, and hang. */
static void fault_(nubridge_status status_, double policy_, const double* ca_uM_, int is_alone_, double* s_, double value_) {
    int i_;
    const char* text_ = status_ != NUBRIDGE_OUTSIDE || nubridge_first_outside(model_) ? nubridge_explain(model_, status_, (int)policy_, ca_uM_) : 0;
    if (status_ == NUBRIDGE_INVALID_ARGUMENT && model_) text_ = "the mechanism sk needs policy_sk 0, 1, 2 or 3, and q10, diff and dt above 0; correct them and call finitialize()";
    if (status_ == NUBRIDGE_OUTSIDE && text_) fprintf(stderr, "%s (said once; outside_sk counts)\n", text_);
    if (status_ == NUBRIDGE_OUTSIDE) return;
    if (is_alone_) hoc_execerror(text_, 0);
    for (i_ = 0; i_ < 6; ++i_) s_[i_] = value_;
    nubridge_fault_post(model_, status_, (int)policy_, ca_uM_);
#ifndef CORENEURON_BUILD
    nrn_allthread_handle = raise_;
#endif
}
ENDVERBATIM

BREAKPOINT {
    CONDUCTANCE g USEION k
    SOLVE occupancies METHOD cnexp
    ca_seen = cai
    popen = o1 + o2
    g = gbar*popen
    ik = g*(v - ek)
}

INITIAL {
    speed = q10^((celsius - 23(degC))/10(degC))
    uM_seen = 1(mM)*(1e3)/(1(mM)*diff)
    outside = 0
    ca_seen = cai
    ca_left = cai
    start()
    track()
}

DERIVATIVE occupancies {
    LOCAL d1, d2, d3, d4, d5, d6
    newton_step()
    d1 = 0(/ms)
    d2 = 0(/ms)
    d3 = 0(/ms)
    d4 = 0(/ms)
    d5 = 0(/ms)
    d6 = 0(/ms)
VERBATIM
    double s_[6] = {c1, c2, c3, c4, o1, o2}, d_[6] = {0}, ca_ = CVODE_ ? cai : ca_seen == ca_left ? 0.5*(ca_left + cai) : ca_seen, ca_uM_ = ca_*uM_seen;
    nubridge_status status_ = CVODE_ && !model_ ? NUBRIDGE_OK /* cvode.active(1) comes here before INITIAL */
                              : CVODE_ ? nubridge_rhs_moments(model_, (int)policy, 1, s_, &ca_uM_, d_, 0)
                                       : nubridge_step_moments(model_, (int)policy, 1, s_, &ca_uM_, dt*speed, s_, 0);
    if (status_ != NUBRIDGE_OK) { outside += status_ == NUBRIDGE_OUTSIDE; fault_(status_, policy, &ca_uM_, ALONE_, CVODE_ ? d_ : s_, CVODE_ ? 0 : NAN); }
    if (CVODE_) { _ld1 = d_[0]*speed; _ld2 = d_[1]*speed; _ld3 = d_[2]*speed; _ld4 = d_[3]*speed; _ld5 = d_[4]*speed; _ld6 = d_[5]*speed; }
    else { c1 = s_[0]; c2 = s_[1]; c3 = s_[2]; c4 = s_[3]; o1 = s_[4]; o2 = s_[5]; }
ENDVERBATIM
    c1' = d1
    c2' = d2
    c3' = d3
    c4' = d4
    o1' = d5
    o2' = d6
    ca_left = cai
    track()
}

: Opens the model, takes a fault that another thread left, and sets the steady state of the local calcium.
PROCEDURE start() {
VERBATIM
    double s_[6], ca_uM_ = cai*uM_seen;
    nubridge_status status_;
    open_();
    (void)nubridge_fault_take(model_);
    if (!(policy >= 0 && policy <= 3 && speed > 0 && isfinite(speed) && uM_seen > 0)) fault_(NUBRIDGE_INVALID_ARGUMENT, policy, &ca_uM_, 1, s_, NAN);
    status_ = nubridge_initial_moments(model_, (int)policy, 1, &ca_uM_, s_, 0);
    if (status_ != NUBRIDGE_OK) { outside += status_ == NUBRIDGE_OUTSIDE; fault_(status_, policy, &ca_uM_, 1, s_, NAN); }
    c1 = s_[0]; c2 = s_[1]; c3 = s_[2]; c4 = s_[3]; o1 = s_[4]; o2 = s_[5];
    nu0 = nu1 = nu2 = nu3 = nu4 = NAN;
ENDVERBATIM
}

: CVODE's Newton step with the exact Jacobian: here the D of the states hold the right side and dt the solver's gamma.
PROCEDURE newton_step() {
VERBATIM
#ifndef CORENEURON_BUILD
    if (CVODE_) {
        double b_[6] = {Dc1, Dc2, Dc3, Dc4, Do1, Do2}, ca_uM_ = cai*uM_seen;
        (void)nubridge_newton_moments(model_, (int)policy, &ca_uM_, dt*speed, b_);
        Dc1 = b_[0]; Dc2 = b_[1]; Dc3 = b_[2]; Dc4 = b_[3]; Do1 = b_[4]; Do2 = b_[5];
    }
#else
    if (!model_) open_(); /* CoreNEURON takes NEURON's states and skips INITIAL */
#endif
ENDVERBATIM
}

: nu of state i = 1 (C2) ... 5 (O2), nu of C1 being 0.
FUNCTION nu(i) (1) {
VERBATIM
    double s_[6] = {c1, c2, c3, c4, o1, o2}, nu_[5] = {NAN, NAN, NAN, NAN, NAN};
    (void)nubridge_from_moments(model_, 1, s_, nu_);
    _lnu = _li >= 1 && _li <= 5 ? nu_[(int)_li - 1] : NAN;
ENDVERBATIM
}

PROCEDURE track() {
    if (track_nu != 0) {
        nu0 = nu(1)
        nu1 = nu(2)
        nu2 = nu(3)
        nu3 = nu(4)
        nu4 = nu(5)
    }
}
