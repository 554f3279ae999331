// Errors as values: Result<T>, Status, Error, and the macros that pass errors on.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace tocsin {

/// A few codes, chosen by how the caller should react.
enum class ErrorCode {
  kInvalid,      ///< the input is wrong: correct it (HTTP 400, exit code 1)
  kNotFound,     ///< no such measurement, column, file or rule
  kConflict,     ///< contradicts existing state: a stored type, another writer, a used port
  kLimit,        ///< a limit named in the message was exceeded: request less
  kBusy,         ///< transient: try again later (HTTP 503)
  kDiskFull,     ///< no space left: once there is room, writing resumes by itself
  kIo,           ///< a system call failed
  kCorrupt,      ///< stored data is damaged: see `tocsin verify` and `tocsin repair`
  kUnsupported,  ///< a format of a later version, or a feature that is not built in
  kCancelled,    ///< the caller gave up
  kTimeout,      ///< the time limit passed
};

/// `message` says what was attempted, found and expected, and where.
struct Error {
  ErrorCode code = ErrorCode::kInvalid;
  std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

/// The same error with its message prefixed by `context: `.
inline tl::unexpected<Error> fail(const Error& error, const std::string& context) {
  return tl::unexpected<Error>(Error{error.code, context + ": " + error.message});
}

}  // namespace tocsin

#define TOCSIN_CONCAT_INNER(a, b) a##b
#define TOCSIN_CONCAT(a, b) TOCSIN_CONCAT_INNER(a, b)

// A declaration cannot stand in parentheses. NOLINTBEGIN(bugprone-macro-parentheses)
/// `TOCSIN_TRY(auto segment, open(path));` declares from a Result or returns its error.
#define TOCSIN_TRY(declaration, expression) \
  TOCSIN_TRY_INNER(TOCSIN_CONCAT(tocsin_result_, __LINE__), declaration, expression)
#define TOCSIN_TRY_INNER(result, declaration, expression)                         \
  auto result = (expression);                                                     \
  if (!result) return tl::unexpected<::tocsin::Error>(std::move(result).error()); \
  declaration = *std::move(result)
// NOLINTEND(bugprone-macro-parentheses)

/// Returns the error of a Status or Result from the enclosing function; otherwise does nothing.
#define TOCSIN_RETURN_IF_ERROR(expression)                                                        \
  do {                                                                                            \
    auto tocsin_status = (expression);                                                            \
    if (!tocsin_status) return tl::unexpected<::tocsin::Error>(std::move(tocsin_status).error()); \
  } while (false)
