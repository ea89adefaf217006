#pragma once

/// Conversions between the units of NEURON (ms, mM), of the models (uM, s) and of particle counts.
///
/// A factor `a_per_b` multiplies a number in b and gives the number in a.
namespace nubridge::units {

/// Avogadro constant, 1/mol (exact since the SI of 2019).
inline constexpr double avogadro_per_mol = 6.02214076e23;
/// Elementary charge, C (exact since the SI of 2019).
inline constexpr double elementary_charge_C = 1.602176634e-19;

inline constexpr double ms_per_s = 1e3;
inline constexpr double uM_per_mM = 1e3;

/// Rate constants: the number in /ms of one /s, and in /uM/ms of one /uM/s.
inline constexpr double per_ms_of_per_s = 1.0 / ms_per_s;

/// Molecules in `volume_um3` (um3) at `concentration_uM` (uM): 1 uM in 1 um3 is 602.214 molecules.
constexpr double molecules_of_uM(double concentration_uM, double volume_um3) {
    return concentration_uM * volume_um3 * avogadro_per_mol * 1e-21;
}

}  // namespace nubridge::units
