"""Makes the sk_*.csv beside this file; `make_sk.py --check` only compares. Standard library, about two seconds.

The ten rates are those of Hirschberg et al. 1998 (models/sk/train.toml), typed here a second time on purpose: nothing of
nubridge is used. Steady states are exact rationals; trajectories are Taylor series of the matrix exponential in 60-digit
decimals; time constants are the roots of the characteristic polynomial, whose coefficients are exact rationals.
"""

import sys
from collections.abc import Iterable
from decimal import Decimal, getcontext
from fractions import Fraction
from pathlib import Path

getcontext().prec = 60
STATES = ("C1", "C2", "C3", "C4", "O1", "O2")
# from, to, rate in /s (or in /uM/s), whether calcium multiplies it
RATES = (
    (0, 1, 200, True),
    (1, 0, 80, False),
    (1, 2, 160, True),
    (2, 1, 80, False),
    (2, 3, 80, True),
    (3, 2, 200, False),
    (2, 4, 160, False),
    (4, 2, 1000, False),
    (3, 5, 1200, False),
    (5, 3, 100, False),
)
N = range(len(STATES))


def weights(ca: Fraction) -> list[Fraction]:
    """Occupancies over that of C1: the network is a tree, so detailed balance holds on every edge."""
    c2 = 200 * ca / 80
    c3 = c2 * 160 * ca / 80
    c4 = c3 * 80 * ca / 200
    return [Fraction(1), c2, c3, c4, c3 * 160 / 1000, c4 * 1200 / 100]


def steady_state(ca: Fraction) -> list[Fraction]:
    total = sum(weights(ca))
    return [weight / total for weight in weights(ca)]


def generator(ca: Fraction) -> list[list[Fraction]]:
    """Q in /ms, dp/dt = Q p."""
    q = [[Fraction(0)] * len(STATES) for _ in N]
    for begin, end, rate, times_ca in RATES:
        flow = Fraction(rate, 1000) * (ca if times_ca else 1)
        q[end][begin] += flow
        q[begin][begin] -= flow
    return q


def decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def apply(q: list[list[Decimal]], p: list[Decimal]) -> list[Decimal]:
    return [sum((q[i][j] * p[j] for j in N), Decimal(0)) for i in N]


def propagate(q: list[list[Decimal]], p: list[Decimal], t_ms: Decimal) -> list[Decimal]:
    """exp(t Q) p by Taylor series over substeps whose terms fall at once."""
    substeps = int(t_ms * max(-q[i][i] for i in N)) + 1
    h = t_ms / substeps
    for _ in range(substeps):
        term = p
        k = 0
        while max(abs(x) for x in term) > Decimal("1e-55"):
            k += 1
            term = [h * x / k for x in apply(q, term)]
            p = [a + b for a, b in zip(p, term, strict=True)]
    return p


def decay_times(ca: Fraction) -> list[Decimal]:
    """-1/lambda (ms) of the five decaying modes, slowest first: Faddeev-LeVerrier, Newton from the right, deflation."""
    q = generator(ca)
    power = [[Fraction(0)] * len(STATES) for _ in N]
    coefficients = [Fraction(1)]
    for k in range(1, len(STATES) + 1):
        product = [[sum(q[i][m] * power[m][j] for m in N) for j in N] for i in N]
        power = [[product[i][j] + (coefficients[-1] if i == j else 0) for j in N] for i in N]
        coefficients.append(-sum(q[i][j] * power[j][i] for i in N for j in N) / k)
    assert coefficients[-1] == 0  # the steady state
    polynomial = [decimal(c) for c in coefficients[:-1]]
    times = []
    while len(polynomial) > 1:
        root = Decimal(0)
        while True:
            value, slope = Decimal(0), Decimal(0)
            for c in polynomial:
                slope = slope * root + value
                value = value * root + c
            correction = value / slope
            root -= correction
            if abs(correction) < abs(root) * Decimal("1e-40"):
                break
        times.append(-1 / root)
        quotient = [polynomial[0]]
        for c in polynomial[1:-1]:
            quotient.append(c + quotient[-1] * root)
        polynomial = quotient
    return times


def crossing(q: list[list[Decimal]], p: list[Decimal], target: Decimal) -> Decimal:
    """The time (ms) at which the rising open probability reaches `target`: marching, then Newton."""
    t = Decimal(0)
    while p[4] + p[5] < target:
        p = propagate(q, p, Decimal("0.5"))
        t += Decimal("0.5")
    for _ in range(7):
        slope = apply(q, p)
        correction = (target - p[4] - p[5]) / (slope[4] + slope[5])
        p = propagate(q, p, correction) if correction > 0 else propagate_back(q, p, -correction)
        t += correction
    return t


