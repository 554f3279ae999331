// The first bytes of protocols that shippers speak by default or by a wrong port.
#include "net/ingest/foreign_protocol.h"

#include <initializer_list>

namespace tocsin {

std::string foreign_protocol(std::string_view first_bytes) {
  if (first_bytes.empty()) return "";
  for (const std::string_view method : {"GET ", "POST ", "PUT ", "HEAD ", "OPTIONS ", "CONNECT "}) {
    if (first_bytes.starts_with(method)) {
      return "this looks like HTTP, which is served at another port (setting listen.http)";
    }
  }
  const auto first = static_cast<unsigned char>(first_bytes[0]);
  if (first_bytes.starts_with("\x16\x03")) return "this looks like TLS; send plain TCP";
  if (first_bytes.starts_with("\x1f\x8b")) {
    return "this looks like gzip; turn compression off here (Telegraf: content_encoding = "
           "\"identity\")";
  }
  // Arrays of MessagePack: fixarray, array 16, array 32. None of them begins a character of UTF-8.
  if ((first >= 0x90 && first <= 0x9f) || first == 0xdc || first == 0xdd) {
    return "this looks like MessagePack; set `format json_lines` (Fluent Bit's tcp output)";
  }
  if (first == '<' && first_bytes.find('>') != first_bytes.npos && first_bytes.find('>') <= 4) {
    return "this looks like syslog; send JSON lines (a template in rsyslog or syslog-ng)";
  }
  return "";
}

}  // namespace tocsin
