/** @file nubridge.h
 *  The C interface of nubridge: strict C99, statuses out, no exception and no NEURON call across it.
 *
 *  Call order: nubridge_require_abi, then nubridge_model_open (or _open_once), then any of the pure functions from any
 * thread, then nubridge_model_close. A model is immutable; every state belongs to the caller. Arrays are row-major, one
 * row an instance: `rows x n`, n from nubridge_count. Time is in ms, inputs in the units that nubridge_item_unit names
 * (for `sk`: uM), nu and moments have no unit. Declarations carry no parameter names: NMODL defines `t`, `dt`, `v`, `h`
 * and every RANGE name as macros. The names stand in the comments, in order. The functions marked [step] neither
 * allocate, lock, log nor throw; they leave no text: nubridge_explain makes one from their status.
 */
#ifndef NUBRIDGE_NUBRIDGE_H
#define NUBRIDGE_NUBRIDGE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/** Raised with every incompatible change of this file; nubridge_require_abi refuses any other value. */
#define NUBRIDGE_ABI_VERSION 1

/** Every status: X(NAME, value, text). Negative is an error, positive a warning with a valid result. */
#define NUBRIDGE_STATUS_LIST(X)                                                                  \
    X(OK, 0, "success")                                                                          \
    X(OUTSIDE, 1, "an input lies outside the model's domain; the result follows the policy")     \
    X(WAITING, 2, "nothing has come yet; wait again")                                            \
    X(DRAINED, 3, "the owner has ended the session")                                             \
    X(INVALID_ARGUMENT, -1, "an argument breaks the contract of the function")                   \
    X(INVALID_INPUT, -2, "an input is not a finite number at or above its physical lower bound") \
    X(INVALID_STATE, -3, "the state is not finite, or is no probability")                        \
    X(OUTSIDE_REFUSED, -4, "an input lies outside the model's domain and the policy is error")   \
    X(NOT_CONVERGED, -5, "the integrator could not reach its tolerance")                         \
    X(MODEL_NOT_FOUND, -6, "no such model")                                                      \
    X(MODEL_SYNTAX, -7, "the model file is not valid JSON, perhaps truncated")                   \
    X(MODEL_SCHEMA, -8, "the model file has another schema version")                             \
    X(MODEL_HASH, -9, "the model file was edited after it was sealed")                           \
    X(MODEL_INVALID, -10, "the model file breaks a rule of its schema")                          \
    X(FILE_ERROR, -11, "a file cannot be written")                                               \
    X(ABI_MISMATCH, -12, "the caller was compiled for another nubridge")                         \
    X(OUT_OF_MEMORY, -13, "out of memory")                                                       \
    X(INTERNAL, -14, "an internal error")                                                        \
    X(NETWORK_INVALID, -15, "the reaction network breaks a rule")                                \
    X(STOPPED, -16, "stopped by the caller")                                                     \
    X(SESSION_ERROR, -17, "the session cannot be made or joined")                                \
    X(PEER_DIED, -18, "the process at the other end has ended")                                  \
    X(PEER_FAILED, -19, "the process at the other end reported an error")                        \
    X(PEER_SILENT, -20, "the process at the other end has not answered in time")

#define NUBRIDGE_STATUS_ENUMERATOR(name, value, text) NUBRIDGE_##name = (value),
enum nubridge_status_code { NUBRIDGE_STATUS_LIST(NUBRIDGE_STATUS_ENUMERATOR) NUBRIDGE_STATUS_END_ = 127 };
#undef NUBRIDGE_STATUS_ENUMERATOR
typedef int32_t nubridge_status;

/** What happens to an input outside the domain. NUBRIDGE_POLICY_MODEL takes the model file's own. */
enum nubridge_policy_code {
    NUBRIDGE_POLICY_MODEL = 0,
    NUBRIDGE_POLICY_CLAMP = 1,
    NUBRIDGE_POLICY_EXTRAPOLATE = 2,
    NUBRIDGE_POLICY_ERROR = 3
};

/** What nubridge_count and nubridge_item_name speak of. A categorical model has one state more than nu. */
enum nubridge_item_kind {
    NUBRIDGE_ITEM_NU = 0,
    NUBRIDGE_ITEM_STATE = 1,
    NUBRIDGE_ITEM_INPUT = 2,
    NUBRIDGE_ITEM_OBSERVABLE = 3
};

/** A reduced model: family, dynamics, observables. Opaque, immutable, shared between threads. */
typedef struct nubridge_model nubridge_model;

/* ---- version, errors -------------------------------------------------------- */

/** The library's version, for example "0.1.0". */
const char* nubridge_version(void);
/** (abi_version) OK when it equals the library's, else ABI_MISMATCH with both in the text. Pass NUBRIDGE_ABI_VERSION.
 */
nubridge_status nubridge_require_abi(int32_t);
/** (status) The status in words; "unknown status" for any other number. */
const char* nubridge_status_text(nubridge_status);
/** The text of this thread's last failed call: the value, the rule and what to do. Valid until the next failure on this
 * thread. */
