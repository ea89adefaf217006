TITLE Calmodulin and CaMKII, the exact mass action of 75 states or sums of it, advanced by nubridge

COMMENT
CaM with four calcium sites, CaMKII that binds it, pairs and phosphorylates at T286: Model 1 of Pepke S, Kinzer-Ursem T, Mihalas S, Kennedy MB (2010)
PLoS Comput Biol 6:e1000675, whose 155 species lump exactly into the 75 amounts x00 ... x74 (uM, in the order of the model file models/camkii/model.json).
rung = 1 takes models/camkii-sums instead: 32 sums over subunits, x00 ... x31, who pairs with whom by maximum entropy (doc of SubunitSums).

Fixed step: calcium is averaged while the amounts wait, then one explicit step of second order is taken with its mean, in as many stages as the fastest rate
asks for; the RANGE variables move at these steps. They wait until bound and ca4cam should have moved by 1 %, between a quarter of `hold` and five times `hold` (0:
every step); calcium that leaves its mean by a twentieth ends the wait. The mean of the calcium at the begin and at the end of a step is second order.
CVODE: the true derivative, with the exact Jacobian for its Newton step. The observables are STATE variables, sums of the others, so that they follow in both.
takes = 1: what calmodulin has bound leaves the pool as an outward ica, by fixed steps during the next hold, of 0.1 ms at most: calcium and calmodulin answer
each other in less than a millisecond. icounter takes its charge back.
molecules = 1: the same network in whole molecules, by leaps in which each molecule reacts or not (doc of MoleculeLeap); random numbers by seed, stream and step.
INITIAL takes the steady state of the local calcium without phosphorylation: with it, and no phosphatase, everything ends up phosphorylated.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX camkii
    USEION ca READ cai WRITE ica
    NONSPECIFIC_CURRENT icounter
    RANGE rung, camtotal, camkiitotal, hold, takes, pool_volume, molecules, stream, outside, model, ica, icounter
    GLOBAL policy, seed
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    (S) = (siemens)
    (mM) = (milli/liter)
    (uM) = (micro/liter)
    (um) = (micron)
    F = (faraday) (coulomb)
}

PARAMETER {
    rung = 0 (1) <0, 1>            : 0: exact; 1: sums over subunits; read at initialisation
    camtotal = 0.03 (mM) <0, 1>    : calmodulin; read at initialisation
    camkiitotal = 0.08 (mM) <0, 1> : CaMKII subunits; read at initialisation
    hold = 0.2 (ms) <0, 1e3>       : the amounts wait a quarter of it to five times as long
    takes = 0 (1) <0, 1>           : 1: what calmodulin binds is taken from the pool, as an outward ica
    pool_volume = 0 (um3) <0, 1e9> : of that pool; 0: the segment's own
    molecules = 0 (1) <0, 1>       : 1: whole molecules of that volume, which react by chance; fixed steps, rung 0
    stream = -1 (1)                : of its random numbers; -1: INITIAL takes the next one that is free
    seed = 1 (1) <0, 1e9>          : of all random numbers
    policy = 0 (1) <0, 3>          : off the domain 0 as the model file says, 1 clamp, 2 extrapolate, 3 error
}

