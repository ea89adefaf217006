TITLE High-voltage-activated calcium channel (demo)

COMMENT
A calcium conductance that opens during a spike and hardly below it, so that every spike lets in a pulse of calcium:

  ica = gbar m^2 h (v - eca)
  m' = alpha_m (1 - m) - beta_m m        h' = alpha_h (1 - h) - beta_h h
  alpha_m = 0.055 (-27 - v) / (exp((-27 - v) / 3.8) - 1)     beta_m = 0.94 exp((-75 - v) / 17)
  alpha_h = 0.000457 exp((-13 - v) / 50)                     beta_h = 0.0065 / (exp((-15 - v) / 28) + 1)

Source: the scheme for neocortical pyramidal cells after Reuveni, Friedman, Amitai and Gutnick, J. Neurosci. 13:4609 (1993), with the
numbers in common use since Mainen and Sejnowski, Nature 382:363 (1996). Rates (/ms) are those of room temperature at every celsius.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX cahva
    USEION ca READ eca WRITE ica
    RANGE gbar, g, ica
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    (S) = (siemens)
}

PARAMETER {
    gbar = 1e-4 (S/cm2) <0, 1e9>
}

ASSIGNED {
    v (mV)
    eca (mV)
    ica (mA/cm2)
    g (S/cm2)
    alpha_m (/ms)
    beta_m (/ms)
    alpha_h (/ms)
    beta_h (/ms)
}

STATE {
    m (1)
    h (1)
}

BREAKPOINT {
    SOLVE gates METHOD cnexp
    g = gbar*m*m*h
    ica = g*(v - eca)
}

INITIAL {
    rates(v)
    m = alpha_m/(alpha_m + beta_m)
    h = alpha_h/(alpha_h + beta_h)
}

DERIVATIVE gates {
    rates(v)
    m' = alpha_m*(1 - m) - beta_m*m
    h' = alpha_h*(1 - h) - beta_h*h
}

PROCEDURE rates(v (mV)) {
    alpha_m = 0.055 (/ms/mV)*linear_over_exp(-27 (mV) - v, 3.8 (mV))
    beta_m = 0.94 (/ms)*exp((-75 (mV) - v)/17 (mV))
    alpha_h = 0.000457 (/ms)*exp((-13 (mV) - v)/50 (mV))
    beta_h = 0.0065 (/ms)/(exp((-15 (mV) - v)/28 (mV)) + 1)
}

: x/(exp(x/y) - 1), continued through x = 0
FUNCTION linear_over_exp(x (mV), y (mV)) (mV) {
    if (fabs(x/y) < 1e-6) {
        linear_over_exp = y - x/2
    } else {
        linear_over_exp = x/(exp(x/y) - 1)
    }
}
