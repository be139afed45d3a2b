"""A wrapped core as the packages of other tools: FuseSoC, edalize, Vivado, Quartus, LiteX."""

from .facts import PackageFacts, package_facts
from .files import TOOLS, package_files

__all__ = ["TOOLS", "PackageFacts", "package_facts", "package_files"]
