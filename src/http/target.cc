#include "http/target.h"

#include "base/text.h"
#include "http/authority.h"
#include "http/chars.h"

namespace weir::http {
namespace {

const char* split_path(std::string_view text, Target& out) {
  const std::size_t mark = text.find('?');
  out.path = text.substr(0, mark);
  if (mark != std::string_view::npos) {
    out.query = text.substr(mark + 1);
    out.has_query = true;
  }
  return check_path(out.path, out.plain_path);
}

const char* split_authority_form(std::string_view target, Target& out) {
  out.form = TargetForm::authority;
  out.authority = target;
  Authority authority;
  if (const char* what = parse_authority(target, authority)) return what;
  if (!authority.has_port || authority.port == 0) return "CONNECT without a port (RFC 9112 3.2.3)";
  return nullptr;
}

const char* split_absolute_form(std::string_view method, std::string_view target, Target& out) {
  out.form = TargetForm::absolute;
  const std::size_t colon = target.find("://");
  if (colon == std::string_view::npos) return "request target is neither a path nor a URL (RFC 9112 3.2)";
  out.scheme = target.substr(0, colon);
  if (!base::equal_ignoring_case(out.scheme, "http") && !base::equal_ignoring_case(out.scheme, "https")) {
    return "scheme of the request target is neither http nor https (RFC 9110 4.2)";
  }
  const std::string_view rest = target.substr(colon + 3);
  const std::size_t end = rest.find_first_of("/?");
  out.authority = rest.substr(0, end);
  Authority authority;
  if (const char* what = parse_authority(out.authority, authority)) return what;
  if (end == std::string_view::npos) {
    out.path = method == "OPTIONS" ? "*" : "/";
    return nullptr;
  }
  if (rest[end] == '/') return split_path(rest.substr(end), out);
  out.path = "/";
  out.query = rest.substr(end + 1);
  out.has_query = true;
  return nullptr;
}

}  // namespace

const char* broken_target_byte(char c) {
  if (c == '#') return "fragment in the request target (RFC 9112 3.2)";
  if (c == ' ') return "space in the request target (RFC 9112 3.2)";
  return static_cast<unsigned char>(c) > 0x7f ? "byte above 0x7f in the request target (RFC 3986 2)"
                                              : "control byte in the request target (RFC 3986 2)";
}

const char* parse_target(std::string_view method, std::string_view target, Target& out) {
  const char* end = target.data() + target.size();
  if (const char* stop = scan_target(target.data(), end); stop != end) return broken_target_byte(*stop);
  return split_target(method, target, out);
}

const char* split_target(std::string_view method, std::string_view target, Target& out) {
  out = {};
  if (target.empty()) return "empty request target (RFC 9112 3.2)";
  if (method == "CONNECT") return split_authority_form(target, out);
  if (target[0] == '/') return split_path(target, out);
  if (target != "*") return split_absolute_form(method, target, out);
  if (method != "OPTIONS") return "'*' as request target of another method than OPTIONS (RFC 9112 3.2.4)";
  out.form = TargetForm::asterisk;
  out.path = target;
  return nullptr;
}

}  // namespace weir::http
