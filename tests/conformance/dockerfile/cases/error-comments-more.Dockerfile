# one
# two

