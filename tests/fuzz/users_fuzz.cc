// Users files and Basic credentials: whatever they hold, a file that is taken has users whose hashes it gives, and
// credentials that are taken have a name without a colon and no control bytes. The first byte chooses which it is.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "config/text_rules.h"
#include "filter/basic_credentials.h"
#include "filter/user_file.h"

namespace {

void read_file(std::string_view text) {
  auto file = weir::filter::UserFile::parse(text);
  if (!file) {
    WEIR_ASSERT(!file.error().empty() && !weir::config::has_control_bytes(file.error()));
    return;
  }
  WEIR_ASSERT(file->size() > 0 && !file->any_hash(text).empty());
  WEIR_ASSERT(file->hash_of("no:body") == nullptr);
}

void read_credentials(std::string_view value) {
  weir::http::RequestHead head;
  head.headers.add("authorization", value);
  weir::filter::BasicCredentials said;
  if (!said.read(head)) return;
  WEIR_ASSERT(said.name().find(':') == std::string_view::npos);
  WEIR_ASSERT(!weir::config::has_control_bytes(said.name()) && !weir::config::has_control_bytes(said.password()));
  WEIR_ASSERT(said.name().size() + said.password().size() < value.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  data[0] % 2 == 0 ? read_file(rest) : read_credentials(rest);
  return 0;
}
