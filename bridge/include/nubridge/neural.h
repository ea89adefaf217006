/** @file neural.h
 *  Networks of two-state neurons, the neural master equation; a part of nubridge.h, which includes it: the rules stand
 * there.
 */
#ifndef NUBRIDGE_NEURAL_H
#define NUBRIDGE_NEURAL_H

#ifndef NUBRIDGE_NUBRIDGE_H
#error "include nubridge/nubridge.h instead"
#endif

/** N neurons: active -> quiescent at decay_per_s, quiescent -> active at f(SUM_j w_ij s_j + input_i). Opaque,
 * immutable, shared between threads. */
typedef struct nubridge_neural nubridge_neural;

/** f with x = gain (I - threshold): max_rate / (1 + exp(-x)); or max_rate tanh(x) where x > 0, else 0. */
enum nubridge_neural_response_code { NUBRIDGE_NEURAL_LOGISTIC = 0, NUBRIDGE_NEURAL_TANH = 1 };
/** Gain and threshold are in the unit of the weights. */
typedef struct nubridge_neural_rates {
    double decay_per_s;
    double max_rate_per_s;
    double gain_factor;
    double threshold_level;
    int32_t response_code; /**< one of nubridge_neural_response_code */
} nubridge_neural_rates;

/** (neurons, weights, inputs, rates, out) weights: neurons x neurons, w_ij from neuron j to neuron i. */
nubridge_status nubridge_neural_open(size_t, const double*, const double*, const nubridge_neural_rates*,
                                     nubridge_neural**);
/** (neural) Frees it; null is allowed. */
void nubridge_neural_close(nubridge_neural*);
/** (neural, seed, first_run, runs, threads, begin, times, times_s, patterns, progress) Exact independent runs. times_s
 * ascend from 0 on. Patterns are bytes, 1 where a neuron is active: begin one a neuron, patterns runs x times x
 * neurons, the same for any number of threads. progress: null, or a new one. */
nubridge_status nubridge_neural_simulate(const nubridge_neural*, uint64_t, uint64_t, size_t, size_t, const uint8_t*,
                                         size_t, const double*, uint8_t*, nubridge_progress*);
/** (neural, begin, times, times_s, p, progress) The distribution over the 2^neurons states, neuron i being bit i of a
 * state's number, of at most 14 neurons. begin: the distribution at 0. p: times x states. */
nubridge_status nubridge_neural_distribution(const nubridge_neural*, const double*, size_t, const double*, double*,
                                             nubridge_progress*);
/** (neural, p, progress) The stationary distribution of at most 14 neurons. */
nubridge_status nubridge_neural_steady_state(const nubridge_neural*, double*, nubridge_progress*);

/** (rows, units, counts, h, threads, log_z, moments) Binary units of which exactly counts[row] are active, else
 * independent: p(s) = exp(SUM_i h_i s_i) / Z. h: rows x units. moments: of the same shape, the probability that each
 * unit is active; or null. */
nubridge_status nubridge_fixed_count(size_t, size_t, const size_t*, const double*, size_t, double*, double*);
/** (units, active, h, seed, first_run, samples, patterns) Patterns of that law, each by the random numbers of a run of
 * its own: samples x units bytes. */
nubridge_status nubridge_fixed_count_sample(size_t, size_t, const double*, uint64_t, uint64_t, size_t, uint8_t*);

#endif
