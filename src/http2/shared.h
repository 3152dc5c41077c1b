// The common property of all HTTP/2 connections of a worker: nghttp2's options, and scratch memory.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <nghttp2/nghttp2.h>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace weir::http2 {

// Fields to be sent: borrowed views, copied when they are submitted. Names may be in upper case; they go out in lower.
class FieldList {
 public:
  enum class Indexing : std::uint8_t {
    allowed,
    never,  // differs each time, or is a secret (RFC 7541 7.1.3): not into the table of either side
  };
  void clear() { fields_.clear(), bytes_ = 0; }
  // Bytes of all names and values.
  std::size_t bytes() const { return bytes_; }
  void add(std::string_view name, std::string_view value, Indexing indexing = Indexing::allowed);
  void add(const http::HeaderField& field) {
    add(field.name, field.value, field.never_indexed ? Indexing::never : Indexing::allowed);
  }
  // ":status".
  void status(std::uint16_t status);
  const nghttp2_nv* data() const { return fields_.data(); }
  std::size_t size() const { return fields_.size(); }

 private:
  std::vector<nghttp2_nv> fields_;
  std::size_t bytes_ = 0;
  std::array<char, 3> status_{};
};

// One worker's; outlives its connections.
class Shared {
 public:
  Shared();
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  const nghttp2_option* server_options() const { return server_options_.get(); }
  const nghttp2_option* client_options() const { return client_options_.get(); }
  // Cleared, for one message's fields.
  FieldList& fields() {
    fields_.clear();
    return fields_;
  }

 private:
  struct Free {
    void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
  };
  std::unique_ptr<nghttp2_option, Free> server_options_;
  std::unique_ptr<nghttp2_option, Free> client_options_;
  FieldList fields_;
};

}  // namespace weir::http2