STATE {
    bound (1)    : subunits with calmodulin, of all subunits
    pT286 (1)    : phosphorylated subunits, of all subunits
    ca4cam (1)   : calmodulin with four calcium ions, free or on unphosphorylated CaMKII, of all calmodulin
    cataken (mM) : calcium on calmodulin
    owed (mM) pays (mM/ms) : calcium that calmodulin has bound and the pool has not given yet; how fast it gives
    ca_left (mM) held (ms) ca_held (mM-ms) : calcium at the end of the step before; the time since the last step of the amounts, and the calcium in it
    leaps (1)    : steps in whole molecules so far
    wait (ms) ca_mean (mM) : the time that the next step of the amounts waits for; the calcium of the last one
    x00 (uM) x01 (uM) x02 (uM) x03 (uM) x04 (uM) x05 (uM) x06 (uM) x07 (uM) x08 (uM) x09 (uM) x10 (uM) x11 (uM) x12 (uM)
    x13 (uM) x14 (uM) x15 (uM) x16 (uM) x17 (uM) x18 (uM) x19 (uM) x20 (uM) x21 (uM) x22 (uM) x23 (uM) x24 (uM)
    x25 (uM) x26 (uM) x27 (uM) x28 (uM) x29 (uM) x30 (uM) x31 (uM) x32 (uM) x33 (uM) x34 (uM) x35 (uM) x36 (uM)
    x37 (uM) x38 (uM) x39 (uM) x40 (uM) x41 (uM) x42 (uM) x43 (uM) x44 (uM) x45 (uM) x46 (uM) x47 (uM) x48 (uM)
    x49 (uM) x50 (uM) x51 (uM) x52 (uM) x53 (uM) x54 (uM) x55 (uM) x56 (uM) x57 (uM) x58 (uM) x59 (uM) x60 (uM)
    x61 (uM) x62 (uM) x63 (uM) x64 (uM) x65 (uM) x66 (uM) x67 (uM) x68 (uM) x69 (uM) x70 (uM) x71 (uM) x72 (uM)
    x73 (uM) x74 (uM)
}

ASSIGNED {
    v (mV)
    cai (mM)
    dt (ms)
    area (um2)
    diam (um)
    ica (mA/cm2)
    icounter (mA/cm2) : of no calcium, so that no charge moves
    none (S/cm2)
    model (1)   : the rung of this run, as INITIAL found it
    outside (1) : steps (CVODE: derivatives) with calcium or totals off the model's domain since the start
}

VERBATIM
#ifndef NUBRIDGE_NUBRIDGE_H
#include <nubridge/nubridge.h>
#endif
#include <math.h>
#include <stdio.h>
static nubridge_kernel* kernels_[2];
#ifdef CORENEURON_BUILD
#define CVODE_ 0
#define ALONE_ 1 /* hoc_execerror ends CoreNEURON from any thread */
#define NOT_BY_CVODE_DONE_
#else
#define CVODE_ (cvode_active_ || __func__[0] == '_') /* use_local_dt() calls CVODE's copy of the block, _ode_spec1, before CVODE is active */
#define ALONE_ (nrn_nthread == 1)
#define NOT_BY_CVODE_DONE_ if (!CVODE_) return 0; /* the statements below are CVODE's */
extern int nrn_nthread;
extern void (*nrn_allthread_handle)(void);

/* Raises the kept fault on the main thread, after the step's threads have joined: a worker thread that raised would hang NEURON. */
static void raise_(void) {
    nrn_allthread_handle = 0;
    if (nubridge_kernel_fault_take(kernels_[0]) != NUBRIDGE_OK || nubridge_kernel_fault_take(kernels_[1]) != NUBRIDGE_OK)
        hoc_execerror(nubridge_last_error(), 0);
}
#endif

static nubridge_kernel* kernel_(double rung_) {
    return kernels_[rung_ > 0];
}

static void open_(double rung_) {
    static const char* const names_[2] = {"camkii", "camkii-sums"};
    static const size_t states_[2] = {75, 32};
    const int i_ = rung_ > 0;
    if (nubridge_require_abi(NUBRIDGE_ABI_VERSION) != NUBRIDGE_OK || nubridge_kernel_open_once(names_[i_], &kernels_[i_]) != NUBRIDGE_OK)
        hoc_execerror(nubridge_last_error(), 0);
    if (nubridge_kernel_count(kernels_[i_], NUBRIDGE_ITEM_STATE) != states_[i_] || nubridge_kernel_count(kernels_[i_], NUBRIDGE_ITEM_INPUT) != 3 || nubridge_kernel_count(kernels_[i_], NUBRIDGE_ITEM_OBSERVABLE) != 4)
        hoc_execerror("the mechanism camkii needs kernels of 75 (rung 0) and 32 states (rung 1), three inputs and four observables; correct NUBRIDGE_MODELS and start again, not with", nubridge_kernel_path(kernels_[i_]));
}

