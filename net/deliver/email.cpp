// E-mail by SMTP: text and HTML. Sources: RFC 5322 (messages), 2045 to 2047 (MIME).
#include <algorithm>
#include <ctime>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "db/base/ascii.h"
#include "net/deliver/alert_text.h"
#include "net/deliver/receiver.h"
#include "rules/alert_size.h"

namespace tocsin {
namespace {

constexpr size_t kSubjectBytesMax = 200;

std::string base64(std::string_view bytes, size_t line_length) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  size_t in_line = 0;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](size_t at) {
      return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
    };
    const unsigned group = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    for (size_t digit = 0; digit < 4; ++digit)
      out += digit <= count ? kDigits[group >> (18 - 6 * digit) & 63] : '=';
    in_line += 4;
    if (line_length != 0 && in_line >= line_length && i + 3 < bytes.size()) {
      out += "\r\n";
      in_line = 0;
    }
  }
  return out;
}

// A header's text as encoded words of at most 75 characters (RFC 2047, section 2).
std::string encoded_words(std::string_view text) {
  constexpr size_t kWordBytes = 42;
  std::string out;
  while (!text.empty()) {
    size_t end = std::min(kWordBytes, text.size());
    while (end < text.size() && end > 1 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
      --end;
    if (!out.empty()) out += "\r\n ";
    out += "=?UTF-8?B?" + base64(text.substr(0, end), 0) + "?=";
    text.remove_prefix(end);
  }
  return out;
}

std::string mail_date(Timestamp t) {
  const std::time_t seconds = t / kSecond;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} +0000", kDays[parts.tm_wday], parts.tm_mday,
                     kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
                     parts.tm_sec);
}

std::string html_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\n': out += "<br>\n"; break;
      default: out += c;
    }
  }
  return out;
}

std::string plain_body(const AlertText& text, const std::string& url) {
  return text.title + "\n\n" + text.body() + "\n" + (url.empty() ? "" : "\n" + url + "\n");
}

std::string html_body(const AlertText& text, const std::string& url) {
  std::string items;
  for (const std::string& line : text.lines) items += "<li>" + html_text(line) + "</li>\n";
  if (text.more > 0) items += fmt::format("<li>... and {} more</li>\n", text.more);
  const std::string link =
      url.empty() ? "" : fmt::format("<p><a href=\"{0}\">{0}</a></p>\n", html_text(url));
  return fmt::format(
      "<!DOCTYPE html>\n<html><body>\n<h3>{}</h3>\n<ul>\n{}</ul>\n{}</body></html>\n",
      html_text(text.title), items, link);
}

std::string mime_part(const char* type, const std::string& text, const std::string& boundary) {
  return fmt::format(
      "--{}\r\nContent-Type: {}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n",
      boundary, type, base64(text, 76));
}

// One address without a display name, which could hold a second header.
bool is_address(std::string_view text) {
  const size_t at = text.find('@');
  return at != text.npos && at > 0 && at + 1 < text.size() &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return c > ' ' && c != '<' && c != '>' && c != ',' && c != '"' && c != 0x7F;
         });
}

class Email final : public AlertReceiver {
 public:
  explicit Email(ForwarderOptions options) : options_(std::move(options)) {
    const bool is_tls = options_.tls == "tls";
    url_ = fmt::format("{}://{}", is_tls ? "smtps" : "smtp", options_.url);
  }

  DeliveryRequest request(const ReceiverContext& context,
                          std::span<const AlertEvent> alerts) const override {
    MailMessage mail;
    mail.url = url_;
    mail.starttls = options_.tls == "starttls";
    mail.user = options_.user;
    mail.password = options_.password;
    mail.from = options_.from;
    mail.to = options_.to;
    mail.ca_file = options_.ca_file;
    const AlertText text = text_of(alerts);
    const std::string id = delivery_id(alerts);
    const std::string boundary = "tocsin-" + id;
    const std::string& url = context.payload.external_url;
    const std::string domain = options_.from.substr(options_.from.find('@') + 1);
    // Mail programs show the events of one instance together.
    const std::string thread = fmt::format("<{}@tocsin.{}>", alerts.front().fingerprint, domain);
    mail.text = fmt::format(
        "From: Tocsin <{}>\r\nTo: {}\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: <{}@tocsin.{}>\r\n"
        "References: {}\r\nAuto-Submitted: auto-generated\r\nX-Tocsin-Delivery: {}\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"{}\"\r\n\r\n",
        options_.from, fmt::join(options_.to, ", "),
        encoded_words(cut_text(text.title, kSubjectBytesMax)), mail_date(context.now), id, domain,
        thread, id, boundary);
    mail.text += mime_part("text/plain", plain_body(text, url), boundary);
    mail.text += mime_part("text/html", html_body(text, url), boundary);
    mail.text += "--" + boundary + "--\r\n";
    return mail;
  }

 private:
  const ForwarderOptions options_;
  std::string url_;
};

}  // namespace

Result<std::unique_ptr<AlertReceiver>> make_email(const ForwarderOptions& options) {
  if (options.url.empty() || options.url.find_first_of("/@ ") != std::string::npos) {
    return fail(ErrorCode::kInvalid, "`smarthost` must be HOST:PORT, like mail.example.org:587");
  }
  if (!is_address(options.from))
    return fail(ErrorCode::kInvalid, "`from` must be an address like tocsin@example.org");
  if (options.to.empty()) return fail(ErrorCode::kInvalid, "`to` must list addresses");
  for (const std::string& address : options.to) {
    if (!is_address(address))
      return fail(ErrorCode::kInvalid, fmt::format("`{}` in `to` is not an address", address));
  }
  return std::make_unique<Email>(options);
}

}  // namespace tocsin
