"""Read files below a directory without leaving it through symbolic links.

A daemon may also write into the user's directories: an export could replace a directory with a
symbolic link while the directory is being read.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from llb.client.session.path_root import Root, TreeReader
else:
    from llb.client.session.descriptor_root import Root, TreeReader

__all__ = ["Root", "TreeReader"]