def propagate_back(q: list[list[Decimal]], p: list[Decimal], t_ms: Decimal) -> list[Decimal]:
    term, k = p, 0
    while max(abs(x) for x in term) > Decimal("1e-55"):
        k += 1
        term = [-t_ms * x / k for x in apply(q, term)]
        p = [a + b for a, b in zip(p, term, strict=True)]
    return p


def digits(value: Fraction | Decimal, count: int = 17) -> str:
    return f"{decimal(value) if isinstance(value, Fraction) else value:.{count}g}"


def table(header: str, rows: Iterable[Iterable[str]]) -> str:
    return "\n".join([header, *(",".join(row) for row in rows)]) + "\n"


def sk_steady_state() -> str:
    rows = []
    for ca in "0.015 0.05 0.1 0.3 0.5 0.7 1 2 5 10 100".split():
        p = steady_state(Fraction(ca))
        rows.append([ca, *(digits(x) for x in [*p, p[4] + p[5]])])
    return table("ca_uM," + ",".join(STATES) + ",Po", rows)


def sk_step() -> str:
    rows = []
    p, now = [decimal(x) for x in steady_state(Fraction("0.05"))], Decimal(0)
    phases = (
        ("0.05", "0"),
        ("5", "0.1 0.25 0.5 1 1.5 2 3 4 5 7.5 10 15 20 30 50"),
        ("0.05", "50.1 50.25 50.5 51 52 53 55 57.5 60 65 70 80 100 125 150 200 250 300"),
    )
    for ca, times in phases:
        q = [[decimal(x) for x in row] for row in generator(Fraction(ca))]
        for t_ms in times.split():
            p, now = propagate(q, p, Decimal(t_ms) - now), Decimal(t_ms)
            rows.append([t_ms, ca, *(digits(x) for x in [*p, p[4] + p[5]])])
    return table("t_ms,ca_uM_held_up_to_t," + ",".join(STATES) + ",Po", rows)


def sk_dose_response() -> str:
    rows = []
    for k in range(-40, 41):
        ca = Fraction(digits(Decimal(10) ** (Decimal(k) / 20), 10))
        w = weights(ca)
        opened, total, largest = w[4] + w[5], sum(w), Fraction(12, 13)
        order = (0, 1, 2, 3, 2, 3)  # of each weight in calcium, so that calcium * d/dcalcium multiplies by it
        opened_slope = sum(order[i] * w[i] for i in (4, 5))
        total_slope = sum(order[i] * w[i] for i in N)
        hill = opened_slope / opened - (largest * total_slope - opened_slope) / (largest * total - opened)
        rows.append([digits(ca, 10), digits(opened / total), digits(opened / total / largest), digits(hill)])
    return table("ca_uM,Po,Po_over_Pmax,local_hill", rows)


def sk_time_constants() -> str:
    rows = []
    start = [decimal(x) for x in steady_state(Fraction("0.05"))]
    for ca in "0.05 0.1 0.2 0.3 0.5 0.7 1 2 5 10".split():
        p = steady_state(Fraction(ca))
        final, first = decimal(p[4] + p[5]), start[4] + start[5]
        row = [ca, digits(final), *(digits(tau) for tau in decay_times(Fraction(ca)))]
        if ca == "0.05":
            row += ["nan", "nan"]
        else:
            q = [[decimal(x) for x in line] for line in generator(Fraction(ca))]
            levels = (1 - 1 / Decimal(1).exp(), Decimal("0.1"), Decimal("0.9"))
            t63, t10, t90 = (crossing(q, start, first + level * (final - first)) for level in levels)
            row += [digits(t63), digits(t90 - t10)]
        rows.append(row)
    return table("ca_uM,Po_inf,tau1_ms,tau2_ms,tau3_ms,tau4_ms,tau5_ms,act_t63_ms,act_10_90_ms", rows)


TABLES = {
    "sk_steady_state.csv": sk_steady_state,
    "sk_step_0p05_5_0p05.csv": sk_step,
    "sk_dose_response.csv": sk_dose_response,
    "sk_time_constants.csv": sk_time_constants,
}

if __name__ == "__main__":
    folder = Path(__file__).parent
    stale = []
    for name, make in TABLES.items():
        text = make()
        if "--check" not in sys.argv:
            (folder / name).write_text(text, encoding="utf-8")
        elif (folder / name).read_text(encoding="utf-8") != text:
            stale.append(name)
    if stale:
        sys.exit(f"{', '.join(stale)}: not what make_sk.py writes; run it without --check or restore the files")