const char* nubridge_last_error(void);
/** (model, status, policy, inputs) Writes and returns the last error for a status of a [step] function, naming the
 * input at fault. model may be null. */
const char* nubridge_explain(const nubridge_model*, nubridge_status, int32_t, const double*);

/* ---- models ----------------------------------------------------------------- */

/** (name_or_path, out) Opens a model by name (folders of NUBRIDGE_MODELS, then those beside the library), by folder or
 * by file. */
nubridge_status nubridge_model_open(const char*, nubridge_model**);
/** (name_or_path, slot) Opens into a shared slot that was null, once, whoever comes first; does nothing when it is
 * filled. Thread-safe. */
nubridge_status nubridge_model_open_once(const char*, nubridge_model**);
/** (model) Frees it; null is allowed. */
void nubridge_model_close(nubridge_model*);
/** (json, path) Checks an unsealed model text, adds its hash and writes the file. */
nubridge_status nubridge_model_seal(const char*, const char*);
/** (json, origin) Checks schema and hash of a sealed text, that of a learned model too; `origin` names it in errors. */
nubridge_status nubridge_model_verify(const char*, const char*);
/** (model) Name, hash ("sha256:..."), whole text; owned by the model. */
const char* nubridge_model_name(const nubridge_model*);
const char* nubridge_model_hash(const nubridge_model*);
const char* nubridge_model_json(const nubridge_model*);
/** (model) The file that it came from. */
const char* nubridge_model_path(const nubridge_model*);
/** (model, kind) How many items; 0 for an unknown kind. */
size_t nubridge_count(const nubridge_model*, int32_t);
/** (model, kind, index) Name and unit; null when there is no such item. */
const char* nubridge_item_name(const nubridge_model*, int32_t, size_t);
const char* nubridge_item_unit(const nubridge_model*, int32_t, size_t);
/** (model, input_index, lower, upper) The domain of an input, in its unit. */
nubridge_status nubridge_domain(const nubridge_model*, size_t, double*, double*);
/** (model) One of nubridge_policy_code, never NUBRIDGE_POLICY_MODEL. */
int32_t nubridge_model_policy(const nubridge_model*);

/* ---- the family ------------------------------------------------------------- */

/** (model, rows, nu, log_z) log_z: rows. */
nubridge_status nubridge_log_partition(const nubridge_model*, size_t, const double*, double*);
/** (model, rows, nu, moments) moments: rows x states. [step] */
nubridge_status nubridge_moments(const nubridge_model*, size_t, const double*, double*);
/** (model, rows, moments, nu) The inverse: nu is infinite where an occupancy is 0. [step] */
nubridge_status nubridge_from_moments(const nubridge_model*, size_t, const double*, double*);
/** (model, rows, nu, fisher) fisher: rows x nu x nu, Cov(X, X). */
nubridge_status nubridge_fisher(const nubridge_model*, size_t, const double*, double*);
/** (model, rows, nu, count, seed, samples) samples: rows x count state indices; the same seed gives the same samples.
 */
nubridge_status nubridge_sample(const nubridge_model*, size_t, const double*, size_t, uint64_t, int32_t*);

/* ---- dynamics in nu --------------------------------------------------------- */
/* outside: rows flags (1 = an input of that row lay outside the domain), or null. */

/** (model, policy, rows, inputs, nu, outside) The steady state at constant inputs. */
nubridge_status nubridge_initial(const nubridge_model*, int32_t, size_t, const double*, double*, uint8_t*);
/** (model, policy, rows, nu, inputs, rhs, outside) d nu/dt, per ms. [step] */
nubridge_status nubridge_rhs(const nubridge_model*, int32_t, size_t, const double*, const double*, double*, uint8_t*);
/** (model, policy, rows, nu, inputs, d_nu, d_input) d_nu: rows x nu x nu, d_input: rows x nu x inputs; either may be
 * null. */
nubridge_status nubridge_jacobian(const nubridge_model*, int32_t, size_t, const double*, const double*, double*,
                                  double*);
/** (model, policy, rows, nu, inputs, dt_ms, nu_out, outside) One exact step at constant inputs; in place allowed.
 * [step] */
nubridge_status nubridge_step(const nubridge_model*, int32_t, size_t, const double*, const double*, double, double*,
                              uint8_t*);
/** (model, policy, rows, nu, inputs_begin, inputs_end, dt_ms, tolerance, nu_out, outside) Inputs that move linearly
 * over the step: L-stable Rosenbrock steps in nu, each held to `tolerance` (absolute and relative, 1e-12 to 0.1). */
nubridge_status nubridge_step_ramp(const nubridge_model*, int32_t, size_t, const double*, const double*, const double*,
                                   double, double, double*, uint8_t*);
/** (model, rows, nu, observables) observables: rows x observables. [step] */
nubridge_status nubridge_observe(const nubridge_model*, size_t, const double*, double*);

/* ---- the same in the dual moments (occupancies), which stay finite ---------- */

