"""The C interface of libnubridge by ctypes: one place that knows its signatures."""

import ctypes
import functools
import re
from pathlib import Path

from . import errors, paths

_P = ctypes.c_void_p
_I = ctypes.c_int32
_N = ctypes.c_size_t
_D = ctypes.c_double
_S = ctypes.c_char_p


class Input(ctypes.Structure):
    """nubridge_input."""

    _fields_ = (("target", _I), ("item", _N), ("knots", _N), ("knots_s", _P), ("pieces", _P))


class Space(ctypes.Structure):
    """nubridge_space."""

    _fields_ = (
        ("shape", _N * 3),
        ("spacing_um", _D),
        ("periodic", _I),
        ("rule", _I),
        ("diffusion_um2_s", _P),
        ("face", _P),
    )


class Simulation(ctypes.Structure):
    """nubridge_simulation."""

    _fields_ = (
        ("regime", _I),
        ("volume_um3", _D),
        ("random_seed", ctypes.c_uint64),
        ("run_number", ctypes.c_uint64),
        ("relative_tolerance", _D),
        ("absolute_tolerance", _D),
        ("step_s", _D),
        ("epsilon", _D),
        ("max_states", _N),
        ("input_count", _N),
        ("input_list", ctypes.POINTER(Input)),
        ("space", ctypes.POINTER(Space)),
        ("pair_count", _N),
        ("pair_list", _P),
    )


class NeuralRates(ctypes.Structure):
    """nubridge_neural_rates."""

    _fields_ = (
        ("decay_per_s", _D),
        ("max_rate_per_s", _D),
        ("gain_factor", _D),
        ("threshold_level", _D),
        ("response_code", _I),
    )


