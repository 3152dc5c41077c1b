#include "http2/shared.h"

namespace weir::http2 {
namespace {

// Acknowledgements that wait to be sent: a peer that asks for them and does not read gets no further.
constexpr std::size_t kMaxOutboundAcks = 256;
// Frames of one field section behind its first: at 16 KB each, more than any limit on a head.
constexpr std::size_t kMaxContinuations = 8;
constexpr std::size_t kMaxSettingsEntries = 32;
// Headers to be sent are bounded before they come to nghttp2, which adds some bytes a field to its estimate.
constexpr std::size_t kMaxSentBlockBytes = 256 * 1024;

nghttp2_nv field_of(std::string_view name, std::string_view value, std::uint8_t flags) {
  return {.name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          .value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())),
          .namelen = name.size(),
          .valuelen = value.size(),
          .flags = flags};
}

nghttp2_option* common_options() {
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  // Windows are opened as bodies are used; the checks of RFC 9113 8 are those of fields.h.
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_http_messaging(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_max_outbound_ack(option, kMaxOutboundAcks);
  nghttp2_option_set_max_settings(option, kMaxSettingsEntries);
  nghttp2_option_set_max_continuations(option, kMaxContinuations);
  nghttp2_option_set_max_send_header_block_length(option, kMaxSentBlockBytes);
  return option;
}

}  // namespace

void FieldList::add(std::string_view name, std::string_view value, Indexing indexing) {
  bytes_ += name.size() + value.size();
  fields_.push_back(field_of(name, value, indexing == Indexing::never ? NGHTTP2_NV_FLAG_NO_INDEX : 0));
}

void FieldList::status(std::uint16_t status) {
  status_ = {static_cast<char>('0' + status / 100), static_cast<char>('0' + status / 10 % 10),
             static_cast<char>('0' + status % 10)};
  add(":status", {status_.data(), status_.size()});
}

Shared::Shared() {
  server_options_.reset(common_options());
  client_options_.reset(common_options());
  // Until the server's SETTINGS say more.
  nghttp2_option_set_peer_max_concurrent_streams(client_options_.get(), 100);
}

}  // namespace weir::http2