/* Tells of a step that left the domain; raises a fault, or keeps it for raise_. */
static void fault_(nubridge_kernel* model_, nubridge_status status_, double policy_, const double* u_, int is_alone_) {
    const char* text_ = status_ != NUBRIDGE_OUTSIDE || nubridge_kernel_first_outside(model_) ? nubridge_kernel_explain(model_, status_, (int)policy_, u_) : 0;
    if (status_ == NUBRIDGE_INVALID_ARGUMENT && model_) text_ = "the mechanism camkii needs policy_camkii 0, 1, 2 or 3, takes 0 or 1, hold and pool_volume from 0 on, molecules 0 or (without CVODE) 1, rung 0 or (molecules 0) 1, and totals above 0; correct them and call finitialize()";
    if (status_ == NUBRIDGE_OUTSIDE && text_) fprintf(stderr, "%s (said once; outside_camkii counts)\n", text_);
    if (status_ == NUBRIDGE_OUTSIDE) return;
    if (is_alone_) hoc_execerror(text_, 0);
    nubridge_kernel_fault_post(model_, status_, (int)policy_, u_);
#ifndef CORENEURON_BUILD
    nrn_allthread_handle = raise_;
#endif
}

/* A step of the amounts s_ over held_ ms; with a leap_ from 0 on in whole molecules, of so many um3. */
static nubridge_status move_(nubridge_kernel* model_, double policy_, const double* u_, double held_, double um3_, double seed_, double stream_, double leap_, double* s_) {
    if (!model_) return NUBRIDGE_INVALID_ARGUMENT;
    if (leap_ < 0) return nubridge_kernel_step(model_, (int)policy_, u_, held_, s_);
    return nubridge_kernel_leap(model_, (int)policy_, u_, held_, um3_, (uint64_t)seed_, (uint64_t)stream_, (uint64_t)leap_, s_);
}

/* Rounds s_ to whole molecules; returns the stream of random numbers, the next free one for -1. */
static double round_(nubridge_kernel* model_, double stream_, double um3_, double seed_, double* s_) {
    static double next_ = 0;
    if (stream_ < 0) stream_ = next_++;
    (void)nubridge_kernel_round(model_, um3_, (uint64_t)seed_, (uint64_t)stream_, s_);
    return stream_;
}

/* How long the next step waits after one over held_ in which bound and ca4cam moved_ by so much of themselves; 0/0 counts as calm. */
static double wait_(double hold_, double takes_, double held_, double moved_) {
    const double longest_ = takes_ > 0 ? fmin(5*hold_, 0.1) : 5*hold_;
    return fmin(longest_, fmax(0.25*hold_, fmin(5*hold_, 0.01*held_/moved_)));
}

/* The observables o_ of the amounts (or rates) s_: fractions and mM, from uM and totals in mM. */
static void observe_(nubridge_kernel* model_, const double* s_, double cam_, double camkii_, double* o_) {
    (void)nubridge_kernel_observe(model_, s_, o_);
    o_[0] *= 1e-3/camkii_; o_[1] *= 1e-3/camkii_; o_[2] *= 1e-3/cam_; o_[3] *= 1e-3;
}
ENDVERBATIM

BREAKPOINT {
    CONDUCTANCE none USEION ca
    CONDUCTANCE none
    SOLVE amounts METHOD cnexp
    none = 0
    ica = 0
    if (takes > 0) {
        ica = taking()*2*F*(1e-4)*volume()/area
    }
    icounter = -ica
}

INITIAL {
    outside = 0
    ca_left = cai
    held = 0
    ca_held = 0
    wait = 0
    leaps = 0
    model = 0
    ca_mean = cai
    owed = 0
    pays = 0
    start()
}

