"""Runs an EDAM file with edalize's Icarus backend. Arguments: the package's folder, its file. Run by test_tools.py."""

import json
import os
import sys

from edalize.edatool import get_edatool

os.chdir(sys.argv[1])
with open(sys.argv[2], encoding="utf-8") as stream:
    edam = json.load(stream)
backend = get_edatool("icarus")(edam=edam, work_root=".")
backend.configure()
backend.build()
backend.run()
