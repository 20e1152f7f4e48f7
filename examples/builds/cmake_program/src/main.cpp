#include <iostream>

#include "count.hpp"

int main() { std::cout << count_words(std::cin) << '\n'; }
