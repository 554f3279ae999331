#include "tools/terminal/text.h"

#include <algorithm>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace tocsin {
namespace {

constexpr size_t kBarWidth = 24;

}  // namespace

std::string grouped(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string bytes_text(uint64_t bytes) {
  const auto scaled = [bytes](double unit, const char* name) {
    const double value = static_cast<double>(bytes) / unit;
    return value < 100 ? fmt::format("{:.1f} {}", value, name)
                       : fmt::format("{:.0f} {}", value, name);
  };
  if (bytes >= 1'000'000'000) return scaled(1e9, "GB");
  if (bytes >= 1'000'000) return scaled(1e6, "MB");
  return bytes >= 1'000 ? scaled(1e3, "kB") : fmt::format("{} B", bytes);
}

std::string bar_text(double share) {
  const auto filled = static_cast<size_t>(std::clamp(share, 0.0, 1.0) * kBarWidth);
  std::string text(filled, '=');
  if (filled < kBarWidth) text += '>';
  text.resize(kBarWidth, ' ');
  return "[" + text + "]";
}

std::pair<size_t, size_t> terminal_size() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return {0, 0};
  return {size.ws_col, size.ws_row};
}

}  // namespace tocsin