DERIVATIVE amounts {
    LOCAL due, solving, per_ms, uM_per_ms, mM_per_ms, mM_still, still, d[75], o[4]
    per_ms = 1(/ms)
    uM_per_ms = 1(uM/ms)
    mM_per_ms = 1(mM/ms)
    mM_still = 0(mM/ms)
    still = 0(mM)
    due = 0
    solving = 1
VERBATIM
#ifdef CORENEURON_BUILD
    if (!kernel_(model)) open_(model); /* CoreNEURON takes NEURON's states and skips INITIAL */
#endif
    _lsolving = 0; /* VERBATIM is not in CVODE's solver of linear equations */
    if (!CVODE_) {
        ca_held += 0.5*(ca_left + cai)*dt;
        held += dt;
        owed -= pays*dt;
        ca_left = cai;
        _ldue = held > wait - 0.5*dt || !(fabs(cai - ca_mean) <= 0.05*ca_mean);
    }
ENDVERBATIM
    if (solving) {
        newton_step()
    }
    if (due) {
        advance()
    }
VERBATIM
    NOT_BY_CVODE_DONE_
    const double s_[75] = {x00, x01, x02, x03, x04, x05, x06, x07, x08, x09, x10, x11, x12, x13, x14, x15, x16, x17, x18, x19, x20, x21, x22, x23, x24, x25, x26, x27, x28, x29, x30, x31, x32, x33, x34, x35, x36, x37, x38, x39, x40, x41, x42, x43, x44, x45, x46, x47, x48, x49, x50, x51, x52, x53, x54, x55, x56, x57, x58, x59, x60, x61, x62, x63, x64, x65, x66, x67, x68, x69, x70, x71, x72, x73, x74};
    const double u_[3] = {cai*1e3, camtotal*1e3, camkiitotal*1e3}; nubridge_kernel* model_ = kernel_(model);
    nubridge_status status_ = NUBRIDGE_OK;
    for (int i_ = 0; i_ < 75; ++i_) _ld[i_] = 0;
    for (int i_ = 0; i_ < 4; ++i_) _lo[i_] = 0;
    if (CVODE_ && model_) status_ = nubridge_kernel_rhs(model_, (int)policy, s_, u_, _ld); /* cvode.active(1) comes here before INITIAL */
    if (CVODE_ && model_ && status_ >= 0) observe_(model_, _ld, camtotal, camkiitotal, _lo);
    if (status_ != NUBRIDGE_OK) { outside += status_ == NUBRIDGE_OUTSIDE; fault_(model_, status_, policy, u_, ALONE_); }
ENDVERBATIM
    bound' = o[0]*per_ms
    pT286' = o[1]*per_ms
    ca4cam' = o[2]*per_ms
    cataken' = o[3]*mM_per_ms
    owed' = mM_still
    pays' = 0
    ca_left' = mM_still
    held' = 0
    ca_held' = still
    wait' = 0
    leaps' = 0
    ca_mean' = mM_still
    x00' = d[0]*uM_per_ms
    x01' = d[1]*uM_per_ms
    x02' = d[2]*uM_per_ms
    x03' = d[3]*uM_per_ms
    x04' = d[4]*uM_per_ms
    x05' = d[5]*uM_per_ms
    x06' = d[6]*uM_per_ms
    x07' = d[7]*uM_per_ms
    x08' = d[8]*uM_per_ms
    x09' = d[9]*uM_per_ms
    x10' = d[10]*uM_per_ms
    x11' = d[11]*uM_per_ms
    x12' = d[12]*uM_per_ms
    x13' = d[13]*uM_per_ms
    x14' = d[14]*uM_per_ms
    x15' = d[15]*uM_per_ms
    x16' = d[16]*uM_per_ms
    x17' = d[17]*uM_per_ms
    x18' = d[18]*uM_per_ms
    x19' = d[19]*uM_per_ms
    x20' = d[20]*uM_per_ms
    x21' = d[21]*uM_per_ms
    x22' = d[22]*uM_per_ms
    x23' = d[23]*uM_per_ms
    x24' = d[24]*uM_per_ms
    x25' = d[25]*uM_per_ms
    x26' = d[26]*uM_per_ms
    x27' = d[27]*uM_per_ms
    x28' = d[28]*uM_per_ms
    x29' = d[29]*uM_per_ms
    x30' = d[30]*uM_per_ms
    x31' = d[31]*uM_per_ms
    x32' = d[32]*uM_per_ms
    x33' = d[33]*uM_per_ms
    x34' = d[34]*uM_per_ms
    x35' = d[35]*uM_per_ms
    x36' = d[36]*uM_per_ms
    x37' = d[37]*uM_per_ms
    x38' = d[38]*uM_per_ms
    x39' = d[39]*uM_per_ms
    x40' = d[40]*uM_per_ms
    x41' = d[41]*uM_per_ms
    x42' = d[42]*uM_per_ms
    x43' = d[43]*uM_per_ms
    x44' = d[44]*uM_per_ms
    x45' = d[45]*uM_per_ms
    x46' = d[46]*uM_per_ms
    x47' = d[47]*uM_per_ms
    x48' = d[48]*uM_per_ms
    x49' = d[49]*uM_per_ms
    x50' = d[50]*uM_per_ms
    x51' = d[51]*uM_per_ms
    x52' = d[52]*uM_per_ms
    x53' = d[53]*uM_per_ms
    x54' = d[54]*uM_per_ms
    x55' = d[55]*uM_per_ms
    x56' = d[56]*uM_per_ms
    x57' = d[57]*uM_per_ms
    x58' = d[58]*uM_per_ms
    x59' = d[59]*uM_per_ms
    x60' = d[60]*uM_per_ms
    x61' = d[61]*uM_per_ms
    x62' = d[62]*uM_per_ms
    x63' = d[63]*uM_per_ms
    x64' = d[64]*uM_per_ms
    x65' = d[65]*uM_per_ms
    x66' = d[66]*uM_per_ms
    x67' = d[67]*uM_per_ms
    x68' = d[68]*uM_per_ms
    x69' = d[69]*uM_per_ms
    x70' = d[70]*uM_per_ms
    x71' = d[71]*uM_per_ms
    x72' = d[72]*uM_per_ms
    x73' = d[73]*uM_per_ms
    x74' = d[74]*uM_per_ms
}

