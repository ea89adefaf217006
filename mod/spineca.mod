TITLE Calcium of a dendritic spine: channels, pumps and buffers in one well-mixed volume

COMMENT
Bartol TM et al. (2015) Front Synaptic Neurosci 7:17, Table 1, 34 degC. Rates are per ms and per mM: 1 /uM/s = 1 /mM/ms.

  VDCC       L and R type, c0 <-> c1 <-> c2 <-> c3 <-> o (Bischofberger et al. 2002); the flux through an open one has the rectified law of
             Bartol's table, outside calcium in it, not eca. The law turns outward above 75.06 mV, whatever is inside.
  PMCA, NCX  bind, carry out. EVERY pump leaks, with calcium or without: so the leaks 4.3 and 19.4 /s balance at 0.1 uM. They carry no current.
  cbp        immobile buffer; calbindin, two sites of high (h) and two of medium (m) affinity (Naegerl et al. 2000), dye (Oregon Green BAPTA-1).
             The four sites of calbindin bind independently, so h1 and m1 hold its nine states: calb(i, j).

What enters is the whole ica of the segment, of all its mechanisms. Conserved by any step:

  cai + pmca1 + ncx1 + cbp1 + h1 + m1 + dye1 + extruded - leaked - entered
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX spineca
    USEION ca READ ica WRITE cai, ica
    RANGE head_volume, head_surface, rest, vdcc, pmca, ncx, cbp, calbindin, dye, gamma, pmca_leak, ncx_leak
    RANGE volume, surface, ivdcc, jpmca, jncx
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    (pA) = (picoamp)
    (pS) = (picosiemens)
    (mM) = (milli/liter)
    (um) = (micron)
    F = (faraday) (coulomb)
    PI = (pi) (1)
}

PARAMETER {
    head_volume = 0 (um3) <0, 1e9>  : 0: the segment's own; read at initialisation as all of these
    head_surface = 0 (um2) <0, 1e9> : the membrane with channels and pumps; 0: of a sphere of head_volume, or the segment's own
    rest = 0 (mM) <0, 1e3>          : calcium at the start; 0: where the pumps balance their leaks
    vdcc = 2 (/um2) <0, 1e9>
    pmca = 998 (/um2) <0, 1e9>
    ncx = 142 (/um2) <0, 1e9>
    cbp = 0.0787 (mM) <0, 1e3>
    calbindin = 0.045 (mM) <0, 1e3>
    dye = 0 (mM) <0, 1e3>
    gamma = 3.72 (pS) <0, 1e9>
    pmca_leak = 0.0043 (/ms) <0, 1e9>
    ncx_leak = 0.0194 (/ms) <0, 1e9>
}

STATE {
    cai (mM) <1e-4>
    c0 (1) c1 (1) c2 (1) c3 (1) o (1)
    pmca0 (mM) <1e-4>
    pmca1 (mM) <1e-4>
    ncx0 (mM) <1e-4>
    ncx1 (mM) <1e-4>
    cbp0 (mM) <1e-4>
    cbp1 (mM) <1e-4>
    h0 (mM) <1e-4>
    h1 (mM) <1e-4>
    m0 (mM) <1e-4>
    m1 (mM) <1e-4>
    dye0 (mM) <1e-4>
    dye1 (mM) <1e-4>
    extruded (mM) <1e-4>
    leaked (mM) <1e-4>
    entered (mM) <1e-4>
}

ASSIGNED {
    v (mV)
    area (um2)
    diam (um)
    ica (mA/cm2)
    volume (um3)
    surface (um2)
    ivdcc (mA/cm2)
    jpmca (mM/ms) : net out of the spine
    jncx (mM/ms)
    pmca_total (mM)
    ncx_total (mM)
    margin (mM/ms)
}

BREAKPOINT {
    SOLVE spine METHOD sparse
    ivdcc = (0.1)*vdcc*o*through(v)*surface/area
    ica = ivdcc
    jpmca = 0.012(/ms)*pmca1 - pmca_leak*pmca_total
    jncx = 0.6(/ms)*ncx1 - ncx_leak*ncx_total
}

INITIAL {
    require_no_negative()
    geometry()
    pmca_total = pmca*surface/(volume*602214.076(/um3-mM))
    ncx_total = ncx*surface/(volume*602214.076(/um3-mM))
    if (rest > 0) {
        cai = rest
    } else {
        cai = balance()
    }
    at_rest(v)
    pmca1 = pmca_total*cai/(cai + 0.18e-3(mM))
    pmca0 = pmca_total - pmca1
    ncx1 = ncx_total*cai/(cai + 3e-3(mM))
    ncx0 = ncx_total - ncx1
    cbp1 = cbp*cai/(cai + 524/247*(1e-3(mM)))
    cbp0 = cbp - cbp1
    h1 = 2*calbindin*cai/(cai + 2.6/11*(1e-3(mM)))
    h0 = 2*calbindin - h1
    m1 = 2*calbindin*cai/(cai + 35.8/87*(1e-3(mM)))
    m0 = 2*calbindin - m1
    dye1 = dye*cai/(cai + 0.2e-3(mM))
    dye0 = dye - dye1
    extruded = 0
    leaked = 0
    entered = 0
}