/** (model, policy, rows, inputs, moments, outside) Steady state. [step] */
nubridge_status nubridge_initial_moments(const nubridge_model*, int32_t, size_t, const double*, double*, uint8_t*);
/** (model, policy, rows, moments, inputs, rates, outside) d moments/dt, per ms. [step] */
nubridge_status nubridge_rhs_moments(const nubridge_model*, int32_t, size_t, const double*, const double*, double*,
                                     uint8_t*);
/** (model, policy, rows, moments, inputs, dt_ms, moments_out, outside) One exact step at constant inputs: never
 * negative, sums to 1; in place allowed. [step] */
nubridge_status nubridge_step_moments(const nubridge_model*, int32_t, size_t, const double*, const double*, double,
                                      double*, uint8_t*);
/** (model, policy, inputs, gamma_ms, vector) Solves (I - gamma Q) x = b in place, one instance: the Newton step of an
 * implicit solver such as CVODE. [step] */
nubridge_status nubridge_newton_moments(const nubridge_model*, int32_t, const double*, double, double*);
/** (model, rows, moments, observables) [step] */
nubridge_status nubridge_observe_moments(const nubridge_model*, size_t, const double*, double*);

/* ---- faults of worker threads ----------------------------------------------- */

/** (model, status, policy, inputs) Keeps the first fault until it is taken: a worker thread must not raise.
 * Thread-safe. */
void nubridge_fault_post(const nubridge_model*, nubridge_status, int32_t, const double*);
/** (model) The kept fault's status, its text now the last error, and clears it; OK when there is none. [step] when
 * there is none */
nubridge_status nubridge_fault_take(const nubridge_model*);
/** (model) 1 for the first caller in this process, 0 ever after: to say once that an input left the domain. */
int32_t nubridge_first_outside(const nubridge_model*);

/* ---- kernels: models of any kind in their own state ------------------------- */

/** A model in the state that mechanisms keep: amounts in uM of a network (up to 96, stepped explicitly; its totals are
 * inputs), occupancies of a channel (stepped exactly), nu of a learned model. Opaque, immutable, shared between
 * threads; one instance a call. INVALID_ARGUMENT for null; inputs may be null where there are none. */
typedef struct nubridge_kernel nubridge_kernel;

/** As of a model, for a model file of any kind. INVALID_ARGUMENT, MODEL_*, NETWORK_INVALID. */
nubridge_status nubridge_kernel_open(const char*, nubridge_kernel**);
nubridge_status nubridge_kernel_open_once(const char*, nubridge_kernel**);
void nubridge_kernel_close(nubridge_kernel*);
/** (json, path) Checks an unsealed text of a mass-action network, adds its hash and writes the file. */
nubridge_status nubridge_kernel_seal(const char*, const char*);
const char* nubridge_kernel_json(const nubridge_kernel*);
const char* nubridge_kernel_path(const nubridge_kernel*);
/** (kernel, kind) How many states, inputs, observables. (kernel, kind, index) Their names. */
size_t nubridge_kernel_count(const nubridge_kernel*, int32_t);
const char* nubridge_kernel_name(const nubridge_kernel*, int32_t, size_t);
/** (kernel, policy, inputs, state) The steady state (of a network without what is off at rest), or NOT_CONVERGED. */
nubridge_status nubridge_kernel_initial(const nubridge_kernel*, int32_t, const double*, double*);
/** (kernel, policy, state, inputs, rates) d state/dt, per ms. [step] */
nubridge_status nubridge_kernel_rhs(const nubridge_kernel*, int32_t, const double*, const double*, double*);
/** (kernel, policy, inputs, dt_ms, state) One step at constant inputs, in place. Of a network in explicit stages of
 * second order that leave no amount negative and no total changed; of nu by L-stable steps to 1e-8, which allocate.
 * Else [step] */
nubridge_status nubridge_kernel_step(const nubridge_kernel*, int32_t, const double*, double, double*);
/** (kernel, volume_um3, seed, stream, state) The amounts of a network to whole molecules, by chance so that means stay.
 */
nubridge_status nubridge_kernel_round(const nubridge_kernel*, double, uint64_t, uint64_t, double*);
/** (kernel, policy, inputs, dt_ms, volume_um3, seed, stream, leap, state) The step of a network in whole molecules, by
 * leaps that keep totals exactly; the same numbers for the same seed, stream and leap (below 2^24, 2^40).
 * INVALID_ARGUMENT where the model is no network. Else [step] */
nubridge_status nubridge_kernel_leap(const nubridge_kernel*, int32_t, const double*, double, double, uint64_t, uint64_t,
                                     uint64_t, double*);
