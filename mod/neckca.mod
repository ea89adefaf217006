TITLE Calcium that diffuses through the neck of a spine

COMMENT
A neckca stands at each end of the neck, each with `other` pointing to the calcium of the other end. What flows is Fick's law through a cylinder,
diffusion PI diameter^2 / 4 / length (cai - other), from the two values of the last step, so that what leaves one end enters the other to the last bit.

It leaves as an outward ica and enters as an inward one, for spineca or any pool that takes in the whole ica of its segment. icounter takes the charge back: the
current along the neck is the cable's.
ENDCOMMENT

NEURON {
    THREADSAFE : head and dendrite of one cell are in one thread
    POINT_PROCESS neckca
    USEION ca READ cai WRITE ica
    NONSPECIFIC_CURRENT icounter
    POINTER other
    RANGE diffusion, length, diameter, flux, ica, icounter
}

UNITS {
    (nA) = (nanoamp)
    (mM) = (milli/liter)
    (um) = (micron)
    F = (faraday) (coulomb)
    PI = (pi) (1)
}

PARAMETER {
    diffusion = 0.22 (um2/ms) <0, 1e9> : of free calcium
    length = 0.5 (um) <1e-9, 1e9>      : of the neck
    diameter = 0.1 (um) <1e-9, 1e9>
}

ASSIGNED {
    cai (mM)
    other (mM)
    ica (nA)
    icounter (nA) : of no calcium
    flux (um3-mM/ms) : out of this end
}

INITIAL {
    require_neck()
}

BREAKPOINT {
    flux = diffusion*PI*diameter*diameter/(4*length)*(cai - other)
    ica = (1e-6)*2*F*flux
    icounter = -ica
}

PROCEDURE require_neck() {
VERBATIM
    const double given_[] = {diffusion, length, diameter};
    const char* const names_[] = {"diffusion", "length", "diameter"};
    char text_[160];
    for (int i_ = 0; i_ < 3; ++i_) {
        if (given_[i_] > 0 && given_[i_] <= 1e9) continue;
        snprintf(text_, sizeof text_, "the %s of a neckca is %g; set it to a positive number of at most 1e9 (um2/ms, um)", names_[i_], given_[i_]);
        hoc_execerror(text_, 0);
    }
#ifndef CORENEURON_BUILD
    if (!nrn_pointing(&other)) hoc_execerror("the pointer other of a neckca is not set; point it to cai at the other end of the neck (Python: nubridge.neck)", 0);
#endif
ENDVERBATIM
}
