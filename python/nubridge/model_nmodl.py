"""NMODL text of a model file: a mechanism whose state the library steps."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import InvalidArgumentError
from .kernel import Kernel

_PER_mM = {"nM": "1e6", "uM": "1e3", "mM": "1", "M": "1e-3"}
_RESERVED = {"v", "t", "dt", "celsius", "area", "diam", "g", "gbar", "outside", "policy", "start"}


@dataclass(frozen=True)
class _Input:
    """Where an input comes from: C of its value now and, for a fixed step, of its mean over the step."""

    name: str
    unit: str
    kind: str  # ion, v, pointer or range
    source: str
    variable: str = ""
    default: float = 0.0
    factor: str = "1"

    @property
    def ion(self) -> str:
        """For example ca of cai."""
        return self.variable[:-1]

    @property
    def left(self) -> str:
        """The STATE that keeps the value at the end of the step before; none for what stands still or is v."""
        return f"{self.name}_left" if self.kind in ("ion", "pointer") else ""

    def now(self) -> str:
        return f"{self.variable}*{self.factor}"

    def mean(self) -> str:
        return f"0.5*({self.left} + {self.variable})*{self.factor}" if self.left else self.now()

    def said(self) -> str:
        given = {"ion": self.variable, "v": "v", "pointer": "the POINTER " + self.name, "range": "a RANGE parameter"}
        return f"{self.name} ({self.unit}) from {given[self.kind]}"


def mechanism(
    model: str | os.PathLike[str],
    suffix: str = "",
    inputs: Mapping[str, str] | None = None,
    current: str = "",
) -> str:
    """The mod file of a mechanism that steps this model: a channel's, a kernel's, or one that was learned.

    `model` is a name, a folder or a file, which the mechanism opens by the same name, or by the path where it is no name.
    `inputs` says for each input where it comes from: an ion's concentration ("cai"), "v", "pointer", or a number, the default
    of a RANGE parameter; Ca and v are found by their names, others are parameters in the middle of their domain. `current` is
    "OBSERVABLE:ION", a conductance gbar times the observable with the ion's reversal potential ("open:k"; "open:nonspecific"
    has a parameter e). The observables and the state are readable; nu of a learned model too. Raises InvalidArgumentError for
    an input, a source or an observable that there is not.

    >>> text = mechanism("sk_calcium", "learnedsk", current="open:k")
    >>> "USEION ca READ cai" in text, "USEION k READ ek WRITE ik" in text
    (True, True)
    """
    kernel = Kernel(model)
    suffix = _identifier(suffix or kernel.name)
    return _Text(kernel, os.fspath(model), suffix, _inputs(kernel, inputs or {}), _current(kernel, current)).written()


def _inputs(kernel: Kernel, given: Mapping[str, str]) -> list[_Input]:
    unknown = sorted(set(given) - set(kernel.input_names))
    if unknown:
        raise InvalidArgumentError(
            f"the model {kernel.name!r} has no input {unknown[0]!r}; it has {', '.join(kernel.input_names) or 'none'}"
        )
    usual = {"ca": "cai", "Ca": "cai", "v": "v", "V": "v"}
    found = []
    for entry in kernel.document["inputs"]:
        name, unit = entry["name"], entry["unit"]
        middle = str(sum(entry["domain"]) / 2)
        found.append(_input(_identifier(name), unit, given.get(name, usual.get(name, middle))))
    return found


def _input(name: str, unit: str, source: str) -> _Input:
    if source == "v":
        return _Input(name, unit, "v", source, "v")
    if source == "pointer":
        return _Input(name, unit, "pointer", source, name)
    if re.fullmatch(r"[a-z]\w*[io]", source):
        if unit not in _PER_mM:
            raise InvalidArgumentError(
                f"the input {name!r} is in {unit}, {source} in mM; drive it by a pointer, or learn it in {', '.join(_PER_mM)}"
            )
        return _Input(name, unit, "ion", source, source, factor=_PER_mM[unit])
    try:
        return _Input(name, unit, "range", source, name, default=float(source))
    except ValueError:
        raise InvalidArgumentError(
            f"the input {name!r} cannot come from {source!r}; name an ion's concentration such as cai, v, pointer or a number"
        ) from None


def _current(kernel: Kernel, given: str) -> tuple[str, str] | None:
    if not given:
        return None
    observable, _, ion = given.partition(":")
    if observable not in kernel.observable_names or not re.fullmatch(r"[a-z]\w*", ion):
        raise InvalidArgumentError(
            f"the current {given!r} is no OBSERVABLE:ION such as {kernel.observable_names[0]}:k; "
            f"the observables are {', '.join(kernel.observable_names)}"
        )
    return _identifier(observable), ion


def _identifier(name: str) -> str:
    words = re.sub(r"\W+", "_", re.sub(r"[~!]", "", name)).strip("_")
    return f"{words}_" if words in _RESERVED else words if re.match(r"[A-Za-z]", words) else f"x{words}"


def _flowed(text: str, indent: str = "    ") -> str:
    options = {"break_long_words": False, "break_on_hyphens": False}
    return "\n".join(textwrap.wrap(text, 140, initial_indent=indent, subsequent_indent=indent + "    ", **options))


class _Text:
    """One mod file in the making."""

    def __init__(
        self, kernel: Kernel, model: str, suffix: str, inputs: Sequence[_Input], current: tuple[str, str] | None
    ) -> None:
        self.kernel, self.suffix, self.inputs, self.current = kernel, suffix, inputs, current
        self.opened = str(Path(model).resolve()) if Path(model).exists() else model
        self.states = [_identifier(name) for name in kernel.state_names]
        self.observables = [_identifier(name) for name in kernel.observable_names]
        learned = kernel.document.get("domain", {})
        in_nu = self.states and all(name.startswith("nu_") and name[3:] in learned for name in kernel.state_names)
        self.begin = {f"{name}_0": sum(learned[name[3:]]) / 2 for name in self.states} if in_nu else {}
        names = [*self.states, *self.observables, *(one.name for one in inputs if one.kind != "v")]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InvalidArgumentError(f"the model {kernel.name!r} has two things that NMODL would call {twice[0]!r}")

    def written(self) -> str:
        parts = (self.head(), self.neuron(), self.declared(), self.c_code(), self.blocks(), self.derivative())
        return "\n".join((*parts, self.advance(), self.begin_block(), self.newton()))

    def head(self) -> str:
        command = [f"nubridge mechanisms --model {self.opened} --suffix {self.suffix}"]
        given = zip(self.kernel.input_names, self.inputs, strict=True)
        command += [f"--input {name}={one.source}" for name, one in given]
        command += [f"--current {':'.join(self.current)}"] if self.current else []
        kind = (
            "nu of the learned family, the observables its moments"
            if self.begin
            else "the model's own, the observables sums of it"
        )
        return "\n".join(
            [
                f"TITLE {self.kernel.name}: a model file, stepped by nubridge",
                "",
                "COMMENT",
                f"Made from {self.opened} ({self.kernel.hash}) by",
                f"    {' '.join(command)}",
                f"The state is {kind}.",
                *(["Inputs: " + "; ".join(one.said() for one in self.inputs) + "."] if self.inputs else []),
                "Fixed step: the inputs' mean of the step's begin and end is held. CVODE: the true derivative, with the exact Jacobian.",
                "ENDCOMMENT",
                "",
            ]
        )  # fmt: skip

    def neuron(self) -> str:
        lines = ["NEURON {", "    THREADSAFE", f"    SUFFIX {self.suffix}"]
        lines += [f"    USEION {ion} READ {', '.join(names)}{written}" for ion, names, written in self.ions()]
        ranges = [*self.begin, *(one.name for one in self.inputs if one.kind == "range"), "outside"]
        if self.current:
            ranges += ["gbar", "g", *(["e", "i"] if self.current[1] == "nonspecific" else [])]
            lines += ["    NONSPECIFIC_CURRENT i"] if self.current[1] == "nonspecific" else []
        lines += [_flowed(f"RANGE {', '.join(ranges)}")]
        lines += [f"    POINTER {one.name}" for one in self.inputs if one.kind == "pointer"]
        return "\n".join([*lines, f"    GLOBAL policy{', start' if self.begin else ''}", "}", ""])

    def ions(self) -> list[tuple[str, list[str], str]]:
        """Ion, what is read, what is written."""
        reads: dict[str, list[str]] = {}
        for one in self.inputs:
            if one.kind == "ion" and one.variable not in reads.setdefault(one.ion, []):
                reads[one.ion].append(one.variable)
        carrier = self.current[1] if self.current and self.current[1] != "nonspecific" else None
        if carrier:
            reads.setdefault(carrier, []).append(f"e{carrier}")
        return [(ion, names, f" WRITE i{ion}" if ion == carrier else "") for ion, names in reads.items()]

    def declared(self) -> str:
        units = ["UNITS {", "    (mV) = (millivolt)", "    (mA) = (milliamp)", "    (S) = (siemens)"]
        units += ["    (mM) = (milli/liter)", "}", ""]
        given = [f"    {one.name} = {one.default:.15g}  : {one.unit}" for one in self.inputs if one.kind == "range"]
        given += [f"    {name} = {value:.15g}" for name, value in self.begin.items()]
        given += [
            "    policy = 0 (1) <0, 3> : off the domain 0 as the model file says, 1 clamp, 2 extrapolate, 3 error"
        ]
        given += ["    start = 1 (1) <0, 1>  : 1 begins at the steady state, 0 at the RANGE parameters NAME_0"] * bool(self.begin)  # fmt: skip
        read = [f"    {name} (mM)" for _, names, _ in self.ions() for name in names if not name.startswith("e")]
        read += ["    v (mV)"] * any(one.kind == "v" for one in self.inputs)
        read += [f"    {one.name}" for one in self.inputs if one.kind == "pointer"]
        if self.current:
            ion = self.current[1]
            given += ["    gbar = 0.001 (S/cm2) <0, 1e9>", *(["    e = 0 (mV)"] if ion == "nonspecific" else [])]
            read += ["    v (mV)"] * ("    v (mV)" not in read) + ["    g (S/cm2)"]
            read += ["    i (mA/cm2)"] if ion == "nonspecific" else [f"    e{ion} (mV)", f"    i{ion} (mA/cm2)"]
        read += ["    dt (ms)", "    outside (1) : steps (CVODE: derivatives) off the model's domain since the start"]
        states = [_flowed(" ".join((*self.observables, *self.states, *self.lefts())))]
        return "\n".join(
            [*units, "PARAMETER {", *given, "}", "", "STATE {", *states, "}", "", "ASSIGNED {", *read, "}", ""]
        )

    def lefts(self) -> list[str]:
        return [one.left for one in self.inputs if one.left]

    def c_code(self) -> str:
        counts = (len(self.states), len(self.inputs), len(self.observables))
        text = _C_CODE.replace("@MODEL@", self.opened.replace("\\", "\\\\").replace('"', '\\"'))
        for place, count in zip(("@STATES@", "@INPUTS@", "@OBSERVABLES@"), counts, strict=True):
            text = text.replace(place, str(count))
        given = "finds no steady state, or its step does not settle: begin at given values with start_@SUFFIX@ = 0"
        text = text.replace("@UNSETTLED@", given if self.begin else "cannot make its step: shorten dt")
        return text.replace("@SUFFIX@", self.suffix)

    def blocks(self) -> str:
        lines = ["BREAKPOINT {"]
        if self.current:
            observable, ion = self.current
            carrier = "" if ion == "nonspecific" else f" USEION {ion}"
            potential, flow = ("e", "i") if ion == "nonspecific" else (f"e{ion}", f"i{ion}")
            lines += [f"    CONDUCTANCE g{carrier}", "    SOLVE states METHOD cnexp", f"    g = gbar*{observable}"]
            lines += [f"    {flow} = g*(v - {potential})", "}", ""]
        else:
            lines += ["    SOLVE states METHOD cnexp", "}", ""]
        lines += ["INITIAL {", "    outside = 0", *(f"    {one.left} = {one.variable}" for one in self.inputs if one.left)]  # fmt: skip
        return "\n".join([*lines, "    begin()", "}", ""])

    def derivative(self) -> str:
        n, m = len(self.states), len(self.observables)
        slopes = [f"    {name}' = o[{i}]" for i, name in enumerate(self.observables)]
        slopes += [f"    {name}' = d[{i}]" for i, name in enumerate(self.states)]
        slopes += [f"    {name}' = 0" for name in self.lefts()]
        return "\n".join(
            [
                "DERIVATIVE states {",
                f"    LOCAL fixed, solving, d[{n}], o[{m}]",
                "    fixed = 0",
                "    solving = 1",
                "VERBATIM",
                "#ifdef CORENEURON_BUILD",
                "    if (!kernel_) open_(); /* CoreNEURON takes NEURON's states and skips INITIAL */",
                "#endif",
                "    _lsolving = 0; /* VERBATIM is not in CVODE's solver of linear equations */",
                "    _lfixed = !CVODE_;",
                "ENDVERBATIM",
                "    if (solving) {",
                "        newton_step()",
                "    }",
                "    if (fixed) {",
                "        advance()",
                "    }",
                "VERBATIM",
                "    NOT_BY_CVODE_DONE_",
                _flowed(f"const double s_[{n}] = {self.listed()};"),
                f"    {self.inputs_now()}",
                "    nubridge_status status_ = NUBRIDGE_OK;",
                f"    for (int i_ = 0; i_ < {n}; ++i_) _ld[i_] = 0;",
                f"    for (int i_ = 0; i_ < {m}; ++i_) _lo[i_] = 0;",
                "    if (CVODE_ && kernel_) status_ = nubridge_kernel_rhs(kernel_, (int)policy, s_, u_, _ld); /* cvode.active(1) comes here before INITIAL */",
                "    if (CVODE_ && kernel_ && status_ >= 0) (void)nubridge_kernel_observe_rates(kernel_, s_, _ld, _lo);",
                f"    {_TOLD}",
                "ENDVERBATIM",
                *slopes,
                "}",
                "",
            ]
        )  # fmt: skip

    def advance(self) -> str:
        return "\n".join(
            [
                ": One fixed step at the inputs' mean.",
                "PROCEDURE advance() {",
                "VERBATIM",
                _flowed(f"double s_[{len(self.states)}] = {self.listed()};"),
                f"    double o_[{len(self.observables)}];",
                f"    {self.inputs_now(mean=True)}",
                "    nubridge_status status_ = kernel_ ? nubridge_kernel_step(kernel_, (int)policy, u_, dt, s_) : NUBRIDGE_INVALID_ARGUMENT;",
                f"    {_TOLD}",
                "    if (status_ < 0) s_[0] = NAN;",
                "    (void)nubridge_kernel_observe(kernel_, s_, o_);",
                *self.kept(),
                *(f"    {one.left} = {one.variable};" for one in self.inputs if one.left),
                "ENDVERBATIM",
                "}",
                "",
            ]
        )  # fmt: skip

    def begin_block(self) -> str:
        steady = "status_ = nubridge_kernel_initial(kernel_, (int)policy, u_, s_);"
        return "\n".join(
            [
                ": Opens the model, takes a fault that another thread left, and sets the state.",
                "PROCEDURE begin() {",
                "VERBATIM",
                _flowed(f"double s_[{len(self.states)}] = {self.listed(tuple(self.begin))};"),
                f"    double o_[{len(self.observables)}];",
                f"    {self.inputs_now()}",
                "    nubridge_status status_ = NUBRIDGE_OK;",
                "    open_();",
                "    (void)nubridge_kernel_fault_take(kernel_);",
                "    if (!(policy >= 0 && policy <= 3)) fault_(NUBRIDGE_INVALID_ARGUMENT, policy, u_, 1);",
                f"    if (start != 0) {steady}" if self.begin else f"    {steady}",
                "    if (status_ != NUBRIDGE_OK) { outside += status_ == NUBRIDGE_OUTSIDE; fault_(status_, policy, u_, 1); }",
                "    (void)nubridge_kernel_observe(kernel_, s_, o_);",
                *self.kept(),
                "ENDVERBATIM",
                "}",
                "",
            ]
        )  # fmt: skip

    def newton(self) -> str:
        n, m = len(self.states), len(self.observables)
        return "\n".join(
            [
                ": CVODE's Newton step with the exact Jacobian: here the D of the states hold the right side and dt the solver's gamma.",
                ": What the solution adds to the states' right side moves the observables with them.",
                "PROCEDURE newton_step() {",
                "VERBATIM",
                "#ifndef CORENEURON_BUILD",
                _flowed(f"double b_[{n}] = {self.listed([f'D{name}' for name in self.states])};"),
                _flowed(f"const double s_[{n}] = {self.listed()};"),
                f"    {self.inputs_now()}",
                f"    double more_[{n}], o_[{m}] = {{0}};",
                f"    for (int i_ = 0; i_ < {n}; ++i_) more_[i_] = -b_[i_];",
                "    if (kernel_) (void)nubridge_kernel_newton(kernel_, (int)policy, s_, u_, dt, b_);",
                f"    for (int i_ = 0; i_ < {n}; ++i_) more_[i_] += b_[i_];",
                "    if (kernel_) (void)nubridge_kernel_observe_rates(kernel_, s_, more_, o_); /* o_ stays 0 before INITIAL */",
                _flowed(" ".join(f"D{name} += o_[{i}];" for i, name in enumerate(self.observables))),
                _flowed(" ".join(f"D{name} = b_[{i}];" for i, name in enumerate(self.states))),
                "#endif",
                "ENDVERBATIM",
                "}",
                "",
            ]
        )  # fmt: skip

    def listed(self, names: Sequence[str] = ()) -> str:
        return "{" + ", ".join(names or self.states) + "}"

    def inputs_now(self, mean: bool = False) -> str:
        values = [one.mean() if mean else one.now() for one in self.inputs] or ["0"]
        return f"double u_[{len(values)}] = {{{', '.join(values)}}};"

    def kept(self) -> list[str]:
        """Statements that keep s_ and o_."""
        kept = [f"{name} = o_[{i}];" for i, name in enumerate(self.observables)]
        return [_flowed(" ".join([*kept, *(f"{name} = s_[{i}];" for i, name in enumerate(self.states))]))]


_TOLD = "if (status_ != NUBRIDGE_OK) { outside += status_ == NUBRIDGE_OUTSIDE; fault_(status_, policy, u_, ALONE_); }"

_C_CODE = """VERBATIM
#ifndef NUBRIDGE_NUBRIDGE_H
#include <nubridge/nubridge.h>
#endif
#include <math.h>
#include <stdio.h>
static nubridge_kernel* kernel_;
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
    if (nubridge_kernel_fault_take(kernel_) != NUBRIDGE_OK) hoc_execerror(nubridge_last_error(), 0);
}
#endif

