"""The syntax of HCL 2: text to expressions and blocks that know their places in the file.

``bodies`` parses files, ``expressions`` and ``templates`` their values, ``json_bodies`` the same
language written as JSON, ``types`` the constraints of variables. Nothing is evaluated here.

Private to :mod:`llb.bake`.
"""
