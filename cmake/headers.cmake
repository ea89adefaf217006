# The header-only libraries: CMake's own search first, then NUBRIDGE_HEADERS and the PyPI packages of the Python that CMake is told of.
set(NUBRIDGE_HEADERS "" CACHE STRING "Folders with headers of Eigen, nlohmann_json and Boost that CMake does not find by itself")

# nubridge_header(TARGET HEADER): an interface target whose include folder holds HEADER.
function(nubridge_header target header)
    string(MAKE_C_IDENTIFIER ${target}_INCLUDE variable)
    find_path(${variable} ${header} HINTS ${NUBRIDGE_HEADERS} ${SKBUILD_PLATLIB_DIR} PATH_SUFFIXES
        eigen3 include cmeel.prefix/include/eigen3 nlohmann_json/include libboost_headers/include)
    if(NOT ${variable})
        message(FATAL_ERROR "${header} was not found. `./run build` installs it; by hand: pip install cmeel-eigen nlohmann-json libboost-headers "
            "and name the folders in -DNUBRIDGE_HEADERS=...")
    endif()
    add_library(${target} INTERFACE IMPORTED GLOBAL)
    target_include_directories(${target} SYSTEM INTERFACE ${${variable}})
endfunction()

nubridge_header(nubridge_eigen Eigen/Dense)
nubridge_header(nubridge_json nlohmann/json.hpp)
nubridge_header(nubridge_boost boost/hash2/sha2.hpp)
