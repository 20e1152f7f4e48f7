"""Templates as Go's ``text/template`` has them, as far as the options of Docker's programs use them.

Actions, fields, variables, pipelines, ``if``, ``range`` and ``with``, and the functions of Go.
``define``, ``template`` and ``block``, and Go's methods, are refused.

Private to :mod:`llb`.
"""
