#pragma once
#include <istream>

// Count the words of a text.
std::size_t count_words(std::istream& text);
