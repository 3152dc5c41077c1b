#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "http/h1_codec.h"
#include "http/head_writer.h"

namespace weir::http {
namespace {

struct Decoded {
  std::string data;
  std::string trailers;
  std::size_t consumed = 0;
  bool done = false;
  std::string error;

  friend bool operator==(const Decoded&, const Decoded&) = default;
};

// Decodes `body`, handed over in pieces of `piece` bytes, each in memory of its own size. What a step leaves over of a
// piece is handed over again with what follows.
Decoded decode(std::string_view body, std::size_t piece = SIZE_MAX) {
  ChunkedDecoder decoder;
  Decoded result;
  for (std::size_t at = 0; at < body.size() && !result.done && result.error.empty();) {
    std::string_view part = body.substr(at, piece);
    std::vector<char> bytes(part.begin(), part.end());
    bytes.shrink_to_fit();
    std::string_view rest(bytes.data(), bytes.size());
    while (!rest.empty() && !result.done && result.error.empty()) {
      ChunkedDecoder::Step step = decoder.next(rest);
      if (step.error != nullptr) {
        result.error = step.error;
        break;
      }
      EXPECT_GT(step.consumed, 0u);
      if (!step.data.empty()) EXPECT_EQ(step.data.end(), rest.begin() + static_cast<std::ptrdiff_t>(step.consumed));
      result.data += step.data;
      result.done = step.done;
      rest.remove_prefix(step.consumed);
      result.consumed += step.consumed;
      at += step.consumed;
    }
  }
  if (result.done) result.trailers = decoder.trailers();
  return result;
}

// The result, which must not depend on the pieces.
Decoded decode_in_all_pieces(std::string_view body) {
  Decoded whole = decode(body);
  for (std::size_t piece = 1; piece <= body.size() && piece < 40; ++piece) {
    Decoded parts = decode(body, piece);
    if (!whole.error.empty()) {
      EXPECT_EQ(parts.error, whole.error) << body << " in pieces of " << piece;
    } else {
      EXPECT_EQ(parts, whole) << body << " in pieces of " << piece;
    }
  }
  return whole;
}

TEST(ChunkedBody, IsJoinedFromItsChunks) {
  Decoded body = decode_in_all_pieces("5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\nGET / HTTP/1.1");
  EXPECT_EQ(body.data, "hello, world");
  EXPECT_TRUE(body.done);
  EXPECT_EQ(body.consumed, std::string_view("5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n").size());
  EXPECT_EQ(body.trailers, "");
}

TEST(ChunkedBody, MayBeEmpty) {
  EXPECT_TRUE(decode_in_all_pieces("0\r\n\r\n").done);
  EXPECT_TRUE(decode_in_all_pieces("000\r\n\r\n").done);
}

TEST(ChunkedBody, TakesSizesInEitherCaseAndWithLeadingZeros) {
  const std::string data(0x1f, 'x');
  EXPECT_EQ(decode_in_all_pieces("1f\r\n" + data + "\r\n1F\r\n" + data + "\r\n0001f\r\n" + data + "\r\n0\r\n\r\n").data,
            data + data + data);
}

TEST(ChunkedBody, MayHoldAnyBytes) {
  std::string data;
  for (int byte = 0; byte < 256; ++byte) data += static_cast<char>(byte);
  EXPECT_EQ(decode_in_all_pieces("100\r\n" + data + "\r\n0\r\n\r\n").data, data);
}

TEST(ChunkedBody, SkipsExtensions) {
  for (const char* extension : {";a", ";a=b", ";a=\"b\"", ";a=\"b;c\\\"d\te\"", ";a;b=c;d=\"\"", " ;a", "\t ; a = b",
                                "; a = \"b\" ;c", ";a=\"\xe9\"", ";a ;b"}) {
    Decoded body = decode_in_all_pieces("1" + std::string(extension) + "\r\nx\r\n0" + extension + "\r\n\r\n");
    EXPECT_TRUE(body.done) << extension << body.error;
    EXPECT_EQ(body.data, "x");
  }
}

TEST(ChunkedBody, IsRefusedWhen) {
  using namespace std::string_literals;
  const std::pair<const char*, std::string> cases[] = {
      {"the size is missing", "\r\nx\r\n"},
      {"the size is missing before an extension", ";a\r\n"},
      {"the size has a prefix", "0x1\r\nx\r\n"},
      {"the size has a sign", "+1\r\nx\r\n"},
      {"the size is negative", "-1\r\n"},
      {"the size begins with a space", " 1\r\nx\r\n"},
      {"the size ends with a space", "1 \r\nx\r\n"},
      {"the size holds a letter that is no digit", "1g\r\n"},
      {"the size holds an underscore", "1_0\r\n"},
      {"the size is 2^63", "8000000000000000\r\n"},
      {"the size is 2^64", "10000000000000000\r\n"},
      {"the size is 2^64 + 1", "10000000000000001\r\nx"},
      {"the size is not ASCII", "\xb2\r\n"},
      {"the size is followed by NUL", "1\0\r\nx\r\n"s},
      {"a bare LF ends the size", "1\nx\r\n"},
      {"a bare CR ends the size", "1\rx\r\n"},
      {"two CR end the size", "1\r\r\nx\r\n"},
      {"the extension has no name", "1;\r\nx\r\n"},
      {"the extension has only a value", "1;=b\r\nx\r\n"},
      {"the extension has an empty value", "1;a=\r\nx\r\n"},
      {"the extension holds a bare LF", "1;a\nx\r\n"},
      {"the extension holds a bare CR", "1;a\rb\r\nx\r\n"},
      {"the extension holds NUL", "1;a\0\r\nx\r\n"s},
      {"a string of the extension holds a bare LF", "1;a=\"\n\"\r\nx\r\n"},
      {"a string of the extension holds CRLF", "1;a=\"\r\n\"\r\nx\r\n"},
      {"a string of the extension is not closed", "1;a=\"b\r\nx\r\n"},
      {"a string is followed by a token", "1;a=\"b\"c\r\nx\r\n"},
      {"the extension is not separated", "1 a\r\nx\r\n"},
      {"the extension ends with a space", "1;a \r\nx\r\n"},
      {"the chunk is longer than its size", "1\r\nxy\r\n0\r\n\r\n"},
      {"the chunk is not ended", "1\r\nx0\r\n\r\n"},
      {"a bare LF ends the chunk", "1\r\nx\n0\r\n\r\n"},
      {"a bare CR ends the chunk", "1\r\nx\r0\r\n\r\n"},
      {"a trailer is folded", "0\r\nA: b\r\n c\r\n\r\n"},
      {"the first trailer begins with a space", "0\r\n A: b\r\n\r\n"},
      {"a trailer has no colon", "0\r\nA\r\n\r\n"},
      {"a trailer has a space before the colon", "0\r\nA : b\r\n\r\n"},
      {"a trailer has a bare LF", "0\r\nA: b\nC: d\r\n\r\n"},
      {"a bare LF ends the trailers", "0\r\n\n"},
      {"a bare CR ends the trailers", "0\r\n\rX"},
      {"a trailer holds a control byte", "0\r\nA: \x01\r\n\r\n"},
  };
  for (const auto& [name, body] : cases) {
    Decoded result = decode_in_all_pieces(body);
    EXPECT_FALSE(result.done) << name;
    EXPECT_NE(result.error, "") << name;
  }
}

TEST(ChunkedBody, TakesTheLargestSizeThatCountsAsSigned) {
  ChunkedDecoder decoder;
  ChunkedDecoder::Step step = decoder.next("7fffffffffffffff\r\nabc");
  EXPECT_EQ(step.error, nullptr);
  EXPECT_EQ(step.data, "abc");
}

TEST(ChunkedBody, KeepsItsTrailers) {
  Decoded body = decode_in_all_pieces("1\r\nx\r\n0\r\nA: 1\r\nchecksum:  abc \r\n\r\nrest");
  EXPECT_TRUE(body.done);
  EXPECT_EQ(body.trailers, "A: 1\r\nchecksum:  abc \r\n");
  EXPECT_EQ(body.consumed, std::string_view("1\r\nx\r\n0\r\nA: 1\r\nchecksum:  abc \r\n\r\n").size());
}

TEST(ChunkedBody, GivesItsTrailersAsFields) {
  ChunkedDecoder decoder;
  ASSERT_TRUE(decoder.next("0\r\nA: 1\r\nchecksum:  abc \r\n\r\n").done);
  EXPECT_TRUE(decoder.done());
  HeaderMap fields;
  decoder.trailer_fields(fields);
  ASSERT_EQ(fields.size(), 2u);
  EXPECT_EQ(fields.find("checksum")->value, "abc");
}

TEST(ChunkedBody, LimitsItsTrailers) {
  auto with_trailer_bytes = [](std::size_t bytes) {  // of the section with the empty line
    return "0\r\nA: " + std::string(bytes - 7, 'a') + "\r\n\r\n";
  };
  EXPECT_TRUE(decode(with_trailer_bytes(ChunkedDecoder::kMaxTrailerBytes)).done);
  EXPECT_NE(decode(with_trailer_bytes(ChunkedDecoder::kMaxTrailerBytes + 1)).error, "");
  std::string fields;
  for (std::size_t i = 0; i < ChunkedDecoder::kMaxTrailerFields; ++i) fields += "A: b\r\n";
  EXPECT_TRUE(decode("0\r\n" + fields + "\r\n").done);
  EXPECT_NE(decode("0\r\n" + fields + "A: b\r\n\r\n").error, "");
}

TEST(ChunkedBody, LimitsASizeLine) {
  auto with_line_bytes = [](std::size_t bytes) { return "1;" + std::string(bytes - 4, 'a') + "\r\nx\r\n0\r\n\r\n"; };
  EXPECT_TRUE(decode(with_line_bytes(ChunkedDecoder::kMaxSizeLineBytes)).done);
  EXPECT_NE(decode(with_line_bytes(ChunkedDecoder::kMaxSizeLineBytes + 1)).error, "");
  EXPECT_NE(decode(std::string(ChunkedDecoder::kMaxSizeLineBytes + 1, '0')).error, "") << "leading zeros";
}

TEST(ChunkedBody, MayNotConsistOfExtensions) {
  std::string body;
  for (int i = 0; i < 100; ++i) body += "1;" + std::string(1000, 'a') + "\r\nx\r\n";
  EXPECT_NE(decode(body).error, "");
  std::string honest;
  for (int i = 0; i < 100; ++i) honest += "800;" + std::string(1000, 'a') + "\r\n" + std::string(2048, 'x') + "\r\n";
  EXPECT_TRUE(decode(honest + "0\r\n\r\n").done) << "signatures of large chunks are fine";
}

TEST(ChunkedBody, NeedsMoreInputUntilItIsDone) {
  ChunkedDecoder decoder;
  EXPECT_EQ(decoder.next("").consumed, 0u);
  EXPECT_EQ(decoder.next("5\r\nhel").data, "hel");
  EXPECT_EQ(decoder.next("").consumed, 0u);
  EXPECT_FALSE(decoder.done());
}

TEST(ChunkedBody, ConsumesNothingBehindItsEnd) {
  ChunkedDecoder decoder;
  ChunkedDecoder::Step last = decoder.next("0\r\n\r\nGET /");
  EXPECT_TRUE(last.done);
  EXPECT_EQ(last.consumed, 5u);
  ChunkedDecoder::Step more = decoder.next("GET /");
  EXPECT_TRUE(more.done);
  EXPECT_EQ(more.consumed, 0u);
}

TEST(ChunkedBody, StaysRefused) {
  ChunkedDecoder decoder;
  const char* error = decoder.next("x").error;
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(decoder.next("0\r\n\r\n").error, error);
  decoder.reset();
  EXPECT_TRUE(decoder.next("0\r\n\r\n").done);
}

TEST(ChunkedBody, ReadsWhatTheChunkWriterWrites) {
  std::string body;
  std::string data;
  for (std::size_t size : {1u, 15u, 16u, 255u, 4096u, 70000u}) {
    char header[kChunkHeaderBytes];
    body.append(header, write_chunk_header(header, size)).append(size, 'y').append(kChunkEnd);
    data.append(size, 'y');
  }
  Decoded result = decode(body + std::string(kLastChunkWithoutTrailers));
  EXPECT_TRUE(result.done);
  EXPECT_EQ(result.data, data);
  char header[kChunkHeaderBytes];
  EXPECT_EQ(std::string_view(header, write_chunk_header(header, UINT64_MAX)), "ffffffffffffffff\r\n");
}

}  // namespace
}  // namespace weir::http
