#pragma once

#include <stdexcept>
#include <string>

namespace nubridge {

/// A mistake of a user or of the environment: the message names the value, the rule and the next action.
/// Bugs are assertions, ordinary outcomes are return values.
class Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// An argument breaks the contract of a function.
class InvalidArgument : public Error {
public:
    using Error::Error;
};

/// No model of that name or at that path.
class ModelNotFound : public Error {
public:
    using Error::Error;
};

/// A model file that is not JSON, perhaps truncated.
class ModelSyntaxError : public Error {
public:
    using Error::Error;
};

/// A model file of another schema version.
class ModelSchemaError : public Error {
public:
    using Error::Error;
};

/// A model file that was edited after it was sealed.
class ModelHashError : public Error {
public:
    using Error::Error;
};

/// A model file that breaks a rule of its schema: a negative rate, an unknown state.
class ModelInvalid : public Error {
public:
    using Error::Error;
};

/// A reaction network that breaks a rule: an unknown species, a negative rate, a construct that cannot be honoured.
class NetworkInvalid : public Error {
public:
    using Error::Error;
};

/// An integrator that cannot reach its tolerance.
class NotConverged : public Error {
public:
    using Error::Error;
};

/// A long call that another thread asked to end.
class Stopped : public Error {
public:
    using Error::Error;
};

/// A file that cannot be written.
class FileError : public Error {
public:
    using Error::Error;
};

}  // namespace nubridge
