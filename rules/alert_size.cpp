#include "rules/alert_size.h"

#include <algorithm>

#include "db/base/text.h"

namespace tocsin {
namespace {

constexpr std::string_view kCut = "…";

void cut(std::string& text, size_t bytes_max) {
  if (text.size() > bytes_max) text = cut_text(text, bytes_max);
}

void cut_texts(AlertEvent& event, size_t bytes_max) {
  const size_t label_max = std::min(kLabelBytesMax, bytes_max);
  cut(event.type, label_max);
  cut(event.service, label_max);
  cut(event.summary, bytes_max);
  for (auto& [name, value] : event.labels) cut(value, label_max);
  for (auto& [name, value] : event.annotations) cut(value, bytes_max);
}

}  // namespace

std::string cut_text(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  size_t size = bytes_max - std::min(bytes_max, kCut.size());
  while (size > 0 && continues_character(text[size])) --size;
  return std::string(text.substr(0, size)).append(kCut);
}

void cut_alert(AlertEvent& event, size_t bytes_max) {
  size_t text_max = kAnnotationBytesMax;
  cut_texts(event, text_max);
  while (text_max > kCut.size() && encode_alert(event).size() > bytes_max) {
    if (!event.samples.empty()) {
      event.samples.pop_back();
    } else if (!event.explanation.empty()) {
      event.explanation.clear();
    } else if (!event.query.empty()) {
      event.query.clear();
    } else {
      text_max /= 2;
      cut_texts(event, text_max);
    }
  }
}

size_t alert_bytes_max(size_t alert_count, size_t forwarder_count) {
  // The row, the outbox entries, and the state, where the JSON is quoted once more.
  const size_t copies = 1 + forwarder_count + 2;
  return std::min(kAlertBytesMax,
                  kWindowAlertBytesMax / (std::max<size_t>(alert_count, 1) * copies));
}

}  // namespace tocsin
