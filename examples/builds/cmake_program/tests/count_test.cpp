#include <sstream>

#include "count.hpp"

int main() {
  std::istringstream text("one two\nthree");
  return count_words(text) == 3 ? 0 : 1;
}
