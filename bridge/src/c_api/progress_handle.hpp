#pragma once

#include "chemistry/engine.hpp"
#include "nubridge/nubridge.h"

/// What a nubridge_progress points to.
struct nubridge_progress {
    nubridge::chemistry::EnsembleProgress of;
};

namespace nubridge::c_api {

/// Null for null.
inline chemistry::EnsembleProgress* watched(nubridge_progress* progress) {
    return progress == nullptr ? nullptr : &progress->of;
}

}  // namespace nubridge::c_api
