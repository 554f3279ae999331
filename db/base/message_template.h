// Message templates: a log message with its changing parts masked. The store says it of its
// templates, and queries show it.
#pragma once

#include <string>
#include <string_view>

namespace tocsin {

inline constexpr std::string_view kTemplateMask = "<*>";

/// `text` with every number, id, time, address and the like replaced by `<*>`: each word that
/// contains a digit, or is 8 or more hexadecimal digits, together with such words joined to it by
/// one of `. : - / , + @`. A template of a template is itself.
std::string message_template(std::string_view text);

}  // namespace tocsin
