/** @file learning.h
 *  Vector fields that are learned, and their action; a part of nubridge.h, which includes it: the rules stand there.
 */
#ifndef NUBRIDGE_LEARNING_H
#define NUBRIDGE_LEARNING_H

#ifndef NUBRIDGE_NUBRIDGE_H
#error "include nubridge/nubridge.h instead"
#endif

/* d nu/dt = F(nu, inputs; c), per s, with coefficients c that are the caller's, and the action of c on data:
 * SUM_i w_i (ln Z(nu(t_i)) - sgn nu(t_i) . awake_i), with its exact gradient. Statuses as of closures. */

/** A vector field. Opaque; shared between threads, but for nubridge_field_cover and nubridge_field_add. */
typedef struct nubridge_field nubridge_field;
/** The action of one protocol. Opaque, immutable, shared between threads; keeps its field and family alive. */
typedef struct nubridge_action nubridge_action;

/** What nubridge_field_count speaks of beside NUBRIDGE_FAMILY_NU and NUBRIDGE_CLOSURE_INPUT. */
enum nubridge_field_item_kind { NUBRIDGE_FIELD_COEFFICIENT = 5, NUBRIDGE_FIELD_VERTEX = 6 };
/** Numbers of a vertex: its component, then its place along up to six arguments. */
enum { NUBRIDGE_VERTEX_WIDTH = 7 };

/** (closure, each_nu, out) F = SUM_r theta_r F_r. c: one theta a term; with each_nu not 0, one a nu and term. */
nubridge_status nubridge_field_open_terms(const nubridge_closure*, int32_t, nubridge_field**);
/** (json, out) C1 cubic elements on a grid: {"inputs": 1, "spacing": [...] one a nu and input, "arguments": [[...],
 * ...] one list a nu, of places among nu and inputs}. Empty at first. */
nubridge_status nubridge_field_open_grid(const char*, nubridge_field**);
/** (json, out) Polynomials: {"inputs": 1, "products": [[[], [0], [0, 1]], ...]} one list a nu of products, each a list
 * of places among nu and inputs. c: one a product, those of the first nu first. */
nubridge_status nubridge_field_open_polynomial(const char*, nubridge_field**);
/** (nu, inputs, standard, units, hidden, out) A smooth map: standard holds the centre of each nu and input, then the
 * scale of each; hidden is units x (1 + nu + inputs), b and w of tanh(b + w . z). c: one row a nu, 1 + nu + inputs +
 * units. */
nubridge_status nubridge_field_open_map(size_t, size_t, const double*, size_t, const double*, nubridge_field**);
/** (field) Frees it; null is allowed. */
void nubridge_field_close(nubridge_field*);
/** (field, kind) How many; 0 for another kind. */
size_t nubridge_field_count(const nubridge_field*, int32_t);
/** (field, rows, nu, inputs) Of a grid: makes the cells at these points; new coefficients stand at the end. */
nubridge_status nubridge_field_cover(nubridge_field*, size_t, const double*, const double*);
/** (field, vertices, places) Of a grid: makes vertices, each NUBRIDGE_VERTEX_WIDTH numbers. */
nubridge_status nubridge_field_add(nubridge_field*, size_t, const int32_t*);
/** (field, places) Of a grid: all vertices, in the order of their coefficients. */
nubridge_status nubridge_field_vertices(const nubridge_field*, int32_t*);
/** (field, c, rows, nu, inputs, f, outside) outside: one byte a row, 1 where c does not reach; or null. */
nubridge_status nubridge_field_rhs(const nubridge_field*, const double*, size_t, const double*, const double*, double*,
                                   uint8_t*);
/** (field, c, rows, nu, inputs, d_nu, d_input) rows x nu x nu and rows x nu x inputs. */
nubridge_status nubridge_field_jacobian(const nubridge_field*, const double*, size_t, const double*, const double*,
                                        double*, double*);
/** (field, c, rows, nu, inputs, d_c) rows x nu x coefficients. */
nubridge_status nubridge_field_by_coefficient(const nubridge_field*, const double*, size_t, const double*,
                                              const double*, double*);

/** (field, family, times, times_s, inputs, awake, weights, begin, substeps, out) inputs: times x inputs, linear
 * between. awake: times x nu. begin: nu at the first time. */
nubridge_status nubridge_action_open(const nubridge_field*, const nubridge_family*, size_t, const double*,
                                     const double*, const double*, const double*, const double*, size_t,
                                     nubridge_action**);
/** (action) Frees it; null is allowed. */
void nubridge_action_close(nubridge_action*);
/** (action, c, value, path) path: times x nu. */
nubridge_status nubridge_action_path(const nubridge_action*, const double*, double*, double*);
/** (action, c, path, moved) moved: d path/dc, times x nu x coefficients. */
nubridge_status nubridge_action_sensitivities(const nubridge_action*, const double*, double*, double*);
/** (count, actions, c, threads, values, gradient) One value an action; gradient: of their sum, the same for any number
 * of threads, or null. */
nubridge_status nubridge_action_total(size_t, const nubridge_action* const*, const double*, size_t, double*, double*);

#endif
