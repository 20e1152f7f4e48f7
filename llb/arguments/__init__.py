"""Check the arguments of public functions against their annotations.

Private to :mod:`llb`: its functions are decorated with :mod:`llb.arguments.checked`.
"""