: Opens the model, takes a fault that another thread left, and sets the steady state of the local calcium, nothing phosphorylated.
PROCEDURE start() {
    LOCAL um3
    um3 = volume()
VERBATIM
    double s_[75] = {0}, u_[3] = {cai*1e3, camtotal*1e3, camkiitotal*1e3}, o_[4] = {0};
    if (rung == 1) model = 1; open_(model); nubridge_kernel* model_ = kernel_(model); (void)nubridge_kernel_fault_take(model_);
    if (!(policy >= 0 && policy <= 3 && (rung == 0 || rung == 1) && (takes == 0 || takes == 1) && (molecules == 0 || (molecules == 1 && rung == 0 && !CVODE_)) && hold >= 0 && pool_volume >= 0 && camtotal > 0 && camkiitotal > 0)) fault_(model_, NUBRIDGE_INVALID_ARGUMENT, policy, u_, 1);
    nubridge_status status_ = nubridge_kernel_initial(model_, (int)policy, u_, s_);
    if (status_ != NUBRIDGE_OK) { outside += status_ == NUBRIDGE_OUTSIDE; fault_(model_, status_, policy, u_, 1); }
    if (molecules > 0) stream = round_(model_, stream, _lum3, seed, s_);
    observe_(model_, s_, camtotal, camkiitotal, o_); bound = o_[0]; pT286 = o_[1]; ca4cam = o_[2]; cataken = o_[3];
    x00 = s_[0]; x01 = s_[1]; x02 = s_[2]; x03 = s_[3]; x04 = s_[4]; x05 = s_[5]; x06 = s_[6]; x07 = s_[7]; x08 = s_[8]; x09 = s_[9]; x10 = s_[10]; x11 = s_[11]; x12 = s_[12]; x13 = s_[13]; x14 = s_[14]; x15 = s_[15]; x16 = s_[16]; x17 = s_[17]; x18 = s_[18]; x19 = s_[19]; x20 = s_[20]; x21 = s_[21]; x22 = s_[22]; x23 = s_[23]; x24 = s_[24];
    x25 = s_[25]; x26 = s_[26]; x27 = s_[27]; x28 = s_[28]; x29 = s_[29]; x30 = s_[30]; x31 = s_[31]; x32 = s_[32]; x33 = s_[33]; x34 = s_[34]; x35 = s_[35]; x36 = s_[36]; x37 = s_[37]; x38 = s_[38]; x39 = s_[39]; x40 = s_[40]; x41 = s_[41]; x42 = s_[42]; x43 = s_[43]; x44 = s_[44]; x45 = s_[45]; x46 = s_[46]; x47 = s_[47]; x48 = s_[48]; x49 = s_[49];
    x50 = s_[50]; x51 = s_[51]; x52 = s_[52]; x53 = s_[53]; x54 = s_[54]; x55 = s_[55]; x56 = s_[56]; x57 = s_[57]; x58 = s_[58]; x59 = s_[59]; x60 = s_[60]; x61 = s_[61]; x62 = s_[62]; x63 = s_[63]; x64 = s_[64]; x65 = s_[65]; x66 = s_[66]; x67 = s_[67]; x68 = s_[68]; x69 = s_[69]; x70 = s_[70]; x71 = s_[71]; x72 = s_[72]; x73 = s_[73]; x74 = s_[74];
ENDVERBATIM
}