# Name: (result, arguments), as in nubridge.h.
_SIGNATURES = {
    "nubridge_version": (_S, []),
    "nubridge_require_abi": (_I, [_I]),
    "nubridge_status_text": (_S, [_I]),
    "nubridge_last_error": (_S, []),
    "nubridge_explain": (_S, [_P, _I, _I, _P]),
    "nubridge_model_open": (_I, [_S, ctypes.POINTER(_P)]),
    "nubridge_model_close": (None, [_P]),
    "nubridge_model_seal": (_I, [_S, _S]),
    "nubridge_model_verify": (_I, [_S, _S]),
    "nubridge_model_name": (_S, [_P]),
    "nubridge_model_hash": (_S, [_P]),
    "nubridge_model_json": (_S, [_P]),
    "nubridge_model_path": (_S, [_P]),
    "nubridge_count": (_N, [_P, _I]),
    "nubridge_item_name": (_S, [_P, _I, _N]),
    "nubridge_item_unit": (_S, [_P, _I, _N]),
    "nubridge_domain": (_I, [_P, _N, ctypes.POINTER(_D), ctypes.POINTER(_D)]),
    "nubridge_model_policy": (_I, [_P]),
    "nubridge_log_partition": (_I, [_P, _N, _P, _P]),
    "nubridge_moments": (_I, [_P, _N, _P, _P]),
    "nubridge_from_moments": (_I, [_P, _N, _P, _P]),
    "nubridge_fisher": (_I, [_P, _N, _P, _P]),
    "nubridge_sample": (_I, [_P, _N, _P, _N, ctypes.c_uint64, _P]),
    "nubridge_initial": (_I, [_P, _I, _N, _P, _P, _P]),
    "nubridge_rhs": (_I, [_P, _I, _N, _P, _P, _P, _P]),
    "nubridge_jacobian": (_I, [_P, _I, _N, _P, _P, _P, _P]),
    "nubridge_step": (_I, [_P, _I, _N, _P, _P, _D, _P, _P]),
    "nubridge_step_ramp": (_I, [_P, _I, _N, _P, _P, _P, _D, _D, _P, _P]),
    "nubridge_observe": (_I, [_P, _N, _P, _P]),
    "nubridge_initial_moments": (_I, [_P, _I, _N, _P, _P, _P]),
    "nubridge_rhs_moments": (_I, [_P, _I, _N, _P, _P, _P, _P]),
    "nubridge_step_moments": (_I, [_P, _I, _N, _P, _P, _D, _P, _P]),
    "nubridge_observe_moments": (_I, [_P, _N, _P, _P]),
    "nubridge_kernel_open": (_I, [_S, ctypes.POINTER(_P)]),
    "nubridge_kernel_close": (None, [_P]),
    "nubridge_kernel_seal": (_I, [_S, _S]),
    "nubridge_kernel_json": (_S, [_P]),
    "nubridge_kernel_path": (_S, [_P]),
    "nubridge_kernel_count": (_N, [_P, _I]),
    "nubridge_kernel_name": (_S, [_P, _I, _N]),
    "nubridge_kernel_initial": (_I, [_P, _I, _P, _P]),
    "nubridge_kernel_rhs": (_I, [_P, _I, _P, _P, _P]),
    "nubridge_kernel_step": (_I, [_P, _I, _P, _D, _P]),
    "nubridge_kernel_observe": (_I, [_P, _P, _P]),
    "nubridge_kernel_explain": (_S, [_P, _I, _I, _P]),
    "nubridge_network_read": (_I, [_S, _S, _I, _N, ctypes.POINTER(_S), ctypes.POINTER(_D), ctypes.POINTER(_P)]),
    "nubridge_network_close": (None, [_P]),
    "nubridge_network_text": (_S, [_P]),
    "nubridge_network_unit": (_I, [_P]),
    "nubridge_network_count": (_I, [_P, _I, ctypes.POINTER(_N)]),
    "nubridge_network_name": (_S, [_P, _I, _N]),
    "nubridge_network_value": (_I, [_P, _I, _N, ctypes.POINTER(_D)]),
    "nubridge_network_weights": (_I, [_P, _I, _N, _P]),
    "nubridge_network_reaction": (_I, [_P, _N, ctypes.POINTER(ctypes.c_int64), _P, _P]),
    "nubridge_simulation_defaults": (None, [_P]),
    "nubridge_simulator_open": (_I, [_P, _P, ctypes.POINTER(_P)]),
    "nubridge_simulator_close": (None, [_P]),
    "nubridge_simulator_advance": (_I, [_P, _D]),
    "nubridge_simulator_time": (_D, [_P]),
    "nubridge_simulator_events": (ctypes.c_uint64, [_P]),
    "nubridge_simulator_amounts": (_I, [_P, _P]),
    "nubridge_simulator_set_amount": (_I, [_P, _N, _D]),
    "nubridge_simulator_cubes": (_I, [_P, ctypes.POINTER(_N)]),
    "nubridge_simulator_field": (_I, [_P, _N, _P]),
    "nubridge_simulator_set_field": (_I, [_P, _N, _P]),
    "nubridge_simulator_set_rate": (_I, [_P, _N, _D]),
    "nubridge_simulator_restart": (_I, [_P, _P, ctypes.c_uint64]),
    "nubridge_simulator_sites": (_I, [_P, _N, _P]),
    "nubridge_simulator_set_sites": (_I, [_P, _N, _P]),
    "nubridge_simulator_pairs": (_I, [_P, _I, _I, ctypes.POINTER(ctypes.c_uint64)]),
    "nubridge_simulator_add": (_I, [_P, _N, _D]),
    "nubridge_simulator_distribution": (_I, [_P, _P, _N, ctypes.POINTER(_N), _P, _P]),
    "nubridge_simulator_set_distribution": (_I, [_P, _N, _P, _P]),
    "nubridge_simulator_error_bound": (_I, [_P, ctypes.POINTER(_D)]),
    "nubridge_progress_open": (_I, [ctypes.POINTER(_P)]),
    "nubridge_progress_close": (None, [_P]),
    "nubridge_progress_stop": (None, [_P]),
    "nubridge_progress_points": (ctypes.c_uint64, [_P]),
    "nubridge_progress_whole": (None, [_P, _P, _P]),
    "nubridge_ensemble": (_I, [_P, _P, _N, _N, _P, _N, _P, _N, _P, _P, _P, _P]),
    "nubridge_family_open": (_I, [_S, ctypes.POINTER(_P)]),
    "nubridge_family_close": (None, [_P]),
    "nubridge_family_count": (_N, [_P, _I]),
    "nubridge_family_name": (_S, [_P, _I, _N]),
    "nubridge_family_log_partition": (_I, [_P, _N, _P, _P]),
    "nubridge_family_moments": (_I, [_P, _N, _P, _P]),
    "nubridge_family_from_moments": (_I, [_P, _N, _P, _P]),
    "nubridge_family_fisher": (_I, [_P, _N, _P, _P]),
    "nubridge_family_sample": (_I, [_P, _N, _P, _N, ctypes.c_uint64, _P]),
    "nubridge_family_sample_chains": (_I, [_P, _N, _P, _N, _N, _N, ctypes.c_uint64, _P]),
    "nubridge_family_move_chains": (_I, [_P, _P, _N, _N, _P, ctypes.c_uint64, ctypes.c_uint64, _P]),
    "nubridge_family_states": (_I, [_P, _P, _N, ctypes.POINTER(_N), _P, _P]),
    "nubridge_closure_open": (_I, [_P, _P, _S, ctypes.POINTER(_P)]),
    "nubridge_closure_close": (None, [_P]),
    "nubridge_closure_count": (_N, [_P, _I]),
    "nubridge_closure_term": (_S, [_P, _N]),
    "nubridge_closure_rhs": (_I, [_P, _N, _P, _P, _P]),
    "nubridge_closure_terms": (_I, [_P, _N, _P, _P, _P]),
    "nubridge_closure_jacobian": (_I, [_P, _N, _P, _P, _P, _P]),
    "nubridge_channel_create": (_I, [_S, _S, _P, ctypes.POINTER(_P)]),
    "nubridge_channel_attach": (_I, [_S, _I, ctypes.POINTER(_P)]),
    "nubridge_channel_pair": (_I, [_S, _P, ctypes.POINTER(_P), ctypes.POINTER(_P)]),
    "nubridge_channel_close": (None, [_P]),
    "nubridge_channel_config": (_S, [_P]),
    "nubridge_channel_shape": (_I, [_P, _P]),
    "nubridge_channel_wait_peer": (_I, [_P, _I]),
    "nubridge_channel_send": (_I, [_P, ctypes.c_int64, _P, _P]),
    "nubridge_channel_collect": (_I, [_P, _I, _P, _P, _P]),
    "nubridge_channel_drain": (_I, [_P]),
    "nubridge_channel_receive": (_I, [_P, _I, _P, _P, _P]),
    "nubridge_channel_reply": (_I, [_P, _P, _P]),
    "nubridge_channel_fail": (_I, [_P, _S]),
    "nubridge_channel_other": (_I, [_P, _P, _P, _P]),
    "nubridge_sessions_stale": (_I, [_N, _S, _P]),
    "nubridge_sessions_clean": (_I, [_N, _S, _P]),
    "nubridge_coupling_open": (_I, [_P, _D, _I, _N, _I, _P, ctypes.POINTER(_I)]),
    "nubridge_coupling_close": (None, [_I]),
    "nubridge_coupling_rate": (_I, [_I, _I, _D]),
    "nubridge_coupling_save": (_I, [_I]),
    "nubridge_coupling_watch": (_I, [_I, _S, _S]),
    "nubridge_coupling_resume": (_I, [_I, _D, ctypes.c_int64, _P, _P, _P, _P]),
    "nubridge_coupling_counts": (_I, [_I, _P, _P, _P]),
    "nubridge_coupling_finish": (_I, [_I]),
    "nubridge_coupling_books": (_I, [_I, _I, _P, ctypes.POINTER(_D)]),
    "nubridge_coupling_state": (_I, [_I, ctypes.POINTER(ctypes.c_int64), ctypes.POINTER(_D)]),
    "nubridge_field_open_terms": (_I, [_P, _I, ctypes.POINTER(_P)]),
    "nubridge_field_open_map": (_I, [_N, _N, _P, _N, _P, ctypes.POINTER(_P)]),
    "nubridge_field_open_grid": (_I, [_S, ctypes.POINTER(_P)]),
    "nubridge_field_open_polynomial": (_I, [_S, ctypes.POINTER(_P)]),
    "nubridge_field_close": (None, [_P]),
    "nubridge_field_count": (_N, [_P, _I]),
    "nubridge_field_cover": (_I, [_P, _N, _P, _P]),
    "nubridge_field_add": (_I, [_P, _N, _P]),
    "nubridge_field_vertices": (_I, [_P, _P]),
    "nubridge_field_rhs": (_I, [_P, _P, _N, _P, _P, _P, _P]),
    "nubridge_field_jacobian": (_I, [_P, _P, _N, _P, _P, _P, _P]),
    "nubridge_field_by_coefficient": (_I, [_P, _P, _N, _P, _P, _P]),
    "nubridge_action_open": (_I, [_P, _P, _N, _P, _P, _P, _P, _P, _N, ctypes.POINTER(_P)]),
    "nubridge_action_close": (None, [_P]),
    "nubridge_action_path": (_I, [_P, _P, ctypes.POINTER(_D), _P]),
    "nubridge_action_sensitivities": (_I, [_P, _P, _P, _P]),
    "nubridge_action_total": (_I, [_N, _P, _P, _N, _P, _P]),
    "nubridge_neural_open": (_I, [_N, _P, _P, _P, ctypes.POINTER(_P)]),
    "nubridge_neural_close": (None, [_P]),
    "nubridge_neural_simulate": (_I, [_P, ctypes.c_uint64, ctypes.c_uint64, _N, _N, _P, _N, _P, _P, _P]),
    "nubridge_neural_distribution": (_I, [_P, _P, _N, _P, _P, _P]),
    "nubridge_neural_steady_state": (_I, [_P, _P, _P]),
    "nubridge_fixed_count": (_I, [_N, _N, _P, _P, _N, _P, _P]),
    "nubridge_fixed_count_sample": (_I, [_N, _N, _P, ctypes.c_uint64, ctypes.c_uint64, _N, _P]),
}

