/* A C99 program against nubridge.h, as a user's own would be: opens a model, steps it through a rise of calcium,
 * prints, closes. */
#include <math.h>
#include <stdio.h>

#include "nubridge/nubridge.h"

#define MOST_STATES 64

static int failed(const char* what) {
    fprintf(stderr, "%s: %s\n", what, nubridge_last_error());
    return 1;
}

int main(int argc, char** argv) {
    nubridge_model* model = NULL;
    double p[MOST_STATES], popen = 0.0, before = 0.0, sum;
    double calcium_uM = 0.05;
    uint8_t outside = 9;
    size_t states, i;
    int step;

    if (argc != 2) return 2;
    if (nubridge_require_abi(NUBRIDGE_ABI_VERSION) != NUBRIDGE_OK) return failed("abi");
    if (nubridge_model_open(argv[1], &model) != NUBRIDGE_OK) return failed("open");
    states = nubridge_count(model, NUBRIDGE_ITEM_STATE);
    printf("nubridge %s, model %s, %lu states, %s\n", nubridge_version(), nubridge_model_name(model),
           (unsigned long)states, nubridge_model_hash(model));
    if (states > MOST_STATES || nubridge_count(model, NUBRIDGE_ITEM_INPUT) != 1) return failed("not the model I know");

    if (nubridge_initial_moments(model, NUBRIDGE_POLICY_ERROR, 1, &calcium_uM, p, &outside) != NUBRIDGE_OK)
        return failed("initial");
    if (outside != 0) return failed("the flag of outside");
    if (nubridge_observe_moments(model, 1, p, &before) != NUBRIDGE_OK) return failed("observe");
    calcium_uM = 5.0;
    for (step = 0; step < 400; ++step) {
        if (nubridge_step_moments(model, NUBRIDGE_POLICY_MODEL, 1, p, &calcium_uM, 0.025, p, NULL) != NUBRIDGE_OK)
            return failed("step");
    }
    if (nubridge_observe_moments(model, 1, p, &popen) != NUBRIDGE_OK) return failed("observe");
    for (sum = 0.0, i = 0; i < states; ++i) {
        printf("%s %.6f\n", nubridge_item_name(model, NUBRIDGE_ITEM_STATE, i), p[i]);
        sum += p[i];
    }
    printf("popen %.6f before, %.6f after 10 ms\n", before, popen);
    nubridge_model_close(model);

    /* tests/support/oracles/sk_step_0p05_5_0p05.csv at 0 and 10 ms */
    if (fabs(before - 0.0043754101947057537) > 1e-12 || fabs(popen - 0.76177267508417) > 1e-12 ||
        fabs(sum - 1.0) > 1e-12)
        return 3;
    if (nubridge_model_open("no_such_model", &model) != NUBRIDGE_MODEL_NOT_FOUND) return 4;
    return 0;
}
