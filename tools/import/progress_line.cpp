// Formats and draws the progress of an import.
#include "tools/import/progress_line.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

#include "tools/terminal/text.h"

namespace tocsin {
namespace {

constexpr double kLineEverySeconds = 5;

std::string count_text(double count) {
  if (count >= 1e6) return fmt::format("{:.2f} M", count / 1e6);
  return count >= 1e3 ? fmt::format("{:.0f} k", count / 1e3) : fmt::format("{:.0f}", count);
}

}  // namespace

std::string progress_line(const ImportProgress& progress, double elapsed_seconds) {
  const double rate =
      elapsed_seconds > 0 ? static_cast<double>(progress.events) / elapsed_seconds : 0;
  std::string line;
  if (progress.bytes_total > 0) {
    const double share = std::min(
        1.0, static_cast<double>(progress.bytes_done) / static_cast<double>(progress.bytes_total));
    line = fmt::format("{} {:3.0f} %  {} of {}", bar_text(share), share * 100,
                       bytes_text(progress.bytes_done), bytes_text(progress.bytes_total));
  } else {
    line = bytes_text(progress.bytes_done);
  }
  line += fmt::format("  {} events  {}/s", count_text(static_cast<double>(progress.events)),
                      count_text(rate));
  if (progress.bytes_total > 0 && progress.bytes_done > 0) {
    const double left = static_cast<double>(progress.bytes_total -
                                            std::min(progress.bytes_done, progress.bytes_total));
    line += fmt::format("  ETA {:.0f} s",
                        left * elapsed_seconds / static_cast<double>(progress.bytes_done));
  }
  if (progress.rejected > 0) line += fmt::format("  {} rejected", grouped(progress.rejected));
  return line;
}

ProgressDisplay::ProgressDisplay() : terminal_(isatty(STDERR_FILENO) == 1) {}

void ProgressDisplay::show(const ImportProgress& progress, double elapsed_seconds) {
  if (terminal_) {
    fmt::print(stderr, "\r{}\x1b[K", progress_line(progress, elapsed_seconds));
    std::fflush(stderr);
  } else if (elapsed_seconds >= next_line_seconds_) {
    next_line_seconds_ = elapsed_seconds + kLineEverySeconds;
    fmt::print(stderr, "{}\n", progress_line(progress, elapsed_seconds));
  }
}

void ProgressDisplay::finish(const ImportProgress& progress, double elapsed_seconds) {
  fmt::print(stderr, "{}{}\n", terminal_ ? "\r\x1b[K" : "",
             progress_line(progress, elapsed_seconds));
}

}  // namespace tocsin
