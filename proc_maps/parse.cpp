// SPDX-License-Identifier: Apache-2.0
#include "proc_maps/parse.hpp"

#include <limits>
#include <optional>

#include "proc_maps/cursor.hpp"
#include "proc_maps/layout.hpp"

namespace rcuvm::proc_maps {
namespace {

std::unexpected<parse_error> fail_at(const cursor& where, std::string_view reason) {
  return std::unexpected{parse_error{.line = 1, .column = where.column(), .reason = reason}};
}

std::optional<permissions> take_permissions(cursor& from) {
  cursor ahead = from;
  permissions found;
  const auto letter = [&](char set, permission meaning) {
    if (ahead.take(set)) {
      found = found.with(meaning);
      return true;
    }
    return ahead.take('-');
  };
  if (!letter('r', permission::read) || !letter('w', permission::write) ||
      !letter('x', permission::execute)) {
    return std::nullopt;
  }
  if (ahead.take('s')) {
    found = found.with(permission::shared);
  } else if (!ahead.take('p')) {
    return std::nullopt;
  }
  from = ahead;
  return found;
}

/// Device numbers have 12 and 20 bits, written with two digits or more.
std::optional<std::uint32_t> take_device_part(cursor& from) {
  cursor ahead = from;
  const auto value = ahead.take_hex(2);
  if (!value || *value > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  from = ahead;
  return static_cast<std::uint32_t>(*value);
}

/// What follows "inode ". The padding ends where the kernel ends it, so that a name may begin with a space;
/// text padded in another way is taken from its first other byte.
std::string_view find_name(std::string_view line, cursor after_inode) {
  if (after_inode.is_at_end()) return {};
  const std::size_t fields = after_inode.column() - 1;
  const std::size_t begin = fields < name_column ? name_column : fields + 1;
  if (line.size() >= begin &&
      line.substr(fields, begin - fields).find_first_not_of(' ') == std::string_view::npos) {
    return line.substr(begin);
  }
  after_inode.skip_spaces();
  return after_inode.rest();
}

std::string unescape(std::string_view name) {
  std::string raw;
  raw.reserve(name.size());
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t next = name.find(escaped_newline, at);
    raw += name.substr(at, next - at);
    if (next == std::string_view::npos) break;
    raw += '\n';
    at = next + escaped_newline.size();
  }
  return raw;
}

}  // namespace

std::string parse_error::to_text() const {
  return std::to_string(line) + ":" + std::to_string(column) + ": " + std::string{reason};
}

std::expected<entry, parse_error> parse_line(std::string_view line) {
  cursor at{line};
  entry made;

  const auto start = at.take_hex(8);
  if (!start) return fail_at(at, "no start address of 8 to 16 hexadecimal digits");
  if (!at.take('-')) return fail_at(at, "no '-' after the start address");
  const auto end = at.take_hex(8);
  if (!end) return fail_at(at, "no end address of 8 to 16 hexadecimal digits");
  if (*end <= *start) return fail_at(at, "the range ends before it starts");
  made.where = {*start, *end};

  if (!at.take(' ')) return fail_at(at, "no space after the range");
  const auto allowed = take_permissions(at);
  if (!allowed) return fail_at(at, "no permissions (rwxp)");
  made.allowed = *allowed;

  if (!at.take(' ')) return fail_at(at, "no space after the permissions");
  const auto offset = at.take_hex(8);
  if (!offset) return fail_at(at, "no offset of 8 to 16 hexadecimal digits");
  made.offset = *offset;

  if (!at.take(' ')) return fail_at(at, "no space after the offset");
  const auto major = take_device_part(at);
  if (!major) return fail_at(at, "no device major number");
  if (!at.take(':')) return fail_at(at, "no ':' in the device");
  const auto minor = take_device_part(at);
  if (!minor) return fail_at(at, "no device minor number");
  made.device_major = *major;
  made.device_minor = *minor;

  if (!at.take(' ')) return fail_at(at, "no space after the device");
  const auto inode = at.take_decimal();
  if (!inode) return fail_at(at, "no inode number that fits 64 bits");
  made.inode = *inode;
  if (!at.take(' ')) return fail_at(at, "no space after the inode");

  made.name = unescape(find_name(line, at));
  return made;
}

std::expected<std::vector<entry>, parse_error> parse(std::string_view text) {
  std::vector<entry> entries;
  for (std::uint64_t line = 1; !text.empty(); ++line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      return std::unexpected{
          parse_error{.line = line, .column = text.size() + 1, .reason = "the text ends inside a line"}};
    }
    auto parsed = parse_line(text.substr(0, end));
    if (!parsed) {
      parsed.error().line = line;
      return std::unexpected{parsed.error()};
    }
    entries.push_back(std::move(*parsed));
    text.remove_prefix(end + 1);
  }
  return entries;
}

}  // namespace rcuvm::proc_maps