KINETIC spine {
    LOCAL leak, entry, exit
    leak = pmca_leak*pmca_total + ncx_leak*ncx_total
    entry = -ica*area/(2*F*volume)*(1e4)
    exit = 0(mM/ms)
    if (entry < 0) { : sparse takes a negative STATE to 0, so that an outward current counts as extruded
        exit = -entry
        entry = 0(mM/ms)
    }
    ~ c0 <-> c1 (8.08(/ms)*exp(v/49.14(mV)), 5.76(/ms)*exp(-v/49.14(mV)))
    ~ c1 <-> c2 (13.4(/ms)*exp(v/42.08(mV)), 12.6(/ms)*exp(-v/42.08(mV)))
    ~ c2 <-> c3 (8.78(/ms)*exp(v/55.31(mV)), 16.3(/ms)*exp(-v/55.31(mV)))
    ~ c3 <-> o (34.7(/ms)*exp(v/26.55(mV)), 3.68(/ms)*exp(-v/26.55(mV)))
    ~ cai + pmca0 <-> pmca1 (150(/mM-ms), 0.015(/ms))
    ~ pmca1 <-> pmca0 + extruded (0.012(/ms), 0(/mM-ms))
    ~ cai + ncx0 <-> ncx1 (300(/mM-ms), 0.3(/ms))
    ~ ncx1 <-> ncx0 + extruded (0.6(/ms), 0(/mM-ms))
    ~ cai + cbp0 <-> cbp1 (247(/mM-ms), 0.524(/ms))
    ~ cai + h0 <-> h1 (11(/mM-ms), 0.0026(/ms))
    ~ cai + m0 <-> m1 (87(/mM-ms), 0.0358(/ms))
    ~ cai + dye0 <-> dye1 (800(/mM-ms), 0.16(/ms))
    ~ cai << (leak + entry - exit)
    ~ extruded << (exit)
    ~ leaked << (leak)
    ~ entered << (entry)
}

: Current through an open channel; its quotient is 0/0 at 0 mV.
FUNCTION through(v (mV)) (pA) {
    LOCAL u, quotient
    u = v/80.36(mV)
    if (fabs(u) < 1e-3) {
        quotient = 1 - u/2 + u*u/12
    } else {
        quotient = u/(exp(u) - 1)
    }
    through = -gamma*80.36(mV)*(1e-3)*quotient*(exp(-u) - 0.393)
}

: The calcium at which the pumps carry out what leaks in: margin c^2 + b c = leak Kp Kn, Kp and Kn the half saturations.
FUNCTION balance() (mM) {
    LOCAL leak, b, c
    leak = pmca_leak*pmca_total + ncx_leak*ncx_total
    margin = 0.012(/ms)*pmca_total + 0.6(/ms)*ncx_total - leak
    require_balance()
    b = 0.012(/ms)*pmca_total*3e-3(mM) + 0.6(/ms)*ncx_total*0.18e-3(mM) - leak*3.18e-3(mM)
    c = leak*3e-3(mM)*0.18e-3(mM)
    balance = 2*c/(b + sqrt((b*b + 4*margin*c)/1(mM4/ms2))*1(mM2/ms))
}

: The channel in its steady state.
PROCEDURE at_rest(v (mV)) {
    c1 = 8.08/5.76*exp(2*v/49.14(mV))
    c2 = c1*13.4/12.6*exp(2*v/42.08(mV))
    c3 = c2*8.78/16.3*exp(2*v/55.31(mV))
    o = c3*34.7/3.68*exp(2*v/26.55(mV))
    c0 = 1/(1 + c1 + c2 + c3 + o)
    c1 = c1*c0
    c2 = c2*c0
    c3 = c3*c0
    o = o*c0
}

: Calbindin with i calcium ions on its h sites and j on its m sites, 0 to 2.
FUNCTION calb(i, j) (mM) {
    calb = calbindin*of_two(h1/(2*calbindin), i)*of_two(m1/(2*calbindin), j)
}

FUNCTION of_two(p, k) {
    if (k == 0) {
        of_two = (1 - p)*(1 - p)
    } else if (k == 1) {
        of_two = 2*p*(1 - p)
    } else {
        of_two = p*p
    }
}

PROCEDURE geometry() {
    if (head_volume > 0) {
        volume = head_volume
        surface = (36*PI*volume*volume/1(um6))^(1/3)*1(um2)
    } else {
        volume = area*diam/4
        surface = area
    }
    if (head_surface > 0) {
        surface = head_surface
    }
}

PROCEDURE require_no_negative() {
VERBATIM
    const double given_[] = {head_volume, head_surface, rest, vdcc, pmca, ncx, cbp, calbindin, dye};
    const char* const names_[] = {"head_volume", "head_surface", "rest", "vdcc", "pmca", "ncx", "cbp", "calbindin", "dye"};
    char text_[160];
    for (int i_ = 0; i_ < 9; ++i_) {
        if (given_[i_] >= 0 && given_[i_] <= 1e9) continue;
        snprintf(text_, sizeof text_, "%s_spineca is %g; set it to 0 or a positive number of at most 1e9", names_[i_], given_[i_]);
        hoc_execerror(text_, 0);
    }
ENDVERBATIM
}

PROCEDURE require_balance() {
VERBATIM
    if (!(margin > 0)) hoc_execerror("spineca: at no calcium do the pumps carry out what leaks in; set rest_spineca (mM), or more pumps", 0);
ENDVERBATIM
}