static void open_(void) {
    if (nubridge_require_abi(NUBRIDGE_ABI_VERSION) != NUBRIDGE_OK || nubridge_kernel_open_once("@MODEL@", &kernel_) != NUBRIDGE_OK)
        hoc_execerror(nubridge_last_error(), 0);
    if (nubridge_kernel_count(kernel_, NUBRIDGE_ITEM_STATE) != @STATES@ || nubridge_kernel_count(kernel_, NUBRIDGE_ITEM_INPUT) != @INPUTS@
        || nubridge_kernel_count(kernel_, NUBRIDGE_ITEM_OBSERVABLE) != @OBSERVABLES@)
        hoc_execerror("the mechanism @SUFFIX@ was made of another model; make it again with nubridge mechanisms --model", nubridge_kernel_path(kernel_));
}

/* Tells of a step that left the domain; raises a fault, or keeps it for raise_. */
static void fault_(nubridge_status status_, double policy_, const double* u_, int is_alone_) {
    const char* text_ = status_ != NUBRIDGE_OUTSIDE || nubridge_kernel_first_outside(kernel_) ? nubridge_kernel_explain(kernel_, status_, (int)policy_, u_) : 0;
    if (status_ == NUBRIDGE_INVALID_ARGUMENT && kernel_) text_ = "the mechanism @SUFFIX@ needs policy_@SUFFIX@ 0, 1, 2 or 3; correct it and call finitialize()";
    if (status_ == NUBRIDGE_NOT_CONVERGED && kernel_) text_ = "the mechanism @SUFFIX@ @UNSETTLED@";
    if (status_ == NUBRIDGE_OUTSIDE && text_) fprintf(stderr, "%s (said once; outside_@SUFFIX@ counts)\\n", text_);
    if (status_ == NUBRIDGE_OUTSIDE) return;
    if (is_alone_) hoc_execerror(text_, 0);
    nubridge_kernel_fault_post(kernel_, status_, (int)policy_, u_);
#ifndef CORENEURON_BUILD
    nrn_allthread_handle = raise_;
#endif
}
ENDVERBATIM
"""
