// The first bytes of protocols that shippers use by default, or that belong to another port.
#include "net/ingest/foreign_protocol.h"

#include <initializer_list>

namespace tocsin {

std::string foreign_protocol(std::string_view first_bytes) {
  if (first_bytes.empty()) return "";
  for (const std::string_view method : {"GET ", "POST ", "PUT ", "HEAD ", "OPTIONS ", "CONNECT "}) {
    if (first_bytes.starts_with(method)) {
      return "this looks like HTTP, which is served on another port (setting listen.http)";
    }
  }
  const auto first = static_cast<unsigned char>(first_bytes[0]);
  if (first_bytes.starts_with("\x16\x03"))
    return "this looks like TLS; send plain TCP, or set listen.tls";
  if (first_bytes.starts_with("\x1f\x8b")) {
    return "this looks like gzip; turn compression off here (Telegraf: content_encoding = "
           "\"identity\")";
  }
  // MessagePack arrays (fixarray, array 16, array 32). None of these bytes starts a UTF-8
  // character.
  if ((first >= 0x90 && first <= 0x9f) || first == 0xdc || first == 0xdd) {
    return "this looks like MessagePack; set `format json_lines` (Fluent Bit's tcp output)";
  }
  if (first == '<' && first_bytes.find('>') != first_bytes.npos && first_bytes.find('>') <= 4) {
    return "this looks like syslog, which has a port of its own (setting listen.syslog_tcp)";
  }
  return "";
}

}  // namespace tocsin