/** (kernel, policy, state, inputs, gamma_ms, vector) Solves (I - gamma J) x = b in place. [step] as above */
nubridge_status nubridge_kernel_newton(const nubridge_kernel*, int32_t, const double*, const double*, double, double*);
/** (kernel, state, observables) [step], but for moments of nu, which allocate */
nubridge_status nubridge_kernel_observe(const nubridge_kernel*, const double*, double*);
/** (kernel, state, rates, observables) How fast the observables move where the state moves so. [step] as above */
nubridge_status nubridge_kernel_observe_rates(const nubridge_kernel*, const double*, const double*, double*);
/** As nubridge_explain, nubridge_fault_post, nubridge_fault_take, nubridge_first_outside. */
const char* nubridge_kernel_explain(const nubridge_kernel*, nubridge_status, int32_t, const double*);
void nubridge_kernel_fault_post(const nubridge_kernel*, nubridge_status, int32_t, const double*);
nubridge_status nubridge_kernel_fault_take(const nubridge_kernel*);
int32_t nubridge_kernel_first_outside(const nubridge_kernel*);

/* ---- reaction networks ------------------------------------------------------ */
/* Time in s here, amounts in the network's unit, rate constants per unit^(order-1) and second. A + A counts sets of
 * molecules: propensity k n(n-1)/2, rate law k x^2/2; the reader converts BioNetGen's factors. */

/** Species and reactions. Opaque, immutable, shared between threads. */
typedef struct nubridge_network nubridge_network;
/** One network on its way through time. One thread at a time may use it; it keeps the network alive. */
typedef struct nubridge_simulator nubridge_simulator;
/** How far one ensemble is. */
typedef struct nubridge_progress nubridge_progress;

/** The unit of a network's amounts. NUBRIDGE_UNIT_STATED takes what the text says in `# unit: uM`, else molecules. */
enum nubridge_unit_code { NUBRIDGE_UNIT_STATED = -1, NUBRIDGE_UNIT_MOLECULES = 0, NUBRIDGE_UNIT_UM = 1 };
/** What advances a network; the ladder of regimes from exact to mean field, well mixed and in space. */
enum nubridge_regime_code {
    NUBRIDGE_REGIME_SSA = 0,
    NUBRIDGE_REGIME_ODE = 1,
    NUBRIDGE_REGIME_TAU = 2,
    NUBRIDGE_REGIME_LANGEVIN = 3,
    NUBRIDGE_REGIME_CME = 4,
    NUBRIDGE_REGIME_LATTICE = 5,
    NUBRIDGE_REGIME_GRID_SSA = 6,
    NUBRIDGE_REGIME_SPDE = 7,
    NUBRIDGE_REGIME_PDE = 8
};
/** What nubridge_network_count, _name and _value speak of. */
enum nubridge_network_item_kind {
    NUBRIDGE_NETWORK_SPECIES = 0,
    NUBRIDGE_NETWORK_REACTION = 1,
    NUBRIDGE_NETWORK_PARAMETER = 2,
    NUBRIDGE_NETWORK_OBSERVABLE = 3,
    NUBRIDGE_NETWORK_CONSERVED = 4
};

/** (net_text, origin, unit, overrides, names, values, out) Reads BioNetGen's .net text; origin is the file's name for
 * messages. The values replace the parameters of those names; expressions that read them follow. NETWORK_INVALID names
 * the line and what it cannot honour. */
nubridge_status nubridge_network_read(const char*, const char*, int32_t, size_t, const char* const*, const double*,
                                      nubridge_network**);
/** (network) Frees it; null is allowed. */
void nubridge_network_close(nubridge_network*);
/** (network) .net text that reads back to the same network, owned by it; equal networks have equal text. */
const char* nubridge_network_text(const nubridge_network*);
/** (network) One of nubridge_unit_code, never NUBRIDGE_UNIT_STATED. */
int32_t nubridge_network_unit(const nubridge_network*);
/** (network, kind, out) How many items. */
nubridge_status nubridge_network_count(const nubridge_network*, int32_t, size_t*);
/** (network, kind, index) The name, owned by the network; null when there is no such item or it has none. */
const char* nubridge_network_name(const nubridge_network*, int32_t, size_t);
/** (network, kind, index, out) Initial amount of a species, rate constant of a reaction, value of a parameter. */
nubridge_status nubridge_network_value(const nubridge_network*, int32_t, size_t, double*);
/** (network, kind, index, weights) weights: one a species, of an observable or a conserved total. */
nubridge_status nubridge_network_weights(const nubridge_network*, int32_t, size_t, double*);
/** (network, reaction, parameter, reactants, products) How often each species stands on either side; parameter: the
 * index of the one that is the rate constant, or -1. */
nubridge_status nubridge_network_reaction(const nubridge_network*, size_t, int64_t*, int32_t*, int32_t*);

/** A species or a parameter that follows a number in time from outside. */
typedef struct nubridge_input {
    int32_t target;        /**< NUBRIDGE_NETWORK_SPECIES or NUBRIDGE_NETWORK_PARAMETER */
    size_t item;           /**< of the species or the parameter */
    size_t knots;          /**< at least 1 */
    const double* knots_s; /**< ascending; the first value holds before them */
    const double* pieces;  /**< knots x 4: powers 0 to 3 of t - knot; the last is constant and goes on for ever */
} nubridge_input;

