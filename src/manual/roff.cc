#include "manual/roff.h"

#include <algorithm>

namespace shmconf::manual {
namespace {

// Without these, a minus becomes a hyphen and a quote a curly one, and neither can be pasted into a shell.
std::string_view escape_of(char byte) {
  switch (byte) {
    case '\\': return "\\e";
    case '-': return "\\-";
    case '\'': return "\\(aq";
    case '"': return "\\(dq";
    case '`': return "\\(ga";
    case '^': return "\\(ha";
    case '~': return "\\(ti";
    default: return {};
  }
}

// A name is not to be hyphenated.
bool is_name(std::string_view text) { return text.substr(0, text.find_first_of(" \n")).find_first_of("_/$") != text.npos; }

void append(std::string& page, char byte) {
  const std::string_view escape = escape_of(byte);
  if (escape.empty()) {
    page += byte;
  } else {
    page += escape;
  }
}

// Broken between words. Only the source is nicer for it: the reader's width decides what is shown.
std::string filled(std::string_view markup) {
  constexpr std::size_t kWidth = 80;
  std::string lines;
  std::size_t column = 0;
  while (!markup.empty()) {
    const std::size_t end = std::min(markup.find(' '), markup.size());
    if (column > 0) {
      const bool fits = column + 1 + end <= kWidth;
      lines += fits ? ' ' : '\n';
      column = fits ? column + 1 : 0;
    }
    lines += markup.substr(0, end);
    column += end;
    markup.remove_prefix(std::min(end + 1, markup.size()));
  }
  return lines;
}

}  // namespace

std::string plain(std::string_view text) {
  std::string page;
  bool word_begins = true;  // prose is filled into lines, so any word may be a line's first
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (word_begins && is_name(text.substr(i))) page += "\\%";
    // A dot in front of a line would begin a request.
    if (word_begins && text[i] == '.') page += "\\&";
    append(page, text[i]);
    word_begins = text[i] == '\n' || text[i] == ' ';
  }
  return page;
}

std::string prose(std::string_view text) {
  std::string page;
  while (!text.empty()) {
    const std::size_t open = text.find('`');
    const std::size_t close = open == text.npos ? text.npos : text.find('`', open + 1);
    if (close == text.npos) return filled(page + plain(text));
    page += plain(text.substr(0, open)) + bold(text.substr(open + 1, close - open - 1));
    text.remove_prefix(close + 1);
  }
  return filled(page);
}

std::string bold(std::string_view text) { return "\\fB" + plain(text) + "\\fR"; }

std::string italic(std::string_view text) { return "\\fI" + plain(text) + "\\fR"; }

std::string literal(std::string_view lines) {
  std::string page = ".EX\n" + plain(lines);
  if (!page.ends_with('\n')) page += '\n';
  return page + ".EE\n";
}

std::string title(std::string_view name, int section, const Edition& edition) {
  return ".\\\" Made from the tables of the program and its reference of settings when it is built.\n.TH " +
         plain(name) + " " + std::to_string(section) + " " + edition.date + " \"shmconf " + edition.version +
         "\" \"shmconf\"\n.ad l\n";
}

}  // namespace shmconf::manual
