#pragma once

#include <exception>
#include <new>
#include <string>
#include <utility>

#include "coupling/coupling.hpp"
#include "dynamics/reduced_model.hpp"
#include "nubridge/nubridge.h"
#include "transport/channel.hpp"
#include "units/error.hpp"

namespace nubridge::c_api {

/// The text of this thread's last failed call.
inline std::string& last_error() {
    thread_local std::string text;
    return text;
}

/// Keeps `text` as the last error and returns `status`; never throws.
inline nubridge_status fail(nubridge_status status, const std::string& text) noexcept {
    try {
        last_error() = text;
    } catch (...) {
        last_error().clear();
    }
    return status;
}

/// The exception firewall: runs `body` and turns what it throws into a status and the last error.
template <class Body>
nubridge_status guarded(Body&& body) noexcept {
    try {
        std::forward<Body>(body)();
        return NUBRIDGE_OK;
    } catch (const ModelNotFound& error) {
        return fail(NUBRIDGE_MODEL_NOT_FOUND, error.what());
    } catch (const ModelSyntaxError& error) {
        return fail(NUBRIDGE_MODEL_SYNTAX, error.what());
    } catch (const ModelSchemaError& error) {
        return fail(NUBRIDGE_MODEL_SCHEMA, error.what());
    } catch (const ModelHashError& error) {
        return fail(NUBRIDGE_MODEL_HASH, error.what());
    } catch (const ModelInvalid& error) {
        return fail(NUBRIDGE_MODEL_INVALID, error.what());
    } catch (const NetworkInvalid& error) {
        return fail(NUBRIDGE_NETWORK_INVALID, error.what());
    } catch (const NotConverged& error) {
        return fail(NUBRIDGE_NOT_CONVERGED, error.what());
    } catch (const Stopped& error) {
        return fail(NUBRIDGE_STOPPED, error.what());
    } catch (const FileError& error) {
        return fail(NUBRIDGE_FILE_ERROR, error.what());
    } catch (const transport::SessionError& error) {
        return fail(NUBRIDGE_SESSION_ERROR, error.what());
    } catch (const transport::PeerDied& error) {
        return fail(NUBRIDGE_PEER_DIED, error.what());
    } catch (const transport::PeerFailed& error) {
        return fail(NUBRIDGE_PEER_FAILED, error.what());
    } catch (const coupling::PeerSilent& error) {
        return fail(NUBRIDGE_PEER_SILENT, error.what());
    } catch (const InvalidArgument& error) {
        return fail(NUBRIDGE_INVALID_ARGUMENT, error.what());
    } catch (const std::bad_alloc&) {
        return fail(NUBRIDGE_OUT_OF_MEMORY, "out of memory");
    } catch (const std::exception& error) {
        return fail(NUBRIDGE_INTERNAL, std::string("internal error: ") + error.what() + "; please report it");
    } catch (...) {
        return fail(NUBRIDGE_INTERNAL, "internal error; please report it");
    }
}

/// The status of one instance on the step path.
inline nubridge_status status_of(dynamics::Outcome outcome) noexcept {
    switch (outcome) {
        case dynamics::Outcome::ok:
            return NUBRIDGE_OK;
        case dynamics::Outcome::outside:
            return NUBRIDGE_OUTSIDE;
        case dynamics::Outcome::invalid_input:
            return NUBRIDGE_INVALID_INPUT;
        case dynamics::Outcome::invalid_state:
            return NUBRIDGE_INVALID_STATE;
        case dynamics::Outcome::outside_refused:
            return NUBRIDGE_OUTSIDE_REFUSED;
        case dynamics::Outcome::not_converged:
            return NUBRIDGE_NOT_CONVERGED;
    }
    return NUBRIDGE_INTERNAL;
}

/// @throws InvalidArgument for null.
template <class Pointer>
Pointer* required(Pointer* pointer, const char* what) {
    if (pointer == nullptr) throw InvalidArgument(std::string(what) + " is null; pass a valid pointer");
    return pointer;
}

}  // namespace nubridge::c_api
