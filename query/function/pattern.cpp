#include "query/function/pattern.h"

#include <fmt/format.h>
#include <re2/re2.h>

namespace tocsin {

std::unique_ptr<const re2::RE2> compile_pattern(const std::string& pattern, PatternError& error,
                                                int64_t memory_bytes) {
  if (pattern.size() > kPatternBytesMax) {
    error = {fmt::format("a pattern may have at most {} bytes; this one has {}", kPatternBytesMax,
                         pattern.size()),
             ""};
    return nullptr;
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(memory_bytes);
  auto compiled = std::make_unique<const re2::RE2>(pattern, options);
  if (compiled->ok()) return compiled;
  error = {compiled->error(), compiled->error_arg()};
  return nullptr;
}

}  // namespace tocsin
