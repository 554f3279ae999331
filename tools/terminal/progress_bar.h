// A progress bar for work that knows how much there is to do.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace tocsin {

/// `verifying  [========>     ]  54 %`, redrawn on standard error while that is a terminal; else
/// nothing. Not thread-safe.
class ProgressBar {
 public:
  explicit ProgressBar(std::string what);
  /// Wipes the line.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(uint64_t done, uint64_t total);

 private:
  const std::string what_;
  const bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace tocsin
