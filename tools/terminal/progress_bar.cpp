#include "tools/terminal/progress_bar.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "tools/terminal/text.h"

namespace tocsin {
namespace {

constexpr auto kRedrawEvery = std::chrono::milliseconds(100);
constexpr const char* kClearLine = "\r\x1b[K";

}  // namespace

ProgressBar::ProgressBar(std::string label)
    : label_(std::move(label)), terminal_(isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (drawn_) fmt::print(stderr, "{}", kClearLine);
}

void ProgressBar::show(uint64_t done, uint64_t total) {
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || now < next_) return;
  next_ = now + kRedrawEvery;
  drawn_ = true;
  const double share =
      total == 0 ? 1.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  fmt::print(stderr, "{}{}  {} {:3.0f} %", kClearLine, label_, bar_text(share), share * 100);
}

}  // namespace tocsin
