// The body of one HTTP/1 message as it comes in, piece by piece, whatever its framing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/free_list.h"
#include "http/h1_codec.h"
#include "http/message.h"
#include "net/task.h"
#include "net/tcp.h"

namespace weir::http {

// A run of body bytes, valid until the reader is next asked. `last`: nothing follows; data may be empty then.
struct BodyPiece {
  std::string_view data;
  bool last = false;
};

// Reads what belongs to one message and nothing of the next, apart from what was read together with it. One at a time;
// errors are Error{protocol} for broken chunked coding, {closed} when the peer ends too early, and those of reading.
class H1BodyReader {
 public:
  // `already_read`: the bytes that came behind the head; they must stay where they are until they are used up.
  void start(const BodyFraming& framing, std::string_view already_read);

  // Was the last piece given out?
  bool finished() const { return finished_; }
  // The next piece out of the bytes already read, or nothing when more must be read first.
  base::Result<std::optional<BodyPiece>> buffered();
  // The next piece, reading into `buffer` (which must not be the one whose bytes are still unused) as needed.
  net::Task<base::Result<BodyPiece>> read(net::TcpStream& stream, base::Buffer& buffer, base::TimePoint deadline);

  // Bytes of a length-delimited body still to be read from the stream when nothing of it is left in memory: what
  // splice() may move. 0 otherwise.
  std::uint64_t unread_length() const;
  // `bytes` of unread_length() were moved without passing here.
  void skip(std::uint64_t bytes);

  // After the last piece: bytes that were read but belong to the next message.
  std::string_view leftover() const { return input_; }
  // After the last piece of a chunked body: its trailer fields, each with CRLF; valid until start().
  std::string_view trailers() const { return decoder_.trailers(); }
  void trailer_fields(HeaderMap& fields) const { decoder_.trailer_fields(fields); }

 private:
  base::Result<std::optional<BodyPiece>> next_chunked();
  ChunkedDecoder::Step take_step();

  BodyFraming::Kind kind_ = BodyFraming::Kind::none;
  bool finished_ = true;
  std::uint64_t remaining_ = 0;  // of Kind::length
  std::string_view input_;       // read, not yet used
  ChunkedDecoder decoder_;
};

}  // namespace weir::http