POLICIES = {"model": 0, "clamp": 1, "extrapolate": 2, "error": 3}
NU, STATE, INPUT, OBSERVABLE = range(4)
OUTSIDE = 1

_EXCEPTIONS = {
    -1: errors.InvalidArgumentError,
    -2: errors.InvalidInputError,
    -3: errors.InvalidStateError,
    -4: errors.OutsideDomainError,
    -5: errors.NotConvergedError,
    -6: errors.ModelNotFoundError,
    -7: errors.ModelFileError,
    -8: errors.ModelFileError,
    -9: errors.ModelFileError,
    -10: errors.ModelFileError,
    -15: errors.NetworkError,
    -17: errors.SessionError,
    -18: errors.PeerDiedError,
    -19: errors.PeerFailedError,
    -20: errors.PeerSilentError,
}


def header_abi_version(include: Path) -> int:
    """The interface version that the installed header declares."""
    text = (include / "nubridge" / "nubridge.h").read_text(encoding="utf-8")
    return int(re.search(r"#define NUBRIDGE_ABI_VERSION (\d+)", text)[1])


@functools.cache
def library() -> ctypes.CDLL:
    """The loaded library, its interface checked against the header beside it.

    Raises LibraryError when it is missing, cannot be loaded, or is of another version.
    """
    path = paths.library()
    try:
        loaded = ctypes.CDLL(str(path))
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(loaded, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise errors.LibraryError(
            f"{path} cannot be used: {error}; build it again with `./run build` or reinstall"
        ) from error
    check(loaded, loaded.nubridge_require_abi(header_abi_version(paths.prefix() / "include")))
    return loaded


def check(loaded: ctypes.CDLL, status: int) -> None:
    """Raises the exception of a negative status, with the library's own text."""
    if status >= 0:
        return
    text = loaded.nubridge_last_error().decode() or loaded.nubridge_status_text(status).decode()
    raise _EXCEPTIONS.get(status, errors.LibraryError)(text)


def version() -> str:
    """The library's version."""
    return library().nubridge_version().decode()
