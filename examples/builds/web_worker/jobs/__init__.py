"""Jobs: the web service takes them, and the worker does them."""