/** A box of cubes, for the spatial regimes; x runs fastest. */
typedef struct nubridge_space {
    size_t shape[3];               /**< cubes along x, y, z; 1 for an absent dimension */
    double spacing_um;             /**< the edge of a cube */
    int32_t periodic;              /**< 1: opposite faces are neighbours; 0: they reflect */
    int32_t rule;                  /**< of a lattice: 0 exact events, 1 hop and react once a step */
    const double* diffusion_um2_s; /**< one a species */
    const uint8_t* face;           /**< one a species: 0 volume, 1 to 6 the face x- x+ y- y+ z- z+; null: all volume */
} nubridge_space;

/** How a network is advanced. Fill with nubridge_simulation_defaults first. What it points to is read during the call.
 */
typedef struct nubridge_simulation {
    int32_t regime;
    double volume_um3;    /**< needed for whole molecules of a network in uM; 0: none */
    uint64_t random_seed; /**< random numbers depend on seed and run only */
    uint64_t run_number;
    double relative_tolerance; /**< of ode and pde */
    double absolute_tolerance; /**< likewise, an amount; of cme, the probability that an advance may lose */
    double step_s;             /**< longest step of tau, langevin, spde, hop and react; 0: chosen */
    double epsilon;            /**< of tau and langevin */
    size_t max_states;         /**< of cme */
    size_t input_count;
    const nubridge_input* input_list;
    const nubridge_space* space; /**< null: well mixed */
    size_t pair_count;           /**< of a lattice: pairs that nubridge_ensemble records after the weighted sums */
    const int32_t* pair_list;    /**< pair_count x 2 species, as of nubridge_simulator_pairs */
} nubridge_simulation;

/** (simulation) What holds unless said: ssa, seed 0, run 0, tolerances 1e-8 and 1e-12, epsilon 0.03. */
void nubridge_simulation_defaults(nubridge_simulation*);
/** (network, simulation, out) At time 0 with the network's initial amounts. */
nubridge_status nubridge_simulator_open(const nubridge_network*, const nubridge_simulation*, nubridge_simulator**);
/** (simulator) Frees it; null is allowed. */
void nubridge_simulator_close(nubridge_simulator*);
/** (simulator, t_s) Advances to that time. An ssa run cut into windows is the uncut run to the byte. Allocates only for
 * an error. */
nubridge_status nubridge_simulator_advance(nubridge_simulator*, double);
/** (simulator) The time in s; reactions fired, or ode steps taken. [step] */
double nubridge_simulator_time(const nubridge_simulator*);
uint64_t nubridge_simulator_events(const nubridge_simulator*);
/** (simulator, amounts) amounts: one a species. [step] */
nubridge_status nubridge_simulator_amounts(const nubridge_simulator*, double*);
/** (simulator, species, amount) Acts at once; ssa rounds to whole molecules, but not those of a clamped species. */
nubridge_status nubridge_simulator_set_amount(nubridge_simulator*, size_t, double);
/** (simulator, reaction, k) A new rate constant; acts at once. */
nubridge_status nubridge_simulator_set_rate(nubridge_simulator*, size_t, double);
/** (simulator, out) Cubes of the space, or 0 without one. */
nubridge_status nubridge_simulator_cubes(const nubridge_simulator*, size_t*);
/** (simulator, species, amounts) amounts: one a cube, x fastest, molecules or uM in the cube; reads, or writes at once.
 * INVALID_ARGUMENT without a space, and in writing for a clamped species, a negative amount, one outside its face. */
nubridge_status nubridge_simulator_field(const nubridge_simulator*, size_t, double*);
nubridge_status nubridge_simulator_set_field(nubridge_simulator*, size_t, const double*);
/** (simulator, amounts, run) Back to time 0 with these amounts, the network's rate constants and the random numbers of
 * that run. */
nubridge_status nubridge_simulator_restart(nubridge_simulator*, const double*, uint64_t);
/** (simulator, sites, contents) contents: one a site of a lattice, x fastest: its species, or -1 for an empty one.
 * sites: their number, which is checked. INVALID_ARGUMENT for another regime. */
nubridge_status nubridge_simulator_sites(const nubridge_simulator*, size_t, int32_t*);
/** (simulator, sites, contents) Acts at once. */
nubridge_status nubridge_simulator_set_sites(nubridge_simulator*, size_t, const int32_t*);
/** (simulator, a, b, out) Nearest neighbours on a lattice that hold the species a and b; -1 stands for an empty site.
 */
nubridge_status nubridge_simulator_pairs(const nubridge_simulator*, int32_t, int32_t, uint64_t*);
/** (simulator, species, amount) Adds to an amount; below 0 it takes away. cme shifts every state, while
 * nubridge_simulator_set_amount gives every state the same count. */
nubridge_status nubridge_simulator_add(nubridge_simulator*, size_t, double);
/** (simulator, weights, room, found, values, probabilities) Of cme: the distribution of SUM weight amount, weights one
 * a species, values ascending. found: how many there are; the first `room` of them are written. Call with room 0 and
 * null first. */
nubridge_status nubridge_simulator_distribution(const nubridge_simulator*, const double*, size_t, size_t*, double*,
                                                double*);
