// Figures and judgements as text and JSON.
#pragma once

#include <string>
#include <vector>

#include "tools/detection/figures.h"
#include "tools/detection/match.h"

namespace tocsin::detection {

/// A row per kind and one for all, each with 95 % confidence intervals, and lines with the figures
/// of all kinds together.
std::string figures_table(const Figures& figures);
/// `pass` or what misses its goal.
std::string goals_line(const Figures& figures, bool clean);
/// The missed labels that count, the false alerts with the quiet label that they are in, and the
/// incidents with more than one alert.
std::string details(const Judgement& judgement);
/// The same figures as figures_table(), as one object.
std::string figures_json(const Figures& figures);

}  // namespace tocsin::detection
