// Removing secrets from memory that is about to be given back.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <utility>

namespace weir::base {

// Overwrites the bytes, also where the compiler could prove that nobody reads them again.
inline void cleanse(void* bytes, std::size_t count) { explicit_bzero(bytes, count); }

// The whole of what the text has allocated; it is empty afterwards.
inline void cleanse(std::string& text) {
  text.resize(text.capacity());
  cleanse(text.data(), text.size());
  text.clear();
}

// A shared text that is cleansed when nobody has it any more.
inline std::shared_ptr<const std::string> cleansed_in_the_end(std::string text) {
  return {new std::string(std::move(text)), [](std::string* last) {
            cleanse(*last);
            delete last;
          }};
}

// Cleanses a text at the end of a scope.
class CleanseAtExit {
 public:
  explicit CleanseAtExit(std::string& text) : text_(text) {}
  CleanseAtExit(const CleanseAtExit&) = delete;
  CleanseAtExit& operator=(const CleanseAtExit&) = delete;
  ~CleanseAtExit() { cleanse(text_); }

 private:
  std::string& text_;
};

}  // namespace weir::base