: The step of the amounts over the time held, at its mean calcium.
PROCEDURE advance() {
    LOCAL um3
    um3 = volume()
VERBATIM
    double s_[75] = {x00, x01, x02, x03, x04, x05, x06, x07, x08, x09, x10, x11, x12, x13, x14, x15, x16, x17, x18, x19, x20, x21, x22, x23, x24, x25, x26, x27, x28, x29, x30, x31};
    if (model < 1) { const double rest_[43] = {x32, x33, x34, x35, x36, x37, x38, x39, x40, x41, x42, x43, x44, x45, x46, x47, x48, x49, x50, x51, x52, x53, x54, x55, x56, x57, x58, x59, x60, x61, x62, x63, x64, x65, x66, x67, x68, x69, x70, x71, x72, x73, x74}; for (int i_ = 0; i_ < 43; ++i_) s_[32 + i_] = rest_[i_]; }
    double o_[4], u_[3] = {ca_held/held*1e3, camtotal*1e3, camkiitotal*1e3}; nubridge_kernel* model_ = kernel_(model);
    nubridge_status status_ = move_(model_, policy, u_, held, _lum3, seed, stream, molecules > 0 ? leaps : -1, s_);
    if (status_ != NUBRIDGE_OK) { outside += status_ == NUBRIDGE_OUTSIDE; fault_(model_, status_, policy, u_, ALONE_); if (status_ < 0) s_[0] = s_[20] = NAN; }
    observe_(model_, s_, camtotal, camkiitotal, o_); if (takes > 0) { owed += o_[3] - cataken; pays = owed/held; } wait = wait_(hold, takes, held, fmax(fabs(o_[0] - bound)/o_[0], fabs(o_[2] - ca4cam)/o_[2])); leaps += molecules > 0;
    bound = o_[0]; pT286 = o_[1]; ca4cam = o_[2]; cataken = o_[3]; ca_mean = ca_held/held; held = 0; ca_held = 0;
    x00 = s_[0]; x01 = s_[1]; x02 = s_[2]; x03 = s_[3]; x04 = s_[4]; x05 = s_[5]; x06 = s_[6]; x07 = s_[7]; x08 = s_[8]; x09 = s_[9]; x10 = s_[10]; x11 = s_[11]; x12 = s_[12]; x13 = s_[13]; x14 = s_[14]; x15 = s_[15]; x16 = s_[16]; x17 = s_[17]; x18 = s_[18]; x19 = s_[19]; x20 = s_[20]; x21 = s_[21]; x22 = s_[22]; x23 = s_[23]; x24 = s_[24]; x25 = s_[25]; x26 = s_[26]; x27 = s_[27]; x28 = s_[28]; x29 = s_[29]; x30 = s_[30]; x31 = s_[31];
    if (model < 1) { x32 = s_[32]; x33 = s_[33]; x34 = s_[34]; x35 = s_[35]; x36 = s_[36]; x37 = s_[37]; x38 = s_[38]; x39 = s_[39]; x40 = s_[40]; x41 = s_[41]; x42 = s_[42]; x43 = s_[43]; x44 = s_[44]; x45 = s_[45]; x46 = s_[46]; x47 = s_[47]; x48 = s_[48]; x49 = s_[49]; x50 = s_[50]; x51 = s_[51]; x52 = s_[52]; x53 = s_[53];
        x54 = s_[54]; x55 = s_[55]; x56 = s_[56]; x57 = s_[57]; x58 = s_[58]; x59 = s_[59]; x60 = s_[60]; x61 = s_[61]; x62 = s_[62]; x63 = s_[63]; x64 = s_[64]; x65 = s_[65]; x66 = s_[66]; x67 = s_[67]; x68 = s_[68]; x69 = s_[69]; x70 = s_[70]; x71 = s_[71]; x72 = s_[72]; x73 = s_[73]; x74 = s_[74]; }
ENDVERBATIM
}