/** (simulator, states, amounts, probabilities) Of cme: from now on. amounts: states x species, those of clamped species
 * are not read. probabilities: one a state, they sum to 1 within 1e-9. */
nubridge_status nubridge_simulator_set_distribution(nubridge_simulator*, size_t, const double*, const double*);
/** (simulator, out) Of cme: the probability lost to states that are not kept, since time 0 or the last written
 * distribution; no probability is wrong by more. */
nubridge_status nubridge_simulator_error_bound(const nubridge_simulator*, double*);
/** (out) For one call of nubridge_ensemble, to be read by another thread meanwhile. */
nubridge_status nubridge_progress_open(nubridge_progress**);
/** (progress) Frees it, after the call; null is allowed. */
void nubridge_progress_close(nubridge_progress*);
/** (progress) The call ends soon with NUBRIDGE_STOPPED. Callable from a signal handler. */
void nubridge_progress_stop(nubridge_progress*);
/** (progress) Recorded times over all runs. */
uint64_t nubridge_progress_points(const nubridge_progress*);
/** (progress, runs, events) The first so many runs are whole, though later ones may be too; the events of those. */
void nubridge_progress_whole(const nubridge_progress*, uint64_t*, uint64_t*);
/** (network, simulation, runs, threads, initial, times, times_s, columns, weights, out, variances, progress)
 * Independent runs, the first is simulation->run_number. initial: one a species. times_s ascend from 0 on. weights:
 * columns x species, what is recorded; null for the species themselves, columns being their number. The pairs of a
 * lattice follow: they count among the columns and have no weights. out: runs x times
 * x columns, the same for any number of threads. variances: of the same shape, those of the distribution that cme
 * carries and 0 for one trajectory; or null. progress: null, or a new one.
 */
nubridge_status nubridge_ensemble(const nubridge_network*, const nubridge_simulation*, size_t, size_t, const double*,
                                  size_t, const double*, size_t, const double*, double*, double*, nubridge_progress*);

/* ---- families and closures -------------------------------------------------- */
/* Laws p~(s; nu) = exp(sgn SUM nu_a X_a(s)) g(s) / Z(nu) by a JSON description, and d nu/dt = F of any network on them,
 * per s. Rows as above, widths from _count. MODEL_SYNTAX and MODEL_INVALID speak of the description; INVALID_ARGUMENT
 * of a nu without a law, moments of no law, a singular Fisher matrix; NOT_CONVERGED of the inverse. */

/** A maximum-entropy family. Opaque, immutable, shared between threads. */
typedef struct nubridge_family nubridge_family;
/** The maximum-entropy closure of a network on a family. Opaque, immutable, shared between threads; keeps both alive.
 */
typedef struct nubridge_closure nubridge_closure;

/** What nubridge_family_count, nubridge_closure_count and their _name speak of; a state has no names. */
enum nubridge_family_item_kind {
    NUBRIDGE_FAMILY_NU = 0,
    NUBRIDGE_FAMILY_MOMENT = 1,
    NUBRIDGE_FAMILY_STATE = 2,
    NUBRIDGE_CLOSURE_INPUT = 3,
    NUBRIDGE_CLOSURE_TERM = 4
};

/** (json, out) For example {"kind": "counts", "species": ["A"], "order": 2, "base": "poisson", "sign": -1}; kinds
 * counts, ising_chain, binary_field, gaussian, categorical. */
nubridge_status nubridge_family_open(const char*, nubridge_family**);
/** (family) Frees it; null is allowed. */
void nubridge_family_close(nubridge_family*);
/** (family, kind) How many nu, moments, numbers of a state; 0 for another kind. */
size_t nubridge_family_count(const nubridge_family*, int32_t);
/** (family, kind, index) The name of a nu or a moment, owned by the family; null when there is none. */
const char* nubridge_family_name(const nubridge_family*, int32_t, size_t);
/** (family, rows, nu, log_z) Per site for an infinite chain. */
nubridge_status nubridge_family_log_partition(const nubridge_family*, size_t, const double*, double*);
/** (family, rows, nu, moments) */
nubridge_status nubridge_family_moments(const nubridge_family*, size_t, const double*, double*);
/** (family, rows, moments, nu) The inverse. */
nubridge_status nubridge_family_from_moments(const nubridge_family*, size_t, const double*, double*);
/** (family, rows, nu, fisher) rows x nu x nu. */
nubridge_status nubridge_family_fisher(const nubridge_family*, size_t, const double*, double*);
/** (family, rows, nu, count, seed, samples) rows x count x state; row r has the seed + r. */
nubridge_status nubridge_family_sample(const nubridge_family*, size_t, const double*, size_t, uint64_t, double*);
/** (family, rows, nu, count, sweeps, rungs, seed, samples) The same for a binary field whose graph cannot be summed
 * out: each state is where an independent Markov chain ends after its Gibbs sweeps; with more than one rung these are
 * replicas from infinite temperature down (parallel tempering). */
nubridge_status nubridge_family_sample_chains(const nubridge_family*, size_t, const double*, size_t, size_t, size_t,
                                              uint64_t, double*);
