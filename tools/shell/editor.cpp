#include "tools/shell/editor.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <histedit.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/base/text.h"
#include "query/base/terminal_text.h"
#include "tools/terminal/text.h"

namespace tocsin {
namespace {

constexpr int kHistorySize = 2'000;
constexpr size_t kDetailCountMax = 20;  // suggestions listed with details; more are listed without
constexpr char kEndOfInput = 4;         // Ctrl-D
constexpr size_t kListCountMax = 200;
constexpr size_t kColumnsUnknown = 80;  // if the width of the terminal is unknown

std::string common_beginning(const std::vector<Suggestion>& suggestions) {
  std::string common = suggestions.front().text;
  for (const Suggestion& each : suggestions) {
    const auto [a, b] = std::ranges::mismatch(common, each.text);
    common.erase(a, common.end());
  }
  // Never ends inside a character.
  while (!common.empty() && (static_cast<unsigned char>(common.back()) & 0x80) != 0)
    common.pop_back();
  return common;
}

// The number of characters as the line editor counts them, regardless of their width.
int code_point_count(std::string_view text) {
  return static_cast<int>(
      std::ranges::count_if(text, [](char c) { return !continues_character(c); }));
}

std::string listed(const std::vector<Suggestion>& suggestions, size_t terminal_width) {
  std::vector<std::string> texts;
  size_t width = 0;
  for (const Suggestion& each : suggestions) {
    width = std::max(width, width_of(texts.emplace_back(escape_controls(each.text))));
  }
  const auto padded = [&](const std::string& text) {
    return text + std::string(width - width_of(text) + 2, ' ');
  };
  std::string out = "\n";
  if (suggestions.size() <= kDetailCountMax) {
    for (size_t i = 0; i < texts.size(); ++i) {
      std::string line = padded(texts[i]) + escape_controls(suggestions[i].detail);
      out += cut_to(std::move(line), std::max<size_t>(1, terminal_width - 1)) + "\n";
    }
    return out;
  }
  const size_t per_line = std::max<size_t>(1, terminal_width / (width + 2));
  const size_t count = std::min(suggestions.size(), kListCountMax);
  for (size_t i = 0; i < count; ++i) {
    const bool last = (i + 1) % per_line == 0 || i + 1 == count;
    out += last ? texts[i] + "\n" : padded(texts[i]);
  }
  if (count < suggestions.size()) out += fmt::format("and {} more\n", suggestions.size() - count);
  return out;
}

}  // namespace

struct LineEditor::State {
  EditLine* editor = nullptr;
  History* history = nullptr;
  std::string history_path;
  Completer completer;
  std::atomic<bool>* interrupted = nullptr;
  std::string prompt;
  int typed_ahead = 0;  // bytes typed before the prompt of this line and not read yet

  static State& of(EditLine* editor) {
    void* data = nullptr;
    el_get(editor, EL_CLIENTDATA, &data);
    return *static_cast<State*>(data);
  }

  static char* prompt_of(EditLine* editor) { return of(editor).prompt.data(); }

  static unsigned char complete_key(EditLine* editor, int) { return of(editor).complete(); }

  /// Reads the next character. Returns 0 at the end, and -1 after an error or an interrupt. The
  /// library's own function would miss an interrupt that arrives just before it blocks, so this one
  /// unblocks SIGINT only while it waits.
  static int next_character(EditLine* editor, wchar_t* out) {
    State& state = of(editor);
    const std::atomic<bool>& interrupted = *state.interrupted;
    std::mbstate_t shift{};
    while (true) {
      sigset_t interrupt, before;
      sigemptyset(&interrupt);
      sigaddset(&interrupt, SIGINT);
      pthread_sigmask(SIG_BLOCK, &interrupt, &before);
      pollfd input{STDIN_FILENO, POLLIN, 0};
      const int ready = interrupted ? -1 : ppoll(&input, 1, nullptr, &before);
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      if (interrupted) return -1;
      if (ready < 0) continue;  // another signal
      char byte = 0;
      const ssize_t count = ::read(STDIN_FILENO, &byte, 1);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return static_cast<int>(count);
      const bool ahead = state.typed_ahead > 0 && state.typed_ahead-- > 0;
      if (byte == '\0') {
        // The terminal turns a Ctrl-D into this byte if it arrives before the editor is active. Any
        // other one is ignored: libedit would confuse it with keys that the terminal lacks.
        if (!ahead) continue;
        byte = kEndOfInput;
      }
      constexpr auto kIncomplete = static_cast<size_t>(-2), kInvalid = static_cast<size_t>(-1);
      const size_t used = std::mbrtowc(out, &byte, 1, &shift);
      if (used == kIncomplete) continue;
      if (used == kInvalid) *out = L'?';
      return 1;
    }
  }

