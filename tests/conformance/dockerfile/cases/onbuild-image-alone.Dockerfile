FROM withonbuild