/** (family, nu, count, sweeps, held, seed, step, states) Moves count chains of a binary field on from their states,
 * rows of 0 and 1; held: one byte a unit, 1 where it stays, or null; each step has random numbers of its own. */
nubridge_status nubridge_family_move_chains(const nubridge_family*, const double*, size_t, size_t, const uint8_t*,
                                            uint64_t, uint64_t, double*);
/** (family, nu, capacity, found, states, probabilities) One law written out: found states, as many of them as fit the
 * capacity; states and probabilities may be null with the capacity 0. */
nubridge_status nubridge_family_states(const nubridge_family*, const double*, size_t, size_t*, double*, double*);

/** (network, family, json, out) json: an object that may hold inputs (names of species and parameters), theta (one a
 * term), hop_per_s (an object of species of a chain), empty (the species that empty sites are), volume_um3. */
nubridge_status nubridge_closure_open(const nubridge_network*, const nubridge_family*, const char*, nubridge_closure**);
/** (closure) Frees it; null is allowed. */
void nubridge_closure_close(nubridge_closure*);
/** (closure, kind) How many nu, inputs, terms; 0 for another kind. */
size_t nubridge_closure_count(const nubridge_closure*, int32_t);
/** (closure, index) The name of a term, owned by the closure; null when there is none. */
const char* nubridge_closure_term(const nubridge_closure*, size_t);
/** (closure, rows, nu, inputs, f) d nu/dt, per s. */
nubridge_status nubridge_closure_rhs(const nubridge_closure*, size_t, const double*, const double*, double*);
/** (closure, rows, nu, inputs, terms) rows x terms x nu, each with theta 1. */
nubridge_status nubridge_closure_terms(const nubridge_closure*, size_t, const double*, const double*, double*);
/** (closure, rows, nu, inputs, d_nu, d_input) rows x nu x nu and rows x nu x inputs. */
nubridge_status nubridge_closure_jacobian(const nubridge_closure*, size_t, const double*, const double*, double*,
                                          double*);

/* ---- channels between two processes ----------------------------------------- */
/* An owner (NEURON) and a peer (a particle simulator) exchange once a window: amounts and rates there, realised amounts
 * and counts back. Each end is for one thread at a time. Waits take a limit in ms and return NUBRIDGE_WAITING when it
 * has passed; the death of the other side is PEER_DIED in under 100 ms. Sessions are of this user only. */

/** One end. Opaque. */
typedef struct nubridge_channel nubridge_channel;

/** (name, config, shape, out) The owner's end of a new session. config: text for the peer. shape: four numbers, how
 * many amounts, rates, counts, and the window in ns. SESSION_ERROR for a name in use or a full /dev/shm. */
nubridge_status nubridge_channel_create(const char*, const char*, const int64_t*, nubridge_channel**);
/** (name, limit_ms, out) The peer's end; waits that long for the session. SESSION_ERROR when there is none, when it has
 * a peer, when it is of another version or damaged. */
nubridge_status nubridge_channel_attach(const char*, int32_t, nubridge_channel**);
/** (config, shape, owner, peer) Both ends for two threads of this process, by the same protocol. */
nubridge_status nubridge_channel_pair(const char*, const int64_t*, nubridge_channel**, nubridge_channel**);
/** (channel) Closes the end, which the other side sees; null is allowed. */
void nubridge_channel_close(nubridge_channel*);
/** (channel) The configuration, owned by the channel. */
const char* nubridge_channel_config(const nubridge_channel*);
/** (channel, shape) As given to _create. */
nubridge_status nubridge_channel_shape(const nubridge_channel*, int64_t*);
/** (owner, limit_ms) OK when a peer is there, else WAITING. */
nubridge_status nubridge_channel_wait_peer(nubridge_channel*, int32_t);
/** (owner, window, amounts, rates) Publishes a window; two may be under way, numbered without a gap. The number of the
 * window before (-1 at first) once more is an order to save and not to advance. */
nubridge_status nubridge_channel_send(nubridge_channel*, int64_t, const int64_t*, const double*);
/** (owner, limit_ms, window, realised, counts) The oldest answer, or WAITING. */
nubridge_status nubridge_channel_collect(nubridge_channel*, int32_t, int64_t*, int64_t*, int64_t*);
/** (owner) The peer sees DRAINED once it has answered everything. */
nubridge_status nubridge_channel_drain(nubridge_channel*);
/** (peer, limit_ms, window, amounts, rates) The next window to advance, or WAITING, or DRAINED. */
nubridge_status nubridge_channel_receive(nubridge_channel*, int32_t, int64_t*, int64_t*, double*);
/** (peer, realised, counts) Answers the window received last. */
nubridge_status nubridge_channel_reply(nubridge_channel*, const int64_t*, const int64_t*);
/** (peer, message) What the owner's next call reports, even when this process has died meanwhile; cut at 4 kB. */
nubridge_status nubridge_channel_fail(nubridge_channel*, const char*);
/** (channel, pid, time_ns, silent_s) The other side: its process, the time that it has reached, the age of its last
 * sign of life. */