: The calcium that the pool gives per ms: by fixed steps what it owes of the last hold, by CVODE what is bound at this time.
FUNCTION taking() (mM/ms) {
VERBATIM
    _ltaking = pays;
#ifndef CORENEURON_BUILD
    if (cvode_active_ && kernel_(model)) {
        const double s_[75] = {x00, x01, x02, x03, x04, x05, x06, x07, x08, x09, x10, x11, x12, x13, x14, x15, x16, x17, x18, x19, x20, x21, x22, x23, x24, x25, x26, x27, x28, x29, x30, x31, x32, x33, x34, x35, x36, x37, x38, x39, x40, x41, x42, x43, x44, x45, x46, x47, x48, x49, x50, x51, x52, x53, x54, x55, x56, x57, x58, x59, x60, x61, x62, x63, x64, x65, x66, x67, x68, x69, x70, x71, x72, x73, x74}, u_[3] = {cai*1e3, camtotal*1e3, camkiitotal*1e3};
        double d_[75], o_[4];
        (void)nubridge_kernel_rhs(kernel_(model), (int)policy, s_, u_, d_); /* amounts tells of what is outside */
        observe_(kernel_(model), d_, camtotal, camkiitotal, o_);
        _ltaking = o_[3];
    }
#endif
ENDVERBATIM
}

FUNCTION volume() (um3) {
    if (pool_volume > 0) {
        volume = pool_volume
    } else {
        volume = area*diam/4
    }
}

