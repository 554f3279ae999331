// A progress bar for work of known size.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace tocsin {

/// Draws `verifying  [========>     ]  54 %` on standard error if that is a terminal. Not
/// thread-safe.
class ProgressBar {
 public:
  explicit ProgressBar(std::string label);
  /// Clears the line.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(uint64_t done, uint64_t total);

 private:
  const std::string label_;
  const bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace tocsin