nubridge_status nubridge_channel_other(const nubridge_channel*, int32_t*, int64_t*, double*);
/** (room, names, found) The sessions that dead processes of this user left in /dev/shm: their names, a newline after
 * each, as far as they fit into room bytes with the final zero. */
nubridge_status nubridge_sessions_stale(size_t, char*, size_t*);
/** (room, names, found) Removes them; the same answer. */
nubridge_status nubridge_sessions_clean(size_t, char*, size_t*);

/* ---- couplings of NEURON to a peer ------------------------------------------ */
/* What the mechanisms peer, peerca and peerlink call. A coupling has a number, since a RANGE variable holds no pointer:
 * 1 to 64; 0 stands for none, for which the functions marked [step] do nothing. All are for the main thread. */

/** How the two sides take turns. Parallel: the peer is in the window before NEURON's, whose counts are one window old.
 * Predictor: serial, but NEURON reads the line through the last two counts, and the peer gets the mean of a rate. */
enum nubridge_scheme_code { NUBRIDGE_SCHEME_SERIAL = 0, NUBRIDGE_SCHEME_PARALLEL = 1, NUBRIDGE_SCHEME_PREDICTOR = 2 };

/** (owner, step_ms, scheme, averaged, limit_ms, counts, out) Uses the channel until the coupling is closed. step_ms:
 * NEURON's, of which the channel's window is a multiple. averaged: so many rates, the first, are means in the scheme
 * predictor. limit_ms: how long an exchange may wait. counts: the peer's at time 0. */
nubridge_status nubridge_coupling_open(nubridge_channel*, double, int32_t, size_t, int32_t, const int64_t*, int32_t*);
/** (coupling) Frees its number; 0 is allowed. */
void nubridge_coupling_close(int32_t);
/** (coupling, slot, current_mA_cm2, area_um2, charges, duration_ms, end_ms) The ions of a current that has flowed
 * so long until then, inward being negative; charges: 2 for calcium. INVALID_ARGUMENT when another one has spoken for
 * the same slot and time, or for what is not finite. */
nubridge_status nubridge_coupling_current(int32_t, int32_t, double, double, double, double, double);
/** (coupling, slot, value) A rate constant from the next window on. INVALID_INPUT for NaN, infinite, negative. [step]
 */
nubridge_status nubridge_coupling_rate(int32_t, int32_t, double);
/** (coupling, time_ms) NEURON has come so far: exchanges when a window has ended. PEER_DIED, PEER_FAILED, PEER_SILENT;
 * INVALID_ARGUMENT when time runs back or jumps over a window. Allocates only for an error. */
nubridge_status nubridge_coupling_step(int32_t, double);
/** (coupling) Collects what is under way, and has the peer save its state. PEER_DIED, PEER_FAILED, PEER_SILENT. */
nubridge_status nubridge_coupling_save(int32_t);
/** (coupling, log, record) Two files, null for none. log: the peer's, whose end is quoted when the peer fails. record:
 * gets a row of doubles a window: its end in ms, the seconds waited for it, of every amount requested and realised in
 * it and carried now, then the counts. FILE_ERROR. */
nubridge_status nubridge_coupling_watch(int32_t, const char*, const char*);
/** (coupling, time_ms, windows, books, carried, before, integrals) Goes on where another coupling was after its step to
 * time_ms, before the first step: after so many windows, with the books and the carried part of every slot as _books
 * gives them, and what _counts gives. */
nubridge_status nubridge_coupling_resume(int32_t, double, int64_t, const int64_t*, const double*, const int64_t*,
                                         const double*);
/** (coupling) Collects what is under way, and lets the peer end. */
nubridge_status nubridge_coupling_finish(int32_t);
/** (coupling, slot, whole, time_ms) A count of the peer, or its fraction of another (whole: its slot, or -1), as NEURON
 * reads it then: the last one, or the predictor's, at least 0 and at most the whole. NaN for no such slot. [step] */
double nubridge_coupling_read(int32_t, int32_t, int32_t, double);
/** (coupling, counts, before, integrals) The last counts, those of the window before, and of every averaged rate the
 * integral over the window under way in its unit times ns. before and integrals may be null. */
nubridge_status nubridge_coupling_counts(int32_t, int64_t*, int64_t*, double*);
/** (coupling, slot, area_um2, charges) mA/cm2 over the window under way that takes back the ions which the peer could
 * not realise in the last one. [step] */
double nubridge_coupling_back(int32_t, int32_t, double, double);
/** (coupling, slot, books, carried) books: requested, realised, returned, with requested = realised + returned; and
 * what the last window returned. */
nubridge_status nubridge_coupling_books(int32_t, int32_t, int64_t*, double*);
/** (coupling, windows, waited_s) Windows that the counts have seen; wall time spent in waiting for the peer. */
nubridge_status nubridge_coupling_state(int32_t, int64_t*, double*);

/* ---- parts ------------------------------------------------------------------ */
#include "nubridge/learning.h"
#include "nubridge/neural.h"

#ifdef __cplusplus
}
#endif
#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