: CVODE's Newton step with the exact Jacobian: here the D of the states hold the right side and dt the solver's gamma. An observable is a sum w of
: the amounts: what the solution adds to their right side, it adds w times to the observable's.
PROCEDURE newton_step() {
VERBATIM
#ifndef CORENEURON_BUILD
    double b_[75] = {Dx00, Dx01, Dx02, Dx03, Dx04, Dx05, Dx06, Dx07, Dx08, Dx09, Dx10, Dx11, Dx12, Dx13, Dx14, Dx15, Dx16, Dx17, Dx18, Dx19, Dx20, Dx21, Dx22, Dx23, Dx24, Dx25, Dx26, Dx27, Dx28, Dx29, Dx30, Dx31, Dx32, Dx33, Dx34, Dx35, Dx36, Dx37,
        Dx38, Dx39, Dx40, Dx41, Dx42, Dx43, Dx44, Dx45, Dx46, Dx47, Dx48, Dx49, Dx50, Dx51, Dx52, Dx53, Dx54, Dx55, Dx56, Dx57, Dx58, Dx59, Dx60, Dx61, Dx62, Dx63, Dx64, Dx65, Dx66, Dx67, Dx68, Dx69, Dx70, Dx71, Dx72, Dx73, Dx74};
    const double s_[75] = {x00, x01, x02, x03, x04, x05, x06, x07, x08, x09, x10, x11, x12, x13, x14, x15, x16, x17, x18, x19, x20, x21, x22, x23, x24, x25, x26, x27, x28, x29, x30, x31, x32, x33, x34, x35, x36, x37, x38, x39, x40, x41, x42, x43, x44, x45, x46, x47, x48, x49, x50, x51, x52, x53, x54, x55, x56, x57, x58, x59, x60, x61, x62, x63, x64, x65, x66, x67, x68, x69, x70, x71, x72, x73, x74}, u_[3] = {cai*1e3, camtotal*1e3, camkiitotal*1e3};
    double more_[75], o_[4] = {0}; for (int i_ = 0; i_ < 75; ++i_) more_[i_] = -b_[i_];
    if (kernel_(model)) (void)nubridge_kernel_newton(kernel_(model), (int)policy, s_, u_, dt, b_); for (int i_ = 0; i_ < 75; ++i_) more_[i_] += b_[i_];
    if (kernel_(model)) observe_(kernel_(model), more_, camtotal, camkiitotal, o_); /* o_ stays 0 before INITIAL */
    Dbound += o_[0]; DpT286 += o_[1]; Dca4cam += o_[2]; Dcataken += o_[3];
    Dx00 = b_[0]; Dx01 = b_[1]; Dx02 = b_[2]; Dx03 = b_[3]; Dx04 = b_[4]; Dx05 = b_[5]; Dx06 = b_[6]; Dx07 = b_[7]; Dx08 = b_[8]; Dx09 = b_[9]; Dx10 = b_[10]; Dx11 = b_[11]; Dx12 = b_[12]; Dx13 = b_[13]; Dx14 = b_[14]; Dx15 = b_[15]; Dx16 = b_[16]; Dx17 = b_[17]; Dx18 = b_[18]; Dx19 = b_[19]; Dx20 = b_[20]; Dx21 = b_[21]; Dx22 = b_[22]; Dx23 = b_[23]; Dx24 = b_[24];
    Dx25 = b_[25]; Dx26 = b_[26]; Dx27 = b_[27]; Dx28 = b_[28]; Dx29 = b_[29]; Dx30 = b_[30]; Dx31 = b_[31]; Dx32 = b_[32]; Dx33 = b_[33]; Dx34 = b_[34]; Dx35 = b_[35]; Dx36 = b_[36]; Dx37 = b_[37]; Dx38 = b_[38]; Dx39 = b_[39]; Dx40 = b_[40]; Dx41 = b_[41]; Dx42 = b_[42]; Dx43 = b_[43]; Dx44 = b_[44]; Dx45 = b_[45]; Dx46 = b_[46]; Dx47 = b_[47]; Dx48 = b_[48]; Dx49 = b_[49];
    Dx50 = b_[50]; Dx51 = b_[51]; Dx52 = b_[52]; Dx53 = b_[53]; Dx54 = b_[54]; Dx55 = b_[55]; Dx56 = b_[56]; Dx57 = b_[57]; Dx58 = b_[58]; Dx59 = b_[59]; Dx60 = b_[60]; Dx61 = b_[61]; Dx62 = b_[62]; Dx63 = b_[63]; Dx64 = b_[64]; Dx65 = b_[65]; Dx66 = b_[66]; Dx67 = b_[67]; Dx68 = b_[68]; Dx69 = b_[69]; Dx70 = b_[70]; Dx71 = b_[71]; Dx72 = b_[72]; Dx73 = b_[73]; Dx74 = b_[74];
#endif
ENDVERBATIM
}
