#include "count.hpp"

#include <string>

std::size_t count_words(std::istream& text) {
  std::size_t count = 0;
  for (std::string word; text >> word;) ++count;
  return count;
}