  unsigned char complete() {
    const LineInfo* info = el_line(editor);
    const std::string line(info->buffer, info->cursor);
    const Completion found = completer(line);
    const auto& suggestions = found.suggestions;
    if (suggestions.empty() || found.start > line.size()) return CC_REFRESH_BEEP;
    const std::string typed = line.substr(found.start);
    std::string text = common_beginning(suggestions);
    const bool alone = suggestions.size() == 1;
    if (alone && !text.ends_with('(')) text += ' ';
    if (text.size() > typed.size() || alone) {
      el_deletestr(editor, code_point_count(typed));
      el_insertstr(editor, text.c_str());
      return CC_REFRESH;
    }
    const size_t columns = terminal_size().first;
    const std::string list = listed(suggestions, columns > 0 ? columns : kColumnsUnknown);
    std::fwrite(list.data(), 1, list.size(), stdout);
    std::fflush(stdout);
    return CC_REDISPLAY;
  }
};

LineEditor::LineEditor(std::string history_path, Completer completer,
                       std::atomic<bool>& interrupted)
    : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.history_path = std::move(history_path);
  state.completer = std::move(completer);
  state.interrupted = &interrupted;
  state.editor = el_init("tocsin", stdin, stdout, stderr);
  state.history = history_init();
  HistEvent event;
  history(state.history, &event, H_SETSIZE, kHistorySize);
  history(state.history, &event, H_SETUNIQUE, 1);
  if (!state.history_path.empty()) {
    history(state.history, &event, H_LOAD, state.history_path.c_str());
  }
  el_set(state.editor, EL_CLIENTDATA, &state);
  el_set(state.editor, EL_PROMPT, &State::prompt_of);
  el_wset(state.editor, EL_GETCFN, &State::next_character);
  el_set(state.editor, EL_EDITOR, "emacs");
  el_set(state.editor, EL_HIST, history, state.history);
  el_set(state.editor, EL_ADDFN, "tocsin-complete", "complete a query", &State::complete_key);
  el_set(state.editor, EL_BIND, "\t", "tocsin-complete", nullptr);
  el_set(state.editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  el_set(state.editor, EL_BIND, "\\e[3~", "ed-delete-next-char", nullptr);
  el_set(state.editor, EL_BIND, "\\e[1;5C", "em-next-word", nullptr);
  el_set(state.editor, EL_BIND, "\\e[1;5D", "ed-prev-word", nullptr);
  el_source(state.editor, nullptr);  // the user's ~/.editrc
}

LineEditor::~LineEditor() {
  history_end(state_->history);
  el_end(state_->editor);
}

LineResult LineEditor::read(const std::string& prompt, std::string& line) {
  state_->prompt = prompt;
  *state_->interrupted = false;
  el_resize(state_->editor);
  // Before the prompt is printed, so that the editor also reads input sent immediately after it.
  el_set(state_->editor, EL_PREP_TERM, 1);
  if (ioctl(STDIN_FILENO, FIONREAD, &state_->typed_ahead) != 0) state_->typed_ahead = 0;
  int length = 0;
  const char* text = el_gets(state_->editor, &length);
  if (state_->interrupted->exchange(false)) {
    el_reset(state_->editor);
    std::fputs("^C\n", stdout);
    std::fflush(stdout);
    return LineResult::kInterrupted;
  }
  if (text == nullptr || length <= 0) return LineResult::kEnd;
  line.assign(text, static_cast<size_t>(length));
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  return LineResult::kLine;
}

bool LineEditor::has_input() const {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return poll(&input, 1, 0) == 1;
}

void LineEditor::remember(const std::string& query) {
  // On a single line, a comment would swallow the rest of the query.
  std::string line = query;
  if (line.find('#') == std::string::npos) std::ranges::replace(line, '\n', ' ');
  HistEvent event;
  history(state_->history, &event, H_ENTER, line.c_str());
  if (state_->history_path.empty()) return;
  // Other users must not read the queries; libedit would create the file with the default mode.
  const int file = open(state_->history_path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return;
  fchmod(file, 0600);
  close(file);
  history(state_->history, &event, H_SAVE, state_->history_path.c_str());
}

std::string default_history_path() {
  namespace fs = std::filesystem;
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  fs::path folder;
  if (state != nullptr && *state == '/') {
    folder = state;
  } else if (home != nullptr && *home == '/') {
    folder = fs::path(home) / ".local" / "state";
  } else {
    return "";
  }
  folder /= "tocsin";
  std::error_code error;
  if (fs::create_directories(folder, error)) {
    fs::permissions(folder, fs::perms::owner_all, error);
  }
  return error ? "" : (folder / "history").string();
}

}  // namespace tocsin
