// Names and password hashes, as `htpasswd -B` and `mkpasswd` write them.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace weir::filter {

// Immutable, any thread.
class UserFile {
 public:
  // A line "name:hash" for each; empty lines and those that begin with '#' are passed over. Hashes of bcrypt, yescrypt,
  // scrypt, and of SHA-512 and SHA-256 as crypt(5) has them. The error names the line and never a hash.
  static std::expected<UserFile, std::string> parse(std::string_view text);

  // Null: there is no such user.
  const std::string* hash_of(std::string_view name) const;
  // The hash of some user, always the same one for the same name: a name that is none costs as much as one that is.
  const std::string& any_hash(std::string_view name) const;
  std::size_t size() const { return users_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, std::string, Hash, std::equal_to<>> users_;
  std::vector<std::string> all_;  // hashes, for names that are none
};

}  // namespace weir::filter
