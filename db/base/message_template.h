// Message templates: log messages with their variable parts masked.
#pragma once

#include <string>
#include <string_view>

namespace tocsin {

inline constexpr std::string_view kTemplateMask = "<*>";

/// `text` with every number, id, time and address replaced by `<*>`. More precisely: each word that
/// contains a digit or consists of at least 8 hexadecimal digits, together with further such words
/// joined to it by one of `. : - / , + @`. The template of a template is the template itself.
std::string message_template(std::string_view text);

}  // namespace tocsin
